"""A candidate is simpler with fewer lines of code, or with a tenth less memory that is no noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from pytest_autoresearch.objective import Evaluation
from pytest_autoresearch.records import Part, Record, Status, Turn
from pytest_autoresearch.sandbox.lines import Lines
from pytest_autoresearch.search.keep import Measurement
from pytest_autoresearch.simplicity import least_peak, simpler

LONG = {"model.py": b"a = 1\nb = 2\nc = 3\n"}
SHORT = {"model.py": b"a = 1\n"}


@pytest.fixture(scope="module")
def lines() -> Lines:
    return Lines()


def test_lines_and_memory_are_said_in_words(lines: Lines) -> None:
    assert simpler(LONG, SHORT, 500.0, 500.0, lines) == "2 fewer lines of code"
    assert simpler(LONG, LONG, 500.0, 410.0, lines) == "18% less peak memory"
    assert simpler(LONG, SHORT, 500.0, 410.0, lines) == (
        "2 fewer lines of code and 18% less peak memory"
    )
    one = {"model.py": b"a = 1\nb = 2\n"}
    assert simpler(LONG, one, None, None, lines) == "1 fewer line of code"


@pytest.mark.parametrize(
    ("champion", "candidate"),
    [(500.0, 451.0), (50.0, 40.0), (500.0, 600.0), (None, 100.0), (500.0, None), (500.0, 0.0)],
    ids=[
        "under a tenth",
        "a few MiB",
        "more",
        "champion unknown",
        "candidate unknown",
        "no process",
    ],
)
def test_a_little_less_memory_is_not_simpler(
    lines: Lines, champion: float | None, candidate: float | None
) -> None:
    assert simpler(LONG, LONG, champion, candidate, lines) == ""
    assert simpler(SHORT, LONG, champion, candidate, lines) == ""


def record(item: str, status: Status, number: int, peak: float | None) -> Record:
    part = Part.EXPERIMENT if number else Part.BASELINE
    return Record(item=item, part=part, experiment=number, status=status, peak_memory_mb=peak)


def test_the_champions_peak_is_the_smallest_of_its_measurements() -> None:
    records = [
        record("0000", Status.BASELINE, 0, 320.0),
        record("0000-calibration", Status.MEASURED, 0, 300.0),
        record("0000-reference", Status.FAILED, 0, 10.0),
        record("0001", Status.KEPT, 1, 200.0),
        record("0001-reference", Status.MEASURED, 1, None),
    ]
    assert least_peak(records, 0) == 300.0
    assert least_peak(records, 1) == 200.0
    assert least_peak(records, 2) is None


def evaluation() -> Evaluation:
    """One of two passes of two folds."""
    return Evaluation(
        Measurement([Turn(0, 1), Turn(1, 2)]),
        "auc",
        0.0,
        compared=lambda peak: "less memory" if 0 < peak < 100 else "",
    )


def walked(under_way: Evaluation, peaks: Sequence[float]) -> Iterator[int]:
    """Walk folds of which the first ones need this memory, in MiB."""
    left = list(peaks)
    for _ in under_way.race([0, 1]):
        under_way.used("fit", 1.0, left.pop(0) if left else 1.0)
        under_way.score(0.5)
        yield len(peaks) - len(left)


def simpler_in(evaluation: Evaluation) -> str:
    return evaluation.outcome(None, "", seconds=1.0, in_test=False).simpler


def test_an_outcome_says_what_is_simpler_only_where_the_race_had_to_know() -> None:
    for asks in (False, True):
        one = evaluation()
        for folds in walked(one, [50.0, 50.0]):
            if asks and folds == 2:
                assert one.simpler() == "less memory"
        assert simpler_in(one) == ("less memory" if asks else "")


def test_memory_is_compared_when_all_folds_of_a_pass_have_shown_it() -> None:
    early = evaluation()
    for _ in walked(early, [50.0]):
        assert early.simpler() is None
        assert simpler_in(early) == ""
        break


def test_memory_that_a_later_pass_takes_is_not_less() -> None:
    grown = evaluation()
    for folds in walked(grown, [50.0, 50.0, 150.0]):
        assert grown.simpler() == {1: None, 2: "less memory", 3: ""}[folds]
        if folds == 2:
            assert simpler_in(grown) == "less memory"
    assert simpler_in(grown) == ""
