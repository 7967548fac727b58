"""A look into the vault pairs what it scores, and warns when the search's gain is not there."""

from __future__ import annotations

import math
import random
from statistics import variance

import pytest

from pytest_autoresearch.records import MOST_LOOKS, Z90, Direction, Effect, Pass
from pytest_autoresearch.search.noise import student
from pytest_autoresearch.search.vault import SEEDS, judged, look, refused, vault_gain


def passes(level: float, *, seeds: int = SEEDS, folds: int = 5, sd: float = 0.0) -> list[Pass]:
    """Scores on the vault: a level, what seed and fold add for everybody, and luck of the tree's own."""
    own = random.Random(level)
    return [
        Pass(0, seed, tuple(level + 3.0 * seed + fold + own.gauss(0, sd) for fold in range(folds)))
        for seed in range(seeds)
    ]


def test_what_seed_and_fold_do_to_both_cancels_out() -> None:
    found = vault_gain(passes(1.0), passes(1.5), "maximize")
    assert found.gain == pytest.approx(0.5)
    assert found.error == pytest.approx(0.0, abs=1e-9)
    shuffled = vault_gain(passes(1.0), passes(1.5)[::-1], "maximize")
    assert shuffled.gain == pytest.approx(0.5)
    assert shuffled.error == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("direction", "sign"), [("maximize", 1.0), ("minimize", -1.0)])
def test_a_gain_is_positive_when_better(direction: Direction, sign: float) -> None:
    found = vault_gain(passes(1.0, sd=0.1), passes(2.0, sd=0.1), direction)
    assert found.gain * sign == pytest.approx(1.0, abs=0.2)
    assert found.error > 0


def test_with_one_fold_the_error_comes_from_the_seeds() -> None:
    old = [Pass(0, seed, (0.0,)) for seed in range(3)]
    new = [Pass(0, seed, (value,)) for seed, value in enumerate((1.0, 2.0, 4.0))]
    found = vault_gain(old, new, "maximize")
    assert found.gain == pytest.approx(7 / 3)
    assert found.error == pytest.approx(math.sqrt(variance([1.0, 2.0, 4.0]) / 3) * student(Z90, 2))


def test_splits_of_the_vault_are_paired_each_with_itself() -> None:
    old = [Pass(split, split, (10.0 * split, 10.0 * split + 1)) for split in range(3)]
    new = [Pass(one.split, one.seed, tuple(x + 0.5 for x in one.scores)) for one in old]
    assert vault_gain(old, new, "maximize").gain == pytest.approx(0.5)


@pytest.mark.parametrize(
    "champion",
    [[], [Pass(0, 9, (1.0, 1.0))], [Pass(0, 0, (1.0,))], [Pass(1, 0, (1.0, 1.0))]],
    ids=["none", "other seed", "other folds", "other split"],
)
def test_without_a_pair_there_is_no_gain(champion: list[Pass]) -> None:
    with pytest.raises(ValueError, match="no pass on the vault in common"):
        vault_gain([Pass(0, 0, (0.0, 0.0))], champion, "maximize")


OVERFIT = "overfitting the evaluation"
LOST = "cannot be told from none"


@pytest.mark.parametrize(
    ("search", "vault", "level", "words"),
    [
        (Effect(1.0, 0.1), Effect(0.95, 0.1), "", []),
        (Effect(1.0, 0.1), Effect(0.5, 0.1), "warn", [OVERFIT, "50%"]),
        (Effect(1.0, 0.1), Effect(0.5, 0.3), "", []),
        (Effect(1.0, 0.01), Effect(0.8, 0.01), "", []),
        (Effect(1.0, 0.1), Effect(0.0, 0.1), "red", [OVERFIT, "0%", LOST]),
        (Effect(1.0, 0.1), Effect(-0.5, 0.1), "red", [OVERFIT, "0%", LOST]),
        (Effect(1.0, 0.1), Effect(0.6, 0.6), "red", [LOST]),
        (Effect(0.15, 0.1), Effect(0.0, 0.1), "", []),
        (Effect(-0.1, 0.1), Effect(-0.8, 0.1), "", []),
        (Effect(1.0, 0.1), Effect(0.2, 0.0), "", []),
    ],
    ids=[
        *("holds", "shrinks", "too wide to tell", "shrinks little", "none left", "worse"),
        *("cannot be told", "never was", "a loss", "no error known"),
    ],
)
def test_the_warning_follows_its_rule(
    search: Effect, vault: Effect, level: str, words: list[str]
) -> None:
    found, said = judged(search, vault)
    assert found == level
    assert bool(said) == bool(level)
    assert [word for word in words if word not in said] == []
    assert OVERFIT in said or OVERFIT not in words
    assert (OVERFIT in said) == (OVERFIT in words)
    assert (LOST in said) == (LOST in words)


def test_a_look_tells_scores_gains_and_gap() -> None:
    baseline, champion = passes(1.0, sd=0.01), passes(1.2, sd=0.01)
    found = look(
        baseline, champion, Effect(1.0, 0.1), "maximize",
        number=2, experiment=42, commit="c", time="t",
    )  # fmt: skip
    assert (found.number, found.experiment) == (2, 42)
    assert found.champion - found.baseline == pytest.approx(found.vault.gain)
    assert found.gap.gain == pytest.approx(0.8, abs=0.05)
    assert found.gap.error == pytest.approx(math.hypot(0.1, found.vault.error))
    assert found.level == "warn"


def test_the_vault_is_opened_three_times_a_run() -> None:
    assert MOST_LOOKS == 3
    assert [bool(refused(looks)) for looks in range(5)] == [False, False, False, True, True]
