"""Columns that say the same."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .columns import Column, Floats, columns
from .ranks import pearson, ranks, spearman
from .table import Cell, Table

MOST_COLUMNS = 1000


def correlated_pairs(
    X: Any, *, least: float = 0.8, method: Literal["pearson", "spearman"] = "pearson"
) -> Table:
    """Pairs of numeric columns whose correlation is ``least`` or more in size, strongest first.

    A pair is compared over the rows in which neither is missing. Labels and constant columns are left out,
    and what comes after 1000 columns. Raises ``ValueError`` for another method.
    """
    if method not in ("pearson", "spearman"):
        raise ValueError(f"method={method!r} is neither 'pearson' nor 'spearman'")
    numeric = [one for one in columns(X) if one.numbers is not None and _varies(one)]
    used = numeric[:MOST_COLUMNS]
    rows = sorted(_pairs(used, least, method), key=lambda row: -abs(float(row[2] or 0.0)))
    left = len(numeric) - len(used)
    note = f"{left} columns were not looked at" if left else ""
    title = f"pairs of columns with a correlation of {least:g} or more ({method})"
    return Table(title, ("column", "other", "correlation", "rows"), tuple(rows), note)


def _pairs(used: list[Column], least: float, method: str) -> list[tuple[Cell, ...]]:
    """All pairs at once where nothing is missing, one by one where something is."""
    whole = [place for place, one in enumerate(used) if not one.missing.any()]
    found = [
        (used[whole[i]].name, used[whole[j]].name, value, len(used[whole[i]]))
        for i, j, value in _among_whole([_values(used[place]) for place in whole], least, method)
    ]
    correlation = spearman if method == "spearman" else pearson
    gaps = set(range(len(used))) - set(whole)
    for i in range(len(used)):
        for j in range(i + 1, len(used)):
            if i not in gaps and j not in gaps:
                continue
            there = ~(used[i].missing | used[j].missing)
            value = correlation(_values(used[i])[there], _values(used[j])[there])
            if value is not None and abs(value) >= least:
                found.append((used[i].name, used[j].name, value, int(there.sum())))
    return list(found)


def _among_whole(values: list[Floats], least: float, method: str) -> list[tuple[int, int, float]]:
    if len(values) < 2 or len(values[0]) < 2:
        return []
    table = np.column_stack([ranks(one) for one in values] if method == "spearman" else values)
    table = table - table.mean(axis=0)
    table /= np.sqrt((table**2).sum(axis=0))
    found = np.clip(table.T @ table, -1.0, 1.0)
    first, second = np.triu_indices(len(values), 1)
    strong = np.abs(found[first, second]) >= least
    return [
        (int(i), int(j), float(found[i, j]))
        for i, j in zip(first[strong], second[strong], strict=True)
    ]


def _values(column: Column) -> Floats:
    assert column.numbers is not None
    return column.numbers


def _varies(column: Column) -> bool:
    values = _values(column)[~column.missing]
    return len(values) > 1 and bool(values.min() < values.max()) and bool(np.isfinite(values).all())
