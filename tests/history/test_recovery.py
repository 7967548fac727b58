"""Whatever ends a run, and whatever is deleted afterwards: nothing is lost or counted twice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.exceptions import HarnessFault, JournalDamaged, UsageProblem
from pytest_autoresearch.history import journal as journals
from pytest_autoresearch.history.finding import JOURNAL, exists, find
from pytest_autoresearch.history.messages import journal_lines
from pytest_autoresearch.history.refs import Refs
from pytest_autoresearch.history.repository import Repository
from pytest_autoresearch.history.run import Run
from pytest_autoresearch.records import Status

from .builders import OBJECTIVE, Project, attempt, evaluate, experiment

REFS = "refs/autoresearch/night/"
RESULTS = {
    1: Status.KEPT,
    2: Status.DISCARD,
    3: Status.INTERRUPTED,
    4: Status.KEPT,
    5: Status.DISCARD,
}


class Death(BaseException):
    """The process ends here."""


def go_on(project: Project, run: Run) -> None:
    """Search until the results are used up; an interrupted experiment is evaluated again first."""
    if run.is_finished:
        return
    run.begin_session()
    for made in run.pending:
        evaluate(run, made, RESULTS.get(made.number or 0, Status.BASELINE))
    if run.next_number == 0:
        evaluate(run, experiment(run, 0), Status.BASELINE)
    while run.next_number <= len(RESULTS):
        attempt(project, run, run.next_number, RESULTS[run.next_number])
    for made in run.pending:
        evaluate(run, made, Status.DISCARD)
    run.close("all tried", finished=True)


def start(project: Project) -> Run:
    known = exists(project.repository, project.folder.parent, "night")
    return project.resume() if known else project.create()


def check(project: Project, run: Run) -> None:
    """Journal, refs and branch agree, and every experiment counts once."""
    numbered = [one for one in run.records if one.experiment is not None]
    assert sorted(one.experiment or 0 for one in numbered) == list(range(len(RESULTS) + 1))
    kept = [one for one in run.records if one.status is Status.KEPT]
    assert [one.experiment for one in kept] == [1, 4]
    assert run.pending == []
    shown = project.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    refs = dict(line.split() for line in shown)
    assert {f"{REFS}{one.experiment:04d}": one.commit for one in numbered}.items() <= refs.items()
    assert refs["refs/heads/autoresearch/night"] == refs[REFS + "champion"] == run.champion
    line = project.git("rev-list", "--first-parent", run.branch).split()
    assert line == [kept[1].commit, kept[0].commit, run.base]
    content = (project.folder / JOURNAL).read_bytes()
    assert run.repository.read_blob(refs[REFS + "journal"]) == content
    assert [line["seq"] for line in run.journal.lines] == list(range(len(run.journal.lines)))


class Grim:
    """Ends the process before its n-th write of any kind, or in the middle of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int, *, torn: bool) -> None:
        self.left = after
        self.torn = torn
        self.seen: list[str] = []
        for owner, name in (
            (Repository, "set_ref"),
            (Repository, "delete_ref"),
            (Repository, "commit"),
            (Repository, "blob"),
            (Repository, "write_tree"),
            (journals, "_append"),
        ):
            monkeypatch.setattr(owner, name, self.reaping(getattr(owner, name), name))

    def reaping(self, write: Callable[..., object], name: str) -> Callable[..., object]:
        def reaped(*arguments: object, **named: object) -> object:
            self.left -= 1
            self.seen.append(name)
            if self.left == 0:
                if self.torn and name == "_append":
                    path, content, _ = arguments
                    assert isinstance(path, Path)
                    assert isinstance(content, bytes)
                    with path.open("ab") as file:
                        file.write(content[: len(content) // 2])
                raise Death
            return write(*arguments, **named)

        return reaped


def survive(project: Project, after: int, *, torn: bool) -> bool:
    """A first session that ends at its n-th write; whether it came so far."""
    with pytest.MonkeyPatch.context() as patched:
        Grim(patched, after, torn=torn)
        run = None
        try:
            run = start(project)
            go_on(project, run)
        except Death:
            return True
        finally:
            if run is not None:
                run.release()
    return False


def writes_in_a_search(project: Project) -> list[str]:
    with pytest.MonkeyPatch.context() as patched:
        grim = Grim(patched, 10_000, torn=False)
        run = start(project)
        go_on(project, run)
        run.release()
        return grim.seen


@pytest.mark.parametrize("torn", [False, True])
def test_a_crash_before_any_write_loses_nothing_and_counts_nothing_twice(
    project: Project, tmp_path: Path, torn: bool
) -> None:
    shutil.copytree(project.root, tmp_path / "count")
    writes = writes_in_a_search(_at(project, tmp_path / "count"))
    assert len(writes) > 50
    for after, name in enumerate(writes, 1):
        if torn and name != "_append":
            continue
        copy = tmp_path / f"{after}"
        shutil.copytree(project.root, copy)
        one = _at(project, copy)
        assert survive(one, after, torn=torn)
        run = start(one)
        go_on(one, run)
        check(one, run)
        run.release()


def _at(project: Project, root: Path) -> Project:
    """The same kind of project in a copied folder."""
    copy = object.__new__(type(project))
    copy.root = root
    return copy


def test_crash_after_crash_after_crash_ends_well(project: Project) -> None:
    survived = [survive(project, after, torn=True) for after in range(1, 40)]
    assert any(survived)
    run = start(project)
    go_on(project, run)
    check(project, run)
    project.git("fsck", "--strict")


@pytest.fixture
def night(project: Project) -> Project:
    """A finished search, its run released."""
    run = project.create()
    go_on(project, run)
    check(project, run)
    run.release()
    return project


def test_folder_and_branch_are_rebuilt_byte_for_byte_from_refs(night: Project) -> None:
    journal = (night.folder / JOURNAL).read_bytes()
    shutil.rmtree(night.folder.parent)
    night.git("branch", "-D", "autoresearch/night")
    run = night.resume()
    assert (night.folder / JOURNAL).read_bytes() == journal
    assert (night.folder.parent / ".gitignore").read_text() == "*\n"
    check(night, run)


def test_without_its_copy_the_journal_is_rebuilt_from_the_commits(night: Project) -> None:
    journal = (night.folder / JOURNAL).read_bytes().splitlines()
    shutil.rmtree(night.folder)
    night.git("update-ref", "-d", REFS + "journal")
    run = night.resume()
    # Only what came after the last numbered experiment, the closing line, was in no commit.
    assert (night.folder / JOURNAL).read_bytes().splitlines() == journal[:-1]
    go_on(night, run)
    check(night, run)


def test_refs_and_branch_are_rebuilt_from_the_journal(night: Project) -> None:
    for line in night.git("for-each-ref", "--format=%(refname)", REFS).splitlines():
        night.git("update-ref", "-d", line)
    night.git("branch", "-D", "autoresearch/night")
    check(night, night.resume())


def test_commits_are_made_again_exactly_from_the_journal(night: Project) -> None:
    kept = night.git("rev-parse", REFS + "0002")
    night.git("update-ref", "-d", REFS + "0002")
    (night.root / ".git/objects" / kept[:2] / kept[2:]).unlink()
    check(night, night.resume())


def test_what_was_pruned_is_named(night: Project) -> None:
    night.git("update-ref", "-d", REFS + "0002")
    night.git("reflog", "expire", "--expire=now", "--all")
    night.git("gc", "-q", "--prune=now")
    run = night.resume()
    assert any("the files of experiment 2" in text and "gone" in text for text in run.warnings)
    run.release()
    for line in night.git("for-each-ref", "--format=%(refname)", REFS).splitlines():
        night.git("update-ref", "-d", line)
    night.git("branch", "-D", "autoresearch/night")
    night.git("reflog", "expire", "--expire=now", "--all")
    night.git("gc", "-q", "--prune=now")
    with pytest.raises(UsageProblem, match=r"the files of experiment 1 .* are gone from git"):
        night.resume()


def test_a_run_goes_on_in_a_shallow_clone_that_fetched_the_refs(
    project: Project, tmp_path: Path
) -> None:
    run = project.create()
    run.begin_session()
    evaluate(run, experiment(run, 0), Status.BASELINE)
    attempt(project, run, 1, Status.KEPT)
    attempt(project, run, 2, Status.DISCARD)
    attempt(project, run, 3, Status.INTERRUPTED)
    run.close("deadline", finished=False)
    run.release()
    project.git("clone", "-q", "--depth", "1", f"file://{project.root}", str(tmp_path / "clone"))
    clone = _at(project, tmp_path / "clone")
    clone.git("fetch", "-q", "--depth", "1", "origin", f"{REFS}*:{REFS}*")
    (found,) = find(clone.repository, clone.folder.parent, "conversion")
    assert (found.name, found.finished, found.tried) == ("night", False, 2)
    again = clone.resume()
    assert (again.records, again.champion) == (run.records, run.champion)
    assert [one.number for one in again.pending] == [3]
    assert (clone.folder / JOURNAL).read_bytes() == (project.folder / JOURNAL).read_bytes()
    go_on(clone, again)
    assert clone.git("rev-parse", "autoresearch/night") == again.champion != run.champion


def test_an_old_folder_put_back_is_brought_up_to_date(night: Project) -> None:
    path = night.folder / JOURNAL
    journal = path.read_bytes()
    path.write_bytes(b"".join(journal.splitlines(keepends=True)[:5]))
    check(night, night.resume())
    assert path.read_bytes() == journal


def test_every_journal_line_travels_in_the_commits_byte_for_byte(night: Project) -> None:
    path = night.folder / JOURNAL
    texts = path.read_bytes().splitlines(keepends=True)
    repository = night.repository
    seen = []
    for name, commit in repository.refs(REFS).items():
        if name.isdecimal():
            for line in journal_lines(commit, repository.message(commit)):
                assert journals.encode(line) == texts[line["seq"]]
                seen.append(line["seq"])
    assert sorted(seen) == list(range(len(texts) - 1))


def test_refs_that_contradict_each_other_are_a_usage_problem(night: Project) -> None:
    journal = (night.folder / JOURNAL).read_bytes()
    shutil.rmtree(night.folder)
    changed = journal.replace(b'"score": 0.8', b'"score": 0.9', 1)
    night.git("update-ref", REFS + "journal", night.repository.blob(changed))
    with pytest.raises(UsageProblem, match=r"disagree .*journal line 4 differs"):
        night.resume()


def test_a_commit_that_would_come_out_differently_is_not_passed_off_as_the_same(
    night: Project,
) -> None:
    recorded, other = night.git("rev-parse", REFS + "0002"), "12345678" * 5
    night.git("update-ref", "-d", REFS + "0002")
    night.git("update-ref", "-d", REFS + "journal")
    path = night.folder / JOURNAL
    path.write_bytes(path.read_bytes().replace(recorded.encode(), other.encode()))
    run = night.resume()
    assert any("experiment 2" in text for text in run.warnings)
    assert run.repository.ref(REFS + "0002") is None


def test_a_journal_that_contradicts_the_refs_is_a_usage_problem(night: Project) -> None:
    path = night.folder / JOURNAL
    path.write_bytes(path.read_bytes().replace(b'"score": 0.8', b'"score": 0.9', 1))
    with pytest.raises(UsageProblem, match=r"disagree in a way that no crash explains.*line 4"):
        night.resume()


def test_a_ref_at_something_else_is_a_usage_problem(night: Project) -> None:
    night.git("update-ref", REFS + "0002", "main")
    with pytest.raises(UsageProblem, match=f"{REFS}0002 and the journal disagree"):
        night.resume()
    night.git("update-ref", "-d", REFS + "0002")
    night.resume().release()
    night.git("update-ref", REFS + "champion", REFS + "0002")
    with pytest.raises(UsageProblem, match="no champion of this run"):
        night.resume()


def test_lines_that_no_ref_holds_are_asked_for(night: Project) -> None:
    shutil.rmtree(night.folder)
    night.git("update-ref", "-d", REFS + "journal")
    night.git("update-ref", "-d", REFS + "0002")
    with pytest.raises(UsageProblem, match=r"journal lines \d+ to \d+ .* fetch all of them"):
        night.resume()


def test_a_damaged_journal_is_rebuilt_once_it_is_moved_away(night: Project) -> None:
    path = night.folder / JOURNAL
    journal = path.read_bytes()
    path.write_bytes(journal.replace(b'"kind"', b'"kin', 1))
    with pytest.raises(JournalDamaged, match=f"{path}, line 1: .*Move the file away"):
        night.resume()
    path.unlink()
    night.resume()
    assert path.read_bytes() == journal


@pytest.mark.parametrize("target", ["main", "main~0", "theirs"])
def test_a_branch_that_a_person_moved_is_shown_with_the_ways_out(
    night: Project, target: str
) -> None:
    night.git(
        "branch", "theirs", night.git("commit-tree", "-m", "mine", "HEAD^{tree}", "-p", "HEAD")
    )
    champion = night.git("rev-parse", "autoresearch/night")
    night.git("branch", "-f", "autoresearch/night", target)
    at = night.git("rev-parse", target)
    with pytest.raises(UsageProblem) as caught:
        night.resume()
    text = str(caught.value)
    assert at in text
    assert champion in text
    assert night.git("rev-parse", "autoresearch/night") == at
    rename = text.partition("`git ")[2].partition("`")[0]
    drop = text.partition("drop it: `git ")[2].partition("`")[0]
    night.git(*drop.split())
    night.resume().release()
    night.git("branch", "-f", "autoresearch/night", target)
    night.git(*rename.split())
    check(night, night.resume())
    assert night.git("rev-parse", "night-kept") == at


def test_a_branch_at_the_champion_before_is_moved_on(night: Project) -> None:
    night.git("branch", "-f", "autoresearch/night", REFS + "0001")
    check(night, night.resume())


def test_a_checked_out_branch_is_left_where_it_is(project: Project, tmp_path: Path) -> None:
    run = project.create()
    project.git("worktree", "add", "-q", str(tmp_path / "look"), "autoresearch/night")
    go_on(project, run)
    assert project.git("rev-parse", "autoresearch/night") == run.base != run.champion
    assert any("is checked out and therefore stays" in text for text in run.warnings)
    run.release()
    again = project.resume()
    assert project.git("rev-parse", "autoresearch/night") == run.base
    assert again.warnings
    again.release()
    project.git("worktree", "remove", str(tmp_path / "look"))
    last = project.resume()
    assert project.git("rev-parse", "autoresearch/night") == run.champion
    assert (last.warnings, last.repository.ref(REFS + "held")) == ([], None)


def test_a_branch_moved_during_the_session_is_left_alone(project: Project) -> None:
    run = project.create()
    theirs = project.git("commit-tree", "-m", "mine", "HEAD^{tree}", "-p", "HEAD")
    project.git("branch", "-f", "autoresearch/night", theirs)
    go_on(project, run)
    assert project.git("rev-parse", "autoresearch/night") == theirs
    assert any("someone moved it" in text for text in run.warnings)


def test_a_ref_lock_left_by_a_killed_writer_is_cleared(night: Project) -> None:
    for name in (REFS + "0002.lock", REFS + "champion.lock", "refs/heads/autoresearch/night.lock"):
        night.write({f".git/{name}": b""})
    run = night.resume()
    run.begin_session()
    attempt(night, run, run.next_number, Status.KEPT)
    assert night.git("rev-parse", run.branch) == run.champion


def test_a_failing_ref_is_a_fault_and_the_journal_stays_true(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_autoresearch.history.repository.LOCK_PAUSE", 0.001)
    run = project.create()
    evaluate(run, experiment(run, 0), Status.BASELINE)
    project.write({f".git/{REFS}0001.lock": b""})
    with pytest.raises(HarnessFault, match="could not set"):
        attempt(project, run, 1, Status.DISCARD)
    run.release()
    again = project.resume()
    assert [one.number for one in again.pending] == [1]


def test_an_empty_folder_of_a_run_that_never_began_can_be_used(project: Project) -> None:
    project.folder.mkdir(parents=True)
    (project.folder / JOURNAL).write_bytes(b'{"seq": 0, "ti')
    with pytest.raises(UsageProblem, match="no run called"):
        project.resume()
    assert find(project.repository, project.folder.parent) == []
    assert project.create().next_number == 0


def test_find_changes_nothing_beside_a_running_search(project: Project) -> None:
    run = project.create()
    with (project.folder / JOURNAL).open("ab") as file:
        file.write(b'{"seq": 1, "torn')
    before = (project.folder / JOURNAL).read_bytes()
    refs = project.git("for-each-ref")
    assert [one.name for one in find(run.repository, project.folder.parent)] == ["night"]
    assert (project.folder / JOURNAL).read_bytes() == before
    assert project.git("for-each-ref") == refs


def test_runs_of_names_that_begin_alike_do_not_mix(project: Project) -> None:
    first = project.create()
    folder = project.folder.with_name("night-2")
    second = Run.create(first.repository, folder, "night-2", OBJECTIVE, first.base, {})
    evaluate(second, experiment(second, 0), Status.BASELINE)
    assert set(first.repository.refs(REFS)) == {"champion", "journal"}
    assert len(Refs(first.repository, "night").lines()) == 1


@pytest.mark.parametrize("spoil", ["folder", "file", "cut"])
def test_a_journal_spoilt_during_the_session_is_restored_by_the_next(
    project: Project, spoil: str
) -> None:
    run = project.create()
    evaluate(run, experiment(run, 0), Status.BASELINE)
    attempt(project, run, 1, Status.KEPT)
    whole = run.journal.content
    path = project.folder / "journal.jsonl"
    if spoil == "folder":
        shutil.rmtree(project.folder.parent)
    elif spoil == "file":
        path.unlink()
    else:
        os.truncate(path, 100)
    with pytest.raises(HarnessFault, match="start again"):
        attempt(project, run, 2, Status.KEPT)
    run.release()
    again = project.resume()
    assert path.read_bytes().startswith(whole)
    attempt(project, again, 2, Status.KEPT)
    assert [record.experiment for record in again.records] == [0, 1, 2]
