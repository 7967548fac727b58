"""`progress.png`: every experiment's score, and the champion's line through them."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from ..records import MOST_LOOKS, Effect, Part, Record, Status, Summary
from . import digest
from .files import write_atomically
from .gains import COLOURS, gains_of
from .labels import Label, Point, place_labels
from .text import better, change, count, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GREY, _GREEN, _RED, _INK = "#9a9a9a", "#1a7f37", "#b3261e", "#333333"
_BLUE, _SHADES = "#2a5ea8", {"yellow": "#9a6700", "red": _RED}
_LABELS = 14
_WARNINGS = {"warn": "overfitting the evaluation", "red": "no gain shown by the vault"}
MISSING = "no progress.png: matplotlib is missing, pip install pytest-autoresearch[report]"


@dataclass(frozen=True)
class Points:
    """What the picture shows, as (experiment number, score)."""

    champion: list[Point]
    others: list[Point]
    unscored: list[int]

    @property
    def last(self) -> int:
        """The largest experiment number."""
        return max([0, *(x for x, _ in self.champion + self.others), *self.unscored])


def save_progress(summary: Summary, path: Path) -> str:
    """Draw the run's experiments to ``path``; the reason when that was not possible, else empty."""
    points = find_points(summary.records)
    if not points.champion and not points.others:
        return "no progress.png: no experiment has a score yet"
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return MISSING
    figure = Figure(figsize=(11, 6), layout="constrained")
    FigureCanvasAgg(figure)
    image = io.BytesIO()
    # A description in a script that the font lacks is no reason for a warning in a test session.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _draw(figure, summary, points)
        figure.savefig(image, format="png", dpi=130, metadata={"Software": None})
    write_atomically(path, image.getvalue())
    return ""


def find_points(records: Iterable[Record]) -> Points:
    """The champion's steps (the baseline first), the other scores, and who has no finite score.

    A champion stands where it was measured afresh, the others at their paired difference from the
    champion of their time: a score of the easiest folds alone, or of a lucky pass, would mislead.
    """
    points, known = Points([], [], []), list(records)
    for row in digest.numbered(known):
        number = row.experiment or 0
        if row.score is None or not math.isfinite(row.score):
            points.unscored.append(number)
        elif row.part is Part.BASELINE or row.status is Status.KEPT:
            points.champion.append((number, _measured(known, number, row.score)))
        elif points.champion and row.delta is not None:
            points.others.append((number, points.champion[-1][1] + row.delta))
        else:
            points.others.append((number, row.score))
    return points


def _measured(records: Iterable[Record], number: int, score: float) -> float:
    """A champion's mean score on the first split, without the pass that made it win."""
    measured = (Status.BASELINE, Status.MEASURED)
    passes = [
        one
        for record in records
        if record.experiment == number and record.status in measured
        for one in record.passes
        if one.split == 0 and one.scores
    ]
    return fmean(fmean(one.scores) for one in passes) if passes else score


def limits(
    champion: Sequence[float], others: Sequence[float], ends: Sequence[float] = ()
) -> tuple[float, float]:
    """The y range: all of the champion's scores, and of the others those that are no outliers.

    An outlier is farther than three interquartile ranges from the quartiles (Tukey's outer fences)
    or, once the champion has moved, farther than four times its whole way from that way. Of the ``ends``
    of bars as much is shown as lies within that reach.
    """
    low_fence, high_fence = _fences(others)
    low_reach, high_reach = _reach(champion)
    low_fence, high_fence = max(low_fence, low_reach), min(high_fence, high_reach)
    shown = [*champion, *(score for score in others if low_fence <= score <= high_fence)]
    shown += [min(max(end, low_reach), high_reach) for end in ends]
    low, high = min(shown), max(shown)
    room = 0.12 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def _reach(champion: Sequence[float]) -> tuple[float, float]:
    """Four times the champion's whole way below and above it; everything before it has moved."""
    way = max(champion) - min(champion) if champion else 0.0
    return (min(champion) - 4 * way, max(champion) + 4 * way) if way > 0 else (-math.inf, math.inf)


def _fences(scores: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(scores)
    if not ordered:
        return -math.inf, math.inf
    lower = ordered[(len(ordered) - 1) // 4]
    upper = ordered[(3 * (len(ordered) - 1)) // 4]
    reach = 3 * (upper - lower)
    return lower - reach, upper + reach


def _draw(figure: Figure, summary: Summary, points: Points) -> None:
    if summary.looks:
        axes, beside = figure.subplots(1, 2, width_ratios=[4.6, 1])
        _draw_looks(beside, summary)
    else:
        axes = figure.add_subplot()
    bars = _effects(summary, points)
    ends = [end for _, y, half in bars for end in (y - half, y + half)]
    low, high = limits([y for _, y in points.champion], [y for _, y in points.others], ends)
    axes.set_ylim(low, high)
    axes.set_xlim(-0.02 * points.last - 0.5, 1.02 * points.last + 0.5)
    _draw_others(axes, points.others, low, high)
    _draw_unscored(axes, points.unscored)
    _draw_champion(axes, summary, points)
    _draw_effects(axes, bars)
    _write_around(axes, summary)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # what was measured must not move any more
    place_labels(axes, _labelled(summary), _corners(points), summary.direction)


def _draw_others(axes: Axes, others: list[Point], low: float, high: float) -> None:
    inside = [(x, y) for x, y in others if low <= y <= high]
    size = 30 if len(others) < 100 else 14
    if others:
        label = f"not kept ({len(others)})"
        axes.scatter(*_columns(inside), s=size, color=_GREY, alpha=0.7, linewidths=0, label=label)
    above = [x for x, y in others if y > high]
    below = [x for x, y in others if y < low]
    _draw_beyond(axes, above, "^", 0.985, "above the view")
    _draw_beyond(axes, below, "v", 0.015, "below the view")


def _draw_beyond(axes: Axes, numbers: list[int], marker: str, height: float, words: str) -> None:
    if numbers:
        axes.scatter(
            numbers,
            [height] * len(numbers),
            s=26,
            marker=marker,
            color=_GREY,
            linewidths=0,
            transform=axes.get_xaxis_transform(),
            label=f"{words} ({len(numbers)})",
        )


def _draw_unscored(axes: Axes, unscored: list[int]) -> None:
    if unscored:
        axes.vlines(
            unscored,
            0.0,
            0.025,
            colors=_RED,
            linewidth=1.6 if len(unscored) < 60 else 1.0,
            transform=axes.get_xaxis_transform(),
            label=f"without a score ({len(unscored)})",
        )


def _draw_champion(axes: Axes, summary: Summary, points: Points) -> None:
    if summary.baseline is not None:
        axes.axhline(summary.baseline, color=_INK, linewidth=1, linestyle=(0, (5, 4)), zorder=1)
        axes.annotate(
            "baseline",
            (1, summary.baseline),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=_INK,
        )
    axes.plot(*_columns(_corners(points)), color=_GREEN, linewidth=1.8, zorder=3)
    axes.scatter(
        *_columns(points.champion),
        s=48,
        color=_GREEN,
        edgecolors="white",
        linewidths=0.8,
        zorder=4,
        label=f"champion ({count(summary.kept, 'keep')})",
    )


def _effects(summary: Summary, points: Points) -> list[tuple[int, float, float]]:
    """Each keep whose confirmed gain is known: number, where that leads to, half of its 90% interval.

    It leads from the level of the champion before, as the line shows it, not to the keep's own score,
    which other passes measured: so a gain that may be none has a bar that reaches back to the line.
    """
    sign = 1.0 if summary.direction == "maximize" else -1.0
    known = [
        (number, before + sign * effect.gain, effect.half)
        for (_, before), (number, _) in pairwise(points.champion)
        if (effect := summary.effects.get(number)) is not None
    ]
    return [bar for bar in known if math.isfinite(bar[1]) and 0 < bar[2] < math.inf]


def _draw_effects(axes: Axes, bars: list[tuple[int, float, float]]) -> None:
    """Each keep's confirmed gain and its interval, beside the step of the line, not on it."""
    if bars:
        from matplotlib.transforms import ScaledTranslation

        beside = ScaledTranslation(6 / 72, 0, axes.figure.dpi_scale_trans)
        numbers, scores, halves = zip(*bars, strict=True)
        axes.errorbar(
            numbers,
            scores,
            yerr=halves,
            fmt="D",
            markersize=3.5,
            color=_GREEN,
            alpha=0.6,
            elinewidth=1.4,
            capsize=2.5,
            zorder=3.5,
            transform=axes.transData + beside,
            label="a keep's confirmed gain, from the level before (90% interval)",
        )


def _draw_looks(axes: Axes, summary: Summary) -> None:
    """Beside the search: the gain that it measured, and the vault's, at each look."""
    looks = summary.looks
    axes.axhline(0, color=_INK, linewidth=1, linestyle=(0, (5, 4)), zorder=1)
    _draw_gains(axes, [look.number - 0.12 for look in looks], [one.search for one in looks], _GREEN)
    _draw_gains(axes, [look.number + 0.12 for look in looks], [one.vault for one in looks], _BLUE)
    axes.set_xlim(looks[0].number - 0.6, looks[-1].number + 0.6)
    axes.set_xticks([look.number for look in looks])
    axes.set_xlabel(f"look into the vault (of {MOST_LOOKS})")
    axes.set_ylabel("gain over the baseline, positive is better")
    last = looks[-1]
    search, vault, _gap = gains_of(last, "±")
    _write_above(axes, 0, f"vault {vault}", _BLUE)
    _write_above(axes, 1, f"search {search}", _GREEN)
    if last.level:
        _write_above(axes, 2, _WARNINGS[last.level], _SHADES[COLOURS[last.level]])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)


def _write_above(axes: Axes, line: int, words: str, colour: str) -> None:
    axes.annotate(
        words,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 5 + 13 * line),
        textcoords="offset points",
        fontsize=9,
        color=colour,
    )


def _draw_gains(axes: Axes, places: list[float], gains: list[Effect], colour: str) -> None:
    axes.errorbar(
        places,
        [one.gain for one in gains],
        yerr=[one.half for one in gains],
        fmt="o",
        color=colour,
        markersize=5,
        elinewidth=1.6,
        capsize=3,
        zorder=3,
    )


def _corners(points: Points) -> list[Point]:
    """The champion's line: level to the next keep, then up or down."""
    corners: list[Point] = []
    for number, score in points.champion:
        if corners:
            corners.append((number, corners[-1][1]))
        corners.append((number, score))
    return [*corners, (points.last, corners[-1][1])] if corners else []


def _write_around(axes: Axes, summary: Summary) -> None:
    from matplotlib.ticker import MaxNLocator

    scores = change(summary.baseline, summary.champion)
    axes.set_title(
        f"{summary.objective}: {summary.metric} {scores}",
        loc="left",
        fontsize=14,
        fontweight="bold",
        pad=24,
        parse_math=False,
    )
    about = f"{better(summary.direction)}; {digest.kept_of(summary)}; run {summary.run}"
    axes.text(0, 1.02, about, transform=axes.transAxes, color="#666666", parse_math=False)
    axes.set_xlabel("experiment")
    axes.set_ylabel(one_line(summary.metric, 40), parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=9)


def _labelled(summary: Summary) -> list[Label]:
    """The keeps to name, the largest gains first."""
    rows = [row for row in digest.kept(summary.records) if row.score is not None]
    rows.sort(key=lambda row: abs(row.delta or 0.0), reverse=True)
    return [Label(row.experiment or 0, row.score or 0.0, _name(row)) for row in rows[:_LABELS]]


def _name(record: Record) -> str:
    words = one_line(record.description or record.hypothesis, 34)
    return f"{record.experiment} {words}".rstrip()


def _columns(points: Sequence[Point]) -> tuple[list[int], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
