"""``sandbox(data=…)``: files outside git that candidate code is shown, and that a run is about."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from pytest_autoresearch import datasets
from pytest_autoresearch.datasets import Door
from pytest_autoresearch.exceptions import HarnessFault, UsageProblem
from pytest_autoresearch.frozen import Frozen
from pytest_autoresearch.records import Limits, Objective
from pytest_autoresearch.testing import MODEL, TEST, Project, Result

Run = Callable[..., pytest.RunResult]
N = "--autoresearch-experiments"
MARKED = TEST.replace("@pytest.mark.timeout", "MARK\n@pytest.mark.timeout")
READS = MODEL.replace("def fit(X, y, *, seed):", "def fit(X, y, *, seed, plan):").replace(
    "    rng =", '    assert (plan / "deep" / "a.txt").read_text() == "seven"\n    rng ='
)


def marked(marker: str) -> str:
    return MARKED.replace("MARK", f"@pytest.mark.sandbox({marker})")


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data, `$PLANS/plan`."""
    folder = tmp_path / "plans" / "plan"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_text("seven")
    monkeypatch.setenv("PLANS", str(folder.parent))
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def project(tmp_path: Path, plan: Path) -> Project:
    assert plan.is_dir()
    files = {"test_line.py": marked('data={"plan": "$PLANS/plan"}'), "model.py": READS}
    made = Project(tmp_path / "p", files)
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    return made


def header(result: Result) -> dict[str, object]:
    return dict(result.lines[0])


def test_a_search_and_plain_pytest_hand_it_to_who_declares_it(
    project: Project, run: Run, plan: Path
) -> None:
    run(project).assert_outcomes(passed=1)
    result = project.search(N, "0")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"data plan: {plan}, 1 file, 5 bytes" in result.stdout
    data = header(result)["data"]
    assert isinstance(data, dict)
    assert len(data["plan"]) == 64


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("unset", "the environment variable PLANS is not set"),
        ("elsewhere", "there is no /nowhere/plan: correct the path"),
        ("relative", "here/plan is relative"),
    ],
)
def test_a_path_that_leads_nowhere_ends_a_search_and_fails_a_plain_test(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch, change: str, words: str
) -> None:
    value = {"unset": "", "elsewhere": "/nowhere", "relative": "here"}[change]
    monkeypatch.setenv("PLANS", value)
    for result, code in ((run(project), 1), (run(project, *project.command()[3:]), 4)):
        assert result.ret == code
        text = result.stdout.str() + result.stderr.str()
        assert (
            f"test_line.py::test_line: sandbox marker, data={{'plan': '$PLANS/plan'}}: {words}"
            in text
        )
    assert not (project.folder / ".autoresearch").exists()


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ('data={"plan": "plans/plan"}', "the path is relative: write an absolute one"),
        ('data={"seed": "/tmp"}', "choose a name that an argument can have"),
        ('data={"a b": "/tmp"}', "choose a name that an argument can have"),
    ],
)
def test_what_the_marker_alone_shows_to_be_wrong_is_a_usage_error(
    run: Run, tmp_path: Path, marker: str, words: str
) -> None:
    project = Project(tmp_path / "p", {"test_line.py": marked(marker)})
    for result in (run(project), run(project, *project.command()[3:])):
        assert result.ret == 4
        assert "test_line.py::test_line: sandbox(" in result.stderr.str()
        assert words in result.stderr.str()


def test_a_socket_and_a_dangling_link_are_refused_by_name(project: Project, plan: Path) -> None:
    os.mkfifo(plan / "pipe")
    result = project.search(N, "0")
    assert result.returncode == 4
    assert f"{plan}/pipe is neither a file nor a folder" in result.stderr
    (plan / "pipe").unlink()
    (plan / "link").symlink_to("nothing")
    result = project.search(N, "0")
    assert result.returncode == 4
    assert f"{plan}/link is a link that leads nowhere" in result.stderr


def test_a_run_goes_on_with_equal_data_wherever_they_lie_and_with_no_others(
    project: Project, plan: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert project.search(N, "0").returncode == 0
    (plan / "deep" / "b.txt").write_text("more")
    result = project.search(N, "1")
    assert result.returncode == 4
    assert f"data 'plan' at {plan} is not what the run began with; put the old data back" in (
        result.stderr
    )
    assert "or start a new run with --autoresearch-run line-new" in result.stderr
    (plan / "deep" / "b.txt").unlink()
    (tmp_path / "other").mkdir()
    plan.rename(tmp_path / "other" / "plan")
    monkeypatch.setenv("PLANS", str(tmp_path / "other"))
    result = project.search(N, "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "goes on with run" in result.stdout


def test_env_reaches_the_candidate_and_a_run_never_changes_it(tmp_path: Path) -> None:
    source = marked('env={"A": os.environ["HUE"]}').replace(
        "import pytest", "import os\nimport pytest"
    )
    check = "    import os\n    assert os.environ['A'] == 'red'\n    rng ="
    project = Project(
        tmp_path / "p", {"test_line.py": source, "model.py": MODEL.replace("    rng =", check)}
    )
    project.replace("OFFSET = 0.5", "OFFSET = -9.0")
    first = project.search(N, "0", env={"HUE": "red"})
    assert first.returncode == 0, first.stdout + first.stderr
    second = project.search(N, "1", env={"HUE": "blue"})
    assert second.returncode == 4
    assert "env of the sandbox marker has changed: A; set it back, or start a new" in second.stderr
    assert "blue" not in second.stderr, "a value may be secret"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (Limits(memory=1 << 30), "memory of the sandbox marker was 8 GiB, is 1 GiB"),
        (Limits(scratch=5), "scratch of the sandbox marker was 256 MiB, is 5:"),
        (Limits(gpu=1), "gpu of the sandbox marker was 0, is 1"),
        (Limits(processes=True), "processes of the sandbox marker was False, is True"),
    ],
)
def test_a_run_goes_on_in_the_world_that_it_began_in(now: Limits, words: str) -> None:
    then = Objective("line", "t.py::test_line", "t.py", "rmse", "minimize", ("model.py",))
    header = json.loads(json.dumps({"objective": asdict(then), "data": {}}))
    datasets.require_same("r", header, then, [])
    with pytest.raises(UsageProblem, match=words):
        datasets.require_same("r", header, replace(then, limits=now), [])


def test_data_that_change_during_a_search_pause_it(
    project: Project, run: Run, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = project.files["model.py"]
    writes = source.replace("    rng =", f"    open({str(plan / 'new')!r}, 'w').close()\n    rng =")
    worse = writes.replace("OFFSET = 0.5", "OFFSET = -9.0")
    project.add_patch(project.diff("model.py", source, worse), "writes")
    project.replace("OFFSET = 0.5", "OFFSET = -8.0", description="worse")
    waited: list[list[str]] = []

    def restore(_: Frozen, changed: list[str], since: float) -> None:
        assert since > 0
        waited.append(changed)
        (plan / "new").unlink()

    monkeypatch.setattr(Frozen, "wait", restore)
    monkeypatch.setattr(datasets, "PERIOD", 0.0)
    monkeypatch.setattr(datasets, "SHARE", 0.0)
    assert run(project, *project.command()[3:]).ret == 0
    assert waited == [[str(plan)]]


def test_a_file_that_is_only_touched_pauses_nothing_and_is_looked_at_now_and_then(
    plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door("plan", str(plan))
    assert not door.changed
    (plan / "deep" / "a.txt").write_text("eight")
    assert not door.changed, "the last look was just now"
    monkeypatch.setattr(door, "_next", 0.0)
    assert door.changed
    (plan / "deep" / "a.txt").write_text("seven")
    os.utime(plan / "deep" / "a.txt", (1.0, 1.0))
    monkeypatch.setattr(door, "_next", 0.0)
    assert not door.changed


def test_data_that_stay_changed_end_the_search_with_what_to_do(tmp_path: Path, plan: Path) -> None:
    frozen = Frozen(tmp_path, [], patience=0.0, doors=[Door("plan", str(plan))])
    (plan / "deep" / "a.txt").unlink()
    changed = frozen.changed
    with pytest.raises(HarnessFault, match=r"data changed while they were in use: .*/plan\. Put"):
        frozen.wait(changed, 0.0)
