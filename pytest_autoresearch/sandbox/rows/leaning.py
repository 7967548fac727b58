"""An order of rows in which what is alike is close together, in a way that nobody can know beforehand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
MOST_COLUMNS = 16
"""So many columns of a wide table decide."""


def leaning(value: Any, random: np.random.Generator, *, wide: bool | None = None) -> Floats:
    """A number for each row of an admitted value: one of its columns, or, ``wide``, a sum of many.

    Which, and with what signs, is drawn at random, as is ``wide`` where it is ``None``. Rows cut into
    chunks by these numbers make chunks whose averages differ. Without numbers to go by all are 0.
    """
    if isinstance(value, dict):
        return leaning(value[list(value)[random.integers(len(value))]], random, wide=wide)
    if isinstance(value, list):
        return np.array([len(one) for one in value], np.float64)
    if hasattr(value, "tocsr"):
        return np.asarray(value @ random.choice([-1.0, 1.0], value.shape[1]), np.float64).ravel()
    width = math.prod(value.shape[1:])
    wide = random.random() < 0.5 if wide is None else wide
    some = random.permutation(width)[: MOST_COLUMNS if wide else 1]
    if not len(some) or not len(value):
        return np.zeros(len(value))
    table = np.column_stack([_column(value, int(one)) for one in some])
    spread = table.std(axis=0)
    # Weights of one size: the rows at either end differ in every column.
    weights = random.choice([-1.0, 1.0], len(some)) / np.where(spread > 0, spread, 1.0)
    return np.asarray(table @ weights, np.float64)


def _column(value: Any, place: int) -> Floats:
    """One column of a table, or place of an array's rows; texts and categories by their order."""
    if hasattr(value, "iloc"):
        column = np.asarray(value.iloc[:, place] if len(value.shape) > 1 else value)
    elif type(value).__module__.startswith("polars"):
        column = np.asarray(value.to_series(place) if len(value.shape) > 1 else value)
    else:
        column = value.reshape(len(value), -1)[:, place]
    if column.dtype.kind in "biuf":
        return _finite(column)
    if column.dtype.kind in "mM":
        return _finite(column.view(np.int64))
    texts = column if column.dtype.kind == "U" else np.array([repr(one) for one in column.tolist()])
    return np.unique(texts, return_inverse=True)[1].astype(np.float64)


def _finite(values: npt.NDArray[Any]) -> Floats:
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float64)
    return np.clip(np.nan_to_num(numbers, posinf=1e300, neginf=-1e300), -1e150, 1e150)
