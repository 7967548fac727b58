"""kill -9 at any instant: the next session goes on, nothing is lost and nothing is counted twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pygit2
import pytest

from pytest_autoresearch.records import Part, Status
from pytest_autoresearch.testing import MODEL, Project, Result

KILLS = int(os.environ.get("AUTORESEARCH_TEST_KILLS", "30"))
PATCHES = 600
SLOW = MODEL.replace("    rng =", "    import time\n\n    time.sleep(0.05)\n    rng =")
RUN = ("--autoresearch-run", "night")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("kill") / "p", {"model.py": SLOW})
    for number in range(PATCHES):
        worse = SLOW.replace("OFFSET = 0.5", f"OFFSET = {-number}.5")
        better = SLOW.replace("SLOPE = 2.0", f"SLOPE = 2.5{number:03d}")
        made.add_patch(made.diff("model.py", SLOW, better if number % 25 == 5 else worse))
    return made


def sessions_in(project: Project) -> int:
    """How many sessions have begun, by the journal."""
    journal = project.folder / ".autoresearch" / "night" / "journal.jsonl"
    return journal.read_bytes().count(b'"kind": "session"') if journal.exists() else 0


def kill_at(project: Project, seconds: float, *, begun: bool) -> int | None:
    """Run a search and kill it after so many seconds; its exit status if it ended before.

    The seconds count from the process's start or, ``begun``, from when its session is in the journal.
    """
    before = sessions_in(project)
    running = subprocess.Popen(
        project.command(*RUN),
        cwd=project.folder,
        env=project.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while begun and running.poll() is None and sessions_in(project) == before:
        time.sleep(0.02)
    try:
        return running.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        return None


@pytest.fixture(scope="module")
def result(project: Project) -> Result:
    """Thirty sessions killed, then one that runs five experiments to its end.

    A busy machine comes no further than the first ones meanwhile: the sixth is the first good patch.
    """
    rng = random.Random(7)
    ends = [
        kill_at(project, rng.uniform(0.0, 1.2), begun=True)
        if number % 2
        else kill_at(project, rng.uniform(0.2, 2.5), begun=False)
        for number in range(KILLS)
    ]
    assert ends == [None] * KILLS, "the patches did not last: give the search more of them"
    return project.search(*RUN, "--autoresearch-experiments", str(max(tried(project), 2) + 5))


def tried(project: Project) -> int:
    """The highest number in the journal; its last line may be torn."""
    journal = project.folder / ".autoresearch" / "night" / "journal.jsonl"
    whole = [
        line for line in journal.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")
    ]
    return max(json.loads(line).get("experiment") or 0 for line in whole)


def survivors(folder: str) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if folder in line]


def test_every_patch_is_evaluated_once_and_none_is_lost(result: Result) -> None:
    assert result.returncode == 0, result.stdout + result.stderr
    files = Counter(
        line["proposal"]["notes"]["file"]  # type: ignore[index]
        for line in {
            line["item"]: line for line in result.lines if line["kind"] == "opened"
        }.values()
        if line.get("proposal")
    )
    assert set(files.values()) == {1}
    last = {record.item: record for record in result.records}
    numbers = [r.experiment for r in last.values() if r.part is Part.EXPERIMENT]
    assert sorted(n for n in numbers if n is not None) == list(range(1, len(files) + 1))
    assert Status.KEPT in {record.status for record in last.values()}
    assert all(record.status is not Status.INTERRUPTED for record in last.values())


def test_no_number_has_two_results(result: Result) -> None:
    final = Counter(
        record.item for record in result.records if record.status is not Status.INTERRUPTED
    )
    assert {item for item, count in final.items() if count > 1} == set()


def test_the_journal_has_no_gap_and_says_where_sessions_were_killed(result: Result) -> None:
    assert [line["seq"] for line in result.lines] == list(range(len(result.lines)))
    sessions = [line["session"] for line in result.lines if line["kind"] == "session"]
    assert sessions == list(range(1, len(sessions) + 1))
    assert len(sessions) > KILLS / 3


def agrees(project: Project, result: Result) -> None:
    """Journal, branch and refs tell the same."""
    name = result.lines[0]["name"]
    repository = pygit2.Repository(str(project.root))
    last = {r.experiment: r for r in result.records if r.part in (Part.BASELINE, Part.EXPERIMENT)}
    for number, record in last.items():
        ref = repository.references[f"refs/autoresearch/{name}/{number:04d}"]
        assert str(ref.target) == record.commit
    kept = [record.commit for record in last.values() if record.status is Status.KEPT]
    champion = kept[-1] if kept else str(repository.head.target)
    assert str(repository.references[f"refs/autoresearch/{name}/champion"].target) == champion
    assert str(repository.branches[f"autoresearch/{name}"].target) == champion
    blob = repository.references[f"refs/autoresearch/{name}/journal"].target
    lines = [json.loads(line) for line in repository[blob].data.splitlines()]  # type: ignore[attr-defined]
    assert lines == result.lines


def test_journal_branch_and_refs_agree(project: Project, result: Result) -> None:
    agrees(project, result)


def test_no_process_of_a_killed_session_survives(project: Project, result: Result) -> None:
    time.sleep(0.5)
    scratch = [str(line["scratch"]) for line in result.lines if line["kind"] == "session"]
    assert [line for folder in scratch for line in survivors(folder)] == []
    assert [folder for folder in scratch if Path(folder).exists()] == []


def final(result: Result) -> list[tuple[str, Status, str]]:
    """The last record of every experiment."""
    last = {r.item: r for r in result.experiments}
    return [(r.item, r.status, r.commit) for r in last.values()]


def test_without_branch_and_folder_the_run_goes_on_from_its_refs(
    project: Project, result: Result
) -> None:
    name = str(result.lines[0]["name"])
    before = final(result)
    shutil.rmtree(project.folder / ".autoresearch")
    pygit2.Repository(str(project.root)).branches[f"autoresearch/{name}"].delete()
    again = project.search(*RUN, "--autoresearch-experiments", str(len(before) + 1))
    assert again.returncode == 0, again.stdout + again.stderr
    after = final(again)
    assert after[:-1] == before
    assert after[-1][0] == f"{len(before) + 1:04d}"
    agrees(project, again)
