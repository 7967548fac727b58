"""Measuring the champion is made shorter when it would eat the hours, openly, and the rule stays sound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_autoresearch.records import Outcome, Part, Record, Status
from pytest_autoresearch.search.calibration import affordable, smaller
from pytest_autoresearch.search.earlier import Earlier, EarlierRun
from pytest_autoresearch.search.keep import Rule
from pytest_autoresearch.search.loop import Search

from .world import Memory, evaluate, run, search


def orders(kind: str, folds: int) -> list[tuple[int, ...]]:
    return [rule.to_measure(kind, ()) for rule in smaller(Rule(), kind, folds)]


def test_the_order_in_which_measurements_are_given_up() -> None:
    assert orders("callable", 5) == [(0, 0, 1, 1, 2, 2), (0, 0, 1, 1, 2), (0, 0, 1, 1), (0, 0, 1)]
    assert orders("list", 5) == [(0,) * 4, (0,) * 3, (0,) * 2]


def test_with_one_fold_no_more_than_one_pass_is_given_up() -> None:
    assert orders("callable", 1) == [(0, 0, 1, 1, 2, 2), (0, 0, 1, 1, 2)]
    assert orders("none", 1) == [(0,) * 4]


@pytest.mark.parametrize(("kind", "folds"), [("callable", 5), ("callable", 1), ("list", 5)])
def test_what_is_left_can_confirm_a_lead_and_shows_the_noise(kind: str, folds: int) -> None:
    for splits in orders(kind, folds):
        assert len(set(splits)) >= 2 or kind != "callable"
        assert max(splits.count(split) for split in splits) >= 2


def test_no_more_is_given_up_than_a_tenth_of_the_hours_asks_for() -> None:
    for seconds, passes in [(60, 6), (61, 5), (73, 4), (91, 3), (10_000, 3)]:
        rule = affordable(Rule(), "callable", 5, seconds, hours=1.0)
        assert len(rule.to_measure("callable", ())) == passes


def timed(searching: Search, seconds: float) -> list[Record]:
    """A whole search in which the baseline takes so many seconds."""
    records = []
    while (experiment := searching.ask()) is not None:
        outcome = replace(evaluate(searching, experiment), seconds=seconds)
        records.append(searching.tell(experiment, outcome))
    return records


def test_a_shrunk_plan_holds_for_every_champion_and_for_every_later_session() -> None:
    memory = Memory()
    records = timed(search(["1.0"], memory, limit=1, hours=1.0), seconds=91)
    calibration = next(r for r in records if r.part is Part.CALIBRATION)
    assert [one.split for one in calibration.passes] == [0, 1]
    assert records[0].notes["calibration"] == {
        "splits": 2, "passes": 3, "instead_of": 6, "pass_seconds": 91, "hours": 1.0,
    }  # fmt: skip
    later = search(["2.0"], memory, hours=None)
    assert (later.rule.splits, later.rule.passes) == (2, 3)
    found = timed(later, seconds=1)
    reference = next(r for r in found if r.part is Part.REFERENCE)
    assert [one.split for one in reference.passes] == [0, 0]
    kept = next(r for r in found if r.part is Part.EXPERIMENT)
    assert kept.status is Status.KEPT
    assert [one.split for one in kept.passes] == [0, 1]


def test_what_an_earlier_run_left_out_may_not_eat_the_hours_either() -> None:
    short = Memory()
    timed(search([], short, hours=1.0), seconds=91)
    earlier = Earlier([EarlierRun("monday", Rule(), short.records, same_machine=True)])
    later = search([], Memory(), hours=0.5, earlier=earlier)
    records = timed(later, seconds=91)
    assert [r.item for r in records] == ["0000"]
    assert records[0].notes["calibration"]["taken_over"] == 2
    assert (later.rule.splits, later.rule.passes) == (2, 3)
    enough = timed(search([], Memory(), hours=9.0, earlier=earlier), seconds=91)
    assert [len(r.passes) for r in enough] == [1, 3]


def test_a_whole_calibration_that_is_taken_over_is_never_shrunk() -> None:
    whole = Memory()
    timed(search([], whole), seconds=1)
    earlier = Earlier([EarlierRun("monday", Rule(), whole.records, same_machine=True)])
    records = timed(search([], Memory(), hours=0.01, earlier=earlier), seconds=91)
    assert [r.item for r in records] == ["0000"]
    assert "calibration" not in records[0].notes


def test_without_hours_nothing_is_given_up() -> None:
    records = timed(search([], hours=None), seconds=10_000)
    assert "calibration" not in records[0].notes
    assert len(records[1].passes) == 5


@pytest.mark.parametrize("passes", [5, 4, 3])
def test_of_candidates_that_change_nothing_a_shrunk_plan_keeps_few(passes: int) -> None:
    seconds = {5: 61, 4: 73, 3: 91}[passes]
    kept = 0
    for seed in range(6):
        nulls = [f"0.{'0' * n}" for n in range(1, 26)]
        records = timed(search(nulls, hours=1.0, seed=seed), seconds)
        kept += sum(r.status is Status.KEPT for r in records)
    assert kept <= 0.12 * 6 * 25


def test_a_lead_over_a_champion_without_noise_is_still_checked_with_another_seed() -> None:
    """A candidate that draws numbers where the champion does not must not win by lucky draws."""
    searching = search(["5.0"], hours=1.0)
    while (experiment := searching.ask()) is not None and experiment.part is not Part.EXPERIMENT:
        outcome = replace(evaluate(searching, experiment, sd=0.0), seconds=91)
        searching.tell(experiment, outcome)
    assert experiment is not None
    found = evaluate(searching, experiment, sd=0.1)
    assert [one.split for one in found.passes] == [0, 1, 0]


def test_whole_passes_of_an_interrupted_calibration_are_not_made_again() -> None:
    memory = Memory()
    first = search([], memory)
    for _ in range(2):
        experiment = first.ask()
        assert experiment is not None
        honest = evaluate(first, experiment)
        if experiment.part is Part.CALIBRATION:
            passes = (*honest.passes[:2], replace(honest.passes[2], scores=(0.1, 0.2)))
            honest = Outcome(passes, Status.INTERRUPTED, "stopped at the deadline")
        first.tell(experiment, honest)
    again = run(search(["-1.0"], memory))
    assert [r.item for r in again] == ["0000-calibration-2", "0001"]
    assert len(again[0].passes) == 3


def test_an_interrupted_calibration_without_a_whole_pass_is_made_again_under_its_name() -> None:
    memory = Memory()
    first = search([], memory)
    for _ in range(2):
        experiment = first.ask()
        assert experiment is not None
        honest = evaluate(first, experiment)
        if experiment.part is Part.CALIBRATION:
            honest = Outcome((), Status.INTERRUPTED, "stopped at the deadline")
        first.tell(experiment, honest)
    assert [r.item for r in run(search([], memory))] == ["0000-calibration"]
