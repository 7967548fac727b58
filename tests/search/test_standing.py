"""How a run stands follows from its records as they are now, however they changed since it was last asked."""

from __future__ import annotations

from dataclasses import replace

from pytest_autoresearch.records import Part, Pass, Record, Status, concluded
from pytest_autoresearch.search.keep import Rule
from pytest_autoresearch.search.standing import Standing, evidence

from .world import Memory


def record(number: int, status: Status, *splits: int, stage: str = "") -> Record:
    part = Part.EXPERIMENT if number else Part.BASELINE
    passes = tuple(Pass(s, s, (0.1 * number + s, 0.2, 0.3 - s)) for s in splits)
    return Record(
        item=f"{number:04d}", part=part, experiment=number, status=status, passes=passes,
        score=1.0, stage=stage,
    )  # fmt: skip


BASELINE = record(0, Status.BASELINE, 0, 0, 1, 1)
LOST, WON = record(1, Status.DISCARD, 0), record(2, Status.WON, 0, 1)
CONFIRMED = record(2, Status.KEPT, 0, stage="confirm")
MEASURED = replace(record(2, Status.MEASURED, 0, 1), part=Part.REFERENCE)


def test_what_was_asked_before_makes_no_difference_whatever_the_records_become() -> None:
    history = Memory([BASELINE])
    standing = Standing(Rule(), history)
    halves = replace(LOST, passes=(Pass(0, 0, (0.9, 0.1, 0.5)),))
    for records in (
        [BASELINE],
        [BASELINE, LOST],
        [BASELINE, LOST, WON],
        [BASELINE, LOST, WON, CONFIRMED],
        [BASELINE, LOST, WON, CONFIRMED, MEASURED],
        [BASELINE, halves, WON, CONFIRMED, MEASURED],
        [BASELINE, WON, CONFIRMED, MEASURED, LOST],
        [BASELINE, LOST],
    ):
        history.records[:] = records
        own = concluded(records)
        assert standing.records == own
        assert standing.reference() == evidence(own).reference()
        assert standing.residuals() == evidence(own).residuals
        assert standing.kept == [one for one in own if one.status is Status.KEPT]


def test_what_it_gave_before_does_not_change_when_records_are_added() -> None:
    history = Memory([BASELINE, LOST])
    standing = Standing(Rule(), history)
    residuals, reference = standing.residuals(), standing.reference()
    before = list(residuals), replace(reference)
    history.records.append(record(3, Status.DISCARD, 0))
    assert len(standing.residuals()) == len(residuals) + 1
    standing.reference()
    assert (residuals, reference) == before


def test_records_that_did_not_change_are_the_same_objects_each_time() -> None:
    standing = Standing(Rule(), Memory([BASELINE, LOST, WON, CONFIRMED]))
    first, second = standing.records, standing.records
    assert [id(one) for one in first] == [id(one) for one in second]
