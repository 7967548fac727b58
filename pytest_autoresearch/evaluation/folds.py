"""Repeated k-fold splits: every split is another division of the same rows into k folds.

Each function returns ``split -> list of folds`` for ``experiment.race``. In one split every row is
tested exactly once.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ..exceptions import UsageProblem
from .fold import Fold, Splits, Table, examples, lacking, whole
from .layout import SPLITS, check_ends
from .rows import Positions, agree, labels
from .times import GOLDEN, Ticks, axis

DRAWS = 32
"""Divisions of the groups that are tried for each split; the one with the most alike folds is taken."""
ROWS = 5
"""Rows that a block of `purged` has at least, so that its limits are others in each split of a search."""
MOST_CLASSES = 50
"""With more distinct values than this in ``y``, folds of groups are balanced by rows only."""


def plain(X: Any, y: Any, *, k: int = 5, seed: int = 0) -> Splits:
    """Rows shuffled into ``k`` folds, by scikit-learn's ``KFold``.

    Raises `UsageProblem` for lengths that differ and for fewer than ``k`` rows.

    Example::

        digits = evaluation.folds.plain(X, y, k=5)
        for fold in experiment.race(digits):
            model = candidate.fit(fold.train_X, fold.train_y)
            experiment.score(r2_score(fold.test_y, model.predict(fold.test_X)))
    """
    table = examples(X, y)
    k = _enough(k, table.rows, "rows")
    seed = whole(seed, "seed", 0)
    splitters = _splitters()

    def divided(split: int) -> list[Fold]:
        shuffled = splitters.KFold(k, shuffle=True, random_state=_state(seed, split))
        return _folds(table, shuffled.split(np.empty(table.rows)))

    return divided


def stratified(X: Any, y: Any, *, k: int = 5, seed: int = 0) -> Splits:
    """Rows shuffled into ``k`` folds with equal shares of every class, by ``StratifiedKFold``.

    Raises `UsageProblem` for lengths that differ, for a ``y`` that holds no classes, and for a class
    of fewer than ``k`` rows.

    Example::

        for fold in experiment.race(evaluation.folds.stratified(X, y, k=5)):
            model = candidate.fit(fold.train_X, fold.train_y)
            experiment.score(log_loss(fold.test_y, model.predict(fold.test_X, columns=10)))
    """
    table = examples(X, y)
    k = _enough(k, table.rows, "rows")
    seed = whole(seed, "seed", 0)
    splitters = _splitters()
    classes = _classes(table.y, k)

    def divided(split: int) -> list[Fold]:
        shuffled = splitters.StratifiedKFold(k, shuffle=True, random_state=_state(seed, split))
        return _folds(table, shuffled.split(np.empty(table.rows), classes))

    return divided


def grouped(X: Any, y: Any, groups: Any, *, k: int = 5, seed: int = 0) -> Splits:
    """Whole groups in ``k`` folds: no label of ``groups`` is on both sides of a fold.

    Rows keep their order, so that groups that are contiguous stay so. Groups are shuffled by
    scikit-learn's ``KFold``; of several such divisions the one whose folds are most alike in rows and
    in classes is taken. (``StratifiedGroupKFold`` shuffles only groups of equal composition: with large
    groups it gives every split the same folds.) Raises `UsageProblem` for lengths that differ and for
    fewer than ``k`` groups.

    Example::

        for fold in experiment.race(evaluation.folds.grouped(X, relevance, query, k=5)):
            model = candidate.fit(fold.train_X, fold.train_y, groups=fold.train_groups)
            scores = model.predict(fold.test_X, groups=fold.test_groups)
            experiment.score(evaluation.ranking.ndcg(fold.test_y, scores, fold.test_groups))
    """
    table = examples(X, y, groups)
    names = labels(table.groups, "groups")
    number = int(names.max(initial=-1)) + 1
    k = _enough(k, number, "groups")
    seed = whole(seed, "seed", 0)
    splitters = _splitters()
    contents = _contents(table.y, names, number)

    def divided(split: int) -> list[Fold]:
        draws = (
            [
                test
                for _, test in splitters.KFold(k, shuffle=True, random_state=state).split(contents)
            ]
            for state in _states(seed, split, DRAWS)
        )
        best = min(draws, key=lambda parts: _unlikeness(contents, parts))
        tests = (np.flatnonzero(np.isin(names, part)) for part in best)
        return _folds(table, ((_others(test, table.rows), test) for test in tests))

    return divided


def purged(
    X: Any,
    y: Any,
    times: Any,
    *,
    k: int = 5,
    ends: Any = None,
    embargo: Any = 0,
    groups: Any = None,
) -> Splits:
    """``k`` contiguous blocks of time, each tested once; training rows that overlap it are left out.

    A row's label is made of what happens from its time in ``times`` to its end in ``ends`` (the same
    moment where ``ends`` is not given). From training go all rows that overlap the time from the
    block's first row to the last of its ends, and those that begin within ``embargo`` after it: López
    de Prado, Advances in Financial Machine Learning (2018), chapter 7. Training rows lie on both sides
    of the block: where the past alone may be used take `windows`. Blocks have equally many rows in
    split 0; in other splits their limits are moved, each by the same fraction of a block, less than
    half of one. Rows may come in any order.

    ``times`` and ``ends``: numbers, NumPy dates, or a pandas or polars series of dates; ``embargo``: a
    number, or a length such as ``"5D"``. Raises `UsageProblem` for lengths that differ, fewer than 5
    rows for each fold, an end before its time, and a fold with nothing left to train on.

    Example::

        days = evaluation.folds.purged(X, y, bars.opened, ends=bars.closed, embargo="2D")
    """
    table = examples(X, y, groups)
    k = _enough(k, table.rows, "rows", each=ROWS)
    begin, until, wait = _spans(table, times, ends, embargo)
    order = np.argsort(begin, kind="stable")

    def divided(split: int) -> list[Fold]:
        limits = _limits(table.rows, k, whole(split, "split", 0))
        blocks = (order[start:stop] for start, stop in pairwise(limits))
        return _folds(
            table, [(_clear(block, begin, until, wait), np.sort(block)) for block in blocks]
        )

    for first in range(SPLITS):
        divided(first)
    return divided


def _enough(k: int, number: int, what: str, each: int = 1) -> int:
    k = whole(k, "k", 2)
    if number < k * each:
        raise UsageProblem(f"k={k} folds need at least {k * each} {what}; there are {number}")
    return k


def _splitters() -> Any:
    try:
        from sklearn import model_selection
    except ImportError as error:
        raise lacking("folds", error) from error
    return model_selection


def _states(seed: int, split: int, number: int) -> list[int]:
    """Seeds for scikit-learn that differ for every seed and split."""
    words = np.random.SeedSequence([seed, whole(split, "split", 0)]).generate_state(number)
    return [int(word) for word in words]


def _state(seed: int, split: int) -> int:
    return _states(seed, split, 1)[0]


def _folds(table: Table, parts: Iterable[tuple[Positions, Positions]]) -> list[Fold]:
    return [Fold(train, test, table) for train, test in parts]


def _classes(y: Any, k: int) -> Positions:
    """A number for each row's class. Raises `UsageProblem` where a class cannot be in every fold."""
    if np.asarray(y).dtype.kind == "f" and not (np.asarray(y) == np.floor(y)).all():
        raise UsageProblem(
            "stratified: y holds real numbers, not classes; use evaluation.folds.plain"
        )
    classes = labels(y, "y")
    rows = np.bincount(classes)
    if rows.min() < k:
        rare = np.asarray(y).tolist()[int(np.argmax(classes == rows.argmin()))]
        raise UsageProblem(
            f"stratified: class {rare!r} of y has {rows.min()} rows, too few for k={k} folds; merge it "
            "with another, lower k, or use evaluation.folds.plain"
        )
    return classes


def _contents(y: Any, names: Positions, number: int) -> npt.NDArray[np.float64]:
    """What each group holds, of shape (groups, columns): its share of all rows, and of each class."""
    kinds = [np.zeros_like(names)]
    if np.asarray(y).dtype.kind != "f" and np.asarray(y).ndim == 1:
        classes = labels(y, "y")
        kinds += [classes] if classes.max() < MOST_CLASSES else []
    counts = []
    for kind in kinds:
        width = int(kind.max()) + 1
        counts.append(
            np.bincount(names * width + kind, minlength=number * width).reshape(number, width)
        )
    table = np.concatenate(counts, axis=1)
    shares: npt.NDArray[np.float64] = table / table.sum(axis=0)
    return shares


def _unlikeness(contents: npt.NDArray[np.float64], parts: list[Positions]) -> float:
    """How far the parts are from holding equal shares of everything: a sum of squares."""
    shares = np.array([contents[part].sum(axis=0) for part in parts])
    return float(((shares - 1 / len(parts)) ** 2).sum())


def _others(test: Positions, rows: int) -> Positions:
    left = np.ones(rows, bool)
    left[test] = False
    return np.flatnonzero(left)


def _spans(table: Table, times: Any, ends: Any, embargo: Any) -> tuple[Ticks, Ticks, int | float]:
    """When each row's label begins and ends, and the embargo, in ticks."""
    begin = axis(times, "times")
    agree(X=table.X, times=times)
    if ends is None:
        return begin.ticks, begin.ticks, begin.length(embargo, "embargo")
    agree(X=table.X, ends=ends)
    return begin.ticks, check_ends(axis(ends, "ends"), begin), begin.length(embargo, "embargo")


def _limits(rows: int, k: int, split: int) -> list[int]:
    """The limits of k blocks; inner ones moved by less than half a block, in split 0 by nothing."""
    part = (split * GOLDEN + 0.5) % 1.0 - 0.5
    return [0, *(round(rows * (inner + part) / k) for inner in range(1, k)), rows]


def _clear(block: Positions, begin: Ticks, until: Ticks, wait: int | float) -> Positions:
    """The rows whose labels neither overlap the block's time nor begin within the embargo after it."""
    start, stop = begin[block].min(), until[block].max()
    train: Positions = np.flatnonzero((until < start) | (begin > stop + wait))
    if not len(train):
        raise UsageProblem(
            f"purged: a block of {len(block)} rows leaves none to train on, since all other labels "
            "overlap its time; use shorter labels, a smaller embargo or fewer folds"
        )
    return train
