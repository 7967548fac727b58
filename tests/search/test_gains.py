"""Gains are told by scores that chose nothing, with an interval that holds the truth as often as it says."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from pytest_autoresearch.records import Z90, Effect, Part, Pass, Record, Status
from pytest_autoresearch.runs.summing import Measured, measured, summary_of
from pytest_autoresearch.search.gains import effect_of, effects, gain, gain_of
from pytest_autoresearch.search.keep import Rule
from pytest_autoresearch.search.noise import Reference, residual, student
from pytest_autoresearch.search.standing import Standing

from .world import Memory, run, search

RULE = Rule()
NOISE = Reference({0: (0.0,) * 3}, 2, 0.0, 0.0)


def flat(split: int, *values: float, level: float = 0.0, seed: int = 0) -> Pass:
    return Pass(split, seed, tuple(level + value for value in values))


def line(number: int, status: Status, passes: Sequence[Pass], **changes: Any) -> Record:
    part = Part.EXPERIMENT if number else Part.BASELINE
    values: dict[str, Any] = {"part": part, "direction": "maximize", "score": 0.0} | changes
    return Record(
        item=f"{number:04d}", experiment=number, status=status, passes=tuple(passes), **values
    )


def standing(*records: Record) -> Standing:
    return Standing(RULE, Memory(list(records)))


def before(level: float = 0.0, luck: float = 0.1, sign: float = 1.0) -> Record:
    """A baseline that was walked twice on each of three splits."""
    passes = [
        flat(split, *(sign * (level + luck * wobble * fold) for fold in (1, 0, -1.5)), seed=wobble)
        for split in range(3)
        for wobble in (1, -1)
    ]
    return line(0, Status.BASELINE, passes, direction="maximize" if sign > 0 else "minimize")


def kept(number: int, screening: float, *confirming: float, **changes: Any) -> Record:
    passes = [
        flat(split, 0.02, 0.0, -0.02, level=level, seed=number)
        for split, level in enumerate((screening, *confirming))
    ]
    return line(number, Status.KEPT, passes, **changes)


def test_the_pass_that_made_a_patch_go_on_is_not_counted() -> None:
    for screening in (1.0, 50.0):
        known = standing(before(), kept(1, screening, 0.3, 0.5))
        assert effects(known, known.reference())[1].gain == pytest.approx(0.4)
        found = gain(known, known.reference())
        assert found is not None
        assert found.gain == pytest.approx(0.4)


def test_an_effect_is_over_the_champion_of_its_time() -> None:
    known = standing(before(), kept(1, 9.0, 0.3, 0.5), kept(2, 9.0, 0.4, 0.8))
    found = effects(known, known.reference())
    assert found[2].gain == pytest.approx((0.4 - 0.3 + 0.8 - 0.5) / 2)
    assert list(found) == [1, 2]
    whole = gain(known, known.reference())
    assert whole is not None
    assert whole.gain == pytest.approx(0.6)
    assert gain(known, known.reference(), 1) == gain(
        standing(before(), kept(1, 9.0, 0.3, 0.5)), known.reference()
    )


def test_the_error_of_an_effect_is_the_one_that_the_rule_counts_with() -> None:
    known = standing(before(), kept(1, 9.0, 0.3, 0.5))
    noise = replace(known.reference(), runs=2)
    one_pass = noise.standard_error(3)
    assert one_pass > 0
    expected = one_pass * math.sqrt(RULE.persistent + (1 - RULE.persistent) / 2)
    assert effects(known, known.reference())[1].error == pytest.approx(expected)


def test_the_error_of_an_effect_counts_how_often_the_champion_was_measured() -> None:
    pairs = [Pass(split, seed, (float(seed),)) for split in range(3) for seed in (0, 1)]
    thrice = [*pairs, *(Pass(split, 2, (0.5,)) for split in range(3))]
    winner = line(1, Status.KEPT, [Pass(split, 9, (5.0,)) for split in range(3)])
    errors = []
    for passes in (pairs, thrice):
        known = standing(line(0, Status.BASELINE, passes), winner)
        noise = known.reference()
        errors.append(effects(known, noise)[1].error / math.sqrt(noise.seed_variance))
    assert errors[0] / errors[1] == pytest.approx(math.sqrt((1 + 1 / 2) / (1 + 1 / 3)))


@pytest.mark.parametrize("confirming", [1, 2])
def test_an_interval_is_no_narrower_than_its_own_folds_say(confirming: int) -> None:
    def error(swing: float) -> float:
        passes = [flat(split, swing, 0.0, -swing, level=1.0) for split in range(1 + confirming)]
        known = standing(before(luck=0.1), line(1, Status.KEPT, passes))
        return effects(known, known.reference())[1].error

    own = effect_of([(0.6, 0.0, -0.6)] * confirming, 0.0, RULE.persistent).error
    assert error(0.0) == pytest.approx(error(0.01))
    assert own > 1.2 * error(0.0)
    assert error(0.6) == pytest.approx(own)


def test_what_is_measured_later_changes_nothing_of_an_earlier_effect() -> None:
    known = standing(before(), kept(1, 9.0, 0.3, 0.5))
    then = effects(known, known.reference())[1]
    wild = [flat(0, 50.0 * seed, -9.0, 3.0, seed=seed) for seed in (1, 2)]
    again = line(1, Status.MEASURED, wild, part=Part.REFERENCE)
    tried = [line(n, Status.DISCARD, [flat(0, 99.0 * n, -9.0, 0.0)]) for n in range(2, 20)]
    later = standing(*known.records, again, *tried)
    assert later.reference().seed_variance > 100 * known.reference().seed_variance
    assert later.reference().fold_variance > 100 * known.reference().fold_variance
    assert effects(later, later.reference())[1] == then


def test_an_effect_before_which_no_noise_was_known_is_told_by_that_of_the_run() -> None:
    odd = [flat(split, 0.1, 0.3) for split in range(3)]
    known = standing(
        before(), line(1, Status.KEPT, odd), line(2, Status.KEPT, [*odd[:1], *(
            flat(split, 0.5, 0.8) for split in (1, 2)
        )]),
    )  # fmt: skip
    noise = replace(NOISE, means={0: (0.0, 0.0)}, fold_variance=100.0, seed_variance=1.0)
    found = effects(known, noise)
    assert found.keys() == {2}
    assert found[2].error == pytest.approx(
        replace(noise, runs=1).standard_error(2)
        * math.sqrt(RULE.persistent + (1 - RULE.persistent) / 2)
    )
    assert measured(known) == Measured()


def test_gains_are_positive_when_better_whatever_the_direction() -> None:
    up = standing(before(), kept(1, 9.0, 0.3, 0.5))
    down = standing(
        before(sign=-1.0),
        replace(
            kept(1, 9.0, 0.3, 0.5, direction="minimize"),
            passes=tuple(
                Pass(p.split, p.seed, tuple(-x for x in p.scores))
                for p in kept(1, 9.0, 0.3, 0.5).passes
            ),
        ),
    )
    assert measured(down) == measured(up)
    assert measured(up).gain is not None


def test_where_seeds_change_nothing_a_repeated_pass_is_no_confirmation() -> None:
    baseline = line(0, Status.BASELINE, [flat(s, 0.0, 0.1, 0.3) for s in (0, 0, 1, 1)])
    passes = [flat(0, 9.0, 9.1, 9.3), flat(1, 0.2, 0.2, 0.4), flat(0, 9.0, 9.1, 9.3, seed=1)]
    known = standing(baseline, line(1, Status.KEPT, passes))
    found = effects(known, known.reference())[1]
    assert found.gain == pytest.approx(0.4 / 3)
    assert found.error == pytest.approx(effect_of([(0.2, 0.1, 0.1)], 0.0, RULE.persistent).error)
    assert found.error > 0
    whole = gain(known, known.reference())
    assert whole is not None
    assert whole.gain == pytest.approx(0.4 / 3)


def test_the_error_of_a_gain_follows_its_formula() -> None:
    rows = [(0.1, 0.3, 0.8), (0.2, 0.2, 0.5)]
    old = [flat(split, 0.0, 0.0, 0.0) for split in (0, 1, 1)]
    new = [Pass(split, 1, row) for split, row in enumerate(rows)]
    found = gain_of(old, new, "maximize", NOISE, RULE)
    variance = sum(residual(row, (0.0,) * 3) for row in rows) / 2
    error = math.sqrt(variance * (1 / 3 + 1 / 2) * (0.1 + 0.9 / 2)) * student(Z90, 4)
    assert found is not None
    assert found.gain == pytest.approx(0.35)
    assert found.error == pytest.approx(error)
    seeds = replace(NOISE, seed_variance=100.0)
    floored = gain_of(old, new, "maximize", seeds, RULE)
    assert floored is not None
    assert floored.error == pytest.approx(math.sqrt(100.0 / 4 * ((1 + 1) + (1 / 2 + 1))))


def test_with_one_fold_the_error_is_that_of_seeds() -> None:
    old, new = [flat(0, 1.0), flat(0, 2.0)], [flat(0, 4.0)]
    found = gain_of(old, new, "maximize", replace(NOISE, seed_variance=0.5), RULE)
    assert found == Effect(2.5, math.sqrt(0.5 * (1 / 2 + 1)))


def test_an_interval_is_widened_as_student_asks() -> None:
    exact = [float(stats.t.ppf(0.95, n)) / 1.6449 for n in range(1, 40)]
    assert student(Z90, 1) == pytest.approx(exact[0], rel=0.13)
    for freedom in range(2, 40):
        assert student(Z90, freedom) == pytest.approx(exact[freedom - 1], rel=0.02)


@pytest.mark.parametrize("splits", [1, 3])
@pytest.mark.parametrize("folds", [3, 5])
def test_nine_intervals_in_ten_hold_the_truth(folds: int, splits: int) -> None:
    held, times = 0, 500
    for seed in range(times):
        luck = random.Random(seed)
        old = _passes(luck, 0.0, folds, splits)
        new = _passes(luck, 1.0, folds, splits)
        found = gain_of(old, new, "maximize", replace(NOISE, seed_variance=0.0), RULE)
        assert found is not None
        held += abs(found.gain - 1.0) <= found.half
    assert 0.86 <= held / times <= 0.99


def _passes(luck: random.Random, level: float, folds: int, splits: int) -> list[Pass]:
    """Passes whose folds share a k-th of their luck, as folds that share training data do."""
    found = []
    for split in range(splits):
        common = luck.gauss(0, math.sqrt(1 / folds))
        own = math.sqrt(1 - 1 / folds)
        scores = tuple(level + common + luck.gauss(0, own) for _ in range(folds))
        found.append(Pass(split, 0, scores))
    return found


def test_a_search_finds_about_what_its_champion_is_worth() -> None:
    searching = search([str(0.2 * n) for n in range(1, 11)])
    run(searching)
    found = measured(searching)
    assert found.gain is not None
    assert found.noise is not None
    worth = float(searching.kept[-1].tree)
    assert abs(found.gain.gain - worth) < 3 * found.gain.error
    assert found.effects.keys() == {one.experiment for one in searching.kept}


NAN = math.nan


@pytest.mark.parametrize(
    "odd",
    [
        [],
        [flat(0, 1.0)],
        [flat(0, 1.0, 2.0, NAN), flat(1, 1.0, NAN, 2.0)],
        [flat(7, 1.0, 1.0, 1.0), flat(8, 1.0, 1.0, 1.0)],
        [flat(0, 1.0, 1.0, 1.0), flat(1, 1.0, 1.0)],
        [flat(0), flat(1)],
    ],
    ids=["no pass", "one", "not finite", "other splits", "other folds", "empty"],
)
def test_odd_records_of_a_kept_experiment_are_shown_without_a_gain(odd: list[Pass]) -> None:
    found = measured(standing(before(), line(1, Status.KEPT, odd)))
    assert found.effects == {}
    assert found.gain is None


@pytest.mark.parametrize(
    "records",
    [
        [],
        [line(0, Status.FAILED, [])],
        [line(0, Status.BASELINE, [flat(0, 1.0, 2.0)])],
        [line(0, Status.BASELINE, [flat(0, 1.0, 2.0), flat(0, 1.0, 2.0, 3.0)])],
        [kept(1, 1.0, 1.0)],
    ],
    ids=["nothing", "failed", "one pass", "ragged", "no baseline"],
)
def test_what_cannot_be_told_yet_is_left_open(records: list[Record]) -> None:
    found = measured(standing(*records))
    assert found.gain is None
    assert found.effects == {}


def test_before_a_second_pass_nothing_is_said_of_the_noise() -> None:
    assert measured(standing(line(0, Status.BASELINE, [flat(0, 1.0, 2.0)]))) == Measured()
    noise = measured(standing(before())).noise
    assert noise is not None
    assert noise > 0


class Named:
    """What a summary asks of a run."""

    name, branch, folder, is_finished, champion = "run", "branch", Path("/nowhere"), True, "c"


def test_confirmations_are_apart_from_the_records_and_without_measurements() -> None:
    won = replace(kept(1, 9.0, 0.3, 0.5), status=Status.WON, score=1.0)
    held = line(1, Status.KEPT, [flat(0, 7.0)], stage="confirm", score=7.0)
    measures = line(0, Status.MEASURED, [flat(0, 6.0)], stage="confirm", part=Part.REFERENCE)
    found = summary_of(
        Named(), standing(before(), won, measures, held),
        objective="o", metric="m", direction="maximize", isolation="none", ended="done",
    )  # fmt: skip
    assert list(found.confirmations) == [held]
    assert [(one.item, one.status) for one in found.records] == [
        ("0000", Status.BASELINE),
        ("0001", Status.KEPT),
    ]
    assert (found.kept, found.tried) == (1, 1)
    assert found.effects.keys() == {1}
    assert found.looks == ()
