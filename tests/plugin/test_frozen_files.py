"""Frozen means frozen: everything that the evaluation runs and reads is watched, and compared at resume."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.frozen import packages
from pytest_autoresearch.records import Status
from pytest_autoresearch.testing import CONFTEST, MODEL, TEST, Project, Result

Run = Callable[..., pytest.RunResult]
N = "--autoresearch-experiments"
RUN = "--autoresearch-run", "r"

HELPED = TEST.replace("import pytest\n", "import pytest\n\nfrom scoring import rmse\n", 1).replace(
    "experiment.score(float(np.sqrt(np.mean(error**2))))", "experiment.score(rmse(error))"
)
HELPER = (
    "from deep.sums import mean\n\n\ndef rmse(error):\n    return float(mean(error**2)) ** 0.5\n"
)
DEEP = {"deep/__init__.py": "", "deep/sums.py": "def mean(x):\n    return x.mean()\n"}
READS = CONFTEST.replace(
    "        rng = np.random.default_rng(0)\n",
    "        import pathlib\n"
    "        SHIFT = float(pathlib.Path('shift.txt').read_text())\n"
    "        rng = np.random.default_rng(0)\n",
)


def line_of(result: Result, kind: str) -> dict[str, Any]:
    """The last line of a kind."""
    return dict([line for line in result.lines if line["kind"] == kind][-1])


def good(result: Result) -> Result:
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def refused(result: Result, *words: str) -> None:
    assert result.returncode == 4, result.stdout + result.stderr
    for one in words:
        assert one in result.stderr


@pytest.fixture
def helped(tmp_path: Path) -> Project:
    """A project whose test takes its metric from two files of the repository."""
    files = {"test_line.py": HELPED, "scoring.py": HELPER, **DEEP, "other.py": "X = 1\n"}
    made = Project(tmp_path / "p", files)
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    return made


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose fixture reads a small file that git ignores; the cache folder is a new one."""
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path / "cache"))
    made = Project(tmp_path / "p", {"conftest.py": READS, ".gitignore": "shift.txt\n"})
    (made.folder / "shift.txt").write_text("0.0")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    return made


# What the test imports


def test_what_the_test_imports_is_in_the_journal_and_no_other_file_is(helped: Project) -> None:
    frozen = good(helped.search(N, "0")).lines[0]["frozen"]
    assert isinstance(frozen, dict)
    wanted = {"conftest.py", "test_line.py", "scoring.py", "deep/__init__.py", "deep/sums.py"}
    assert frozen.keys() == wanted


def test_a_run_does_not_go_on_when_a_file_that_the_test_imports_has_changed(
    helped: Project,
) -> None:
    good(helped.search(*RUN, N, "0"))
    sums = helped.folder / "deep/sums.py"
    before = sums.read_text()
    sums.write_text(before + "# changed\n")
    refused(helped.search(N, "1"), "uncommitted changes in deep/sums.py")
    helped.commit("a change")
    changed = helped.search(N, "1", *RUN)
    refused(changed, "the evaluation has changed since it started: deep/sums.py", "git checkout")
    assert "or start a new run with --autoresearch-run line-new" in changed.stderr
    sums.write_text(before)
    helped.commit("restored")
    again = good(helped.search(N, "1", *RUN))
    assert "goes on with run" in again.stdout


def test_a_file_that_the_test_imports_pauses_the_search_when_it_changes(tmp_path: Path) -> None:
    meddling = CONFTEST + MEDDLING
    project = Project(tmp_path / "p", {"conftest.py": meddling, "test_line.py": HELPED, "scoring.py": HELPER, **DEEP})  # fmt: skip
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    result = good(project.search("-o", "autoresearch_heartbeat=0.1"))
    assert "paused: scoring.py changed, restore it" in result.stdout


MEDDLING = """

@pytest.fixture(autouse=True)
def meddle(request):
    yield
    if request.node.name.endswith("[0000-calibration]"):
        import threading
        path = request.path.parent / "scoring.py"
        text = path.read_text()
        path.write_text(text + "# changed\\n")
        threading.Timer(1.5, path.write_text, [text]).start()
"""


def test_plain_pytest_does_not_compare_across_a_changed_metric(helped: Project) -> None:
    good(helped.search(N, "0"))
    assert "deep/sums.py" in (helped.folder / "line.champion.json").read_text()
    helper = helped.folder / "deep/sums.py"
    helper.write_text(helper.read_text() + "# changed\n")
    assert "the evaluation has changed (deep/sums.py)" in helped.pytest("-rs").stdout


def test_an_ignored_file_that_the_test_imports_need_not_be_committed(tmp_path: Path) -> None:
    files = {"test_line.py": HELPED, "scoring.py": HELPER, ".gitignore": "deep/\n"}
    project = Project(tmp_path / "p", files)
    project.replace("OFFSET = 0.5", "OFFSET = -9.0")
    for path, text in DEEP.items():
        (project.folder / path).parent.mkdir(exist_ok=True)
        (project.folder / path).write_text(text)
    frozen = good(project.search(N, "0")).lines[0]["frozen"]
    assert isinstance(frozen, dict)
    assert "deep/sums.py" in frozen
    (project.folder / "deep/sums.py").write_text(DEEP["deep/sums.py"] + "# changed\n")
    refused(project.search(N, "1"), "the evaluation has changed since it started: deep/sums.py")


# What fixtures read


def test_a_file_that_a_fixture_reads_is_in_the_journal(reading: Project) -> None:
    files = line_of(good(reading.search(N, "0")), "evaluation")["files"]
    assert list(files) == ["shift.txt"]
    assert len(files["shift.txt"]) == 64


def test_a_run_does_not_go_on_when_a_file_that_a_fixture_read_has_changed(
    reading: Project,
) -> None:
    good(reading.search(N, "0"))
    shift = reading.folder / "shift.txt"
    shift.write_text("1.0")
    changed = reading.search(N, "1")
    refused(changed, "files that the evaluation reads have changed since it started: shift.txt")
    assert "put them back as they were, or start a new run with --autoresearch-run" in (
        changed.stderr
    )
    shift.write_text("0.0")
    assert "goes on with run" in good(reading.search(N, "1")).stdout


def test_a_file_that_a_fixture_read_pauses_the_search_when_it_changes(
    reading: Project, tmp_path: Path
) -> None:
    source = MODEL.replace("    rng =", f"    leave({str(reading.folder)!r})\n    rng =")
    source += (
        "\n\ndef leave(folder):\n    import threading, pathlib\n"
        "    if OFFSET == -9.0:\n        pathlib.Path(folder, 'shift.txt').write_text('2.0')\n"
    )
    (reading.folder / "model.py").write_text(source)
    (reading.folder / "conftest.py").write_text(READS + RESTORING)
    reading.files["model.py"] = source
    reading.commit("a model that writes")
    for path in reading.patches.iterdir():
        path.unlink()
    reading.replace("OFFSET = 0.5", "OFFSET = -9.0")
    reading.replace("OFFSET = 0.5", "OFFSET = -8.0")
    result = good(reading.search("-o", "autoresearch_heartbeat=0.1"))
    assert "paused: shift.txt changed, restore it" in result.stdout
    assert len(result.experiments) == 2


RESTORING = """

@pytest.fixture(autouse=True)
def restore(request):
    yield
    if request.node.name.endswith("[0001]"):
        import pathlib, threading
        threading.Timer(1.5, pathlib.Path("shift.txt").write_text, ["0.0"]).start()
"""


def test_what_a_fixture_writes_and_reads_is_not_watched(tmp_path: Path) -> None:
    writing = READS.replace(
        "        SHIFT =", "        pathlib.Path('shift.txt').write_text('0.0')\n        SHIFT ="
    )
    project = Project(tmp_path / "p", {"conftest.py": writing, ".gitignore": "shift.txt\n"})
    project.replace("OFFSET = 0.5", "OFFSET = -9.0")
    assert line_of(good(project.search(N, "0")), "evaluation")["files"] == {}


# Versions of packages


def test_a_run_does_not_go_on_with_another_version_of_a_package(
    helped: Project, search: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = good(helped.search(N, "0")).lines[0]["packages"]
    assert isinstance(found, dict)
    assert {"numpy", "pytest", "python", "pluggy"} <= found.keys()
    real = packages._version
    monkeypatch.setattr(packages, "_version", lambda name: "9.9" if name == "numpy" else real(name))
    result = search(helped, N, "1")
    assert result.ret == 4
    shown = result.stderr.str()
    assert f"have changed since it started: numpy 9.9 (was {found['numpy']});" in shown
    assert f"pip install numpy=={found['numpy']}`, or start a new run with" in shown


# Data without a file


DOWNLOADS = CONFTEST.replace(
    "        rng = np.random.default_rng(0)\n",
    "        import os\n        rng = np.random.default_rng(int(os.environ['DAY']))\n",
)


@pytest.fixture
def downloading(tmp_path: Path) -> Project:
    """A project whose fixture makes another table on another day, and patches that are worse."""
    made = Project(tmp_path / "p", {"conftest.py": DOWNLOADS})
    for offset in ("-9.0", "-8.0", "-7.0"):
        made.replace("OFFSET = 0.5", f"OFFSET = {offset}")
    return made


def test_another_table_is_noticed_when_it_is_first_handed_over_and_nothing_is_lost(
    downloading: Project,
) -> None:
    good(downloading.search(*RUN, N, "1", env={"DAY": "1"}))
    second = downloading.search(*RUN, N, "2", env={"DAY": "2"})
    assert second.returncode == 1, second.stdout + second.stderr
    assert (
        "exit 1: the data that the frozen test hands to fit are not those that the run began with "
        "(call 1 on split 0)" in second.stdout
    )
    assert second.experiments[-1].status is Status.INTERRUPTED
    assert second.experiments[-1].passes == ()
    third = good(downloading.search(*RUN, N, "2", env={"DAY": "1"}))
    assert [record.item for record in third.experiments] == ["0001", "0002", "0002"]
    assert third.experiments[-1].status is Status.DISCARD


def test_another_table_is_noticed_in_the_second_evaluation_of_a_run(
    downloading: Project,
) -> None:
    stop = "(path.parent / '.autoresearch' / 'r' / 'STOP').touch()"
    text = (downloading.folder / "conftest.py").read_text()
    stopping = text + STOPPING.replace("STOP", stop)
    (downloading.folder / "conftest.py").write_text(stopping)
    downloading.commit("stops after the baseline")
    first = downloading.search(*RUN, env={"DAY": "1"})
    assert [record.item for record in first.records] == ["0000"]
    second = downloading.search(*RUN, env={"DAY": "2"})
    assert second.returncode == 1, second.stdout + second.stderr
    assert "exit 1: the data that the frozen test hands to fit are not those" in second.stdout


STOPPING = """

@pytest.fixture(autouse=True)
def stop(request):
    yield
    if request.node.name.endswith("[0000]"):
        path = request.path
        STOP
"""


def test_data_that_depend_on_the_seed_are_no_other_table(tmp_path: Path) -> None:
    sampled = TEST.replace(
        "candidate.fit(fold.train_X, fold.train_y)",
        "candidate.fit(*sample(fold, experiment.seed))",
    ).replace(
        "\n\n@pytest",
        "\n\ndef sample(fold, seed):\n"
        "    rows = np.random.default_rng(seed).permutation(len(fold.train_y))[:100]\n"
        "    return fold.train_X[rows], fold.train_y[rows]\n\n\n@pytest",
        1,
    )
    project = Project(tmp_path / "p", {"test_line.py": sampled})
    project.replace("OFFSET = 0.5", "OFFSET = -9.0")
    project.replace("OFFSET = 0.5", "OFFSET = -8.0")
    good(project.search(*RUN, N, "1"))
    good(project.search(*RUN, N, "2"))


def test_what_a_candidate_answers_may_be_handed_over_again(tmp_path: Path) -> None:
    stacked = TEST.replace(
        "        error =",
        "        model = candidate.fit(fold.train_X, fold.train_y - model.predict(fold.train_X))\n"
        "        error =",
    )
    project = Project(tmp_path / "p", {"test_line.py": stacked})
    for number in range(4):
        project.replace("OFFSET = 0.5", f"OFFSET = -{number}.0")
    good(project.search(*RUN, N, "3"))
    assert len(good(project.search(*RUN, N, "4")).experiments) == 4


def test_the_journal_of_data_stays_short(downloading: Project) -> None:
    result = good(downloading.search(env={"DAY": "1"}))
    lines = [line for line in result.lines if line["kind"] == "tables"]
    assert 2 <= len(lines) <= 10
    assert all(json.dumps(line).count(os.sep) == 0 for line in lines)
