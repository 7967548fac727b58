"""Where windows lie on an axis of time, in every split."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..exceptions import UsageProblem
from .fold import Fold, Table, whole
from .times import GOLDEN, Axis, Ticks

SPLITS = 3
"""So many splits, as many as a search walks, are looked at when windows are made."""

Tick: TypeAlias = int | float
Bounds: TypeAlias = tuple[int, int, int, int]
"""The first row to train on, the row behind the last, and the same of the test."""


@dataclass(frozen=True)
class Layout:
    """Cuts at ``first``, ``first + step``, …, ``count`` of them, and what lies around each; in ticks.

    ``train`` is ``None`` for windows that expand. ``grain`` is the largest number that all distances
    of moments, cuts and lengths are multiples of; 0 where they are not whole.
    """

    first: Tick
    length: Tick
    step: Tick
    gap: Tick
    embargo: Tick
    train: Tick | None
    grain: int
    count: int = 1

    def cuts(self, split: int) -> list[Tick]:
        start = self.first + moved(min(self.step, self.length), self.grain, split)
        return [start + number * self.step for number in range(self.count)]

    def bounds(self, ticks: Ticks, cut: Tick) -> Bounds:
        until = cut - self.gap
        sides = (until, cut + self.embargo, cut + self.length)
        end, start, stop = (int(np.searchsorted(ticks, side)) for side in sides)
        begin = 0 if self.train is None else int(np.searchsorted(ticks, until - self.train))
        return begin, end, start, stop


@dataclass(frozen=True, eq=False, repr=False)
class Windows:
    """``split -> list of folds`` over sorted times."""

    table: Table
    axis: Axis
    ends: Ticks | None
    layout: Layout

    def __call__(self, split: int) -> list[Fold]:
        whole(split, "split", 0)
        for earlier in range(min(split, SPLITS)):
            if self._rows(earlier) == self._rows(split):
                raise UsageProblem(
                    f"the windows of split {split} hold the same rows as those of split {earlier}: "
                    "times has too few moments between one cut and the next to move the cuts; give a "
                    "longer length and step or finer times, or give race() a list: windows(0)"
                )
        return self.folds(split)

    def folds(self, split: int) -> list[Fold]:
        """The windows of a split. Raises `UsageProblem` for one without rows."""
        cuts = enumerate(self.layout.cuts(split), start=1)
        return [self._fold(number, cut, split) for number, cut in cuts]

    def _rows(self, split: int) -> list[Bounds]:
        return [self.layout.bounds(self.axis.ticks, cut) for cut in self.layout.cuts(split)]

    def _fold(self, number: int, cut: Tick, split: int) -> Fold:
        begin, end, start, stop = self.layout.bounds(self.axis.ticks, cut)
        train = np.arange(begin, end)
        if self.ends is not None:
            train = train[self.ends[begin:end] < cut]
        test = np.arange(start, stop)
        if not len(train) or not len(test):
            raise UsageProblem(
                f"window {number} of {self.layout.count} (split {split}, cut {self.axis.shown(cut)}) has "
                f"{len(train)} rows to train on and {len(test)} to test; move first, or change length, "
                "gap, embargo or count"
            )
        return Fold(train, test, self.table, self.axis.at(cut))


def moved(span: Tick, grain: int, split: int) -> Tick:
    """How far all cuts of a split are moved: 0 in split 0, always less than ``span``.

    On a grid of m points a step that is near m times the golden ratio and has no divisor in common
    with m meets every point before it meets one again.
    """
    if not grain:
        return span * (split * GOLDEN % 1.0)
    points = max(1, int(span) // grain)
    stride = max(1, round(points * GOLDEN))
    while math.gcd(stride, points) > 1:
        stride += 1
    return grain * (split * stride % points)


def grain(axis: Axis, first: Tick, length: Tick, step: Tick) -> int:
    """The largest number of ticks that every distance is a multiple of; 0 where one is not whole."""
    start = axis.ticks[0].item()
    if axis.ticks.dtype.kind == "f" or not all(
        isinstance(tick, int) for tick in (first, length, step)
    ):
        return 0
    return math.gcd(
        int(np.gcd.reduce(np.diff(axis.ticks))), int(first - start), int(length), int(step)
    )


def fitting(axis: Axis, layout: Layout) -> int:
    """How many windows have data to their end in every split. Raises `UsageProblem` for none."""
    first, length, step = layout.first, layout.length, layout.step
    span = min(step, length)
    room = (span - layout.grain if layout.grain else span) + length
    beyond = axis.ticks[-1].item() + layout.grain - first - room
    if beyond < 0:
        raise UsageProblem(
            f"no window fits: from first={axis.shown(first)} to the last row at "
            f"{axis.shown(axis.ticks[-1].item())} there has to be room for length "
            f"({axis.long(length)}) and, because cuts move from split to split, for up to "
            f"{axis.long(span)} more; give an earlier first, a shorter length or step, or count=1"
        )
    return int(beyond // step) + 1


def check_order(axis: Axis) -> None:
    """Raises `UsageProblem` with the first row that is earlier than the one before it."""
    back = np.flatnonzero(np.diff(axis.ticks) < 0)
    if len(back):
        row = int(back[0]) + 1
        here, before = (axis.shown(axis.ticks[at].item()) for at in (row, row - 1))
        raise UsageProblem(
            f"times is not sorted: row {row} ({here}) is earlier than row {row - 1} ({before}); sort X, "
            "y and times by one order = numpy.argsort(times, kind='stable')"
        )


def check_ends(ends: Axis, starts: Axis) -> Ticks:
    """The ends of labels in ticks. Raises `UsageProblem` for another kind, and for one before its row."""
    if ends.dates is not starts.dates:
        raise UsageProblem("of times and ends one holds dates and the other numbers; give one kind")
    early = np.flatnonzero(ends.ticks < starts.ticks)
    if len(early):
        row = int(early[0])
        raise UsageProblem(
            f"ends: the label of row {row} ends ({ends.shown(ends.ticks[row].item())}) before the row's "
            f"time ({starts.shown(starts.ticks[row].item())})"
        )
    return ends.ticks
