"""Windows of time: train on the past of a moment, score what comes after it.

Each of `expanding` and `sliding` returns ``split -> list of folds`` for ``experiment.race``; a fold's
``cut`` is its moment of prediction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..exceptions import UsageProblem
from .fold import Splits, Table, examples, whole
from .known import as_of
from .layout import SPLITS, Layout, Windows, check_ends, check_order, fitting, grain
from .rows import agree
from .times import Axis, axis

__all__ = ["as_of", "expanding", "sliding"]


def expanding(
    X: Any,
    y: Any,
    times: Any,
    *,
    first: Any,
    length: Any,
    step: Any = None,
    gap: Any = 0,
    embargo: Any = 0,
    count: int | None = None,
    ends: Any = None,
    groups: Any = None,
) -> Splits:
    """Train on all rows before ``cut - gap``, test on those in [``cut + embargo``, ``cut + length``).

    The first cut is at ``first``, the others follow every ``step`` (default: ``length``). That is
    split 0. In every other split all cuts are later by the same part of a step (of ``length``, where
    that is shorter), so that each split has other windows and equally many. Without ``count`` there are
    as many windows as have data to their end in every split; with it the last ones may reach beyond
    the data and hold fewer rows.

    - ``times``: when each row's features were known, ascending: numbers, NumPy dates, or a pandas or
      polars series of dates (with a time zone: taken as UTC).
    - ``first``: a moment of the same kind, or ``"2024-05-01"``.
    - ``length``, ``step``, ``gap``, ``embargo``: numbers, or for dates lengths such as ``"30D"``,
      ``"12h"`` or a ``timedelta``.
    - ``gap``: how long before the cut training ends, because later labels were not yet known then.
    - ``embargo``: how long after the cut scoring begins.
    - ``ends``: when each row's label was known; rows whose label was not known strictly before the cut
      are left out of training.
    - ``groups``: a label for each row, handed through as ``train_groups`` and ``test_groups``.

    Raises `UsageProblem` for lengths that differ, times that are not sorted, a negative ``gap`` or
    ``embargo``, an end before its time, and windows without rows, with their cut.

    Example::

        months = evaluation.windows.expanding(X, y, visits.day, first="2024-01-01", length="30D")
        for window in experiment.race(months):
            model = candidate.fit(window.train_X, window.train_y)
            experiment.score(roc_auc_score(window.test_y, model.predict(window.test_X)))
    """
    table = examples(X, y, groups)
    return _windows(table, times, ends, count, first, None, length, step, gap, embargo)


def sliding(
    X: Any,
    y: Any,
    times: Any,
    *,
    train: Any,
    length: Any,
    first: Any = None,
    step: Any = None,
    gap: Any = 0,
    embargo: Any = 0,
    count: int | None = None,
    ends: Any = None,
    groups: Any = None,
) -> Splits:
    """As `expanding`, but train only on rows in [``cut - gap - train``, ``cut - gap``).

    ``first`` defaults to the earliest moment with that much data before it.

    Example::

        weeks = evaluation.windows.sliding(X, y, hour, train=24 * 28, length=24 * 7, gap=24)
    """
    table = examples(X, y, groups)
    return _windows(table, times, ends, count, first, train, length, step, gap, embargo)


def _windows(
    table: Table,
    times: Any,
    ends: Any,
    count: int | None,
    first: Any,
    train: Any,
    *lengths: Any,
) -> Splits:
    """Windows that are checked: those of every split that a search walks have rows."""
    moments = _moments(table, times)
    known = None if ends is None else check_ends(_moments(table, ends, "ends"), moments)
    layout = _layout(moments, first, train, *lengths)
    number = fitting(moments, layout) if count is None else whole(count, "count", 1)
    windows = Windows(table, moments, known, replace(layout, count=number))
    for split in range(SPLITS):
        windows.folds(split)
    return windows


def _moments(table: Table, values: Any, name: str = "times") -> Axis:
    found = axis(values, name)
    agree(**{"X": table.X, name: values})
    if name == "times":
        check_order(found)
    return found


def _layout(
    moments: Axis, first: Any, train: Any, length: Any, step: Any, gap: Any, embargo: Any
) -> Layout:
    """The lengths in ticks, without a number of windows yet."""
    long = moments.length(length, "length", least=1)
    wait, later = moments.length(gap, "gap"), moments.length(embargo, "embargo")
    if later >= long:
        raise UsageProblem(f"embargo={embargo!r} leaves nothing of length={length!r} to test")
    past = None if train is None else moments.length(train, "train", least=1)
    start = (
        moments.ticks[0].item() + (past or 0) + wait
        if first is None
        else moments.moment(first, "first")
    )
    every = long if step is None else moments.length(step, "step", least=1)
    return Layout(start, long, every, wait, later, past, grain(moments, start, long, every))
