"""Ranking metrics: the mean over groups (queries, users) of how well each group's rows are ordered.

All take ``y`` (relevance of each row, 0 or more), ``scores`` (higher is better) and ``groups`` (a label
for each row), all of length n. Groups without a relevant row (all 0) are left out. Rows with equal scores
are in no order: what they give is the mean over all orders of them, as in scikit-learn's NDCG, so that
constant scores earn what chance does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..exceptions import UsageProblem
from .fold import lacking, whole
from .rows import agree, labels

Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.intp]


def ndcg(y: Any, scores: Any, groups: Any, *, k: int | None = 10) -> float:
    """Normalized discounted cumulative gain of the ``k`` best rows, by scikit-learn's ``ndcg_score``.

    Gains are the relevances themselves (not ``2**y - 1``); 1 is a perfect order. ``k=None`` takes all
    rows. Raises `UsageProblem` for lengths that differ, negative relevance, and when no group has a
    relevant row.

    Example::

        experiment.score(evaluation.ranking.ndcg(fold.test_y, scores, fold.test_groups, k=10))
    """
    k = None if k is None else whole(k, "k", 1)
    try:
        from sklearn.metrics import ndcg_score
    except ImportError as error:
        raise lacking("ranking.ndcg", error) from error
    ranked = _ranked(y, scores, groups)
    sizes = np.bincount(ranked.group)
    starts = np.cumsum(sizes) - sizes
    total = 0.0
    for size in np.unique(sizes):
        rows = starts[sizes == size, None] + np.arange(size)
        alone = size == 1  # scikit-learn refuses these: there is only one order
        total += len(rows) * (
            1.0 if alone else ndcg_score(ranked.y[rows], ranked.scores[rows], k=k)
        )
    return float(total / len(sizes))


def mrr(y: Any, scores: Any, groups: Any) -> float:
    """Mean reciprocal rank: 1 / (position of the group's first relevant row), 1 is perfect.

    Raises as `ndcg`.

    Example::

        experiment.score(evaluation.ranking.mrr(clicked, scores, session))
    """
    ties = _ties(_ranked(y, scores, groups))
    some = np.flatnonzero(ties.relevant)
    _, at = np.unique(ties.group[some], return_index=True)
    first = some[at]
    entries = zip(ties.above[first], ties.rows[first], ties.relevant[first], strict=True)
    return float(np.mean([_reciprocal(int(above), int(n), int(r)) for above, n, r in entries]))


def recall(y: Any, scores: Any, groups: Any, *, k: int = 10) -> float:
    """The share of a group's relevant rows that are among its ``k`` best, 1 is perfect.

    Raises as `ndcg`.

    Example::

        experiment.score(evaluation.ranking.recall(bought, scores, user, k=20))
    """
    k = whole(k, "k", 1)
    ties = _ties(_ranked(y, scores, groups))
    within = np.clip(k - ties.above, 0, ties.rows) / ties.rows
    found = np.bincount(ties.group, ties.relevant * within)
    return float((found / np.bincount(ties.group, ties.relevant)).mean())


@dataclass(frozen=True)
class Ranked:
    """The rows of groups with a relevant one, group after group, best first; groups count from 0."""

    group: Counts
    y: Numbers
    scores: Numbers


@dataclass(frozen=True)
class Ties:
    """Runs of rows with equal scores: their group, how many rows of it are above, rows, relevant ones."""

    group: Counts
    above: Counts
    rows: Counts
    relevant: Counts


def _ranked(y: Any, scores: Any, groups: Any) -> Ranked:
    agree(y=y, scores=scores, groups=groups)
    relevance, score, group = _real(y, "y"), _real(scores, "scores"), labels(groups, "groups")
    if (relevance < 0).any():
        row = int((relevance < 0).argmax())
        raise UsageProblem(f"y[{row}] = {relevance[row]:g}: relevance is 0 or more")
    counted = np.bincount(group, relevance > 0) > 0
    if not counted.any():
        raise UsageProblem("no group has a row with y above 0, so there is nothing to rank")
    kept = np.flatnonzero(counted[group])
    kept = kept[np.lexsort((-score[kept], group[kept]))]
    return Ranked((np.cumsum(counted) - 1)[group[kept]], relevance[kept], score[kept])


def _real(values: Any, name: str) -> Numbers:
    """Finite numbers, shape (n,), or (n, 1) made so."""
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageProblem(f"{name} holds something that is no number: {error}") from None
    if found.shape[1:] not in ((), (1,)):
        raise UsageProblem(f"{name} has shape {found.shape}; give one number for each row")
    flat = found.reshape(-1)
    if not np.isfinite(flat).all():
        raise UsageProblem(f"{name} is not finite in row {int((~np.isfinite(flat)).argmax())}")
    return flat


def _ties(ranked: Ranked) -> Ties:
    new = np.append(True, (np.diff(ranked.group) != 0) | (np.diff(ranked.scores) != 0))
    starts = np.flatnonzero(new)
    group = ranked.group[starts]
    begins = np.searchsorted(ranked.group, group)
    rows = np.diff(np.append(starts, len(ranked.group)))
    return Ties(group, starts - begins, rows, np.add.reduceat(ranked.y > 0, starts, dtype=np.intp))


def _reciprocal(above: int, rows: int, relevant: int) -> float:
    """The mean of 1 / (above + position of the first relevant one) over all orders of tied rows."""
    total, none_yet = 0.0, 1.0
    for before in range(rows - relevant + 1):
        here = relevant / (rows - before)
        total += none_yet * here / (above + before + 1)
        none_yet *= 1 - here
    return total
