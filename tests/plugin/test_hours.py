"""A search ends when it was asked to: by hours, by number, by a file, or when nothing is left."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from pytest_autoresearch.records import Part, Status
from pytest_autoresearch.testing import Project, Result

FIT = "    rng = np.random.default_rng(seed)\n"
RETURN = '    return {"noise": rng.normal(scale=0.01)}\n'
SLOW = FIT + "    import time\n    time.sleep(3600)\n"
SECONDS = 8.0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("hours") / "p")
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    made.replace(FIT, SLOW, description="long")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    return made


@pytest.fixture(scope="module")
def timed(project: Project) -> tuple[Result, float]:
    began = time.monotonic()
    hours = ("--hours", f"{SECONDS / 3600:.6f}", "--autoresearch-run", "timed")
    result = project.search(*hours, timeout=60)
    return result, time.monotonic() - began


def test_what_runs_at_the_deadline_is_stopped_and_the_exit_is_0(
    timed: tuple[Result, float],
) -> None:
    result, seconds = timed
    assert result.returncode == 0, result.stdout + result.stderr
    assert [r.status for r in result.experiments] == [Status.KEPT, Status.INTERRUPTED]
    assert result.experiments[-1].reason == "stopped at the deadline"
    # Nothing waits for the budget of 20 s: the bound is generous because machines are busy.
    assert SECONDS / 2 < seconds < SECONDS + 10
    case = result.testcases["test_line[0002]"].find("skipped")
    assert case is not None
    assert "INTERRUPTED" in result.stdout
    assert "hours are over; the run is not finished" in result.stdout
    assert "the same command goes on with it" in result.stdout


def test_the_next_session_evaluates_it_first(project: Project, timed: tuple[Result, float]) -> None:
    (project.patches / "02.patch").write_text("changed in between\n", encoding="utf-8")
    again = project.search("--hours", "0.0012", "--autoresearch-run", "timed", timeout=60)
    session = [line for line in again.lines if line.get("session") == 2]
    opened = [line for line in session if line["kind"] == "opened"]
    assert opened[0]["item"] == "0002"
    assert "time.sleep(3600)" in opened[0]["proposal"]["patch"]  # type: ignore[index]
    assert [r.item for r in again.records if r.part is Part.BASELINE] == ["0000"]


def test_the_baseline_is_always_begun_and_what_follows_only_when_it_fits(project: Project) -> None:
    result = project.search("--hours", "0.0000001", "--autoresearch-run", "never", timeout=60)
    assert result.returncode == 1
    assert [(r.item, r.status) for r in result.records] == [("0000", Status.INTERRUPTED)]
    assert "exit 1: no patch was evaluated" in result.stdout
    assert "the same command goes on with it" in result.stdout


def test_n_counts_the_experiments_of_the_run(project: Project) -> None:
    first = project.search("--autoresearch-experiments", "1", "--autoresearch-run", "counted")
    assert first.returncode == 0
    assert [r.item for r in first.experiments] == ["0001"]
    assert first.lines[-1]["finished"] is True
    assert "1 experiment done" in first.stdout


def test_n_0_measures_the_baseline_and_leaves_the_run_unfinished(project: Project) -> None:
    result = project.search("--autoresearch-experiments", "0", "--autoresearch-run", "zero")
    assert result.returncode == 0
    assert [r.status for r in result.records][:2] == [Status.BASELINE, Status.MEASURED]
    assert result.experiments == []
    assert result.lines[-1]["finished"] is False
    assert "the baseline is measured" in result.stdout


def test_a_file_stop_ends_it_after_the_experiment_under_way(tmp_path: Path) -> None:
    touch = f"    open({str(tmp_path / 'p/.autoresearch/stopped/STOP')!r}, 'w').close()\n"
    made = Project(tmp_path / "p")
    # Clearly worse: a patch that changes nothing would be kept by chance now and then.
    worse = touch + '    return {"noise": -9.0}\n'
    made.replace(RETURN, worse, description="a person stops it meanwhile")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    result = made.search("--autoresearch-run", "stopped")
    assert result.returncode == 0
    assert [r.item for r in result.experiments] == ["0001"]
    assert "a file STOP was found in the run's folder" in result.stdout
    assert not (made.folder / ".autoresearch/stopped/STOP").exists()
    again = made.search("--autoresearch-run", "stopped")
    assert [r.item for r in again.experiments] == ["0001", "0002"]


def test_without_a_gain_the_exit_is_0_unless_one_is_required(tmp_path: Path) -> None:
    made = Project(tmp_path / "p")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    assert made.search("--autoresearch-run", "a").returncode == 0
    required = made.search("--autoresearch-run", "b", "--autoresearch-require-gain")
    assert required.returncode == 1
    assert "exit 1: --autoresearch-require-gain: nothing was kept" in required.stdout


def test_status_json_says_how_it_stands(timed: tuple[Result, float]) -> None:
    status = json.loads((timed[0].folder / ".autoresearch/timed/status.json").read_text("utf-8"))
    assert status["run"] == "timed"
    assert status["kept"] == 1
