"""Early stopping inside a run: a fit's reports against the champion's, at equal share of its seconds.

A fit is stopped when it is projected to end far behind. The lag is the champion's curve minus the
candidate's, positive when behind; where it shrinks, it is drawn on as a straight line to the end, so that
slow starters are left alone.

Curves are what code says of itself, an agent's code, too. So a candidate has to be behind the champion's
curve and behind the untouched project's: what a kept patch reports can make stops rarer, never more
frequent. The unit is the larger of both trees' own spreads.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..records import Curve, Direction, Experiment, Part, Record, Status, concluded
from .noise import student

MOST_POINTS = 64
"""Points of a fit's curve that are kept, at most."""
SMOOTH = 5
"""Points whose mean is a lag; with fewer nothing is stopped."""
WINDOW = 0.2
"""Share of the seconds over which the change of the lag is looked at."""
BEGIN = 0.3
"""Share of the seconds before which nothing is stopped."""
FAR = 3.0
"""Standard deviations of a difference between two passes by which a fit has to be behind at its end."""
OFTEN = 0.01
"""Share of the seconds between two looks at a curve."""
LARGEST = 1e100
"""The largest value in a curve, either side of 0: squares of it are still numbers."""

MEASURED = (Status.BASELINE, Status.MEASURED)
"""Ends of evaluations that show how a champion does: none was selected for being high."""

Runs = tuple[tuple[Curve, ...], ...]
"""The curves of one tree on one split, a tuple of folds for each pass."""


class Trace:
    """What one fit reports, thinned while it comes in; the first and the last point always stay."""

    def __init__(self) -> None:
        self._points: list[tuple[float, float]] = []
        self._apart = 0.0

    @property
    def points(self) -> Sequence[tuple[float, float]]:
        """Share and value, at most `MOST_POINTS`."""
        return self._points

    def add(self, share: float, value: float) -> None:
        """Take the next point; shares never fall."""
        points = self._points
        if len(points) > 1 and points[-1][0] - points[-2][0] <= self._apart:
            points.pop()
        points.append((share, value))
        if len(points) > MOST_POINTS:
            self._thin()

    def _thin(self) -> None:
        first, *between, last = self._points
        self._apart = 2 * (last[0] - first[0]) / MOST_POINTS
        kept = [first]
        for point in between:
            if point[0] - kept[-1][0] > self._apart:
                kept.append(point)
        self._points = [*kept, last]


@dataclass(frozen=True)
class Pace:
    """What a candidate's reports are held against in its first pass.

    ``trees`` are the champion's passes and the baseline's; ``unit`` is the standard deviation of the
    difference between two passes' last values. ``sign`` is 1 where larger is better, else -1.
    """

    trees: tuple[Runs, ...]
    unit: float
    sign: float

    def behind(self, fold: int, points: Sequence[tuple[float, float]]) -> float:
        """By how many units a fit will probably end behind; 0 while that cannot be said."""
        share = points[-1][0]
        groups = [self._of(runs, fold) for runs in self.trees]
        if share < BEGIN or not all(groups):
            return 0.0
        start = max(curve[0][0] for curves in groups for curve in curves)
        known = [point for point in points if point[0] >= start]
        before = [point for point in known if point[0] <= share - WINDOW]
        if len(known) < SMOOTH or not before:
            return 0.0
        now, lag = self._lag(groups, known[-SMOOTH:])
        then, earlier = self._lag(groups, before[-SMOOTH:])
        trend = min(0.0, (lag - earlier) / (now - then))
        return (lag + trend * (1 - now)) / self.unit

    def _of(self, runs: Runs, fold: int) -> list[Curve]:
        return [curves[fold] for curves in runs if fold < len(curves) and curves[fold]]

    def _lag(
        self, groups: Sequence[Sequence[Curve]], points: Sequence[tuple[float, float]]
    ) -> tuple[float, float]:
        """Mean share and mean lag of some points, behind the lower of the trees' mean curves."""
        lags = [
            min(fmean(self.sign * at(curve, share) for curve in curves) for curves in groups)
            - self.sign * value
            for share, value in points
        ]
        return fmean(share for share, _ in points), fmean(lags)


class Follower:
    """Follows the reports of one fit; ``pace`` is ``None`` where nothing is to be stopped."""

    def __init__(self, pace: Pace | None, fold: int) -> None:
        self._pace = pace
        self._fold = fold
        self._trace = Trace()
        self._next = 0.0

    def heard(self, share: float, value: float) -> str:
        """Take a finite value, reported at a share of the fit's seconds; why to stop, or nothing."""
        share = min(share, 1.0)
        self._trace.add(share, max(-LARGEST, min(LARGEST, value)))
        if self._pace is None or share < self._next:
            return ""
        self._next = share + OFTEN
        behind = self._pace.behind(self._fold, self._trace.points)
        if not behind > FAR:
            return ""
        return (
            f"stopped at {share:.0%} of its seconds: {behind:.3g} sd behind the champion's curve and "
            "not catching up"
        )

    @property
    def curve(self) -> Curve:
        """What was reported, rounded for the record."""
        return tuple((round(share, 4), float(f"{v:.8g}")) for share, v in self._trace.points)


def pace(
    experiment: Experiment, records: Iterable[Record], champion: int, direction: Direction
) -> Pace | None:
    """What an evaluation's reports are held against; ``champion`` is the number of the experiment.

    ``None``, nothing is stopped, for everything but an objective's own experiments; where baseline or
    champion report nothing, or values that get worse; and where no fold was reported twice by either, or
    always the same.
    """
    if experiment.part is not Part.EXPERIMENT or experiment.stage:
        return None
    known = concluded(records)
    numbers = dict.fromkeys((champion, 0))
    # The first split is the one that candidates meet first.
    trees = tuple(_runs(known, number, MEASURED).get(0, ()) for number in numbers)
    ends = (*MEASURED, Status.KEPT)
    spreads = [spread(_runs(known, number, ends).values()) for number in numbers]
    sign = 1.0 if direction == "maximize" else -1.0
    if not all(spreads) or not all(sign * progress(runs) > 0 for runs in trees):
        return None
    return Pace(trees, max(spreads), sign)


def _runs(records: Iterable[Record], number: int, ends: Collection[Status]) -> dict[int, Runs]:
    """The curves of a tree, by split."""
    found: dict[int, Runs] = {}
    for record in records:
        if record.experiment == number and record.status in ends:
            for split, curves in _passes(record):
                found[split] = (*found.get(split, ()), curves)
    return found


def _passes(record: Record) -> Iterator[tuple[int, tuple[Curve, ...]]]:
    """Split and curves of each pass that was followed: all of a measurement, the first of a race."""
    followed = record.passes if record.status in MEASURED else record.passes[:1]
    folds, rest = divmod(len(record.curves), max(1, len(followed)))
    if folds and not rest:
        for place, one in enumerate(followed):
            yield one.split, record.curves[place * folds : (place + 1) * folds]


def progress(runs: Runs) -> float:
    """From first to last values, on average: a loss that falls where larger is better has to be known."""
    curves = [curve for run in runs for curve in run if curve]
    return fmean(curve[-1][1] - curve[0][1] for curve in curves) if curves else 0.0


def spread(splits: Iterable[Runs]) -> float:
    """Standard deviation of the difference between two passes of a tree: last values, fold by fold.

    Wider where few passes show it: `FAR` of it are as unlikely as `FAR` standard deviations of a
    normal distribution. 0 where no fold of a split was reported twice, or always the same.
    """
    columns = [
        [run[fold][-1][1] for run in runs if fold < len(run) and run[fold]]
        for runs in splits
        for fold in range(max(map(len, runs), default=0))
    ]
    freedom = sum(len(column) - 1 for column in columns if column)
    if not freedom:
        return 0.0
    squares = math.fsum((x - fmean(column)) ** 2 for column in columns for x in column)
    return math.sqrt(2 * squares / freedom) * student(FAR, freedom)


def at(curve: Curve, share: float) -> float:
    """A curve's value at a share: on the line between two points, and flat after the last one."""
    place = bisect_right(curve, (share, math.inf))
    if place == len(curve):
        return curve[-1][1]
    if place == 0:
        return curve[0][1]
    (left, low), (right, high) = curve[place - 1], curve[place]
    return low + (high - low) * (share - left) / (right - left)
