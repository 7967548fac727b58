"""What the measured noise means is found by the race itself, and said in sentences."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pytest_autoresearch.search.keep import STRICTNESS, Rule
from pytest_autoresearch.search.noise import Reference
from pytest_autoresearch.search.power import power, said_of_noise
from pytest_autoresearch.search.racing import race

from .world import champion, constant


def known(scale: float = 1.0, folds: int = 5) -> Reference:
    """A champion that scores 0 with a known noise of one pass's lead, ``scale``."""
    share = 1 / folds + 1 / (folds - 1)
    zero = dict.fromkeys(range(3), (0.0,) * folds)
    return Reference(zero, 2, (0.5 * scale) ** 2, scale**2 / share, freedom=400)


def found(gain: float, stays: float, count: int = 300) -> float:
    """The share of candidates with such a gain that is kept, where so much of the noise stays."""
    draw, kept = random.Random(99).gauss, 0
    each = (5 / 4 + 1) / 5
    for _ in range(count):
        always = draw(0, stays**0.5)
        plan = race(Rule(persistent=stays), known(), "maximize", (1, 2, 3))
        while not plan.done:
            now = always + draw(0, (1 - stays - 1 / (5 * each)) ** 0.5)
            for fold in range(5):
                if not plan.done:
                    plan.told(gain + now + draw(0, each**-0.5), last=fold == 4)
        kept += plan.finding.better
    return kept / count


@pytest.mark.parametrize("stays", [0.1, 0.5])
def test_the_gains_that_it_names_are_found_as_often_as_it_says(stays: float) -> None:
    shown = power(Rule(persistent=stays), known())
    assert shown is not None
    assert 0.74 <= found(shown.often, stays) <= 0.86
    assert 0.38 <= found(shown.half, stays) <= 0.62


def test_it_is_in_the_metrics_own_units_and_the_same_each_time() -> None:
    one, ten = power(Rule(), known()), power(Rule(), known(10.0))
    assert one is not None
    assert ten is not None
    assert ten.often == pytest.approx(10 * one.often)
    assert power(Rule(), known()) == one
    state = random.getstate()
    power(Rule(), known())
    assert random.getstate() == state


def test_a_stricter_rule_needs_larger_gains_and_more_passes_do_not_come_free() -> None:
    gains = [power(Rule(z_keep=z), known()) for z in STRICTNESS.values()]
    often = [one.often for one in gains if one is not None]
    assert len(often) == 3
    assert often == sorted(set(often))
    assert all(6 <= one.passes <= 9 for one in gains if one is not None)


def test_no_gain_below_the_floor_is_found() -> None:
    high = power(Rule(min_effect=9.0), known())
    assert high is not None
    assert high.often > 9.0


def test_many_shards_of_one_evaluation_say_what_few_say() -> None:
    few, many = power(Rule(), known(folds=8)), power(Rule(), known(folds=500))
    assert few is not None
    assert many is not None
    assert many.often == pytest.approx(few.often, rel=0.15)


def test_without_noise_there_is_nothing_to_simulate() -> None:
    assert power(Rule(), constant({0: [1.0, 2.0], 1: [1.0, 2.0]})) is None
    assert power(Rule(), constant({0: [1.0, 2.0]})) is None


def test_a_person_reads_the_noise_its_parts_and_what_can_be_found() -> None:
    noise, gain = said_of_noise(Rule(), known(0.02), "auc")
    assert noise == (
        "noise of one pass's lead over the champion: 0.02 auc (seeds 0.012, folds 0.02)"
    )
    assert gain.startswith("a gain of 0.0")
    assert "auc is found four times in five" in gain
    assert "passes, measuring the new champion included" in gain


def test_with_one_score_a_pass_it_is_said_what_shards_would_do() -> None:
    lines = said_of_noise(Rule(), champion(folds=1), "auc")
    assert "folds" not in lines[0]
    assert "experiment.score([…])" in lines[-1]
    assert not any("experiment.score" in line for line in said_of_noise(Rule(), known(), "auc"))


def test_where_seeds_change_nothing_it_says_so_instead() -> None:
    (two,) = said_of_noise(Rule(), constant({0: [1.0, 2.0], 1: [1.0, 2.0]}), "auc")
    assert two.startswith("other seeds change nothing: a lead that holds on a second split is kept")
    (one,) = said_of_noise(Rule(), constant({0: [1.0, 2.0]}), "auc")
    assert "the noise cannot be measured" in one


def test_five_past_experiments_are_noise_enough_to_say_what_can_be_found() -> None:
    steady = constant({0: [1.0, 2.0, 3.0]})
    seen = replace(steady, fold_variance=0.01, residuals=5, freedom=10)
    noise, gain = said_of_noise(Rule(), seen, "auc")
    assert "seeds 0," in noise
    assert "four times in five" in gain
