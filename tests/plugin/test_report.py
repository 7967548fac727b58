"""What a fit reports of itself ends it early where it is hopeless, and changes nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_autoresearch.objective import Evaluation
from pytest_autoresearch.records import Outcome, Part, Record, Status, Turn
from pytest_autoresearch.search.curves import Pace
from pytest_autoresearch.search.keep import Finding, Measurement, Step
from pytest_autoresearch.testing import Project, Result

TEST = """
import numpy as np
import pytest


@pytest.mark.timeout(3)
@pytest.mark.autoresearch(metric="error", direction="minimize", editable=["model.py"])
def test_line(candidate, experiment):
    for fold in experiment.race([1, 2, 3]):
        model = candidate.fit(np.full((4, 1), fold))
        experiment.score(float(model.predict(np.zeros((4, 1))).mean()))
    assert experiment.improves
"""
MODEL = """
import time
import numpy as np

# What it ends at.
ERROR = 1.0


# What else it says.
def extra(done):
    return 0.0


# Whether it says anything.
SILENT = False


def fit(X, *, seed, seconds, report):
    luck = np.random.default_rng([seed, int(X[0, 0])]).uniform(-0.02, 0.02)
    began, step = time.monotonic(), 0
    while (done := (time.monotonic() - began) / (0.7 * seconds)) < 1 and not SILENT:
        report(step, ERROR + luck + 0.5 * (1 - done) + extra(done))
        time.sleep(seconds / 100)
        step += 1
    if not SILENT:
        report(step, ERROR + luck + extra(1.0))
    return ERROR + luck


def predict(state, X):
    return np.full(len(X), state)
"""
SAYS = "    return 0.0"
DIVERGING, NAN, LIAR, SILENT, SLOW = range(1, 6)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A search with a patch of each kind; the last one is better."""
    project = Project(
        tmp_path_factory.mktemp("report") / "p", {"test_line.py": TEST, "model.py": MODEL}
    )
    project.replace(SAYS, "    return 6 * done")
    project.replace(SAYS, "    return np.nan if done > 0.05 else 0.0")
    project.add_patch(changed(project, "1.5", SAYS, "    return -100.0"))
    project.add_patch(changed(project, "1.5", "SILENT = False", "SILENT = True"))
    project.add_patch(changed(project, "0.9", SAYS, "    return 3 * (1 - done) ** 2"))
    return project.search("--autoresearch-experiments", "5")


def changed(project: Project, error: str, old: str, new: str) -> str:
    """A patch with another error, and one more replacement."""
    text = MODEL.replace("ERROR = 1.0", f"ERROR = {error}").replace(old, new)
    return project.diff("model.py", MODEL, text)


def experiment(result: Result, number: int) -> Record:
    assert result.returncode == 0, result.stdout + result.stderr
    (found,) = (r for r in result.experiments if r.experiment == number)
    return found


def test_a_diverging_fit_is_stopped_well_before_its_end(result: Result) -> None:
    record = experiment(result, DIVERGING)
    assert (record.status, record.passes, record.score) == (Status.STOPPED, (), None)
    assert "sd behind the champion's curve and not catching up" in record.reason
    curve, *others = record.curves
    assert others == [(), ()]
    assert 0.3 <= curve[-1][0] < 0.65


def test_a_slow_starter_that_catches_up_is_not_stopped(result: Result) -> None:
    assert experiment(result, SLOW).status is Status.KEPT


def test_a_value_that_is_not_finite_ends_the_run_at_once(result: Result) -> None:
    record = experiment(result, NAN)
    assert record.status is Status.STOPPED
    assert record.reason.endswith("nan) is not finite")
    curve, *others = record.curves
    assert others == [(), ()]
    assert curve[-1][0] < 0.3


def test_stopped_is_its_own_word_in_the_table(result: Result) -> None:
    (table,) = result.folder.glob(".autoresearch/*/results.tsv")
    words = {line.split("\t")[3] for line in table.read_text("utf-8").splitlines()[1:]}
    assert "stopped" in words, words


def test_a_liar_gains_nothing(result: Result) -> None:
    record = experiment(result, LIAR)
    assert record.status is Status.DISCARD
    assert record.score is not None
    assert record.score > 1.4


def test_a_candidate_that_reports_nothing_is_scored_as_ever(result: Result) -> None:
    record = experiment(result, SILENT)
    assert (record.status, record.curves) == (Status.DISCARD, ())
    assert record.passes


def test_measurements_carry_one_short_curve_for_each_fold(result: Result) -> None:
    measured = [r for r in result.records if r.part in (Part.BASELINE, Part.CALIBRATION)]
    assert [len(record.curves) for record in measured] == [3, 9]
    for curve in (curve for record in measured for curve in record.curves):
        shares = [share for share, _ in curve]
        assert 5 < len(curve) <= 64
        assert shares == sorted(shares)
        assert shares[0] >= 0
        assert 0.6 < shares[-1] <= 1


def test_candidates_carry_the_curves_of_their_first_pass(result: Result) -> None:
    record = experiment(result, SLOW)
    assert len(record.passes) > 1
    assert len(record.curves) == 3


# One evaluation


PACE = Pace((((tuple((n / 10, 1.0) for n in range(11)),) * 2,),), 0.01, 1.0)
"""A champion that is at 1 all the time, in two folds."""


class Passes:
    """A plan of two passes that judges."""

    def __init__(self) -> None:
        self._scores: list[float] = []

    turn, done, passes, finding = Turn(0, 1), False, (), Finding(better=False)

    def told(self, score: float, *, last: bool) -> Step:
        self._scores.append(score)
        if len(self._scores) == 4:
            return Step.STOP
        return Step.NEXT_SPLIT if last else Step.NEXT_FOLD


def answers(plan: Any) -> tuple[list[list[str]], Outcome]:
    """What each of two fits in every turn hears when it reports 0; ``-`` when nobody listens."""
    evaluation = Evaluation(plan, "m", 0.0, pace=PACE)
    found = []
    for _ in evaluation.race([1, 2]):
        heard = []
        for _ in range(2):
            listen = evaluation.listener()
            said = [listen(n / 10, 0.0) for n in range(11)] if listen else ["-"]
            heard.append(next((word for word in said if word), ""))
        found.append(heard)
        evaluation.score(1.0)
    return found, evaluation.outcome(None, "", seconds=1.0, in_test=False)


def test_of_a_race_the_first_fit_of_each_turn_of_the_first_pass_is_held_against_others() -> None:
    found, outcome = answers(Passes())
    why = "stopped at 40% of its seconds: 100 sd behind the champion's curve and not catching up"
    assert found == [[why, "-"], [why, "-"], ["-", "-"], ["-", "-"]]
    assert len(outcome.curves) == 2


def test_measurements_are_followed_in_every_pass_and_never_stopped() -> None:
    found, outcome = answers(Measurement([Turn(0, 1), Turn(1, 2)]))
    assert found == [["", "-"]] * 4
    assert len(outcome.curves) == 4
    assert all(len(curve) == 11 for curve in outcome.curves)
