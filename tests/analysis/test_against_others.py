"""What the primitives compute equals scikit-learn, pandas, or counting one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from pytest_autoresearch.analysis import (
    auc,
    correlated_pairs,
    describe,
    drift,
    errors_by_segment,
    importance,
    null_rates,
    univariate,
)
from pytest_autoresearch.analysis.drift import LEAST_SHARE, psi

Floats = npt.NDArray[np.float64]


def drawn(seed: int, rows: int = 200) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """A table with ties, gaps and labels, and a target that depends on it."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "smooth": rng.normal(size=rows),
            "tied": rng.integers(0, 4, rows),
            "gaps": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows).round(1)),
            "job": np.array(["a", "b", "c", None])[rng.integers(0, 4, rows)],
        }
    )
    table["twin"] = 3 * table["smooth"] + rng.normal(scale=0.2, size=rows)
    chance = 1 / (1 + np.exp(-table["smooth"] - (table["job"] == "a")))
    return table, (rng.random(rows) < chance).to_numpy(np.int64)


@pytest.mark.parametrize("seed", range(5))
def test_an_auc_is_scikit_learns_with_ties_and_without_what_is_missing(seed: int) -> None:
    table, y = drawn(seed)
    found = univariate(table, y)
    for name in ("smooth", "tied", "gaps"):
        there = table[name].notna().to_numpy()
        expected = roc_auc_score(y[there], table[name][there])
        assert found.row(name)["auc"] == pytest.approx(expected)
        assert auc(y, table[name]) == pytest.approx(expected)
        assert found.row(name)["rows"] == there.sum()


def test_an_auc_counts_pairs() -> None:
    y, values = [0, 0, 1, 1, 1], [1.0, 2.0, 2.0, 3.0, 0.0]
    pairs = [(b > a) + 0.5 * (b == a) for a in values[:2] for b in values[2:]]
    assert auc(y, values) == pytest.approx(np.mean(pairs))


def test_its_standard_error_is_about_what_drawing_again_shows() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        y = np.repeat([0, 1], 60)
        found.append(
            [float(one or 0) for one in univariate(rng.normal(size=120) + y, y).rows[0][1:3]]
        )
    areas, errors = np.array(found).T
    assert errors.mean() == pytest.approx(areas.std(), rel=0.15)


def test_of_several_classes_the_one_is_named_that_a_column_tells_best() -> None:
    y = np.array(["low", "mid", "high"] * 40)
    table = {"a": (y == "mid") * 1.0, "b": (y == "high") * -1.0}
    found = univariate(table, y)
    assert (found.row("a")["class"], found.row("a")["auc"]) == ("mid", 1.0)
    assert (found.row("b")["class"], found.row("b")["auc"]) == ("high", 0.0)


def test_labels_that_are_never_the_same_tell_nothing() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 2000)
    row = univariate({"id": [f"row {n}" for n in range(2000)]}, y).rows[0]
    assert row[1] == pytest.approx(0.5, abs=0.04)


def test_labels_that_tell_something_are_found() -> None:
    table, y = drawn(3, rows=4000)
    means = pd.Series(y).groupby(table["job"]).transform("mean").to_numpy()
    there = ~np.isnan(means)
    expected = roc_auc_score(y[there], means[there])
    assert univariate(table[["job"]], y).rows[0][1] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("seed", range(3))
def test_correlations_are_those_of_pandas(seed: int, method: Any) -> None:
    table, _ = drawn(seed)
    expected = table.corr(method=method, numeric_only=True)
    found = correlated_pairs(table, least=0.0, method=method)
    assert len(found) == 6
    for one, other, value, rows in found.rows:
        assert value == pytest.approx(expected.loc[str(one), str(other)])
        assert rows == (table[one].notna() & table[other].notna()).sum()
    sizes = [abs(float(value or 0)) for value in found.column("correlation")]
    assert sizes == sorted(sizes, reverse=True)


def test_a_target_of_numbers_gets_both_correlations() -> None:
    table, _ = drawn(0)
    goal = table["smooth"] ** 3 + 0.1
    for row in univariate(table[["smooth", "gaps", "tied"]], goal).rows:
        both = pd.DataFrame({"x": table[row[0]], "y": goal})
        assert row[1] == pytest.approx(both.corr().iloc[0, 1])
        assert row[2] == pytest.approx(both.corr("spearman").iloc[0, 1])


def test_gaps_are_counted_and_their_targets_averaged() -> None:
    table, y = drawn(1)
    found = null_rates(table, y)
    for name in table:
        gaps = table[name].isna().to_numpy()
        row = found.row(str(name))
        assert row["missing"] == gaps.sum()
        assert row["share"] == pytest.approx(gaps.mean())
        assert row["y elsewhere"] == pytest.approx(y[~gaps].mean())
        if gaps.any():
            assert row["y where missing"] == pytest.approx(y[gaps].mean())


def test_a_description_is_that_of_pandas() -> None:
    table, _ = drawn(2)
    found = describe(table)
    for name in ("smooth", "tied", "gaps"):
        row, column = found.row(name), table[name]
        for key, value in {
            "mean": column.mean(),
            "sd": column.std(),
            "median": column.median(),
        }.items():
            assert row[key] == pytest.approx(value)
        assert (row["min"], row["max"]) == (column.min(), column.max())
        assert row["distinct"] == column.nunique()
    common = table["job"].value_counts()
    assert str(found.row("job")["top"]).startswith(f"{common.index[0]} (")


def test_a_stability_index_is_its_formula() -> None:
    before, after = np.array([0.2, 0.3, 0.5, 0.0]), np.array([0.1, 0.4, 0.4, 0.1])
    floored = np.maximum(before, LEAST_SHARE), after
    expected = sum((b - a) * math.log(b / a) for a, b in zip(*floored, strict=True))
    assert psi(before.tolist(), after.tolist()) == pytest.approx(expected)


def test_drift_counts_bins_by_the_quantiles_before() -> None:
    before, after = np.arange(100.0), np.arange(50.0, 150.0)
    row = drift({"x": before}, {"x": after}, bins=4).row("x")
    # Quartiles end at 24, 49 and 74: after, none, none, 25 and 75 of 100 lie in them.
    assert row["psi"] == pytest.approx(psi([0.25] * 4, [0.0, 0.0, 0.25, 0.75]), rel=1e-6)
    assert row["auc"] == pytest.approx(
        np.mean(after[:, None] > before) + np.mean(after[:, None] == before) / 2
    )


def test_drift_of_labels_and_of_gaps() -> None:
    before = {"job": ["a"] * 60 + ["b"] * 40, "rate": np.ones(100)}
    after = {"job": ["a"] * 30 + ["c"] * 70, "rate": np.where(np.arange(100) < 50, np.nan, 1.0)}
    found = drift(before, after)
    assert found.row("job")["psi"] == pytest.approx(psi([0.6, 0.4, 0.0], [0.3, 0.0, 0.7]))
    assert found.row("rate")["missing after"] == 0.5
    assert found.row("rate")["psi"] == pytest.approx(psi([1.0, 0.0], [0.5, 0.5]))


def test_nothing_drifts_from_itself() -> None:
    table, _ = drawn(4)
    found = drift(table, table)
    assert found.column("psi") == [0.0] * 5
    assert [one for one in found.column("auc") if one is not None] == [pytest.approx(0.5)] * 4


def test_losses_by_segment_are_scikit_learns() -> None:
    table, y = drawn(5, rows=500)
    chances = np.clip(0.5 + 0.2 * table["smooth"].to_numpy(), 0.01, 0.99)
    found = errors_by_segment(y, chances, table[["job"]])
    whole = log_loss(y, chances)
    for job in ("a", "b", "c"):
        rows = (table["job"] == job).to_numpy()
        row = found.row(f"job = {job}")
        own = log_loss(y[rows], chances[rows], labels=[0, 1])
        assert row["loss"] == pytest.approx(own)
        assert row["excess"] == pytest.approx(rows.mean() * (own - whole))
        assert row["rows"] == rows.sum()
    assert sum(float(one or 0) for one in found.column("excess")) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("loss", ["squared", "absolute", "wrong"])
def test_other_losses_are_means(loss: Any) -> None:
    y, guess = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, 3.5, 4.0])
    hands: dict[str, list[float]] = {
        "squared": [0, 4, 0.25, 0],
        "absolute": [0, 2, 0.5, 0],
        "wrong": [0, 1, 1, 0],
    }
    by_hand = hands[loss]
    found = errors_by_segment(y, guess, {"side": ["l", "l", "r", "r"]}, loss=loss)
    assert found.row("side = l")["loss"] == pytest.approx(np.mean(by_hand[:2]))
    assert found.row("side = r")["loss"] == pytest.approx(np.mean(by_hand[2:]))


def test_segments_of_numbers_hold_every_row_once() -> None:
    table, y = drawn(6, rows=333)
    for name in ("smooth", "gaps", "tied"):
        found = errors_by_segment(y, np.full(333, 0.5), table[[name]], loss="squared", bins=5)
        assert sum(int(rows or 0) for rows in found.column("rows")) == 333


def test_what_a_model_needs_comes_first() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 4))
    found = importance(X, (X[:, 2] + 0.5 * X[:, 0] > 0).astype(int))
    assert found.column("column")[:2] == ["x2", "x0"]
    assert max(float(one or 0) for one in found.column("loss")[2:]) < 0.02
    numbers = importance(X, 3 * X[:, 1] + rng.normal(scale=0.1, size=1200))
    assert numbers.rows[0][0] == "x1"
    kinds = importance(X, np.where(X[:, 3] > 0.5, "up", np.where(X[:, 3] < -0.5, "down", "even")))
    assert kinds.rows[0][0] == "x3"
    assert "share of right answers" in kinds.title


def test_a_model_of_ones_own_is_asked_with_one_column_shuffled() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    y = X[:, 1]
    for table in (X, pd.DataFrame(X, columns=["x0", "x1", "x2"])):
        before = np.array(table)
        found = importance(table, y, predict=lambda rows: np.asarray(rows)[:, 1])
        assert found.row("x1")["loss"] == pytest.approx(2.0, abs=0.2)
        assert found.row("x0")["loss"] == found.row("x2")["loss"] == 0.0
        assert np.array_equal(before, np.array(table))
