"""What has changed between two windows of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .columns import Column, Floats, columns
from .ranks import area
from .table import Cell, Table

LEAST_SHARE = 1e-4
"""A share that counts in place of none: the logarithm of nothing is not finite."""


def drift(before: Any, after: Any, *, bins: int = 10) -> Table:
    """Columns of two tables with the same names, those that moved most first.

    ``psi`` is the population stability index, sum over bins of (a - b) ln(a / b), for shares b before and a
    after (Siddiqi, Credit Risk Scorecards, 2006; below 0.1 little has moved, above 0.25 much). Bins are ``bins``
    quantiles of ``before``, or labels; what is missing is a bin of its own. ``auc`` is the chance that a
    number after is larger than one before, ties counted half: 0.5 where nothing moved. Raises
    ``ValueError`` when the columns differ, or a table is empty.
    """
    if bins < 2:
        raise ValueError(f"bins={bins!r}: two or more are needed")
    old, new = columns(before), columns(after)
    if [one.name for one in old] != [one.name for one in new]:
        raise ValueError("the tables have different columns")
    if any(not len(one) for one in (*old, *new)):
        raise ValueError("one of the tables has no rows")
    rows = [_row(one, other, bins) for one, other in zip(old, new, strict=True)]
    rows.sort(key=lambda row: -float(row[1] or 0.0))
    names = (
        *("column", "psi", "auc", "mean before", "mean after"),
        *("missing before", "missing after"),
    )
    return Table("what has moved", names, tuple(rows))


def _row(old: Column, new: Column, bins: int) -> tuple[Cell, ...]:
    missing = float(old.missing.mean()), float(new.missing.mean())
    if old.numbers is None or new.numbers is None:
        shares = _labels(old), _labels(new)
        known = sorted(shares[0].keys() | shares[1].keys())
        found = psi(
            [shares[0].get(one, 0.0) for one in known], [shares[1].get(one, 0.0) for one in known]
        )
        return (old.name, found, None, None, None, *missing)
    before, after = old.numbers[~old.missing], new.numbers[~new.missing]
    edges = _edges(before, bins)
    found = psi(_shares(old, before, edges), _shares(new, after, edges))
    both = np.concatenate([before, after])
    moved = area(both, np.arange(len(both)) >= len(before))
    return (old.name, found, moved, _mean(before), _mean(after), *missing)


def _edges(values: Floats, bins: int) -> Floats:
    """Where bins of about equal size end; equal ones once."""
    if not len(values):
        return values
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))


def psi(before: Sequence[float], after: Sequence[float]) -> float:
    """The population stability index of two lists of shares, bin by bin."""
    old = np.maximum(np.asarray(before, dtype=np.float64), LEAST_SHARE)
    new = np.maximum(np.asarray(after, dtype=np.float64), LEAST_SHARE)
    return float(((new - old) * np.log(new / old)).sum())


def _shares(column: Column, values: Floats, cuts: Floats) -> list[float]:
    """The shares of the bins, the missing ones last."""
    places = np.searchsorted(cuts, values, side="left")
    counts = [*np.bincount(places, minlength=len(cuts) + 1), int(column.missing.sum())]
    return [float(count) / len(column) for count in counts]


def _labels(column: Column) -> dict[str, float]:
    """The share of each label; what is missing has a label that no value has."""
    values = [f"={one}" for one in (column.labels if column.labels is not None else column.codes())]
    gone = column.missing
    named = ["missing" if gap else one for one, gap in zip(values, gone, strict=True)]
    found, counts = np.unique(named, return_counts=True)
    return {str(one): float(count) / len(column) for one, count in zip(found, counts, strict=True)}


def _mean(values: Floats) -> float | None:
    # Of infinite values of both signs there is none.
    with np.errstate(invalid="ignore"):
        return float(values.mean()) if len(values) else None
