"""In whatever state the user's repository is, a search works or says what to do; it is never touched."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from pytest_autoresearch.records import Status
from pytest_autoresearch.testing import CONFTEST, MODEL, TEST, Project, Result

Run = Callable[..., pytest.RunResult]
READABLE = TEST.replace('editable=["model.py"]', 'editable=["model.py"], readable=["aid.py"]')
FILES = {"test_line.py": READABLE, "aid.py": "X = 1\n"}


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A person", "-c", "user.email=person@example.org"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def seen(folder: Path) -> tuple[str, ...]:
    """What a person sees of a repository, without the branches and refs of searches."""
    refs = git(folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    own = [ref for ref in refs if "autoresearch" not in ref]
    commands = (("status", "--porcelain=v2", "--branch"), ("stash", "list"), ("reflog", "-5"))
    return (*own, *(git(folder, *command) for command in commands))


def kept(result: Result) -> None:
    assert result.returncode == 0, result.stdout + result.stderr
    assert [record.status for record in result.experiments] == [Status.KEPT]


@pytest.fixture
def dirty(tmp_path: Path, search: Run) -> Callable[[Callable[[Project], None]], str]:
    """What a search says of a project after something was done to its work tree."""

    def dirty(change: Callable[[Project], None]) -> str:
        project = Project(tmp_path / "p", FILES, where="sub")
        project.replace("SLOPE = 2.0", "SLOPE = 2.9")
        change(project)
        before = seen(project.root)
        result = search(project)
        assert result.ret == pytest.ExitCode.USAGE_ERROR, result.stdout.str()
        assert seen(project.root) == before
        assert not (project.folder / ".autoresearch").exists()
        return str(result.stderr.str())

    return dirty


@pytest.mark.parametrize("path", ["model.py", "aid.py", "test_line.py", "conftest.py"])
@pytest.mark.parametrize("staged", [False, True])
def test_uncommitted_changes_are_refused(
    dirty: Callable[[Callable[[Project], None]], str], path: str, staged: bool
) -> None:
    def change(project: Project) -> None:
        with (project.folder / path).open("a") as file:
            file.write("# changed\n")
        if staged:
            git(project.root, "add", "-A")

    shown = dirty(change)
    assert f"uncommitted changes in sub/{path}: commit or stash them" in shown
    assert "git worktree add" in shown


def test_a_deleted_file_and_an_untracked_conftest_are_refused(
    dirty: Callable[[Callable[[Project], None]], str],
) -> None:
    def change(project: Project) -> None:
        (project.folder / "aid.py").unlink()
        (project.root / "conftest.py").write_text("X = 1\n")

    assert "uncommitted changes in conftest.py, sub/aid.py" in dirty(change)


def test_other_uncommitted_and_untracked_files_do_not_matter(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", {"notes.md": "one\n"})
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    (project.folder / "notes.md").write_text("two\n")
    (project.folder / "scratch.txt").write_text("mine\n")
    git(project.root, "stash", "-u")
    git(project.root, "stash", "apply")
    before = seen(project.root)
    kept(project.search())
    assert seen(project.root) == before


def test_no_repository_and_no_commit_say_what_to_do(tmp_path: Path, run: Run) -> None:
    project = Project(tmp_path / "p")
    shutil.rmtree(project.root / ".git")
    none = run(project, "--autoresearch")
    assert none.ret == pytest.ExitCode.USAGE_ERROR
    assert "is in no git repository" in none.stderr.str()
    assert "git init" in none.stderr.str()
    pygit2.init_repository(str(project.root))
    empty = run(project, "--autoresearch")
    assert empty.ret == pytest.ExitCode.USAGE_ERROR
    assert "has no commit yet" in empty.stderr.str()


def test_a_detached_head_stays_where_it_is(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    git(project.root, "checkout", "-q", "--detach")
    before = seen(project.root)
    kept(project.search())
    assert seen(project.root) == before


def test_a_linked_work_tree_is_searched_in_its_own_place(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    git(project.root, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked tree"))
    (project.root / "model.py").write_text("half a thought")
    before = seen(project.root)
    main, project.root = project.root, tmp_path / "linked tree"
    project.folder = project.root
    kept(project.search())
    assert seen(main) == before
    assert (project.folder / ".autoresearch").is_dir()
    assert "autoresearch/line-" in git(main, "branch", "--list")


def test_a_rootdir_below_the_root_with_spaces_and_umlauts(tmp_path: Path) -> None:
    where = "projekte/ein schönes modell"
    project = Project(tmp_path / "das repo", {"pytest.ini": "[pytest]\n"}, where=where)
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    before = seen(project.root)
    result = project.search()
    kept(result)
    assert seen(project.root) == before
    assert (project.folder / ".autoresearch").is_dir()
    name = str(result.lines[0]["name"])
    changed = git(project.root, "-c", "core.quotePath=false", "diff", "--name-only", "HEAD", f"autoresearch/{name}")  # fmt: skip
    assert changed.splitlines() == [f"{where}/line.champion.json", f"{where}/model.py"]


def test_a_sub_folder_of_the_tests_is_run_from_anywhere(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", where="deep/down")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    project.folder = project.root
    kept(project.search("deep/down/test_line.py::test_line"))


def test_a_repository_below_rootdir_is_the_one_that_counts(tmp_path: Path) -> None:
    project = Project(tmp_path / "outer" / "inner")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    (tmp_path / "outer" / "pytest.ini").write_text("[pytest]\n")
    folder = str(project.folder / ".autoresearch")
    kept(project.search("--rootdir", str(tmp_path / "outer"), "--autoresearch-dir", folder))


def test_ignored_files_line_endings_and_hooks_are_left_alone(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", {".gitattributes": "*.txt text eol=crlf\n", "a.txt": "a\n"})
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    (project.root / ".gitignore").write_text("*.log\n")
    project.commit("ignore")
    (project.root / "run.log").write_text("mine\n")
    for name in ("pre-commit", "post-commit", "commit-msg", "reference-transaction"):
        hook = project.root / ".git" / "hooks" / name
        hook.write_text("#!/bin/sh\necho ran >> ran.log\nexit 1\n")
        hook.chmod(0o755)
    kept(project.search())
    assert (project.root / "run.log").read_text() == "mine\n"
    assert not list(project.root.rglob("ran.log"))


def test_a_branch_called_autoresearch_is_in_the_way_and_named(
    project: Project, search: Run
) -> None:
    git(project.root, "branch", "autoresearch")
    result = search(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "git branch -m autoresearch" in result.stderr.str()


CHANGING = """

@pytest.fixture(autouse=True)
def meddle(request):
    yield
    if request.node.name.endswith("[0000-calibration]"):
        path = request.path.parent / "conftest.py"
        text = path.read_text()
        path.write_text(text + "# changed\\n")
        if RESTORE:
            import threading
            threading.Timer(1.5, path.write_text, [text]).start()
"""


def test_a_frozen_file_that_changes_pauses_the_search_until_it_is_restored(
    tmp_path: Path,
) -> None:
    conftest = CONFTEST + CHANGING.replace("RESTORE", "True")
    project = Project(tmp_path / "p", {"conftest.py": conftest, "model.py": MODEL})
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    result = project.search("-o", "autoresearch_heartbeat=0.1")
    kept(result)
    assert "paused: conftest.py changed, restore it" in result.stdout


def test_a_frozen_file_that_stays_changed_ends_the_search_and_loses_nothing(
    tmp_path: Path,
) -> None:
    impatient = """

def pytest_report_collectionfinish(config):
    session = config.pluginmanager.get_plugin("autoresearch-controller").session
    if session is not None:
        session.frozen._patience = session.frozen._interval = 0.1
"""
    conftest = CONFTEST + CHANGING.replace("RESTORE", "False") + impatient
    project = Project(tmp_path / "p", {"conftest.py": conftest})
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    result = project.search()
    assert result.returncode == 1
    assert "exit 1: the evaluation changed while it was in use: conftest.py" in result.stdout
    assert "git checkout -- conftest.py" in result.stdout
    assert project.search().returncode == 4
    (project.folder / "conftest.py").write_text(conftest)
    again = project.search()
    assert "goes on with run" in again.stdout
    kept(again)
