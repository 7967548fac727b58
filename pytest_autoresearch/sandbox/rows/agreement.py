"""Whether rows were predicted the same when other rows came with them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...exceptions import AuditFailed

EXACT = 1e-4
"""How far two predictions of a row may differ, in units of the predictions' spread, on a CPU.

Sums in float32 come out differently with the number of rows: measured up to 2e-6.
"""
HALF = 0.05
"""The same on a GPU, where networks compute in half precision."""
ROUNDING = 1e-6
"""The same as a share of the largest prediction: the last digits of float32."""
MOST_ROUNDING = 0.01
"""How much of the spread rounding may explain, where there are `MANY` predictions to tell it by."""
MANY = 32
ODD = 32
"""One row in so many may differ: rounding turns a tie, a threshold or the largest class round."""
PASSED = 0.002
"""The largest share of all predictions that may lie, on average, between the two of a row, odd ones aside;
`HALF_PASSED` on a GPU.

It finds what a spread that was blown up by some predictions would hide.
"""
FINE = 1e-5
"""Predictions whose spread is a smaller share of their size are told apart by last digits only."""
HALF_PASSED = 0.015
SAMPLE = 4096
"""So many predictions tell how they are spread."""
DECILES = 2.563
"""The tenth and the ninetieth percentile of a normal distribution in standard deviations."""

Floats = npt.NDArray[np.float64]


def require_agreement(predictions: Floats, first: Floats, again: Floats, tolerance: float) -> None:
    """Raise `AuditFailed` when ``again`` is not what was predicted ``first``.

    Both have a row for each prediction that was made twice, in two companies; ``predictions`` holds all
    that count. ``tolerance`` is `EXACT` or `HALF`.
    """
    if not len(again):
        return
    sample = predictions[:: -(-len(predictions) // SAMPLE)]
    spread, size = _spread(sample), np.abs(sample).max(axis=0)
    apart = np.abs(first - again)
    wrong = ~(apart <= np.maximum(tolerance * spread, _rounding(spread, size, len(sample))))
    odd = np.count_nonzero(wrong.any(axis=1))
    most = PASSED if tolerance < HALF else HALF_PASSED
    if odd > len(again) // ODD or _passed(sample, first, again).max() > most:
        row, column = np.unravel_index(np.argmax(np.where(wrong, np.inf, apart)), apart.shape)
        fine = 0 < spread[column] < FINE * size[column]
        raise _failed(first[row, column], again[row, column], fine=bool(fine))


def _failed(first: float, again: float, *, fine: bool) -> AuditFailed:
    """What to say of a row; ``fine`` says that all predictions nearly equal each other."""
    seen = f"{first:.6g} among some rows and {again:.6g} among others"
    if fine:
        return AuditFailed(
            f"predict gave a row {seen}: what tells its numbers apart, less than a hundred-thousandth "
            "of their size, changes with the other rows in X; compute in float64, or leave out "
            "what all have in common"
        )
    return AuditFailed(
        f"predict gave a row {seen}: the prediction of a row may depend neither on the other rows "
        "in X, nor on their order, nor on random numbers drawn in predict; learn in fit what it needs "
        "(or, if rows belong together, have the frozen test pass groups= or row_independent=False)"
    )


def _spread(sample: Floats) -> Floats:
    """The standard deviation of each column, as far as that can be told without its extremes."""
    low, high = np.quantile(sample, [0.1, 0.9], axis=0)
    middle: Floats = (high - low) / DECILES
    return np.where(middle > 0, middle, np.std(sample, axis=0))


def _rounding(spread: Floats, size: Floats, count: int) -> Floats:
    """What the last digits explain; else a large number added to all would hide any difference."""
    found = ROUNDING * size
    if count < MANY:
        return found
    return np.where(spread > 0, np.minimum(found, MOST_ROUNDING * spread), found)


def _passed(sample: Floats, first: Floats, again: Floats) -> Floats:
    """Which share of the sample lies between the two predictions of a row, on average, by column."""
    low, high = np.minimum(first, again), np.maximum(first, again)
    same = high - low <= ROUNDING * np.maximum(np.abs(low), np.abs(high))
    found = []
    for column in range(sample.shape[1]):
        ordered = np.sort(sample[:, column])
        below = np.searchsorted(ordered, low[:, column], "right")
        upto = np.searchsorted(ordered, high[:, column], "left")
        shares = np.maximum(upto - below, 0) / len(ordered)
        even = np.sort(np.where(same[:, column], 0.0, shares))[: len(shares) - len(shares) // ODD]
        found.append(even.mean())
    return np.array(found)
