"""Plain pytest fails when a pass scores worse than the champion did, by more than its noise."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from pytest_autoresearch.records import Direction, Pass, Record, Turn
from pytest_autoresearch.search.loop import Search
from pytest_autoresearch.search.regression import (
    Comparison,
    Level,
    baseline_level,
    compared,
    winner_level,
)

from .world import noisy, run, search

RECORDED = Pass(0, 7, (0.81, 0.79))
LEVEL = Level(0.8, 0.01)


def against(*scores: float, level: Level = LEVEL, direction: Direction = "maximize") -> Comparison:
    return compared(scores, RECORDED, level, direction)


@pytest.mark.parametrize(
    ("score", "direction", "worse"),
    [
        (0.784, "maximize", False),
        (0.783, "maximize", True),
        (0.9, "maximize", False),
        (0.816, "minimize", False),
        (0.817, "minimize", True),
        (0.7, "minimize", False),
    ],
)
def test_it_is_worse_from_1_65_standard_errors_on(
    score: float, direction: Direction, worse: bool
) -> None:
    assert against(score, score, direction=direction).worse is worse


def test_a_score_that_comes_out_again_is_never_worse_however_unlucky_its_seed_was() -> None:
    high = Level(0.9, 0.001)
    assert against(0.81, 0.79, level=high).reproduced
    assert not against(0.81, 0.79, level=high).worse
    assert not against(0.81, 0.79 - 1e-9, level=high).worse
    assert against(0.80, 0.80, level=high).worse


def test_another_number_of_folds_is_compared_by_the_mean() -> None:
    assert not against(0.8, 0.8, 0.8).worse
    assert against(0.7).worse


def test_without_noise_only_the_last_digits_are_forgiven() -> None:
    level = Level(0.8, 0.0)
    assert against(0.7999, 0.7999, level=level).worse
    assert not against(0.8 - 1e-7, 0.8, level=level).worse
    assert not against(0.9, 0.9, level=level).worse
    assert against(0.8, 0.8, level=level).z is None


def test_the_sentence_names_scores_difference_and_noise() -> None:
    assert against(0.7, 0.7).explained("auc", "a.champion.json") == (
        "auc 0.7000 is worse than the 0.8000 in a.champion.json by 0.1000, 10.0 times its noise of "
        "0.01 (up to 1.65 times is luck)"
    )
    assert (
        against(0.7, level=Level(0.8, 0.0))
        .explained("auc", "here")
        .endswith("by 0.1000, and other seeds never changed it")
    )


def measured(number: int, sd: float = 0.1) -> Search:
    made = search([], seed=number)
    run(made, sd)
    return made


def fresh(value: float, number: int, sd: float = 0.1) -> list[float]:
    return [noisy(value, Turn(0, 10**6 + number), fold, sd) for fold in range(5)]


def test_the_level_of_a_base_is_the_mean_over_its_passes_of_the_first_split() -> None:
    made = measured(1)
    passes = [one for one in made.passes_of(0) if one.split == 0]
    assert len(passes) == 2
    assert baseline_level(made).score == pytest.approx(sum(sum(one.scores) for one in passes) / 10)


def test_seldom_a_false_alarm_and_never_a_large_loss_unseen() -> None:
    levels = [(made := measured(n), baseline_level(made)) for n in range(60)]
    alarms = [
        compared(fresh(0.0, n), made.passes_of(0)[0], level, "maximize").worse
        for n, (made, level) in enumerate(levels)
    ]
    losses = [
        compared(fresh(-0.5, n), made.passes_of(0)[0], level, "maximize").worse
        for n, (made, level) in enumerate(levels)
    ]
    assert sum(alarms) <= 6
    assert all(losses)


def note(made: Search, levels: list[Level], record: Record) -> None:
    levels.append(winner_level(made, record))


def winners(value: str, count: int, sd: float = 0.1) -> list[tuple[Search, Level]]:
    found = []
    for number in range(count):
        made = search([value], seed=number)
        levels: list[Level] = []
        made.certify = partial(note, made, levels)
        run(made, sd)
        found += [(made, level) for level in levels]
    return found


def test_the_level_of_a_winner_is_not_the_lucky_pass_that_made_it_win() -> None:
    found = winners("0.05", 200)
    assert len(found) > 5
    lucky = sum((made.kept[0].score or 0) for made, _ in found) / len(found)
    levels = sum(level.score for _, level in found) / len(found)
    common = sum(noisy(0.05, Turn(0, 0), fold, 0.0) for fold in range(5)) / 5
    assert common < levels < lucky


def test_a_winner_whose_scores_no_seed_changes_has_no_noise() -> None:
    ((made, level),) = winners("0.5", 1, sd=0.0)
    assert level.noise == 0.0
    assert level.score == pytest.approx(made.kept[0].score)


def test_a_winner_measured_once_has_more_noise_than_a_champion_measured_twice() -> None:
    made, noises = search(["1.0"], seed=3), []

    def certify(record: Record) -> None:
        known = made.reference()
        seeds_only = replace(known, fold_variance=0.0)
        noises.append((winner_level(made, record).noise, seeds_only.standard_error(known.folds)))

    made.certify = certify
    run(made)
    ((once, twice),) = noises
    assert once > twice
