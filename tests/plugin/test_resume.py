"""Which run a session goes on with, and when it refuses to."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import time
from pathlib import Path

import pygit2
import pytest

from pytest_autoresearch.records import Part, Status
from pytest_autoresearch.testing import CONFTEST, MODEL, TEST, Project, Result

N = "--autoresearch-experiments"
RUN = "--autoresearch-run"
WHO = pygit2.Signature("A person", "person@example.org")


def moved(project: Project, folder: Path) -> Project:
    """The same project, its patches too, in another folder."""
    other = copy.copy(project)
    other.root = other.folder = folder
    return other


def write(project: Project, path: str, text: str) -> None:
    (project.folder / path).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run `done` of one experiment and an unfinished one, `open`, of one."""
    made = Project(tmp_path_factory.mktemp("resume") / "p")
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    assert made.search(N, "1", RUN, "done").returncode == 0
    assert made.search(N, "0", RUN, "open").returncode == 0
    # Committed, it would begin a new run: what the old one keeps has no such file to change.
    (made.folder / "line.champion.json").unlink()
    return made


@pytest.fixture
def project(night: Project, tmp_path: Path) -> Project:
    """A copy of that project."""
    shutil.copytree(night.root, tmp_path / "p")
    return moved(night, tmp_path / "p")


def refused(result: Result, *words: str) -> None:
    assert result.returncode == 4, result.stdout + result.stderr
    for word in words:
        assert word in result.stderr


def tracked(project: Project, name: str) -> list[str]:
    return [line["item"] for line in result_lines(project, name) if line["kind"] == "finished"]


def result_lines(project: Project, name: str) -> list[dict[str, str]]:
    path = project.folder / ".autoresearch" / name / "journal.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_unfinished_run_goes_on_by_default_and_the_header_says_so(project: Project) -> None:
    result = project.search(N, "1")
    assert result.returncode == 0
    assert "goes on with run open (0 experiments done, 0 kept)" in result.stdout
    assert tracked(project, "open") == ["0000", "0000-calibration", "0001"]


def test_it_is_found_in_the_refs_when_its_folder_is_gone(project: Project) -> None:
    shutil.rmtree(project.folder / ".autoresearch")
    result = project.search(N, "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "goes on with run open" in result.stdout
    assert tracked(project, "open") == ["0000", "0000-calibration", "0001"]


def test_a_finished_run_is_refused_with_the_ways_out(project: Project) -> None:
    refused(project.search(RUN, "done"), "run done is finished after 1 experiments", f"{N} 11", RUN)
    refused(project.search(RUN, "done", N, "1"), "finished after 1 experiments")


def test_a_larger_n_goes_on_with_a_finished_run(project: Project) -> None:
    result = project.search(RUN, "done", N, "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [r.status for r in result.experiments] == [Status.KEPT, Status.DISCARD]
    assert [r.experiment for r in result.experiments] == [1, 2]


def test_n_that_an_unfinished_run_has_passed_is_refused(tmp_path: Path) -> None:
    made = Project(tmp_path / "p")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0")
    made.replace(
        "    rng = np",
        f"    open({str(tmp_path / 'p/.autoresearch/r/STOP')!r}, 'w')\n    rng = np",
    )
    made.search(RUN, "r")
    refused(made.search(RUN, "r", N, "1"), "run r has 2 already: ask for more")
    refused(made.search(N, "2"), "run r has 2 already")


def test_when_all_are_finished_a_new_one_begins(project: Project) -> None:
    shutil.rmtree(project.folder / ".autoresearch")
    git = pygit2.Repository(str(project.root))
    for name in [ref for ref in git.references if "/open" in ref]:
        git.references.delete(name)
    first, second = project.search(N, "1"), project.search(N, "1")
    assert "new run line-" in first.stdout
    assert "new run line-" in second.stdout
    names = {path.name for path in (project.folder / ".autoresearch").iterdir() if path.is_dir()}
    assert len(names - {"done", "open"}) == 2
    assert any(name.endswith("-2") for name in names)


def test_a_run_of_another_objective_is_refused(project: Project) -> None:
    write(project, "test_two.py", TEST.replace("test_line", "test_two"))
    project.commit("two")
    result = project.search("test_two.py", RUN, "open")
    refused(result, "run open belongs to test_line.py::test_line, not to test_two.py::test_two")


def test_a_head_without_the_runs_base_is_refused(project: Project) -> None:
    git = pygit2.Repository(str(project.root))
    git.set_head(git.head.target)
    git.references.delete("refs/heads/main")
    orphan = git.create_commit(None, WHO, WHO, "other", git.head.peel(pygit2.Tree).id, [])
    git.set_head(orphan)
    refused(project.search(), "which HEAD", "does not contain", RUN)


def test_a_head_that_went_on_is_fine(project: Project) -> None:
    write(project, "notes.md", "tomorrow\n")
    project.commit("notes")
    result = project.search(N, "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "goes on with run open" in result.stdout


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("test_line.py", TEST + "# stricter\n", "git checkout"),
        ("conftest.py", CONFTEST + "# more data\n", "restore with"),
    ],
)
def test_a_changed_evaluation_is_refused_naming_the_file(
    project: Project, path: str, content: str, words: str
) -> None:
    write(project, path, content)
    project.commit("moved the goal")
    refused(project.search(), f"the evaluation has changed since it started: {path}", words, RUN)


def test_a_new_conftest_is_a_changed_evaluation(tmp_path: Path) -> None:
    made = Project(tmp_path / "p", where="sub")
    made.replace("SLOPE = 2.0", "SLOPE = 2.9")
    assert made.search(N, "0").returncode == 0
    (made.folder / "line.champion.json").unlink()
    (made.root / "conftest.py").write_text("X = 1\n", encoding="utf-8")
    made.commit("more")
    refused(made.search(), "conftest.py is new", "git rm conftest.py")


def test_another_rule_is_refused(project: Project) -> None:
    refused(project.search("--autoresearch-strictness", "strict"), "strictness default")
    refused(project.search("-o", "autoresearch_min_effect=0.5"), "was 0.0, is 0.5", "frozen")


def test_a_run_whose_base_never_worked_is_left_behind_once_it_is_mended(tmp_path: Path) -> None:
    made = Project(tmp_path / "p", {"model.py": MODEL.replace("return SLOPE", "return SLOPPY")})
    made.add_patch(made.diff("model.py", MODEL, MODEL.replace("SLOPE = 2.0", "SLOPE = 2.9")))
    broken = made.search(RUN, "broken")
    assert broken.returncode == 1
    again = made.search()
    assert "goes on with run broken" in again.stdout
    write(made, "model.py", MODEL)
    made.commit("mended")
    mended = made.search()
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert "new run line-" in mended.stdout
    assert [r.status for r in mended.experiments] == [Status.KEPT]


def test_a_baseline_that_failed_for_want_of_a_file_goes_on_at_the_same_commit(
    tmp_path: Path,
) -> None:
    table = tmp_path / "table.txt"
    reading = CONFTEST.replace("return Line()", f"open({str(table)!r}).close()\n    return Line()")
    made = Project(tmp_path / "p", {"conftest.py": reading})
    made.replace("SLOPE = 2.0", "SLOPE = 2.9")
    assert made.search().returncode == 1
    table.touch()
    result = made.search()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "goes on with run" in result.stdout
    assert [r.part for r in result.records][:2] == [Part.BASELINE, Part.BASELINE]


def test_a_branch_that_a_person_moved_is_refused_with_what_to_do(project: Project) -> None:
    git = pygit2.Repository(str(project.root))
    tree = git.head.peel(pygit2.Tree).id
    mine = git.create_commit(None, WHO, WHO, "mine", tree, [git.head.target])
    git.references["refs/heads/autoresearch/open"].set_target(mine)
    result = project.search()
    refused(result, "autoresearch/open", str(mine)[:7])


def test_a_branch_that_is_checked_out_in_a_work_tree_is_searched_on(
    project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "look"
    subprocess.run(
        ["git", "worktree", "add", "-q", str(folder), "autoresearch/open"],
        cwd=project.root,
        check=True,
    )
    before = (folder / "model.py").read_bytes()
    result = project.search(N, "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "is checked out" in result.stdout
    assert (folder / "model.py").read_bytes() == before


def test_a_shallow_clone_that_fetched_the_refs_goes_on(project: Project, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    where = project.root.as_uri()
    subprocess.run(["git", "clone", "-q", "--depth=1", where, str(clone)], check=True)
    refs = "refs/autoresearch/done/*:refs/autoresearch/done/*"
    subprocess.run(["git", "fetch", "-q", "--depth=1", "origin", refs], cwd=clone, check=True)
    result = moved(project, clone).search(RUN, "done", N, "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [r.status for r in result.experiments] == [Status.KEPT, Status.DISCARD]


def test_two_sessions_of_one_run_are_refused(project: Project, tmp_path: Path) -> None:
    slow = MODEL.replace("    rng", "    import time\n    time.sleep(3600)\n    rng")
    (tmp_path / "slow").mkdir()
    patch = project.diff("model.py", MODEL, slow)
    (tmp_path / "slow" / "01.patch").write_text(patch, encoding="utf-8")
    command = project.command()
    command[command.index("--autoresearch-agent") + 1] = f"replay:{tmp_path / 'slow'}"
    first = subprocess.Popen(
        command,
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while result_lines(project, "open")[-1]["kind"] != "opened":
            assert first.poll() is None
            time.sleep(0.05)
        refused(project.search(), f"process {first.pid}")
    finally:
        first.terminate()
        first.wait(timeout=60)
    assert first.returncode == 2


def damage(project: Project, name: str) -> None:
    """Break a line in the middle of a run's journal."""
    journal = project.folder / ".autoresearch" / name / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], b"{broken\n", *lines[3:]]))


def test_a_damaged_run_is_refused_with_its_line_and_stops_no_other(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    assert project.search("--autoresearch-run", "old").returncode == 0
    damage(project, "old")
    refused = project.search("--autoresearch-run", "old", "--autoresearch-experiments", "9")
    assert refused.returncode == 4
    assert "journal.jsonl" in refused.stderr
    assert "line 3" in refused.stderr
    assert project.search("--autoresearch-run", "new").returncode == 0
