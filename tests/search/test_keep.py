"""The keep rule: noise is not kept, real gains are, and each decision replays from its scores."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pytest_autoresearch.records import Direction, Pass, Turn
from pytest_autoresearch.search.keep import (
    STRICTNESS,
    Finding,
    Measurement,
    Rule,
    Step,
    explained,
    replayed,
)
from pytest_autoresearch.search.noise import pooled, reference
from pytest_autoresearch.search.race import Race
from pytest_autoresearch.search.racing import race as begin

from .world import champion, constant, walk

SEEDS = (11, 12, 13)


def race(
    value: float, seeds: tuple[int, ...] = SEEDS, rule: Rule | None = None, **kwargs: float
) -> Race:
    reference = champion(sd=kwargs.get("sd", 0.1))
    found = Race(rule or Rule(), reference, "maximize", seeds)
    walk(found, value, sd=kwargs.get("sd", 0.1))
    return found


def test_a_clearly_worse_candidate_is_dropped_before_its_first_pass_ends() -> None:
    found = race(-2.0)
    assert not found.finding.better
    assert len(found.passes) == 1
    assert len(found.passes[0].scores) < 5
    assert "of 5 folds" in found.finding.why


def test_a_clear_gain_is_kept_after_two_splits_with_two_seeds() -> None:
    found = race(1.0)
    assert found.done
    assert found.finding.better
    assert [(p.split, p.seed) for p in found.passes] == [(0, 11), (1, 12)]
    assert all(len(p.scores) == 5 for p in found.passes)


def test_of_three_hundred_candidates_that_change_nothing_few_are_kept() -> None:
    reference = champion()
    kept = 0
    for n in range(300):
        candidate = Race(Rule(), reference, "maximize", (3 * n, 3 * n + 1, 3 * n + 2))
        walk(candidate, 0.0)
        kept += candidate.finding.better
    assert kept <= 12


def test_a_stricter_rule_keeps_no_more() -> None:
    def kept(word: str) -> int:
        rule = Rule(z_keep=STRICTNESS[word])
        races = [race(0.1, (3 * n, 3 * n + 1, 3 * n + 2), rule) for n in range(120)]
        return sum(found.finding.better for found in races)

    explore, default, strict = kept("explore"), kept("default"), kept("strict")
    assert explore > default > strict > 0


@pytest.mark.parametrize("value", [-0.3, 0.0, 0.05, 0.2, 1.0])
def test_minimizing_the_negated_metric_decides_the_same(value: float) -> None:
    reference = champion()
    means = {s: tuple(-x for x in row) for s, row in reference.means.items()}
    mirrored = replace(reference, means=means)
    up: Race = Race(Rule(), reference, "maximize", SEEDS)
    walk(up, value)
    down = replayed(
        Race(Rule(), mirrored, "minimize", SEEDS),
        [type(p)(p.split, p.seed, tuple(-x for x in p.scores)) for p in up.passes],
        5,
    )
    assert down.better == up.finding.better
    assert down.z == pytest.approx(up.finding.z)
    assert down.delta == pytest.approx(-(up.finding.delta or 0))


@pytest.mark.parametrize("value", [-2.0, -0.1, 0.0, 0.1, 1.0])
def test_the_same_scores_replay_to_the_same_finding(value: float) -> None:
    found = race(value)
    again = replayed(Race(Rule(), champion(), "maximize", SEEDS), found.passes, 5)
    assert again == found.finding


STEADY = {0: [1.0, 1.0], 1: [2.0, 2.0], 2: [3.0, 3.0]}


def told(*passes: list[float]) -> Finding:
    """What the race against a champion that no seed changes finds."""
    found = begin(Rule(), constant(STEADY), "maximize", SEEDS)
    for scores in passes:
        for index, score in enumerate(scores, start=1):
            if not found.done:
                found.told(score, last=index == len(scores))
    return found.finding


def test_without_seed_noise_a_win_must_hold_on_a_second_split() -> None:
    assert told([1.1, 1.0], [2.1, 2.0], [1.1, 1.0]).better
    assert told([1.1, 1.0], [2.0, 2.0], [1.1, 1.0]).better
    assert not told([1.1, 1.0], [1.9, 2.0]).better
    assert not told([1.0, 1.0]).better


def test_another_order_of_summing_wins_nothing_where_there_is_no_noise() -> None:
    last = 1e-15
    assert not told(
        [1.0 + last, 1.0 + last], [2.0 + last, 2.0 + last], [1.0 + last, 1.0 + last]
    ).better
    assert told([1.0 + last, 1.01], [2.0 - last, 2.0], [1.0 + last, 1.01]).better


def test_a_candidate_with_luck_is_not_judged_as_one_without() -> None:
    """Against a champion that no seed changes, candidates that change nothing are still kept rarely."""
    champion = constant({split: [0.0] * 5 for split in range(3)})
    kept = 0
    for n in range(400):
        luck = random.Random(n)
        found = begin(Rule(), champion, "maximize", SEEDS)
        while not found.done:
            for fold in range(5):
                if not found.done:
                    found.told(luck.gauss(0, 0.1), last=fold == 4)
        kept += found.finding.better
    assert kept <= 20


def test_a_clear_gain_over_a_champion_without_luck_is_kept() -> None:
    champion = constant({split: [0.0] * 5 for split in range(3)})
    luck = random.Random(1)
    found = begin(Rule(), champion, "maximize", SEEDS)
    while not found.done:
        for fold in range(5):
            found.told(luck.gauss(0.5, 0.1), last=fold == 4)
    assert found.finding.better
    assert (found.finding.z or 0) > 1.65


def test_what_threads_do_to_the_last_digit_is_no_noise() -> None:
    jitter = [Pass(s, n, (1.0 + n * 1e-16, 2.0 - n * 1e-15)) for s in range(3) for n in (1, 2)]
    assert reference(jitter, [jitter]).deterministic


def test_a_champion_without_luck_does_not_dilute_the_noise_of_others() -> None:
    noisy = [Pass(s, n, (s + n * 0.1, s - n * 0.1)) for s in range(3) for n in (1, 2)]
    calm = [Pass(s, n, (s + 1.0, s - 1.0)) for s in range(3) for n in (1, 2)]
    assert reference(calm, [noisy, calm]).fold_variance == reference(noisy, [noisy]).fold_variance
    swinging = [Pass(s, n, (s + n * 0.1, s + n * 0.1)) for s in range(3) for n in (1, 2)]
    alone = reference(swinging, [swinging]).seed_variance
    assert reference(calm, [swinging, calm]).seed_variance == alone > 0


def test_without_seed_noise_and_a_second_split_nothing_is_kept_and_it_says_why() -> None:
    found = begin(Rule(), constant({0: [1.0, 1.0]}), "maximize", SEEDS)
    walk(found, 9.0, folds=2, sd=0.0)
    assert not found.finding.better
    assert "noise cannot be measured" in found.finding.why
    assert len(found.passes[0].scores) == 2


def test_five_past_experiments_show_the_noise_that_seeds_and_splits_cannot() -> None:
    passes = [Pass(0, seed, (1.0, 1.0, 1.0)) for seed in (1, 2)]
    known = reference(passes, [passes], residuals=[0.01] * 5)
    good, bad = (begin(Rule(), known, "maximize", SEEDS) for _ in range(2))
    walk(good, 3.0, folds=3, sd=0.0)
    walk(bad, 0.0, folds=3, sd=0.0)
    assert good.finding.better
    assert not bad.finding.better


def test_one_split_repeats_its_own_luck_so_that_repeats_convince_less() -> None:
    one, three = champion(splits=1, runs=6), champion(splits=3)
    same = replace(three, means={0: three.means[0]})
    assert one.splits == (0,)
    scores = [Pass(0, 1, tuple(m + 0.1 for m in three.means[0]))]
    many = [*scores, Pass(1, 2, tuple(m + 0.1 for m in three.means[1]))]
    few = [*scores, Pass(0, 2, tuple(m + 0.1 for m in three.means[0]))]
    spread = replayed(Race(Rule(), three, "maximize", SEEDS), many, 5)
    alone = replayed(Race(Rule(), same, "maximize", SEEDS), few, 5)
    assert (alone.z or 0) < (spread.z or 0)


def test_a_gain_below_the_floor_is_not_kept() -> None:
    assert race(1.0, rule=Rule(min_effect=0.5)).finding.better
    assert not race(1.0, rule=Rule(min_effect=2.0)).finding.better


def test_one_fold_a_pass_is_judged_by_the_seeds_noise() -> None:
    reference = champion(folds=1)
    good, bad = (Race(Rule(), reference, "maximize", SEEDS) for _ in range(2))
    walk(good, 2.0, folds=1)
    walk(bad, -2.0, folds=1)
    assert good.finding.better
    assert not bad.finding.better


@pytest.mark.parametrize("folds", [4, 6])
def test_another_number_of_folds_than_the_champions_is_refused(folds: int) -> None:
    with pytest.raises(ValueError, match="another number"):
        walk(Race(Rule(), champion(), "maximize", SEEDS), 1.0, folds=folds)


def test_a_measurement_walks_its_turns_to_the_end() -> None:
    plan = Measurement([Turn(0, 1), Turn(1, 2)])
    assert [plan.told(0.5, last=False), plan.told(0.5, last=True)] == [
        Step.NEXT_FOLD,
        Step.NEXT_SPLIT,
    ]
    assert not plan.done
    assert plan.turn == Turn(1, 2)
    assert [plan.told(0.1, last=False), plan.told(0.2, last=True)] == [Step.NEXT_FOLD, Step.KEEP]
    assert plan.done
    assert plan.finding.better
    assert plan.finding.score == 0.5


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_verdict_explains_itself(direction: Direction) -> None:
    finding = Finding(False, 0.8312, 0.8330, -1.1, "did not hold in pass 2")
    text = explained(finding, "auc", 1.65)
    assert (
        text == "auc 0.8312 against 0.8330: -0.0018, z -1.1 (needs +1.65); did not hold in pass 2"
    )


def test_the_typical_residual_is_corrected_from_median_to_mean() -> None:
    assert pooled([1.0, 1.0, 9.0], folds=5) == pytest.approx(1.19, abs=0.01)
    assert pooled([], folds=5) == 0.0


def test_a_champion_is_measured_twice_on_each_of_three_splits_or_four_times_on_one() -> None:
    rule = Rule()
    assert rule.to_measure("callable", []) == (0, 0, 1, 1, 2, 2)
    assert rule.to_measure("list", []) == (0, 0, 0, 0)
    done = list(race(1.0).passes[1:])
    assert rule.to_measure("callable", done) == (0, 0, 1, 2, 2)
