"""The repository is found wherever it may lie, and only objects and refs are written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_autoresearch.exceptions import HarnessFault, UsageProblem
from pytest_autoresearch.history.repository import FALLBACK_AUTHOR, Repository

from .builders import FILES, MODEL, Project


def test_a_folder_without_git_is_a_usage_problem(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=f"{tmp_path} is in no git repository.*git init"):
        Repository.discover(tmp_path)


def test_a_repository_without_a_commit_is_a_usage_problem(project: Project) -> None:
    project.git("switch", "-q", "--orphan", "empty")
    with pytest.raises(UsageProblem, match="no commit yet"):
        Repository.discover(project.root)


def test_a_bare_repository_is_a_usage_problem(project: Project, tmp_path: Path) -> None:
    project.git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    with pytest.raises(UsageProblem, match="bare"):
        Repository.discover(tmp_path / "bare")


def test_it_is_found_from_below_with_spaces_and_other_letters(tmp_path: Path) -> None:
    project = Project(tmp_path / "Größe 1", {"a b/ü.py": b"1\n"})
    found = Repository.discover(project.root / "a b")
    assert found.root == project.root
    assert found.head == project.git("rev-parse", "HEAD")
    assert found.files(found.head, ["a b/ü.py"]) == {"a b/ü.py": b"1\n"}
    assert list(found.tracked(found.head)) == ["a b/ü.py"]


def test_a_linked_detached_work_tree_shares_objects_and_refs(
    project: Project, tmp_path: Path
) -> None:
    project.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked tree"))
    linked = Repository.discover(tmp_path / "linked tree")
    assert linked.common_dir == project.repository.common_dir == project.root / ".git"
    assert linked.root == tmp_path / "linked tree"
    linked.set_ref("refs/autoresearch/x/0001", linked.head)
    assert project.git("rev-parse", "refs/autoresearch/x/0001") == linked.head


def test_links_and_submodules_are_not_tracked_files(project: Project) -> None:
    os.symlink("model.py", project.root / "link.py")
    project.git("add", "link.py")
    commit = project.git("rev-parse", "HEAD")
    project.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    project.git("commit", "-q", "-m", "special")
    repository = project.repository
    assert set(repository.tracked(repository.head)) == set(FILES)
    assert repository.paths(repository.head) == {*FILES, "link.py", "module"}
    assert repository.files(repository.head, ["link.py", "model.py"]) == {"model.py": MODEL}


def test_dirty_names_what_differs_without_touching_the_index(project: Project) -> None:
    project.write({"staged.py": b"1\n", "edited.py": b"1\n", "gone.py": b"1\n", "same.py": b"1\n"})
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "more")
    project.write({"staged.py": b"2\n"})
    project.git("add", "staged.py")
    project.write({"staged.py": b"1\n", "edited.py": b"2\n", "new.py": b"1\n", "ignored.py": b""})
    project.write({".git/info/exclude": b"ignored.py\n"})
    (project.root / "gone.py").unlink()
    os.utime(project.root / "same.py", (1, 1))
    before = project.snapshot()
    names = ["staged.py", "edited.py", "gone.py", "new.py", "ignored.py"]
    assert project.repository.dirty([*names, "same.py", "model.py"]) == sorted(names)
    assert project.snapshot() == before


def test_a_tree_is_written_with_files_replaced_added_and_deleted(project: Project) -> None:
    project.write({"run.sh": b"1\n"})
    (project.root / "run.sh").chmod(0o755)
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "script")
    repository = project.repository
    changes = {"run.sh": b"2\n", "a/b/c.py": b"3\n", "sub/other.py": None, "no/such.py": None}
    tree = repository.write_tree(repository.head, changes)
    assert project.git("ls-tree", "-r", "-t", "--format=%(objectmode) %(path)", tree).split(
        "\n"
    ) == [
        "040000 a",
        "040000 a/b",
        "100644 a/b/c.py",
        "100644 model.py",
        "100755 run.sh",
        "100644 test_it.py",
    ]
    assert repository.files(tree, ["run.sh"]) == {"run.sh": b"2\n"}
    project.git("fsck", "--strict")


def test_a_file_may_become_a_folder_and_back(project: Project) -> None:
    repository = project.repository
    tree = repository.write_tree(repository.head, {"model.py": None, "model.py/x": b"1"})
    assert "model.py/x" in repository.tracked(tree)
    back = repository.write_tree(tree, {"model.py": MODEL, "model.py/x": None})
    assert back == repository.tree_of(repository.head)


def test_commits_are_the_same_for_the_same_arguments(project: Project) -> None:
    repository = project.repository
    tree = repository.tree_of(repository.head)
    ids = {repository.commit(tree, [repository.head], "ü\n", 1_700_000_000, 60) for _ in range(2)}
    assert len(ids) == 1
    shown = project.git("show", "-s", "--format=%an %ae %cn %aI %B", *ids)
    assert shown.strip() == "Ada ada@example.org Ada 2023-11-14T23:13:20+01:00 ü"


def test_without_a_configured_name_commits_are_ours(project: Project) -> None:
    project.git("config", "user.name", "")
    assert project.repository.author() == FALLBACK_AUTHOR


def test_ancestry_is_told_and_a_shallow_clone_admits_that_it_cannot(
    project: Project, tmp_path: Path
) -> None:
    first = project.repository.head
    project.git("commit", "-q", "--allow-empty", "-m", "second")
    whole = project.repository
    assert whole.contains(whole.head, first) is True
    assert whole.contains(first, whole.head) is False
    project.git("clone", "-q", "--depth", "1", f"file://{project.root}", str(tmp_path / "shallow"))
    shallow = Repository.discover(tmp_path / "shallow")
    assert shallow.contains(shallow.head, first) is None
    assert shallow.contains(shallow.head, shallow.head) is True


def test_refs_are_set_listed_and_deleted_packed_or_not(project: Project) -> None:
    repository = project.repository
    blob = repository.blob(b"x")
    repository.set_ref("refs/autoresearch/x/journal", blob)
    repository.set_ref("refs/autoresearch/xy/0001", repository.head)
    project.git("pack-refs", "--all")
    repository.set_ref("refs/autoresearch/x/0001", repository.head)
    assert repository.refs("refs/autoresearch/x/") == {"journal": blob, "0001": repository.head}
    repository.delete_ref("refs/autoresearch/x/journal")
    repository.delete_ref("refs/autoresearch/x/journal")
    assert repository.ref("refs/autoresearch/x/journal") is None
    assert repository.read_blob(blob) == b"x"


def test_a_branch_is_checked_out_in_any_work_tree(project: Project, tmp_path: Path) -> None:
    project.git("branch", "here")
    assert not project.repository.checked_out("here")
    project.git("worktree", "add", "-q", str(tmp_path / "other"), "here")
    assert project.repository.checked_out("here")
    assert Repository.discover(tmp_path / "other").checked_out("main")


def test_a_lock_of_a_killed_writer_is_cleared_and_a_foreign_one_waited_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_autoresearch.history.repository.LOCK_PAUSE", 0.001)
    repository = project.repository
    repository.set_ref("refs/autoresearch/x/0001", repository.head)
    lock = project.root / ".git/refs/autoresearch/x/0002.lock"
    lock.touch()
    with pytest.raises(HarnessFault, match="could not set refs/autoresearch/x/0002"):
        repository.set_ref("refs/autoresearch/x/0002", repository.head)
    repository.clear_ref_locks("refs/autoresearch/x")
    repository.set_ref("refs/autoresearch/x/0002", repository.head)


def test_a_missing_object_is_named(project: Project) -> None:
    with pytest.raises(HarnessFault, match="git has no object 1234567812345678"):
        project.repository.tree_of("12345678" * 5)
