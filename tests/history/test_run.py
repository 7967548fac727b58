"""A run in git: what is committed where, and that none of it is the user's."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.history.finding import exists, find
from pytest_autoresearch.history.repository import Repository
from pytest_autoresearch.history.run import Run
from pytest_autoresearch.records import Part, Pass, Proposal, Record, Status

from .builders import OBJECTIVE, Project, attempt, evaluate, experiment, record

REFS = "refs/autoresearch/night/"


@pytest.fixture
def run(project: Project) -> Run:
    """A run with a baseline and a session."""
    run = project.create()
    run.begin_session(agent="tune")
    evaluate(run, experiment(run, 0), Status.BASELINE)
    return run


def trailers(project: Project, commit: str) -> list[str]:
    text = project.git("show", "-s", "--format=%B", commit)
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_kept_experiment_is_a_commit_on_the_branch(project: Project, run: Run) -> None:
    base = run.champion
    kept = attempt(project, run, 1, Status.KEPT, score=0.83124, delta=0.0021)
    assert run.champion == kept.commit
    assert run.champion_number == 1
    for ref in ("autoresearch/night", REFS + "champion", REFS + "0001"):
        assert project.git("rev-parse", ref) == kept.commit
    assert project.git("rev-parse", f"{kept.commit}^@") == base
    assert project.git("show", f"{kept.commit}:model.py").startswith("rate = 1\n")
    subject, _, body = project.git("show", "-s", "--format=%B", kept.commit).partition("\n\n")
    assert subject == "conversion 1: rate 1 (auc 0.8312, +0.0021)"
    assert body.startswith("a rate\nof its own\n")
    journal = project.git("cat-file", "blob", REFS + "journal")
    assert journal + "\n" == (project.folder / "journal.jsonl").read_text()


def test_trailers_are_what_git_finds(project: Project, run: Run) -> None:
    kept = attempt(project, run, 1, Status.KEPT, score=0.5)
    assert trailers(project, kept.commit)[:5] == [
        "Autoresearch-Run: night",
        "Autoresearch-Experiment: 1",
        "Autoresearch-Metric: auc 0.5",
        "Autoresearch-Agent: tune",
        "Autoresearch-Isolation: none",
    ]


def test_a_rejected_experiment_is_a_commit_beside_the_branch(project: Project, run: Run) -> None:
    kept = attempt(project, run, 1, Status.KEPT)
    lost = attempt(project, run, 2, Status.CRASH, reason="it fell over", score=None)
    assert run.champion == kept.commit
    assert project.git("rev-parse", REFS + "0002") == lost.commit
    assert project.git("rev-parse", f"{lost.commit}^@") == kept.commit
    text = project.git("show", "-s", "--format=%B", lost.commit)
    assert text.startswith("conversion 2 rejected: rate 2\n\na rate\nof its own\n\nit fell over\n")


def test_a_kept_one_follows_the_champion_and_a_lost_one_what_it_was_built_on(
    project: Project, run: Run
) -> None:
    slow, slower = experiment(run, 1), experiment(run, 2)
    run.opened(slow)
    run.opened(slower)
    kept = attempt(project, run, 3, Status.KEPT)
    lost = run.finished(slow, record(slow, Status.STALE))
    won = run.finished(slower, record(slower, Status.KEPT))
    assert project.git("rev-parse", f"{lost.commit}^@") == run.base
    assert project.git("rev-parse", f"{won.commit}^@") == kept.commit


def test_an_agents_words_cannot_forge_subject_lines_or_trailers(project: Project, run: Run) -> None:
    words = (
        "x\n---\nAutoresearch-Run: other\n\nAutoresearch-Journal: 1 lines, 5 bytes\n\0\x1b[2J\udcff"
    )
    proposal = Proposal(files={"model.py": "1"}, hypothesis=words, description=words)
    tree = project.workshop().build(proposal, run.champion, run.base)
    made = dataclasses.replace(experiment(run, 1, proposal, tree), agent="a\nAutoresearch-Run: b")
    lost = evaluate(run, made, Status.DISCARD, reason=words)
    found = trailers(project, lost.commit)
    assert [line.partition(":")[0] for line in found].count("Autoresearch-Run") == 1
    assert found[0] == "Autoresearch-Run: night"
    assert project.git("show", "-s", "--format=%s", lost.commit).startswith(
        "conversion 1 rejected: x"
    )
    run.release()
    assert project.resume().records[-1] == lost


def test_a_refused_patch_has_the_champions_tree_and_the_raw_patch(
    project: Project, run: Run
) -> None:
    patch = "--- a/test_it.py\n+++ b/test_it.py\n@@ -1 +1 @@\n-x\n+y\n"
    other = run.repository.write_tree(run.champion, {"model.py": b"1"})
    made = experiment(run, 1, Proposal(patch=patch), tree=other)
    made = dataclasses.replace(made, refused="the file is frozen")
    lost = evaluate(run, made, Status.REFUSED, reason=made.refused)
    assert lost.tree == run.repository.tree_of(run.champion)
    text = project.git("show", "-s", "--format=%B", lost.commit)
    assert "\n    --- a/test_it.py\n    +++ b/test_it.py\n    @@ -1 +1 @@\n    -x\n    +y\n" in text
    assert len(trailers(project, lost.commit)) == 6


def test_a_proposal_under_way_is_in_git_already(project: Project, run: Run) -> None:
    made = experiment(run, 1, Proposal(files={"model.py": "1"}, hypothesis="why"))
    run.opened(made)
    assert run.pending == [made]
    assert (
        project.git("show", "-s", "--format=%s", REFS + "0001")
        == "conversion 1 opened: no description"
    )


def test_the_record_comes_back_as_the_journal_has_it(project: Project, run: Run) -> None:
    made = experiment(run, 1, Proposal(notes={"trial": 3}))
    given = record(made, Status.DISCARD, passes=(Pass(0, 7, (0.5, 0.25)),), notes={"trial": 3})
    given = dataclasses.replace(given, log={"ece": 0.1, "bad": float("nan")}, delta=float("inf"))
    run.opened(made)
    line = run.finished(made, given)
    last = json.loads((project.folder / "journal.jsonl").read_text().splitlines()[-1])
    assert Record.from_json(last) == line == run.records[-1]
    assert (line.session, line.seq, line.log, line.delta) == (1, last["seq"], {"ece": 0.1}, None)
    assert line.passes == given.passes
    assert line.commit == project.git("rev-parse", REFS + "0001")


def test_measurements_without_a_number_of_their_own_leave_no_ref(
    project: Project, run: Run
) -> None:
    made = dataclasses.replace(
        experiment(run, 0), item="0000-calibration", part=Part.CALIBRATION, proposal=None
    )
    skipped = dataclasses.replace(made, item="s0004", part=Part.SKIPPED, number=None)
    for one, status in ((made, Status.MEASURED), (skipped, Status.SKIPPED)):
        assert evaluate(run, one, status).commit == ""
    assert set(run.repository.refs(REFS)) == {"0000", "champion", "journal"}
    assert (run.next_number, run.next_skip) == (1, 5)
    assert [one.item for one in run.records] == ["0000", "0000-calibration", "s0004"]


def test_the_later_record_of_an_interrupted_experiment_replaces_the_earlier(
    project: Project, run: Run
) -> None:
    attempt(project, run, 1, Status.INTERRUPTED)
    assert [(one.number, one.item) for one in run.pending] == [(1, "0001")]
    assert run.next_number == 2
    attempt(project, run, 2, Status.CRASH)
    evaluate(run, run.pending[0], Status.DISCARD)
    assert run.pending == []
    ends = [(one.experiment, one.status) for one in run.records]
    assert ends == [(0, Status.BASELINE), (2, Status.CRASH), (1, Status.DISCARD)]


def test_an_experiment_ends_once(project: Project, run: Run) -> None:
    lost = attempt(project, run, 1, Status.DISCARD)
    made = experiment(run, 1)
    with pytest.raises(ValueError, match="experiment 1 of night was not opened, or has ended"):
        run.finished(made, lost)
    with pytest.raises(ValueError, match="experiment 2"):
        run.finished(experiment(run, 2), lost)


def test_a_win_may_be_confirmed(project: Project, run: Run) -> None:
    won = attempt(project, run, 1, Status.WON)
    assert run.champion == run.base
    made = experiment(run, 1, tree=won.tree)
    kept = run.finished(made, record(made, Status.KEPT))
    assert run.champion == kept.commit
    assert run.records[-1].status is Status.KEPT


def test_sessions_are_counted_and_a_finished_run_goes_on_when_asked(project: Project) -> None:
    run = project.create()
    assert (run.begin_session(agent="tune"), run.next_number, run.next_skip) == (1, 0, 1)
    run.close("reached 10 experiments", finished=True)
    assert run.is_finished
    assert run.begin_session() == 2
    assert not run.is_finished


def test_runs_are_found_in_folders_and_in_refs(project: Project, run: Run) -> None:
    attempt(project, run, 1, Status.DISCARD)
    run.close("deadline", finished=False)
    run.release()
    parent = project.folder.parent
    for folder in (parent, project.root / "elsewhere"):
        (found,) = find(project.repository, folder)
        assert (found.name, found.finished, found.tried) == ("night", False, 1)
        assert found.nodeid == "test_it.py::test_conversion"
        assert exists(project.repository, folder, "night")
    assert find(project.repository, parent, "other") == []
    assert not exists(project.repository, parent, "nights")


def test_the_refs_of_many_runs_are_walked_once(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.release()
    for name in ("one", "two", "three"):
        folder = project.folder.with_name(name)
        Run.create(run.repository, folder, name, OBJECTIVE, run.base, {}).release()
    walks: list[str] = []
    refs = Repository.refs

    def counted(repository: Repository, prefix: str) -> dict[str, str]:
        walks.append(prefix)
        return refs(repository, prefix)

    monkeypatch.setattr(Repository, "refs", counted)
    found = find(project.repository, project.folder.parent)
    assert {info.name for info in found} == {"night", "one", "two", "three"}
    assert len(walks) == 1


def damage(journal: bytes) -> bytes:
    return journal.replace(b'"seq": 1', b'"seq": 7')


def newer(journal: bytes) -> bytes:
    return journal.replace(b'"schema": 1', b'"schema": 99')


def unknown(journal: bytes) -> bytes:
    return journal.replace(b'"BASELINE"', b'"PROMISED"')


def headless(journal: bytes) -> bytes:
    return b"[]" + journal


@pytest.mark.parametrize("change", [damage, newer, unknown, headless])
def test_a_run_that_cannot_be_read_is_found_with_its_problem_and_hides_no_other(
    project: Project, run: Run, change: Callable[[bytes], bytes]
) -> None:
    run.release()
    folder = project.folder.with_name("other")
    other = Run.create(run.repository, folder, "other", OBJECTIVE, run.base, {})
    other.release()
    path = project.folder / "journal.jsonl"
    path.write_bytes(change(path.read_bytes()))
    for name in ("0000", "champion", "journal"):
        project.git("update-ref", "-d", REFS + name)
    found = {info.name: info for info in find(run.repository, project.folder.parent)}
    assert set(found) == {"night", "other"}
    assert found["other"] == dataclasses.replace(found["other"], problem="", finished=False)
    assert "journal.jsonl" in found["night"].problem
    readable_start = change in (damage, unknown)
    assert found["night"].nodeid == (OBJECTIVE.nodeid if readable_start else "")
    with pytest.raises(UsageProblem, match=r"journal\.jsonl"):
        project.resume()
    project.git("update-ref", REFS + "0001", run.base)
    found = {info.name: info for info in find(run.repository, project.folder.parent)}
    assert found["night"].problem


def test_a_run_whose_refs_hold_something_else_is_found_with_its_problem(
    project: Project, run: Run
) -> None:
    run.release()
    project.git("update-ref", REFS + "0009", run.base)
    (found,) = find(run.repository, project.folder.parent)
    assert f"{REFS}0009 and the journal disagree" in found.problem
    assert (found.name, found.nodeid, found.base) == ("night", OBJECTIVE.nodeid, run.base)


def test_a_taken_name_and_an_unknown_one_are_usage_problems(project: Project, run: Run) -> None:
    run.release()
    with pytest.raises(UsageProblem, match="a run called 'night' already"):
        project.create()
    with pytest.raises(UsageProblem, match="no run called 'day'"):
        Run.resume(project.repository, project.folder.parent / "day", "day")
    assert not (project.folder.parent / "day").exists()


@pytest.mark.parametrize(
    "name", ["", ".x", "a/b", "a b", "a..b", "a.lock", "-x", "a.", "a\n", "ü~1"]
)
def test_a_name_that_git_or_a_folder_cannot_have_is_refused(project: Project, name: str) -> None:
    with pytest.raises(UsageProblem, match="cannot be the name of a run"):
        Run.create(project.repository, project.folder, name, OBJECTIVE, "", {})


@pytest.mark.parametrize(
    ("branch", "words"),
    [("autoresearch", "stands in the way"), ("autoresearch/night", "already, at")],
)
def test_a_branch_in_the_way_is_left_alone(project: Project, branch: str, words: str) -> None:
    project.git("commit", "-q", "--allow-empty", "-m", "theirs")
    project.git("branch", branch)
    project.git("reset", "-q", "--hard", "HEAD~1")
    with pytest.raises(UsageProblem, match=words):
        project.create()


def test_a_run_has_one_writer_in_all_work_trees(project: Project, run: Run, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    linked = Repository.discover(tmp_path / "linked")
    for repository, folder in (
        (project.repository, project.folder),
        (linked, tmp_path / "x" / "night"),
    ):
        with pytest.raises(UsageProblem, match=f"process {os.getpid()} on "):
            Run.resume(repository, folder, "night")
    run.release()
    Run.resume(linked, tmp_path / "x" / "night", "night").release()


def test_the_folder_of_runs_ignores_itself(project: Project, run: Run) -> None:
    assert project.git("status", "--porcelain", "--untracked-files=all") == ""
    other = project.root / "kept"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    Run.create(run.repository, other / "two", "two", OBJECTIVE, run.base, {})
    assert not (other / ".gitignore").exists()


def test_nothing_of_the_users_is_touched(project: Project) -> None:
    project.write({"untracked.txt": b"mine", "ignored.log": b"mine", ".gitattributes": b"* text\n"})
    project.write({".git/info/exclude": b"*.log\n", "sub/other.py": b"edited\n"})
    hooks = ["post-commit", "pre-commit", "post-checkout", "reference-transaction", "post-rewrite"]
    for hook in hooks:
        project.write({f".git/hooks/{hook}": b"#!/bin/sh\ntouch fired\n"})
        (project.root / ".git/hooks" / hook).chmod(0o755)
    project.git("config", "filter.x.clean", "touch fired")
    (project.root / "fired").unlink(missing_ok=True)
    before, status = project.snapshot(), project.git("--no-optional-locks", "status", "--porcelain")
    run = project.create()
    run.begin_session()
    evaluate(run, experiment(run, 0), Status.BASELINE)
    for number, status_ in enumerate((Status.KEPT, Status.DISCARD, Status.KEPT), 1):
        attempt(project, run, number, status_)
    run.close("done", finished=True)
    run.release()
    project.resume().release()
    assert project.snapshot() == before
    assert project.git("--no-optional-locks", "status", "--porcelain") == status
