"""Ranks, and what follows from them: AUC and correlations."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .columns import Floats


def ranks(values: Floats) -> Floats:
    """Ranks from 1 of (n,) numbers, none of them NaN; equal ones share the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean = last - (counts - 1) / 2
    return np.asarray(mean[places], dtype=np.float64)


def area(values: Floats, positive: npt.NDArray[np.bool_]) -> float | None:
    """The chance that a positive's value is larger than a negative's, ties counted half.

    The Mann-Whitney U statistic over n1 n0, which is the area under the ROC curve (Hanley and McNeil
    1982). ``None`` when there is one class only.
    """
    ones = int(positive.sum())
    zeros = len(values) - ones
    if not ones or not zeros:
        return None
    return float((ranks(values)[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def area_error(found: float, ones: int, zeros: int) -> float:
    """The standard error of an AUC (Hanley and McNeil 1982, with their exponential approximation)."""
    one, two = found / (2 - found), 2 * found**2 / (1 + found)
    spread = (ones - 1) * (one - found**2) + (zeros - 1) * (two - found**2)
    return math.sqrt(max(0.0, found * (1 - found) + spread) / (ones * zeros))


def pearson(one: Floats, other: Floats) -> float | None:
    """The correlation of two (n,) columns without NaN; ``None`` when one is constant, or infinite."""
    if len(one) < 2:
        return None
    # What is left of a constant after the mean is taken off is rounding, and no zero.
    if not (_varies(one) and _varies(other)):
        return None
    left, right = one - one.mean(), other - other.mean()
    size = math.sqrt(float(left @ left)) * math.sqrt(float(right @ right))
    return max(-1.0, min(1.0, float(left @ right) / size))


def spearman(one: Floats, other: Floats) -> float | None:
    """The correlation of the ranks."""
    return pearson(ranks(one), ranks(other)) if len(one) > 1 else None


def _varies(values: Floats) -> bool:
    return bool(values.min() < values.max()) and bool(np.isfinite(values).all())
