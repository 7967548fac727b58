"""Where a model is wrong: its loss by segments of the rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .columns import Column, Floats, columns, same_rows, target
from .table import Cell, Table

Loss = Literal["log", "squared", "absolute", "wrong"]
Rows = npt.NDArray[np.bool_]

LEAST_CHANCE = 1e-15
MOST_LABELS = 10
LEAST_ROWS = 2


def errors_by_segment(
    y: Any, predicted: Any, by: Any, *, loss: Loss | None = None, bins: int = 4
) -> Table:
    """Segments of n rows by what they add to the mean loss, most first.

    ``y`` and ``predicted`` are (n,) numbers, ``by`` a table of n rows: each of its numbers is cut into
    ``bins`` quantiles, each of its labels is a segment (the ten most frequent ones). ``loss`` of a row is ``log`` (the default where
    ``y`` is 0 or 1 and predictions are chances), ``squared``, ``absolute``, or ``wrong`` (1 where they
    differ). ``excess`` is what the mean loss of all rows would lose if the segment were as all are; ``z``
    the difference between the segment and the other rows in standard errors (Welch 1947).

    Raises ``ValueError`` where numbers are missing, or lengths differ.
    """
    goal, guess = target(y), target(predicted)
    same_rows([guess], goal, "the target")
    groups = columns(by)
    same_rows(groups, goal)
    values, guesses = goal.codes(), guess.codes()
    kind = loss or _usual(values, guesses)
    losses = _losses(values, guesses, kind)
    rows = [
        row
        for one in groups
        for name, rows in segments(one, bins)
        if (row := _row(name, rows, values, guesses, losses)) is not None
    ]
    rows.sort(key=lambda row: -float(row[5] or 0.0))
    names = "segment", "rows", "mean y", "mean predicted", "loss", "excess", "z"
    mean = f"{losses.mean():.4g}" if len(losses) else "-"
    return Table(f"{kind} loss by segment, {mean} in all", names, tuple(rows))


def _usual(values: Floats, guesses: Floats) -> Loss:
    chances = bool(((guesses >= 0) & (guesses <= 1)).all())
    return "log" if chances and set(np.unique(values)) <= {0.0, 1.0} else "squared"


def _losses(values: Floats, guesses: Floats, kind: Loss) -> Floats:
    if kind == "log":
        chance = np.clip(guesses, LEAST_CHANCE, 1 - LEAST_CHANCE)
        logs: Floats = -(values * np.log(chance) + (1 - values) * np.log1p(-chance))
        return logs
    if kind == "squared":
        squares: Floats = np.square(values - guesses)
        return squares
    if kind == "absolute":
        sizes: Floats = np.abs(values - guesses)
        return sizes
    if kind == "wrong":
        wrong: Floats = (values != guesses).astype(np.float64)
        return wrong
    raise ValueError(f"loss={kind!r} is none of log, squared, absolute, wrong")


def segments(column: Column, bins: int) -> Iterator[tuple[str, Rows]]:
    """Names and rows (n,) of a column's segments, what is missing last."""
    if column.numbers is not None:
        yield from _cut(column.name, column.numbers, bins)
    else:
        assert column.labels is not None
        texts = np.array(["" if one is None else str(one) for one in column.labels], dtype=object)
        counts = Counter(texts[~column.missing])
        common = [label for label, _ in counts.most_common(MOST_LABELS)]
        yield from ((f"{column.name} = {one}", (texts == one) & ~column.missing) for one in common)
        if len(counts) > MOST_LABELS:
            yield f"{column.name}: another", ~np.isin(texts, common) & ~column.missing
    if column.missing.any():
        yield f"{column.name} missing", column.missing


def _cut(name: str, values: Floats, bins: int) -> Iterator[tuple[str, Rows]]:
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    if len(distinct) <= bins:
        yield from ((f"{name} = {one:g}", values == one) for one in distinct)
        return
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    bounds = [-np.inf, *edges, np.inf]
    for low, high in pairwise(bounds):
        rows = (values > low) & (values <= high)
        if rows.any():
            inside = values[rows]
            yield f"{name} {inside.min():.4g} to {inside.max():.4g}", rows


def _row(
    name: str, rows: Rows, values: Floats, guesses: Floats, losses: Floats
) -> tuple[Cell, ...] | None:
    count = int(rows.sum())
    if not count:
        return None
    own, mean = losses[rows], losses.mean()
    excess = float(own.sum() - count * mean) / len(losses)
    means = float(values[rows].mean()), float(guesses[rows].mean()), float(own.mean())
    return (name, count, *means, excess, _z(own, losses[~rows]))


def _z(own: Floats, others: Floats) -> float | None:
    if min(len(own), len(others)) < LEAST_ROWS:
        return None
    error = math.sqrt(own.var(ddof=1) / len(own) + others.var(ddof=1) / len(others))
    return float(own.mean() - others.mean()) / error if error else None
