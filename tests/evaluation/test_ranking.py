"""Ranking metrics equal their definitions; ties earn what chance does."""

from __future__ import annotations

import itertools
import sys
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from pytest_autoresearch.evaluation import ranking
from pytest_autoresearch.exceptions import UsageProblem


def world(seed: int) -> tuple[Any, Any, Any]:
    """Groups of 1 to 6 rows in mixed order, graded relevance, scores with many ties."""
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(12), rng.integers(1, 7, 12)))
    return rng.integers(0, 3, len(groups)), rng.integers(0, 3, len(groups)) * 1.0, groups


def by_hand(metric: Any, y: Any, scores: Any, groups: Any) -> float:
    """The mean over groups of the mean over all orders of tied rows."""
    found = []
    for group in np.unique(groups):
        relevance, score = y[groups == group], scores[groups == group]
        if not relevance.any():
            continue
        orders = itertools.permutations(range(len(score)))
        sorted_ones = [o for o in orders if (np.diff(score[list(o)]) <= 0).all()]
        found.append(fmean(metric(relevance[list(order)]) for order in sorted_ones))
    return fmean(found)


def discounted(ordered: Any, k: int) -> float:
    return float(sum(r / np.log2(at + 2) for at, r in enumerate(ordered[:k])))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [1, 3, 10])
def test_ndcg_is_its_definition(seed: int, k: int) -> None:
    expected = by_hand(lambda r: discounted(r, k) / discounted(np.sort(r)[::-1], k), *world(seed))
    assert ranking.ndcg(*world(seed), k=k) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_mrr_is_its_definition(seed: int) -> None:
    expected = by_hand(lambda r: 1 / (1 + np.flatnonzero(r)[0]), *world(seed))
    assert ranking.mrr(*world(seed)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [1, 3, 10])
def test_recall_is_its_definition(seed: int, k: int) -> None:
    expected = by_hand(lambda r: (r[:k] > 0).sum() / (r > 0).sum(), *world(seed))
    assert ranking.recall(*world(seed), k=k) == pytest.approx(expected)


def test_ndcg_of_a_group_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    y, scores = rng.integers(0, 5, 40), rng.normal(size=40)
    assert ranking.ndcg(y, scores, [7] * 40, k=None) == pytest.approx(ndcg_score([y], [scores]))


def test_a_perfect_order_earns_one_and_constant_scores_do_not() -> None:
    y, _, groups = world(0)
    for metric in (ranking.ndcg, ranking.mrr):
        assert metric(y, y, groups) == pytest.approx(1)
        assert metric(y, np.zeros(len(y)), groups) < 0.9


def test_groups_may_be_texts_and_columns_of_frames() -> None:
    y, scores, groups = world(1)
    named = pd.Series([f"query {group}" for group in groups], index=np.arange(len(y)) + 100)
    expected = ranking.ndcg(y, scores, groups)
    assert ranking.ndcg(pd.Series(y), scores[:, None], named) == pytest.approx(expected)


def test_groups_without_a_relevant_row_are_left_out() -> None:
    y, scores, groups = world(2)
    more = ranking.mrr([*y, 0, 0], [*scores, 1, 2], [*groups, 99, 99])
    assert more == pytest.approx(ranking.mrr(y, scores, groups))


@pytest.mark.parametrize(
    ("y", "scores", "groups", "message"),
    [
        ([0, 0], [1, 2], [1, 1], "no group has a row with y above 0"),
        ([], [], [], "no group has a row"),
        ([1, -1], [1, 2], [1, 1], "y[1] = -1: relevance is 0 or more"),
        ([1, 0], [1], [1, 1], "y has 2, scores has 1, groups has 2"),
        ([1, 0], [1, np.nan], [1, 1], "scores is not finite in row 1"),
        ([1, 0], [[1, 2], [3, 4]], [1, 1], "scores has shape (2, 2)"),
        (["a", "b"], [1, 2], [1, 1], "y holds something that is no number"),
    ],
)
def test_what_cannot_be_ranked_is_refused(y: Any, scores: Any, groups: Any, message: str) -> None:
    for metric in (ranking.ndcg, ranking.mrr, ranking.recall):
        with pytest.raises(UsageProblem) as caught:
            metric(y, scores, groups)
        assert message in str(caught.value)


def test_k_is_one_or_more() -> None:
    with pytest.raises(UsageProblem, match="k=0"):
        ranking.ndcg([1], [1], [1], k=0)
    with pytest.raises(UsageProblem, match="k=0"):
        ranking.recall([1], [1], [1], k=0)


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(UsageProblem, match=r"pytest-autoresearch\[tabular\]"):
        ranking.ndcg([1], [1], [1])
    assert ranking.mrr([1], [1], [1]) == 1
