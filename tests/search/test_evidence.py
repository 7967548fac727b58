"""What is known of champions and noise follows from the events alone, and is the same however it is told."""

from __future__ import annotations

import random
from dataclasses import replace
from statistics import fmean

import pytest

from pytest_autoresearch.records import Part, Pass, Status
from pytest_autoresearch.search.evidence import Evidence
from pytest_autoresearch.search.noise import reference
from pytest_autoresearch.search.standing import evidence

from .world import Memory, run, search

FOLDS = 4


def a_pass(seed: int, level: float = 0.0, split: int = 0, folds: int = FOLDS) -> Pass:
    draw = random.Random(f"{seed} {split}").gauss
    return Pass(split, seed, tuple(level + draw(0, 0.1) for _ in range(folds)))


def measured() -> Evidence:
    """A baseline that was walked twice on each of two splits."""
    found = Evidence()
    found.measured(0, [a_pass(seed, split=split) for split in (0, 1) for seed in (1, 2)])
    return found


def searched() -> Memory:
    memory = Memory()
    run(search(["0.3", *(f"0.{'0' * n}1" for n in range(1, 20)), "0.9", "-1.0", "1.6"], memory))
    assert sum(r.status is Status.KEPT for r in memory.records) >= 2
    return memory


def test_it_is_what_the_records_say_when_all_are_read_at_once() -> None:
    memory = searched()
    standing = search([], memory)
    own = standing.passes_of(memory.champion_number)
    batch = reference(own, standing.families(), standing.residuals())
    told = standing.reference()
    assert told.means == batch.means
    assert (told.runs, told.residuals, told.freedom) == (2, batch.residuals, batch.freedom)
    assert told.seed_variance == pytest.approx(batch.seed_variance)
    assert told.fold_variance == pytest.approx(batch.fold_variance)


def test_every_decision_of_a_search_replays_from_the_records_before_it() -> None:
    records = searched().records
    for at, record in enumerate(records):
        if record.part is Part.EXPERIMENT and record.passes:
            before = evidence(records[:at]).reference()
            means = before.means[0][: len(record.passes[0].scores)]
            assert record.champion == pytest.approx(fmean(means))


def test_the_pass_that_made_a_candidate_win_never_measures_it() -> None:
    found = measured()
    lucky = Pass(0, 7, (9.0,) * FOLDS)
    found.kept(3, [lucky, a_pass(8, 1.0, split=1)], tie=False)
    found.measured(3, [a_pass(9, 1.0)])
    assert max(found.reference().means[0]) < 2.0


def test_a_champion_that_won_is_the_anchor_and_one_that_tied_is_not() -> None:
    found = measured()
    base = found.reference().means
    assert found.reference().anchor is None
    both = [a_pass(5, 1.0), a_pass(6, 1.0, split=1), a_pass(7, 1.0)]
    found.kept(1, both, tie=True)
    assert found.reference().anchor == base
    found.kept(2, both, tie=True)
    assert found.reference().anchor == base
    found.kept(3, both, tie=False)
    assert found.reference().anchor is None


def test_a_candidate_shows_noise_only_by_a_whole_pass_that_differs() -> None:
    found = measured()
    means = found.reference().means[0]
    found.tried(Pass(0, 3, (1.0, 2.0)))
    found.tried(Pass(0, 3, means))
    found.tried(Pass(9, 3, (1.0, 2.0, 1.0, 2.0)))
    assert found.residuals == []
    found.tried(a_pass(4))
    assert len(found.residuals) == found.reference().residuals == 1


def test_what_a_candidate_is_worth_is_no_noise() -> None:
    same, better = measured(), measured()
    same.tried(a_pass(4))
    better.tried(a_pass(4, level=5.0))
    assert better.residuals == pytest.approx(same.residuals)


def test_a_pass_that_was_broken_off_measures_nothing() -> None:
    found = measured()
    before = found.reference()
    found.measured(0, [Pass(0, 3, (5.0, 5.0))])
    assert found.reference() == before


def test_an_interrupted_experiment_says_nothing_until_it_is_evaluated_again() -> None:
    memory = searched()
    tried = next(r for r in memory.records if r.part is Part.EXPERIMENT)
    extra = replace(
        tried, item="9999", experiment=9999, status=Status.INTERRUPTED, passes=(a_pass(1, folds=5),)
    )
    known = evidence(memory.records).reference()
    assert evidence([*memory.records, extra]).reference() == known
    assert evidence(
        [*memory.records, replace(extra, status=Status.DISCARD)]
    ).reference().residuals == (known.residuals + 1)
