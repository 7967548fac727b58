"""The digits example: real data, fair folds, an honest metric, a model that depends on nothing of ours."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

EXAMPLE = Path(__file__).parent.parent / "experiments" / "digits"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class OneFold:
    """As much of `experiment` as the frozen test needs for a single fold."""

    improves = True

    def __init__(self) -> None:
        self.scores: list[float] = []

    def race(self, folds: Callable[[int], list[Any]]) -> list[Any]:
        return folds(0)[:1]

    def score(self, value: float) -> None:
        self.scores.append(value)


class Answer:
    """A candidate whose model gives every row the same chances."""

    def __init__(self, chances: list[float]) -> None:
        self.chances = chances

    def fit(self, X: object, y: object) -> Answer:
        return self

    def predict(self, X: Any, columns: int) -> Any:
        assert columns == len(self.chances)
        return np.tile(self.chances, (len(X), 1))


def score_of(chances: list[float], digits: Any) -> float:
    experiment = OneFold()
    load("test_digits").test_digits(Answer(chances), experiment, digits)
    return experiment.scores[0]


def test_all_images_are_tested_once_in_every_split(digits: Any) -> None:
    for split in range(3):
        tested = np.concatenate([fold.test_X for fold in digits.folds(split)])
        assert len(digits.X) == 1797
        assert np.array_equal(np.unique(tested, axis=0), np.unique(digits.X, axis=0))


def test_no_image_is_both_learned_and_tested(digits: Any) -> None:
    for fold in digits.folds(0):
        assert len(fold.train_X) + len(fold.test_X) == len(digits.X)
        learned = {row.tobytes() for row in fold.train_X}
        assert not any(row.tobytes() in learned for row in fold.test_X)


def test_every_fold_holds_the_classes_in_equal_shares(digits: Any) -> None:
    whole = np.bincount(digits.y) / 5
    for fold in digits.folds(1):
        assert np.abs(np.bincount(fold.test_y, minlength=10) - whole).max() <= 1


def test_a_split_is_the_same_every_time(digits: Any) -> None:
    for one, other in zip(digits.folds(2), digits.folds(2), strict=True):
        assert np.array_equal(one.test_X, other.test_X)
        assert np.array_equal(one.train_y, other.train_y)


def test_splits_differ(digits: Any) -> None:
    firsts = [digits.folds(split)[0].test_X.tobytes() for split in range(4)]
    assert len(set(firsts)) == 4


def test_the_model_imports_nothing_of_ours() -> None:
    names = []
    for node in ast.walk(ast.parse((EXAMPLE / "model.py").read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.append(node.module or "")
    assert {name.split(".")[0] for name in names} == {"sklearn", "warnings"}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_model_learns_and_its_seed_matters(digits: Any) -> None:
    model = load("model")
    fold = digits.folds(0)[0]
    answers = [
        model.predict(model.fit(fold.train_X, fold.train_y, seed=seed), fold.test_X)
        for seed in (1, 1, 2)
    ]
    assert answers[0].shape == (len(fold.test_X), 10)
    assert (answers[0].argmax(axis=1) == fold.test_y).mean() > 0.9
    assert np.array_equal(answers[0], answers[1])
    assert not np.array_equal(answers[0], answers[2])


def test_knowing_nothing_scores_the_logarithm_of_ten(digits: Any) -> None:
    assert score_of([0.1] * 10, digits) == pytest.approx(np.log(10))


@pytest.mark.parametrize("chances", [[1.0] * 10, [0.2] * 10, [1.1, -0.1] + [0.0] * 8])
def test_what_are_no_chances_is_never_scored(chances: list[float], digits: Any) -> None:
    with pytest.raises((AssertionError, ValueError), match=r"add up to 1|y_prob"):
        score_of(chances, digits)
