"""The champion record: written into every kept commit, or beside the test when it is asked for."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.history.champion import Champion
from pytest_autoresearch.records import Status
from pytest_autoresearch.regression import fingerprint
from pytest_autoresearch.testing import MODEL, Project, Result

Run = Callable[..., pytest.RunResult]
RECORD = "line.champion.json"
N = "--autoresearch-experiments"
STALE = '{"schema": 1, "of": "an older champion"}\n'


def git(project: Project, *words: str) -> str:
    who = ["-c", "user.name=A person", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *who, *words], cwd=project.root, check=True, capture_output=True, text=True
    )
    return done.stdout


def lines(project: Project) -> Result:
    return Result(0, "", "", project.folder, project.xml)


def record_in(project: Project, commit: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(git(project, "show", f"{commit}:{RECORD}"))
    return content


def climbing(folder: Path, files: dict[str, str] | None = None) -> Project:
    """A project with a better patch, a bad one, and a better one still."""
    made = Project(folder, files)
    made.replace("SLOPE = 2.0", "SLOPE = 2.6", description="steeper")
    steeper = MODEL.replace("SLOPE = 2.0", "SLOPE = 2.6")
    for slope in ("9.0", "2.9"):
        text = steeper.replace("SLOPE = 2.6", f"SLOPE = {slope}")
        made.add_patch(made.diff("model.py", steeper, text), slope)
    return made


@pytest.mark.parametrize("before", [{}, {RECORD: STALE}], ids=["none before", "one before"])
def test_every_kept_commit_carries_its_own_record_and_no_other_changes_it(
    search: Run, tmp_path: Path, before: dict[str, str]
) -> None:
    project = climbing(tmp_path / "p", before)
    search(project, "--autoresearch-run", "night").assert_outcomes()
    first, bad, second = lines(project).experiments
    assert [one.status.word for one in (first, bad, second)] == ["KEPT", "REJECTED", "KEPT"]
    for kept in (first, second):
        assert record_in(project, kept.commit) == kept.champion_record
        found = Champion.from_json(kept.champion_record)
        assert found.passes == kept.passes
        assert (found.metric, found.direction) == ("rmse", "minimize")
        assert set(found.conditions.files) == {"conftest.py", "test_line.py"}
        assert "numpy" in found.conditions.fingerprint.packages
        assert kept.score is not None
        assert abs(found.score - kept.score) < 0.1
    changed = git(project, "diff", "--name-only", f"{bad.base}", bad.commit).split()
    assert changed == ["model.py"]
    assert bad.champion_record is None
    assert (project.folder / RECORD).exists() == bool(before)
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize("before", [{}, {RECORD: STALE}], ids=["none before", "one before"])
def test_a_patch_that_takes_a_kept_change_back_repeats_the_older_tree(
    search: Run, tmp_path: Path, before: dict[str, str]
) -> None:
    project = climbing(tmp_path / "p", before)
    better = MODEL.replace("SLOPE = 2.0", "SLOPE = 2.9")
    project.add_patch(project.diff("model.py", better, MODEL.replace("2.0", "2.6")))
    project.add_patch(project.diff("model.py", better, MODEL))
    result = search(project)
    result.stdout.fnmatch_lines(
        ["*s0001* SKIPPED (repeats experiment 1)*", "*s0002* SKIPPED (repeats experiment 0)*"]
    )
    evaluated = [one for one in lines(project).records if one.status is not Status.SKIPPED]
    trees = {record.tree for record in evaluated}
    assert len(trees) == 4
    assert not any(RECORD in git(project, "ls-tree", "--name-only", tree) for tree in trees)


def test_zero_experiments_write_it_beside_the_test_and_touch_nothing_else(
    search: Run, project: Project
) -> None:
    result = search(project, N, "0")
    result.stdout.fnmatch_lines(
        [f"champion record written to {RECORD} (rmse 1.0*, noise 0.00*): commit it, *"]
    )
    assert git(project, "status", "--porcelain") == f"?? {RECORD}\n"
    content = (project.folder / RECORD).read_bytes()
    assert content.endswith(b"}\n")
    found = Champion.from_json(json.loads(content))
    measured = [one for record in lines(project).records for one in record.passes]
    assert list(found.passes) == measured
    assert len(measured) == 6
    assert search(project, N, "0").ret == 0
    assert (project.folder / RECORD).read_bytes() == content


def test_a_search_goes_on_beside_an_uncommitted_record(search: Run, project: Project) -> None:
    search(project, N, "0")
    result = search(project, N, "1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*goes on with run*", "*[[]0001[]] KEPT*"])
    assert "0000-calibration" not in result.stdout.str()


def test_what_a_search_keeps_merges_with_a_record_that_was_committed_before(
    search: Run, project: Project
) -> None:
    search(project, N, "0")
    project.commit("the record")
    result = search(project, N, "1")
    result.stdout.fnmatch_lines(["*[[]0001[]] KEPT*"])
    git(project, "merge", "-q", f"autoresearch/{lines(project).lines[0]['name']}")
    assert "SLOPE = 2.9" in (project.folder / "model.py").read_text()


def test_a_record_of_another_commit_is_measured_anew(search: Run, project: Project) -> None:
    search(project, N, "0")
    better = MODEL.replace("SLOPE = 2.0", "SLOPE = 2.5")
    (project.folder / "model.py").write_text(better)
    project.commit("a better model, and the record of the old one")
    result = search(project, N, "0")
    result.stdout.fnmatch_lines(["*new run line-*"])
    found = Champion.from_json(json.loads((project.folder / RECORD).read_text()))
    assert found.score < 0.9


def test_a_run_that_was_measured_on_another_machine_gives_no_record(
    search: Run, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(project, N, "0")
    (project.folder / RECORD).unlink()
    (tmp_path / "cpuinfo").write_text("model name: Another One\n")
    monkeypatch.setattr(fingerprint, "CPU", tmp_path / "cpuinfo")
    result = search(project, N, "0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*no champion record is written: run line-* this is Another One*"])
    assert not (project.folder / RECORD).exists()
    assert search(project, N, "0", "--autoresearch-run", "here").ret == 0
    assert "Another One" in (project.folder / RECORD).read_text()


def test_a_baseline_that_fails_writes_none(search: Run, tmp_path: Path) -> None:
    broken = MODEL.replace("    rng =", "    raise ValueError('no idea')\n    rng =")
    project = Project(tmp_path / "p", {"model.py": broken})
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    assert search(project, N, "0").ret == pytest.ExitCode.TESTS_FAILED
    assert not (project.folder / RECORD).exists()


def test_a_place_that_cannot_be_written_is_a_fault_that_names_it(
    search: Run, project: Project
) -> None:
    (project.folder / RECORD).mkdir()
    (project.folder / RECORD / "file").touch()
    result = search(project, N, "0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*the champion record {RECORD} cannot be written: *"])


def test_a_pipe_in_its_place_is_damage_and_no_test_waits_for_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    os.mkfifo(project.root / RECORD)
    result = project.pytest(timeout=60)
    assert result.returncode == 1
    assert f"{RECORD} is no champion record any more" in result.stdout


def test_candidates_never_see_it(search: Run, tmp_path: Path) -> None:
    looks = MODEL.replace(
        "    rng =",
        "    from pathlib import Path\n"
        "    names = [path.name for path in Path(__file__).parent.iterdir()]\n"
        "    assert 'seen.json' in names\n"
        f"    assert {RECORD!r} not in names\n"
        "    rng =",
    )
    text = Project(tmp_path / "other").files["test_line.py"]
    wide = text.replace('editable=["model.py"]', 'editable=["model.py"], readable=["*.json"]')
    files = {"model.py": looks, "test_line.py": wide, RECORD: STALE, "seen.json": "{}"}
    project = Project(tmp_path / "p", files)
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    search(project).stdout.fnmatch_lines(["*[[]0001[]] KEPT*"])


def test_the_page_names_the_keys_of_the_file(search: Run, project: Project) -> None:
    search(project, N, "0")
    found = json.loads((project.folder / RECORD).read_text())
    page = Path(__file__).parents[2] / "docs" / "journal.md"
    text = page.read_text("utf-8").partition("\n## The champion record\n")[2]
    tables = [re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) for part in text.split(" holds:")]
    assert [set(keys) for keys in tables] == [
        set(found),
        set(found["fingerprint"]),
        set(found["evaluation"]),
    ]
