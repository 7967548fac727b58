"""Places the names of the kept experiments where they hide neither each other nor the line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..records import Direction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

Point = tuple[int, float]

_SHIFTS = (6, 18, 32, 48)
"""How far, in points, a name may stand above or below its experiment."""


class Label(NamedTuple):
    """The name of one experiment's point."""

    experiment: int
    score: float
    name: str


class _Spot(NamedTuple):
    """A place for a name: an offset in points from its point, and the side it grows to."""

    right: int
    up: int
    align: Literal["left", "right"]


def place_labels(
    axes: Axes, labels: Sequence[Label], line: Sequence[Point], direction: Direction
) -> list[str]:
    """Write each label near its point where there is room; the names that found a place.

    Earlier labels have precedence. ``line`` are the corners of the champion's steps. A name first
    tries the side towards which scores improve, which is mostly empty. The figure must have been
    laid out.
    """
    taken = list(_line_boxes(axes, line))
    spots = list(_spots(1 if direction == "maximize" else -1))
    placed = []
    for label in labels:
        box = _place(axes, label, spots, taken)
        if box is not None:
            taken.append(box)
            placed.append(label.name)
    return placed


def _place(axes: Axes, label: Label, spots: Sequence[_Spot], taken: Sequence[Bbox]) -> Bbox | None:
    area = axes.get_window_extent().expanded(1, 0.93)  # the edges belong to ticks and triangles
    for spot in spots:
        text = _write(axes, label, spot)
        box = text.get_window_extent().padded(2)
        inside = area.x0 <= box.x0 and box.x1 <= area.x1 and area.y0 <= box.y0 and box.y1 <= area.y1
        if inside and not any(box.overlaps(other) for other in taken):
            if abs(spot.up) > _SHIFTS[0]:
                _lead(axes, label, spot)
            return box
        text.remove()
    return None


def _write(axes: Axes, label: Label, spot: _Spot) -> Annotation:
    return axes.annotate(
        label.name,
        (label.experiment, label.score),
        xytext=(spot.right, spot.up),
        textcoords="offset points",
        ha=spot.align,
        va="bottom" if spot.up > 0 else "top",
        fontsize=8.5,
        color="#14532d",
        zorder=6,
        parse_math=False,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
    )


def _lead(axes: Axes, label: Label, spot: _Spot) -> None:
    """A thin line from the name to its point."""
    axes.annotate(
        "",
        (label.experiment, label.score),
        xytext=(spot.right, spot.up),
        textcoords="offset points",
        zorder=2,
        arrowprops={"arrowstyle": "-", "color": "#7fae90", "linewidth": 0.8},
    )


def _spots(towards: int) -> Iterator[_Spot]:
    for side in (towards, -towards):
        for shift in _SHIFTS:
            yield _Spot(-4, side * shift, "right")
            yield _Spot(4, side * shift, "left")


def _line_boxes(axes: Axes, line: Sequence[Point]) -> Iterator[Bbox]:
    """The line's stretches as thin boxes in pixels."""
    from matplotlib.transforms import Bbox

    pixels: Any = axes.transData.transform(list(line)) if line else []
    for (x0, y0), (x1, y1) in pairwise(pixels):
        yield Bbox.from_extents(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)).padded(2)
