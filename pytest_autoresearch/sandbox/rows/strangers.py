"""Rows to predict among rows that the model was fitted on: a company of quite another kind."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from ...exceptions import UsageProblem
from ..handing.arguments import row_count, take
from .leaning import leaning

Rows = npt.NDArray[np.intp]
MANY_TIMES = 4
"""The rows are picked from so many times as many, drawn at random: not from all of a large table."""


def alike(one: Any, other: Any) -> bool:
    """Whether rows of two admitted values can stand in one table."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return {type(x) for x in one} == {type(x) for x in other}
    if hasattr(one, "iloc") or type(one).__module__.startswith("polars"):
        return _same_columns(one, other)
    shape = getattr(one, "shape", ())
    return bool(shape) and shape[1:] == other.shape[1:] and one.dtype == other.dtype


def _same_columns(one: Any, other: Any) -> bool:
    if len(one.shape) == 1:
        return bool(one.dtype == other.dtype)
    return list(one.columns) == list(other.columns) and list(one.dtypes) == list(other.dtypes)


def ends(known: Any, size: int, random: np.random.Generator) -> list[Rows]:
    """Rows of ``known`` from either end of an order that nobody can foresee, up to ``size`` of each.

    What a process could average over its rows differs between the two, and mostly on either side of what
    it is on average. None where ``known`` has no rows.
    """
    try:
        count = row_count(known, "X")
    except UsageProblem:
        # Parts of different lengths: what is fitted need not be one table.
        return []
    if not count:
        return []
    some = random.choice(count, min(count, MANY_TIMES * size), replace=False)
    order = some[np.argsort(leaning(take(known, some), random, wide=True), kind="stable")]
    size = min(size, (len(order) + 1) // 2)
    return [order[:size], order[len(order) - size :]]


def among(
    X: Any, rows: Rows, known: Any, others: Rows, random: np.random.Generator
) -> tuple[Any, Rows]:
    """These rows of X in one shuffled table with other rows, of ``known``.

    Also returned is where in the table the rows stand, in their order.
    """
    order = random.permutation(len(rows) + len(others))
    table = take(_joined(take(X, rows), take(known, others)), order)
    return table, np.argsort(order)[: len(rows)]


def _joined(one: Any, other: Any) -> Any:
    """Two values that are `alike`, one after the other."""
    if isinstance(one, dict):
        return {key: _joined(one[key], other[key]) for key in one}
    if isinstance(one, list):
        return one + other
    top = type(one).__module__.partition(".")[0]
    if top == "pandas":
        return sys.modules["pandas"].concat([one, other], ignore_index=True)
    if top == "polars":
        return sys.modules["polars"].concat([one, other])
    if top == "scipy":
        return sys.modules["scipy.sparse"].vstack([one, other], format=one.format)
    return np.concatenate([one, other])
