"""A search goes on over nights: it ends on time, wherever it is, and uses what earlier runs found out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.testing import CONFTEST, MODEL, TEST, Project, Result

N = "--autoresearch-experiments"
RUN = "--autoresearch-run"
HOURS = "--hours"
SECONDS = 8.0
"""What `--hours` allows in these tests: an hour's sleep is cut off by it."""


def hours(seconds: float = SECONDS) -> tuple[str, str]:
    return HOURS, f"{seconds / 3600:.6f}"


def on_time(project: Project, *arguments: str) -> Result:
    """A search that must end at its hours; the bound is generous because machines are busy."""
    began = time.monotonic()
    result = project.search(*hours(), *arguments, timeout=60)
    assert time.monotonic() - began < SECONDS + 20, result.stdout
    return result


def calibration(result: Result) -> list[Record]:
    return [r for r in result.records if r.part is Part.CALIBRATION]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run ``monday``: the first patch was kept, the second lost."""
    made = Project(tmp_path_factory.mktemp("nights") / "p")
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="far off")
    result = made.search(RUN, "monday")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [r.status for r in result.experiments] == [Status.KEPT, Status.DISCARD]
    return made


@pytest.fixture
def project(night: Project, tmp_path: Path) -> Project:
    """A copy of that project with its patches."""
    shutil.copytree(night.root, tmp_path / "p")
    shutil.copytree(night.patches, tmp_path / "p-patches")
    copied = Project.__new__(Project)
    copied.__dict__.update(night.__dict__)
    copied.root = copied.folder = tmp_path / "p"
    copied.patches = tmp_path / "p-patches"
    return copied


def only(project: Project, patch: str) -> None:
    """Leave one of the patches."""
    for path in project.patches.iterdir():
        if path.name != patch:
            path.unlink()


def test_a_run_that_goes_on_on_another_machine_says_so(project: Project) -> None:
    assert "was begun on" not in project.search(RUN, "tuesday", N, "1").stdout
    journal = project.folder / ".autoresearch/tuesday/journal.jsonl"
    first, *rest = journal.read_text("utf-8").splitlines(keepends=True)
    line = json.loads(first)
    line["conditions"]["fingerprint"] |= {"device": "Abacus", "gpu": "Loom"}
    journal.write_text("".join([json.dumps(line) + "\n", *rest]), "utf-8")
    shutil.rmtree(project.root / ".git/refs/autoresearch/tuesday")
    shown = project.search(RUN, "tuesday", N, "2").stdout
    assert re.search(r"run tuesday was begun on Abacus \(here: .+\), Loom \(here: no GPU\)", shown)


# The end of the hours


def test_a_frozen_test_that_computes_at_the_end_of_the_hours_is_stopped(tmp_path: Path) -> None:
    slow = TEST.replace(
        "    assert exp", "    if experiment_is_slow():\n        wait()\n    assert exp"
    )
    slow = slow.replace("import pytest\n", SLOW_TEST, 1)
    made = Project(tmp_path / "p", {"test_line.py": slow})
    made.replace("OFFSET = 0.5", "OFFSET = 0.51")
    result = on_time(made, RUN, "r")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [r.status for r in result.experiments] == [Status.INTERRUPTED]
    (made.folder / "wait").write_text("no")
    again = made.search(N, "1")
    assert "goes on with run r (1 experiment done, 0 kept)" in again.stdout
    assert [r.item for r in again.experiments][-1] == "0001"
    assert again.experiments[-1].status is not Status.INTERRUPTED
    assert [r.item for r in again.records if r.session == 2] == ["0001"]


SLOW_TEST = '''import pathlib
import time

import pytest

EVALUATED = []


def experiment_is_slow():
    """The third evaluation of a session, after baseline and calibration, is."""
    EVALUATED.append(1)
    return len(EVALUATED) == 3 and not (pathlib.Path(__file__).parent / "wait").exists()


def wait():
    try:
        time.sleep(3600)
    except Exception:
        time.sleep(3600)
'''


def test_a_calibration_that_runs_at_the_end_of_the_hours_goes_on_where_it_stopped(
    tmp_path: Path,
) -> None:
    waiting = TEST.replace(
        "    for fold", "    import time\n    for fold", 1
    ).replace("        model =", "        if experiment.split == 1:\n            time.sleep(SLEEP)\n        model =")  # fmt: skip
    waiting = waiting.replace("import pytest\n", WAITS, 1)
    made = Project(tmp_path / "p", {"test_line.py": waiting})
    made.replace("OFFSET = 0.5", "OFFSET = -9.0")
    first = on_time(made, RUN, "r")
    assert first.returncode == 1
    assert "no patch was evaluated" in first.stdout
    (stopped,) = calibration(first)
    assert stopped.status is Status.INTERRUPTED
    assert [one.split for one in stopped.passes] == [0]
    (made.folder / "go").touch()
    again = made.search(timeout=120)
    assert "goes on with run r (0 experiments done, 0 kept)" in again.stdout
    assert min(one.split for one in calibration(again)[-1].passes) == 1
    assert [r.status for r in again.experiments] == [Status.DISCARD]


WAITS = """import pathlib

import pytest

SLEEP = 0 if (pathlib.Path(__file__).parent / "go").exists() else 3600
"""


def test_a_fixture_that_is_built_at_the_end_of_the_hours_is_stopped(tmp_path: Path) -> None:
    slow = CONFTEST.replace("return Line()", "import time\n    time.sleep(3600)\n    return Line()")
    made = Project(tmp_path / "p", {"conftest.py": slow})
    made.replace("OFFSET = 0.5", "OFFSET = -9.0")
    result = on_time(made)
    assert result.returncode == 1
    assert [(r.item, r.status) for r in result.records] == [("0000", Status.INTERRUPTED)]


def test_an_agent_that_thinks_at_the_end_of_the_hours_is_stopped(tmp_path: Path) -> None:
    made = Project(tmp_path / "p", {"conftest.py": CONFTEST + THINKER})
    command = made.command(*hours(), "--autoresearch-allow-untrusted")
    command[command.index("--autoresearch-agent") + 1] = "thinker"
    result = made.search(command=command, timeout=60)
    assert [r.item for r in result.records] == ["0000", "0000-calibration"]
    assert "hours are over" in result.stdout


THINKER = """

class Thinker:
    def propose(self, briefing):
        import time
        time.sleep(3600)

    def told(self, record):
        pass


def pytest_autoresearch_make_agent(config, spec):
    return Thinker() if spec == "thinker" else None
"""


# Going on


def test_n_0_and_then_more_is_one_run(project: Project) -> None:
    shutil.rmtree(project.folder / ".autoresearch")
    subprocess.run(["git", "for-each-ref", "--format=delete %(refname)", "refs/autoresearch"],
                   cwd=project.root, check=True, capture_output=True)  # fmt: skip
    assert project.search(N, "0", RUN, "zero").returncode == 0
    result = project.search(N, "1")
    assert "goes on with run zero (0 experiments done, 0 kept)" in result.stdout
    assert [r.item for r in result.experiments] == ["0001"]


def test_a_run_that_was_killed_before_anything_ended_is_said_to_go_on(project: Project) -> None:
    assert on_time_or_not(project, RUN, "early").returncode == 1
    result = project.search(N, "1")
    assert "goes on with run early (0 experiments done, 0 kept)" in result.stdout


def on_time_or_not(project: Project, *arguments: str) -> Result:
    return project.search(HOURS, "0.0000001", *arguments, timeout=60)


@pytest.mark.parametrize("way", [("--timeout", "33"), ("-o", "timeout=33")])
def test_another_budget_is_refused_with_the_ways_out(tmp_path: Path, way: tuple[str, str]) -> None:
    made = Project(tmp_path / "p", {"test_line.py": TEST.replace("@pytest.mark.timeout(20)\n", "")})
    made.replace("OFFSET = 0.5", "OFFSET = -9.0")
    assert made.search(N, "0", RUN, "open").returncode == 0
    result = made.search(*way)
    assert result.returncode == 4
    assert "run open: the budget of a pass was 300 s, is 33 s" in result.stderr
    assert "set the timeout back to 300" in result.stderr
    assert f"{RUN} line-new" in result.stderr


# Earlier runs


def test_a_patch_that_lost_in_an_earlier_run_is_skipped_and_one_that_was_kept_is_not(
    project: Project,
) -> None:
    result = project.search(RUN, "tuesday")
    skipped = [r.reason for r in result.records if r.part is Part.SKIPPED]
    assert [r.status for r in result.experiments] == [Status.KEPT]
    assert skipped == ["repeats experiment 2 of run monday"]


def test_the_header_says_that_head_lacks_the_last_winner_until_it_is_merged(
    project: Project,
) -> None:
    said = "run monday kept 1 (rmse "
    first = project.search(RUN, "tuesday", N, "1").stdout
    assert said in first
    assert "HEAD does not contain it: `git merge autoresearch/monday`, or search on" in first
    subprocess.run(["git", "merge", "-q", "autoresearch/monday"], cwd=project.root, check=True)
    shutil.rmtree(project.folder / ".autoresearch" / "tuesday")
    assert said not in project.search(N, "0").stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"rule": {', '"rules": {'),
        ('"fingerprint": {', '"fingerprint": "gone", "was": {'),
        ('"commit": "', '"commit": "no commit '),
    ],
)
def test_an_earlier_run_of_another_version_blocks_no_search(
    project: Project, old: str, new: str
) -> None:
    folder = project.folder / ".autoresearch"
    text = (folder / "monday" / "journal.jsonl").read_text("utf-8")
    other = folder / "other"
    other.mkdir()
    text = text.replace('"name": "monday"', '"name": "other"').replace(old, new)
    (other / "journal.jsonl").write_text(text, encoding="utf-8")
    result = project.search(N, "0", RUN, "tuesday")
    assert result.returncode == 0, result.stdout + result.stderr
    shown = [sys.executable, "-m", "pytest", "--autoresearch-show"]
    assert project.search(command=shown).returncode == 0


def test_a_measured_champion_is_not_calibrated_again_when_it_is_merged(tmp_path: Path) -> None:
    # Without luck: a noisy baseline contradicts what is known of it now and then.
    project = Project(tmp_path / "p", {"model.py": MODEL.replace("scale=0.01", "scale=0.0")})
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    project.replace("OFFSET = 0.5", "OFFSET = -9.0")
    assert project.search(RUN, "monday").returncode == 0
    subprocess.run(["git", "merge", "-q", "autoresearch/monday"], cwd=project.root, check=True)
    result = project.search(RUN, "tuesday", N, "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "calibration is taken over from run monday, experiment 1" in result.stdout
    assert "test_line[0000-calibration]" not in result.testcases
    (reused,) = calibration(result)
    assert reused.notes["reused"] == {"run": "monday", "experiment": 1}


def test_scores_made_under_another_budget_are_not_reused(tmp_path: Path) -> None:
    made = Project(tmp_path / "p", {"test_line.py": TEST.replace("@pytest.mark.timeout(20)\n", "")})
    made.replace("OFFSET = 0.5", "OFFSET = -9.0")
    assert made.search(RUN, "monday", N, "1").returncode == 0
    result = made.search(RUN, "tuesday", N, "1", "--timeout", "44")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [r.item for r in result.records] == ["0000", "0000-calibration", "0001"]


# The plan


def test_a_calibration_that_would_eat_the_hours_is_shrunk_and_said_so(tmp_path: Path) -> None:
    slow = TEST.replace("    for fold", "    import time\n    time.sleep(0.6)\n    for fold")
    made = Project(tmp_path / "p", {"test_line.py": slow})
    made.replace("OFFSET = 0.5", "OFFSET = -9.0")
    result = made.search(*hours(20), timeout=60)
    assert re.search(r"calibration shrunk from 6 to 3 passes: it would take \d+% of", result.stdout)
    assert [len(r.passes) for r in calibration(result)] == [2]
    assert [r.status for r in result.experiments] == [Status.DISCARD]


def test_the_plan_is_said_in_clock_times_by_the_budget_and_then_by_the_baselines_time(
    tmp_path: Path,
) -> None:
    made = Project(tmp_path / "p")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0")
    shown = made.search(N, "1").stdout
    plans = [line for line in shown.splitlines() if line.startswith("autoresearch: plan by")]
    assert len(plans) == 3
    assert "the budget of 20 s a pass, the worst case: calibration in 6 passes until" in plans[0]
    assert re.search(
        r"the baseline's time: calibration in 5 passes until about (\w+ )?[\d:]+, then 1 experiment",
        plans[1],
    )
    assert re.search(r"the calibration's times: 1 experiment until about (\w+ )?[\d:]+$", plans[2])


def test_co_plans_by_an_earlier_runs_times_and_starts_nothing(project: Project) -> None:
    before = sorted((project.folder / ".autoresearch").iterdir())
    shown = project.search("--co", HOURS, "12").stdout
    assert re.search(
        r"plan by the times of run monday: calibration in 6 passes until about (\w+ )?[\d:]+, "
        r"then about \d+ experiments until (\w+ )?\d\d:\d\d, closing 4 s",
        shown,
    )
    assert sorted((project.folder / ".autoresearch").iterdir()) == before
