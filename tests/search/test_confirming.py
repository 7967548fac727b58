"""A stage keeps what leads there, lets ties pass that are not much worse, and drops the rest."""

from __future__ import annotations

import random

import pytest

from pytest_autoresearch.records import Direction, Part, Pass, Record, Status, Turn
from pytest_autoresearch.search.confirming import Confirmation, Stage
from pytest_autoresearch.search.keep import Finding, Rule, Step
from pytest_autoresearch.search.noise import Reference

from .world import champion, constant, noisy, objective

SD = 0.1


def confirmed(
    value: float,
    known: Reference | None = None,
    *,
    tie: bool = False,
    direction: Direction = "maximize",
    seeds: tuple[int, int] = (11, 12),
    sign: float = 1.0,
) -> Finding:
    reference = known or champion()
    margin = reference.standard_error(reference.folds) if tie else None
    plan = Confirmation(Rule(), reference, direction, seeds, margin=margin)
    step = Step.NEXT_SPLIT
    while step is Step.NEXT_SPLIT:
        for fold in range(reference.folds):
            score = sign * noisy(value, plan.turn, fold, SD)
            step = plan.told(score, last=fold + 1 == reference.folds)
    return plan.finding


def test_a_clear_lead_is_confirmed_in_two_passes() -> None:
    found = confirmed(0.5)
    assert found.better
    assert found.why == "held in 2 passes"


def test_a_clear_loss_is_dropped_after_one_pass() -> None:
    plan = Confirmation(Rule(), champion(), "maximize", (11, 12))
    for fold in range(5):
        step = plan.told(noisy(-0.5, plan.turn, fold, SD), last=fold == 4)
    assert step is Step.STOP
    assert not plan.finding.better
    assert len(plan.passes) == 1


def test_it_walks_two_splits_with_two_seeds() -> None:
    plan = Confirmation(Rule(), champion(), "maximize", (11, 12))
    for _ in range(2):
        for fold in range(5):
            plan.told(noisy(0.5, plan.turn, fold, SD), last=fold == 4)
    assert [(one.split, one.seed) for one in plan.passes] == [(0, 11), (1, 12)]


def test_of_winners_that_change_nothing_most_are_dropped_and_of_good_ones_few() -> None:
    def share(value: float, *, tie: bool = False) -> float:
        draws = random.Random(5)
        seeds = [(draws.getrandbits(30), draws.getrandbits(30)) for _ in range(200)]
        return sum(confirmed(value, seeds=pair, tie=tie).better for pair in seeds) / len(seeds)

    error = champion().standard_error(5)
    assert share(0.0) < 0.5
    assert share(2 * error) > 0.85
    assert share(0.0, tie=True) > share(0.0) + 0.2
    assert share(-3 * error, tie=True) < 0.15


def test_minimizing_the_negated_metric_decides_the_same() -> None:
    def negated(known: Reference) -> Reference:
        means = {split: tuple(-one for one in scores) for split, scores in known.means.items()}
        return Reference(**{**vars(known), "means": means})

    for value in (-0.2, 0.0, 0.05, 0.2):
        one = confirmed(value)
        other = confirmed(value, negated(champion()), direction="minimize", sign=-1.0)
        assert one.better == other.better


@pytest.mark.parametrize(
    ("score", "tie", "better"),
    [(1.0, False, False), (1.0, True, True), (1.1, False, True), (0.9, True, False)],
)
def test_without_noise_and_splits_one_pass_says_all(score: float, tie: bool, better: bool) -> None:
    plan = Confirmation(
        Rule(), constant({0: (1.0, 1.0)}), "maximize", (11, 12), margin=0.0 if tie else None
    )
    plan.told(score, last=False)
    plan.told(score, last=True)
    assert plan.done
    assert plan.finding.better is better


@pytest.mark.parametrize("count", [4, 6])
def test_another_number_of_folds_is_refused(count: int) -> None:
    plan = Confirmation(Rule(), champion(), "maximize", (11, 12))
    for _ in range(min(count, 6) - 1):
        plan.told(0.0, last=False)
    with pytest.raises(ValueError, match="another number"):
        plan.told(0.0, last=True)


def record(number: int, status: Status, part: Part, *passes: Pass) -> Record:
    return Record(
        item=f"{number:04d}", part=part, experiment=number, status=status, passes=passes,
        folds="callable", stage="toy",
    )  # fmt: skip


def scored(split: int, seed: int, value: float = 0.0) -> Pass:
    turn = Turn(split, seed)
    return Pass(split, seed, tuple(noisy(value, turn, fold, SD) for fold in range(5)))


def test_a_champion_is_measured_three_times_what_confirmed_it_included() -> None:
    records = [record(0, Status.MEASURED, Part.REFERENCE, scored(0, 1))]
    assert Stage(objective(), Rule(), [], 0).lacking() == (0,)
    assert Stage(objective(), Rule(), records, 0).lacking() == (0, 1)
    held = record(3, Status.KEPT, Part.EXPERIMENT, scored(0, 2, 0.5), scored(1, 3, 0.5))
    assert Stage(objective(), Rule(), [*records, held], 3).lacking() == (0,)
    lost = record(4, Status.DISCARD, Part.EXPERIMENT, scored(0, 5))
    assert Stage(objective(), Rule(), [*records, lost], 4).lacking() == (0,)
