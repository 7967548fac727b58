"""What is in a table: kinds, ranges, and what is missing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from .columns import Column, columns, same_rows, target
from .table import Cell, Table


def describe(X: Any) -> Table:
    """One row a column, in the table's order.

    ``missing`` is a share, ``distinct`` a count; ``sd`` the sample standard deviation; of labels, ``top`` is
    the most frequent one with its share.
    """
    found = columns(X)
    names = "column", "kind", "missing", "distinct", "mean", "sd", "min", "median", "max", "top"
    count = len(found[0]) if found else 0
    title = f"{count} rows, {len(found)} columns"
    return Table(title, names, tuple(_row(one) for one in found))


def _row(column: Column) -> tuple[Cell, ...]:
    missing = float(column.missing.mean()) if len(column) else None
    if column.numbers is not None:
        values = column.numbers[~column.missing]
        return (column.name, "number", missing, len(np.unique(values)), *_range(values), None)
    assert column.labels is not None
    counts = Counter(str(one) for one in column.labels if one is not None)
    top = None
    if counts:
        name, number = counts.most_common(1)[0]
        top = f"{name} ({number / len(column):.0%})"
    return (column.name, "label", missing, len(counts), None, None, None, None, None, top)


def _range(values: Any) -> tuple[Cell, ...]:
    if not len(values):
        return (None,) * 5
    # Of infinite values there is no spread.
    with np.errstate(invalid="ignore"):
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
        middle, mean = float(np.median(values)), float(values.mean())
    return mean, spread, float(values.min()), middle, float(values.max())


def null_rates(X: Any, y: Any = None) -> Table:
    """What is missing in each column, most first; with numbers ``y`` (n,), their means with and without.

    A mean of ``y`` that differs says that a value's absence is a feature itself.
    """
    found = columns(X)
    names: tuple[str, ...] = ("column", "missing", "share")
    goal = None
    if y is not None:
        goal = target(y)
        same_rows(found, goal)
        names += ("y where missing", "y elsewhere")
    rows = []
    for one in found:
        gaps = one.missing
        row: list[Cell] = [one.name, int(gaps.sum()), float(gaps.mean()) if len(gaps) else None]
        if goal is not None:
            values = goal.codes()
            row += [_mean(values[gaps]), _mean(values[~gaps])]
        rows.append(tuple(row))
    rows.sort(key=lambda row: -int(row[1] or 0))
    return Table("missing values", names, tuple(rows))


def _mean(values: Any) -> float | None:
    return float(values.mean()) if len(values) else None
