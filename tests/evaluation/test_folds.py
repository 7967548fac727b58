"""Repeated folds: every row tested once a split, groups whole, labels that overlap in time purged."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

from pytest_autoresearch.evaluation import Fold, folds
from pytest_autoresearch.exceptions import UsageProblem

ROWS = 60
y = np.arange(ROWS) % 3
X = np.arange(2.0 * ROWS).reshape(ROWS, 2)
queries = np.repeat(np.arange(20), 3)
times = np.random.default_rng(0).permutation(ROWS)

MAKERS: dict[str, Any] = {
    "plain": lambda **k: folds.plain(X, y, **k),
    "stratified": lambda **k: folds.stratified(X, y, **k),
    "grouped": lambda **k: folds.grouped(X, y, queries, **k),
    "purged": lambda **k: folds.purged(X, y, times, **k),
}


def parts(split: list[Fold]) -> list[list[int]]:
    return [fold.test.tolist() for fold in split]


@pytest.mark.parametrize("kind", MAKERS)
def test_every_row_is_tested_once_and_never_trained_on_in_the_same_fold(kind: str) -> None:
    for split in range(3):
        made = MAKERS[kind]()(split)
        assert len(made) == 5
        assert sorted(itertools.chain(*parts(made))) == list(range(ROWS))
        for fold in made:
            assert not set(fold.train) & set(fold.test)
            assert (np.diff(fold.train) > 0).all()
            assert (np.diff(fold.test) > 0).all()


@pytest.mark.parametrize("kind", MAKERS)
def test_a_split_is_the_same_again_and_no_other_split_is_like_it(kind: str) -> None:
    splits = [parts(MAKERS[kind]()(split)) for split in (0, 1, 2, 0)]
    assert splits[0] == splits[3]
    assert all(splits[a] != splits[b] for a, b in ((0, 1), (0, 2), (1, 2)))


@pytest.mark.parametrize("kind", ["plain", "stratified", "grouped"])
def test_another_seed_makes_other_folds(kind: str) -> None:
    assert parts(MAKERS[kind](seed=1)(0)) != parts(MAKERS[kind]()(0))


def test_classes_have_equal_shares_in_every_fold() -> None:
    for fold in folds.stratified(X, y)(4):
        assert np.bincount(fold.test_y).tolist() == [4, 4, 4]


@pytest.mark.parametrize("names", [y.astype(str), pd.Series(y).astype("category"), y == 0, y * 1.0])
def test_classes_may_be_texts_categories_booleans_and_whole_numbers(names: Any) -> None:
    assert len(folds.stratified(X, names, k=3)(0)) == 3


def test_groups_are_never_torn() -> None:
    for fold in folds.grouped(X, y, queries)(1):
        assert not set(fold.train_groups) & set(fold.test_groups)
        assert fold.test_groups.tolist() == queries[fold.test].tolist()


def test_large_groups_of_unlike_composition_are_divided_anew_in_every_split() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 200, 30)
    groups = np.repeat(np.arange(30), sizes)
    bought = rng.random(len(groups)) < np.repeat(rng.beta(2, 2, 30), sizes)
    divisions = [parts(folds.grouped(bought, bought, groups)(split)) for split in range(4)]
    for at, division in enumerate(divisions):
        for other in divisions[:at]:
            assert not any(part in other for part in division)


def test_folds_of_groups_are_alike_in_rows_and_classes() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 40, 100)
    groups = np.repeat(np.arange(100), sizes)
    bought = rng.random(len(groups)) < np.repeat(rng.beta(1, 1, 100), sizes)
    for split in range(3):
        made = folds.grouped(bought, bought, groups)(split)
        assert max(len(fold.test) for fold in made) < 1.4 * min(len(fold.test) for fold in made)
        assert max(abs(fold.test_y.mean() - bought.mean()) for fold in made) < 0.08


def test_blocks_are_contiguous_in_time_and_move_with_the_split() -> None:
    first = [times[fold.test].max() for fold in folds.purged(X, y, times)(0)]
    assert first == [11, 23, 35, 47, 59]
    for split in range(3):
        for fold in folds.purged(X, y, times)(split):
            tested = np.sort(times[fold.test])
            assert (np.diff(tested) == 1).all()
            assert 6 <= len(tested) <= 18


def test_rows_whose_labels_overlap_the_block_are_purged_and_the_embargo_kept() -> None:
    now = np.arange(ROWS)
    ends = now + 4
    fold = folds.purged(X, y, now, k=5, ends=ends, embargo=2)(0)[2]
    assert fold.test.tolist() == list(range(24, 36))
    # Row 19 ends at 23, before the block; its last label ends at 39, and 40 and 41 are embargoed.
    assert fold.train.tolist() == [*range(20), *range(42, 60)]


def test_an_embargo_on_dates_is_a_length_of_time() -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=ROWS))
    fold = folds.purged(X, y, days, k=5, embargo="3D")(0)[0]
    assert fold.train.tolist() == list(range(15, 60))


def test_rows_of_one_moment_are_not_on_both_sides() -> None:
    hours = np.arange(ROWS) // 10
    for fold in folds.purged(X, y, hours, k=4)(0):
        assert not set(hours[fold.train]) & set(hours[fold.test])


@pytest.mark.parametrize(
    "kind",
    [
        X.tolist(),
        pd.DataFrame(X),
        pl.DataFrame(X),
        scipy.sparse.coo_matrix(X),
        {"a": X, "b": {"c": pd.Series(y)}},
    ],
    ids=["list", "pandas", "polars", "scipy", "dict"],
)
def test_rows_come_in_the_kind_that_was_given(kind: Any) -> None:
    fold = folds.plain(kind, y)(0)[0]
    found, given = fold.test_X, kind
    assert type(found) is type(given)
    if isinstance(kind, dict):
        assert found["b"]["c"].tolist() == y[fold.test].tolist()
        found = found["a"]
    if scipy.sparse.issparse(found):
        found = found.toarray()
    assert np.array_equal(np.asarray(found), X[fold.test])


def test_lists_of_targets_and_groups_come_as_arrays() -> None:
    fold = folds.grouped(X, y.tolist(), [f"q{q}" for q in queries])(0)[0]
    assert fold.test_y.tolist() == y[fold.test].tolist()
    assert fold.test_groups.tolist() == [f"q{q}" for q in queries[fold.test]]


def test_what_a_test_writes_into_a_fold_never_reaches_the_data() -> None:
    fold = folds.purged(X, y, np.arange(ROWS))(0)[0]
    with pytest.raises(ValueError, match="read-only"):
        fold.test_X[0] = 1


def test_a_fold_names_its_sizes() -> None:
    assert repr(folds.plain(X, y)(0)[0]) == "Fold(48 training rows, 12 test rows)"
    assert folds.plain(X, y)(0)[0].train_groups is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: folds.plain(X, y[1:]), "X has 60, y has 59"),
        (lambda: folds.grouped(X, y, queries[1:]), "X has 60, y has 60, groups has 59"),
        (lambda: folds.plain({"a": X, "b": X[1:]}, y), "different lengths: {'a': 60, 'b': 59}"),
        (lambda: folds.plain(X[:4], y[:4]), "k=5 folds need at least 5 rows; there are 4"),
        (lambda: folds.purged(X[:24], y[:24], times[:24]), "at least 25 rows; there are 24"),
        (lambda: folds.grouped(X, y, y), "at least 5 groups; there are 3"),
        (lambda: folds.grouped(X, y, X), "groups has shape"),
        (lambda: folds.grouped(X, y, [None, *queries[1:]]), "groups has no label in row 0"),
        (
            lambda: folds.grouped(X, y, np.array([{}] * 60)),
            "groups holds something that is no label",
        ),
        (lambda: folds.grouped(X, y, [np.nan, *queries[1:]]), "groups has no label in row 0"),
        (lambda: folds.plain(X, y, k=1), "k=1 is not a whole number of 2 or more"),
        (lambda: folds.plain(X, y, k=cast(Any, 2.5)), "k=2.5"),
        (lambda: folds.plain(X, y, seed=-1), "seed=-1"),
        (lambda: folds.plain(X, y)(-1), "split=-1"),
        (lambda: folds.plain({1, 2}, y), "X is a set, which has no rows"),
        (lambda: folds.plain(pl.LazyFrame(X), y), "X is a polars.lazyframe"),
        (lambda: folds.stratified(X, X[:, 0] + 0.5), "y holds real numbers, not classes"),
        (
            lambda: folds.stratified(X, [9] * 4 + [1] * 56),
            "class 9 of y has 4 rows, too few for k=5",
        ),
        (lambda: folds.purged(X, y, times, embargo=-1), "embargo=-1 is negative"),
        (lambda: folds.purged(X, y, times, ends=times - 1), "the label of row 0 ends"),
        (lambda: folds.purged(X, y, times, ends=times + 99), "leaves none to train on"),
        (lambda: folds.purged(X, y, times[1:]), "X has 60, times has 59"),
        (lambda: folds.purged(X, y, times, ends=times[1:]), "X has 60, ends has 59"),
        (lambda: folds.purged(X, y, ["2024"] * ROWS), "times has type"),
    ],
)
def test_what_cannot_be_divided_is_said_at_once(call: Any, message: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        call()
    assert message in str(caught.value)


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UsageProblem, match=r"pytest-autoresearch\[tabular\]"):
        folds.plain(X, y)
    assert len(folds.purged(X, y, times)(0)) == 5


def test_importing_the_helpers_loads_no_library_but_numpy() -> None:
    script = (
        "import sys; from pytest_autoresearch import evaluation; "
        "print({'sklearn', 'scipy', 'pandas', 'polars'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
