"""What the keep rule does with odd metrics and odd candidates."""

from __future__ import annotations

import itertools
import json
import math
import random
from dataclasses import replace

import pytest

from pytest_autoresearch.records import Direction, Pass
from pytest_autoresearch.search.evidence import Evidence
from pytest_autoresearch.search.keep import STRICTNESS, Finding, Rule, replayed
from pytest_autoresearch.search.noise import (
    Reference,
    luck,
    noise,
    reference,
    residual,
    spreads,
    student,
)
from pytest_autoresearch.search.race import Race
from pytest_autoresearch.search.racing import race

from .world import champion, constant, walk

SEEDS = (11, 12, 13)


def found(
    known: Reference,
    *passes: list[float],
    rule: Rule | None = None,
    direction: Direction = "maximize",
) -> Finding:
    """What a race finds in these passes, over the splits in their order."""
    plan = race(rule or Rule(), known, direction, SEEDS)
    for scores in passes:
        for index, score in enumerate(scores, start=1):
            if not plan.done:
                plan.told(score, last=index == len(scores))
    return plan.finding


def noisy(sd: float, folds: int = 5, seed: int = 1, step: float = 0.0) -> list[Pass]:
    """Six passes over three splits of a champion whose scores are luck, rounded to ``step``."""
    draw = random.Random(seed).gauss

    def score() -> float:
        value = draw(0, sd)
        return round(value / step) * step if step else value

    return [
        Pass(split, run, tuple(score() for _ in range(folds)))
        for split in range(3)
        for run in (1, 2)
    ]


# Discrete metrics


def test_a_coarse_metric_has_at_least_the_noise_of_its_steps() -> None:
    passes = [Pass(0, 1, (0.5,) * 5), Pass(0, 2, (0.5, 0.5, 0.5, 0.5, 0.75))]
    assert reference(passes, [passes]).fold_variance >= 0.25**2 / 12
    swapped = [Pass(0, 1, (0.5, 0.75)), Pass(0, 2, (0.75, 0.5))]
    known = reference(swapped, [swapped])
    assert known.seed_variance == pytest.approx(0.25**2 / 12 / 2)
    assert not known.deterministic


def test_many_candidates_that_change_a_coarse_metric_by_nothing_do_not_make_its_noise_vanish() -> (
    None
):
    shown = luck([Pass(0, 1, (1.0,) * 4), Pass(0, 2, (1.0, 1.0, 1.0, 2.0))])
    assert noise([shown], [*shown.residuals, *[0.0] * 50], 4).fold_variance == pytest.approx(1 / 12)


def test_a_candidate_that_leaves_most_folds_as_they_were_is_a_tie() -> None:
    means = [Pass(s, n, (n * 0.1, 0.0, 0.0, 0.0, n * 0.1)) for s in range(3) for n in (1, -1)]
    known = reference(means, [means])
    assert known.means[0] == (0.0,) * 5
    equal = found(known, [9.0, 0.0, 0.0, 0.0, 9.0])
    assert not equal.better
    assert equal.why == "3 of 5 folds score exactly as the champion's"
    assert found(known, [0.3, 0.3, 0.0, 0.0, 0.3], [0.3] * 5).better


def test_it_is_one_without_any_noise_too() -> None:
    known = constant({0: [1.0] * 5, 1: [2.0] * 5})
    equal = found(known, [1.1, 1.1, 1.0, 1.0, 1.0])
    assert not equal.better
    assert "3 of 5 folds" in equal.why
    three = [1.1, 1.1, 1.1, 1.0, 1.0]
    assert found(known, three, [2.1, 2.0, 2.0, 2.0, 2.0], three).better


def test_of_candidates_that_change_nothing_few_win_by_the_steps_of_a_coarse_metric() -> None:
    kept = 0
    for seed in range(150):
        draw = random.Random(1000 + seed).gauss
        known = reference(passes := noisy(1.0, seed=seed, step=1.0), [passes])
        plan = race(Rule(), known, "maximize", SEEDS)
        while not plan.done:
            for fold in range(5):
                if not plan.done:
                    plan.told(float(round(draw(0, 1.0))), last=fold == 4)
        kept += plan.finding.better
    assert 0 < kept <= 20


def test_the_repeats_of_later_champions_do_not_water_down_what_candidates_show() -> None:
    first, later = luck(noisy(1.0)), luck(noisy(0.1, seed=2))
    assert spreads([first, later], [5.0, 6.0]) == [*first.residuals, 5.0, 6.0]
    assert spreads([first, later], []) == [*first.residuals, *later.residuals]


# Candidates that swing widely


def test_a_candidate_that_swings_widely_needs_all_passes_and_is_judged_by_its_own_noise() -> None:
    known = champion(runs=10)

    def leads(*by_pass: tuple[float, ...]) -> list[list[float]]:
        return [
            [mean + lead for mean, lead in zip(known.means[split], row, strict=True)]
            for split, row in enumerate(by_pass)
        ]

    calm = (0.6,) * 5
    wild = (1.6, -0.4, 1.6, -0.4, 0.6)
    assert residual(wild, (0.0,) * 5) > 9 * known.fold_variance
    assert found(known, *leads(calm, calm)).better
    early = race(Rule(), known, "maximize", SEEDS)
    replayed(early, [Pass(n, 0, tuple(row)) for n, row in enumerate(leads(wild, wild))], 5)
    assert not early.done
    assert not found(known, *leads(wild, wild, wild)).better
    larger = tuple(lead + 1.5 for lead in wild)
    all_of_them = found(known, *leads(larger, larger, larger))
    assert all_of_them.better
    assert all_of_them.why == "held in 3 passes"
    assert (all_of_them.z or 0) < 2.1 / known.standard_error(5)


# Noise that is hardly known


def test_the_less_is_known_of_the_noise_the_more_a_lead_has_to_be() -> None:
    exact = {1: 3.868, 2: 1.781, 3: 1.433, 12: 1.084}
    for freedom, quantile in exact.items():
        assert student(1.65, freedom) == pytest.approx(quantile, rel=0.13 if freedom == 1 else 0.02)
    few = champion()
    many = replace(few, freedom=500)
    passes = [[mean + 0.1 for mean in few.means[split]] for split in range(2)]
    assert (found(few, *passes).z or 0) < (found(many, *passes).z or 0)


def test_with_one_fold_the_luck_of_the_data_is_allowed_for_which_seeds_do_not_show() -> None:
    one, five = champion(folds=1), champion()
    assert replace(one, freedom=0).caution(1.65, 0.25) == pytest.approx(math.sqrt(4 / 3))
    assert replace(five, freedom=0).caution(1.65, 0.25) == 1.0


def test_of_candidates_that_change_nothing_few_are_kept_with_one_fold() -> None:
    kept = 0
    for seed in range(300):
        draw = random.Random(5000 + seed).gauss
        known = reference(passes := noisy(1.0, folds=1, seed=seed), [passes])
        plan = race(Rule(), known, "maximize", SEEDS)
        while not plan.done:
            plan.told(draw(0, 1.0), last=True)
        kept += plan.finding.better
    assert kept <= 24


# One split without luck


def known_by(residuals: list[float]) -> Reference:
    passes = [Pass(0, seed, (1.0, 1.0, 1.0)) for seed in (1, 2)]
    return reference(passes, [passes], residuals)


def test_four_past_experiments_are_too_few_where_nothing_else_shows_the_noise() -> None:
    lead = [[1.5, 1.6, 1.4], [1.5, 1.6, 1.4]]
    assert not found(known_by([0.01] * 4), *lead).better
    assert found(known_by([0.01] * 5), *lead).better
    assert not found(known_by([4.0] * 5), *lead).better


# Scores


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("known", [champion(), constant({0: [1.0] * 5, 1: [1.0] * 5})])
def test_no_number_is_no_score(score: float, known: Reference) -> None:
    plan = race(Rule(), known, "maximize", SEEDS)
    with pytest.raises(ValueError, match="finite"):
        plan.told(score, last=False)
    assert not plan.finding.better


def test_a_candidate_cannot_leave_out_a_fold() -> None:
    plan = race(Rule(), champion(), "maximize", SEEDS)
    for _ in range(3):
        plan.told(9.0, last=False)
    with pytest.raises(ValueError, match="another number"):
        plan.told(9.0, last=True)
    assert not plan.finding.better


@pytest.mark.parametrize(
    "known", [champion(), champion(folds=2), constant({0: [1.0] * 5, 1: [1.0] * 5})]
)
def test_minimizing_mirrors_every_kind_of_race(known: Reference) -> None:
    mirrored = replace(known, means={s: tuple(-x for x in row) for s, row in known.means.items()})
    ends = set()
    for value in (-0.4, 0.0, 0.1, 0.3, 0.6, 1.2):
        plan = race(Rule(), known, "maximize", SEEDS)
        walk(plan, 1.0 + value if known.deterministic else value, known.folds, sd=0.05)
        passes = [Pass(p.split, p.seed, tuple(-x for x in p.scores)) for p in plan.passes]
        again = replayed(race(Rule(), mirrored, "minimize", SEEDS), passes, known.folds)
        ours = plan.finding
        assert (again.better, again.z, again.why) == (ours.better, ours.z, ours.why)
        ends.add(ours.better)
    assert ends == {True, False}


def test_the_order_of_folds_changes_no_decision_but_when_a_candidate_is_dropped() -> None:
    known = champion()
    late = replace(Rule(), start=-1e9)
    turns = list(itertools.permutations(range(5)))[::17]
    for value in (0.05, 0.1, 0.2):
        plan = Race(late, known, "maximize", SEEDS)
        walk(plan, value)
        ends = set()
        for order in turns:
            means = {s: tuple(row[n] for n in order) for s, row in known.means.items()}
            passes = [Pass(p.split, p.seed, tuple(p.scores[n] for n in order)) for p in plan.passes]
            again = Race(late, replace(known, means=means), "maximize", SEEDS)
            end = replayed(again, passes, 5)
            ends.add((end.better, end.z, end.why))
        assert ends == {(plan.finding.better, plan.finding.z, plan.finding.why)}


# Settings


def test_the_presets_ask_for_1_28_and_1_65_and_2_standard_errors() -> None:
    assert STRICTNESS == {"explore": 1.28, "default": 1.65, "strict": 2.0}
    known = replace(champion(runs=10), freedom=0)
    error = known.standard_error(5) * math.sqrt(0.1 + 0.9 / 2)
    for z_keep in STRICTNESS.values():
        rule = Rule(z_keep=z_keep)
        for z, kept in ((z_keep + 0.01, True), (z_keep - 0.01, False)):
            passes = [[mean + z * error for mean in known.means[split]] for split in (0, 1)]
            plan = race(rule, known, "maximize", SEEDS)
            end = replayed(plan, [Pass(n, 0, tuple(row)) for n, row in enumerate(passes)], 5)
            assert end.better is kept


def test_after_two_passes_1_1_standard_errors_are_enough_for_a_third() -> None:
    known = replace(champion(runs=10), freedom=0)
    error = known.standard_error(5) * math.sqrt(0.1 + 0.9 / 2)
    for z, goes_on in ((1.09, False), (1.11, True)):
        passes = [[mean + z * error for mean in known.means[split]] for split in (0, 1)]
        plan = race(Rule(), known, "maximize", SEEDS)
        replayed(plan, [Pass(n, 0, tuple(row)) for n, row in enumerate(passes)], 5)
        assert plan.done is not goes_on


def test_a_journal_from_before_a_setting_existed_is_read_with_its_default() -> None:
    line = Rule(z_keep=2.0, min_effect=0.5).to_json()
    old = {key: value for key, value in line.items() if key not in ("z_tie", "wide")}
    assert Rule.from_json(json.loads(json.dumps(old))) == Rule(z_keep=2.0, min_effect=0.5)
    assert Rule.from_json(json.loads(json.dumps(line))) == Rule.from_json(line)


# Repeats that show nothing more


@pytest.mark.parametrize("folds", [5, 10])
def test_passes_that_only_repeat_the_first_convince_no_more_than_one(folds: int) -> None:
    """One split, and seeds change nothing: whoever leads by luck leads by the same luck again."""
    draw = random.Random(2).gauss
    kept = tried = 0
    for _ in range(25):
        base = [draw(0, 1) for _ in range(folds)]
        seen = Evidence()
        seen.measured(0, [Pass(0, seed, tuple(base)) for seed in range(4)])
        for number in range(50):
            common = draw(0, math.sqrt(0.2))
            scores = [one + common + draw(0, math.sqrt(0.8)) for one in base]
            known = seen.reference()
            seen.tried(Pass(0, 1, tuple(scores)))
            if number >= 10:
                tried += 1
                kept += found(known, scores, scores, scores).better
    assert kept <= 0.12 * tried


def test_seeds_that_change_some_splits_of_a_tree_do_not_hide_the_others() -> None:
    """Zeros are legal: where a coarse metric came out equal it was luck, too."""
    passes = [Pass(0, 1, (0.0,)), Pass(0, 2, (1.0,)), Pass(1, 1, (0.0,)), Pass(1, 2, (0.0,))]
    assert reference(passes, [passes]).seed_variance == pytest.approx(0.25)


def test_a_smallest_effect_holds_where_there_is_no_noise_too() -> None:
    known = constant({0: [1.0, 1.0], 1: [2.0, 2.0]})
    rule = Rule(min_effect=0.008)
    assert not found(known, [1.01, 1.01], [2.0, 2.0], [1.01, 1.01], rule=rule).better
    assert found(known, [1.01, 1.01], [2.01, 2.01], [1.01, 1.01], rule=rule).better
