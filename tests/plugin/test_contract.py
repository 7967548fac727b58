"""The frozen test's side of the contract, end to end: constraints, folds, shards, scripts, stalls."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from pytest_autoresearch.exceptions import HarnessFault
from pytest_autoresearch.records import Record, Status
from pytest_autoresearch.stall import watched
from pytest_autoresearch.testing import CONFTEST, MODEL, TEST, Project, Result

HEAD = TEST[: TEST.index("    for fold in")]
FIT = "        model = candidate.fit(fold.train_X, fold.train_y)\n"
ERROR = "        error = model.predict(fold.test_X) - fold.test_y\n"
SCORE = "        experiment.score(float(np.sqrt(np.mean(error**2))))\n"
END = "    assert experiment.improves\n"


def searched(
    tmp_path: Path, body: str, *, mark: str = "", files: dict[str, str] | None = None
) -> Result:
    head = HEAD.replace('editable=["model.py"]', f'editable=["model.py"]{mark}')
    project = Project(tmp_path / "p", {"test_line.py": head + body, **(files or {})})
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    return project.search()


def only(result: Result) -> Record:
    [record] = result.experiments
    assert result.returncode == 0, result.stdout + result.stderr
    return record


LOGGED = (
    "    for fold in experiment.race(line.folds):\n" + FIT + ERROR + SCORE
    + "        experiment.log(spread=float(error.std()), steady=1.0)\n" + END
)  # fmt: skip


@pytest.mark.parametrize(
    ("bound", "status", "reason"),
    [
        ("'spread': '<= 1.1 * baseline', 'steady': '>= 1'", Status.KEPT, ""),
        ("'spread': '>= 0.9 * baseline'", Status.DISCARD, "constraint spread >= "),
        ("'steady': '> 1'", Status.DISCARD, "constraint steady > 1 broken: 1"),
        ("'peak_memory_mb': '<= 1'", Status.DISCARD, "constraint peak_memory_mb <= 1 broken"),
    ],
)
def test_a_broken_constraint_rejects_a_winner(
    tmp_path: Path, bound: str, status: Status, reason: str
) -> None:
    record = only(searched(tmp_path, LOGGED, mark=f", constraints={{{bound}}}"))
    assert record.status is status
    assert record.reason.startswith(reason)
    assert set(record.log) == {"spread", "steady"}


def test_a_constraint_on_what_is_never_logged_fails_the_baseline(tmp_path: Path) -> None:
    result = searched(tmp_path, LOGGED, mark=", constraints={'ece': '<= 1'}")
    assert result.returncode == 1
    assert "constraints name ece, which the test never logged" in result.stdout
    assert result.experiments == []


def test_a_list_of_folds_changes_only_the_seed_from_pass_to_pass(tmp_path: Path) -> None:
    body = "    for fold in experiment.race(line.folds(0)):\n" + FIT + ERROR + SCORE + END
    record = only(searched(tmp_path, body))
    assert record.status is Status.KEPT
    assert record.folds == "list"
    assert {one.split for one in record.passes} == {0}
    assert len({one.seed for one in record.passes}) == len(record.passes) > 1


def test_without_folds_a_pass_has_one(tmp_path: Path) -> None:
    body = (
        "    fold = line.folds(0)[0]\n    for _ in experiment.race():\n" + FIT + ERROR + SCORE + END
    )
    record = only(searched(tmp_path, body))
    assert record.status is Status.KEPT
    assert record.folds == "none"
    assert all(len(one.scores) == 1 for one in record.passes)


def test_shards_of_one_evaluation_count_as_folds(tmp_path: Path) -> None:
    shards = "        experiment.score([float(np.abs(part).mean()) for part in np.array_split(error, 4)])\n"
    body = (
        "    for fold in experiment.race(lambda split: line.folds(split)[:1]):\n"
        + FIT + ERROR + shards + END
    )  # fmt: skip
    record = only(searched(tmp_path, body))
    assert record.status is Status.KEPT
    assert [len(one.scores) for one in record.passes] == [4] * len(record.passes)
    assert record.score == pytest.approx(sum(record.passes[0].scores) / 4)


SCRIPT = """
import os

import numpy as np

SLOPE = 2.0
noise = np.random.default_rng(int(os.environ["AUTORESEARCH_SEED"])).normal(scale=0.01)
print("training")
print("rmse:", abs(3 - SLOPE) + noise)
"""


@pytest.mark.parametrize("how", ['pattern=r"^rmse: ([-+.e\\d]+)"', 'key="rmse"'])
def test_a_number_that_a_script_prints_is_stamped_self_reported(tmp_path: Path, how: str) -> None:
    body = (
        "    for _ in experiment.race():\n"
        f'        experiment.score(candidate.run("model.py", {how}))\n' + END
    )
    result = searched(tmp_path, body, files={"model.py": SCRIPT})
    record = only(result)
    assert record.status is Status.KEPT
    assert record.trust == "self-reported"
    assert result.properties("test_line[0001]")["autoresearch.trust"] == "self-reported"
    report = result.folder / ".autoresearch" / str(result.lines[0]["name"]) / "report.md"
    assert "Scores are self-reported: the candidate's own script" in report.read_text("utf-8")
    assert "scores are self-reported" in result.stdout


def test_a_called_function_answers_with_numbers(tmp_path: Path) -> None:
    body = (
        "    for fold in experiment.race(line.folds):\n"
        '        found = candidate.call("model.py:slope", fold.train_X, shape=(1,))\n'
        "        experiment.score(abs(3 - found[0]))\n" + END
    )
    called = MODEL + (
        "\n\ndef slope(X, *, seed):\n"
        "    return np.array([SLOPE + np.random.default_rng(seed).normal(scale=0.01)])\n"
    )
    record = only(searched(tmp_path, body, files={"model.py": called}))
    assert record.status is Status.KEPT


# Ten minutes of frozen code without any candidate process


class Meter:
    """Says how long no candidate has run."""

    def __init__(self) -> None:
        self.stopped = time.monotonic()

    @property
    def idle(self) -> float:
        return time.monotonic() - self.stopped

    @property
    def to_deadline(self) -> float:
        return math.inf

    def interrupt(self) -> None:
        raise AssertionError


def test_frozen_code_that_never_ends_is_a_fault_with_a_stack() -> None:
    def frozen_loop() -> None:
        while True:
            time.sleep(0.01)

    stack = pytest.raises(HarnessFault, match=r"ran 0\.1 s on its own(.|\n)*frozen_loop")
    with stack, watched(Meter(), 0.1):
        frozen_loop()


def test_a_candidate_that_runs_in_between_starts_the_clock_anew() -> None:
    meter = Meter()
    with watched(meter, 0.3):
        for _ in range(5):
            time.sleep(0.1)
            meter.stopped = time.monotonic()


STALLED = """

import pytest_autoresearch.controller, pytest_autoresearch.stall

def watched(meter):
    return pytest_autoresearch.stall.watched(meter, 3.0)

def pytest_configure(config):
    pytest_autoresearch.controller.watched = watched
"""


def test_a_stalled_frozen_test_is_a_red_item_and_the_search_goes_on(tmp_path: Path) -> None:
    body = (
        "    for fold in experiment.race(line.folds):\n" + FIT + ERROR
        + "        if np.abs(error).max() > 50:\n            import time\n            time.sleep(3600)\n"
        + SCORE + END
    )  # fmt: skip
    project = Project(
        tmp_path / "p", {"test_line.py": HEAD + body, "conftest.py": CONFTEST + STALLED}
    )
    project.replace("OFFSET = 0.5", "OFFSET = 500.0", description="absurd")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    result = project.search()
    assert result.returncode == 1
    assert [r.status for r in result.experiments] == [Status.FAILED, Status.KEPT]
    assert "the frozen test ran 3 s on its own, with no candidate process" in result.stdout
    failure = result.testcases["test_line[0001]"].find("failure")
    assert failure is not None
    assert "time.sleep(3600)" in (failure.text or "")
