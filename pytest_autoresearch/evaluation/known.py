"""`as_of`: what a side table knew at a moment."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..exceptions import UsageProblem
from .rows import Positions, agree, labels, take
from .times import Axis, moments


def as_of(table: Any, cut: Any, *, on: Any, by: Any = None) -> Any:
    """The rows of a side table that were known strictly before ``cut``, in their order.

    ``table``: a pandas or polars frame, or a dict of columns; ``on``: the column that says when a row
    became known (a row without a time never is); ``by``: one column or a list of them: only the last
    row before the cut is left for each key (of equally late ones the lower in the table). ``cut`` is a
    fold's, or any moment of the column's kind. Raises `UsageProblem` for columns that do not exist and
    for a cut of another kind.

    Example::

        prices = evaluation.windows.as_of(price_changes, window.cut, on="valid_from", by="product")
        model.predict(window.test_X, context=prices)
    """
    since = moments(_column(table, on), f"column {on!r}")
    dates = since.dtype.kind == "M"
    column = Axis(np.empty(0, np.int64), dates)
    known: Positions = np.flatnonzero(since < column.at(column.moment(cut, "cut")))
    keys = [by] if isinstance(by, str | int) else list(by or ())
    if keys:
        codes = np.stack([labels(_column(table, key), f"column {key!r}") for key in keys])
        known = _last(known, codes[:, known], since[known])
    return take(table, known)


def _last(known: Positions, codes: Positions, since: Any) -> Positions:
    """Of ascending positions the latest of each key; ``codes`` (keys, rows) and times belong to them."""
    order = np.lexsort((since, *codes))
    same = (np.diff(codes[:, order]) == 0).all(axis=0)
    return np.sort(known[order[np.append(~same, True)[: len(order)]]])


def _column(table: Any, name: Any) -> Any:
    """A column of a frame or a dict."""
    if not isinstance(table, dict) and not hasattr(table, "columns"):
        kind = type(table).__name__
        raise UsageProblem(
            f"as_of: the table is a {kind}; give a pandas or polars frame, or a dict of columns"
        )
    names = list(table) if isinstance(table, dict) else list(table.columns)
    if name not in names:
        raise UsageProblem(f"as_of: there is no column {name!r} among {names}")
    if isinstance(table, dict):
        agree(**{str(key): part for key, part in table.items()})
    return table[name]
