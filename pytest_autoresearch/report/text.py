"""Small pieces of text that every report shares: cleaned lines, numbers, commits."""

from __future__ import annotations

import math
from typing import Literal

from ..records import Direction

ELLIPSIS = "..."


def one_line(text: str, width: int = 0) -> str:
    """``text`` on one line without control characters, cut to ``width`` characters (0: not cut).

    Descriptions and reasons come from agents: an escape sequence must not reach a terminal.
    """
    words = " ".join(text.split())
    line = "".join(letter for letter in words if letter.isprintable())
    if width and len(line) > width:
        return line[: max(0, width - len(ELLIPSIS))].rstrip() + ELLIPSIS
    return line


def exact(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(value) if isinstance(value, int) else repr(float(value))


def human(value: float | None) -> str:
    """A score for people, six significant digits; ``-`` when it was not measured."""
    return "-" if value is None else f"{value:.6g}"


def signed(value: float | None) -> str:
    """A difference for people, with its sign; empty when it was not measured."""
    return "" if value is None else f"{value:+.3g}"


def short(commit: str) -> str:
    """The seven digits that `git log --oneline` shows."""
    return commit[:7]


def better(direction: Direction) -> Literal["higher is better", "lower is better"]:
    """The direction in words."""
    return "higher is better" if direction == "maximize" else "lower is better"


def change(baseline: float | None, champion: float | None) -> str:
    """``0.21 -> 0.19 (-0.02, -9.5%)``, or as much of it as was measured."""
    if baseline is None:
        return "not measured"
    if champion is None or champion == baseline:
        return human(baseline)
    delta = champion - baseline
    share = delta / abs(baseline) if baseline else math.inf
    percent = f", {share:+.1%}" if abs(share) < 10 else ""
    return f"{human(baseline)} -> {human(champion)} ({signed(delta)}{percent})"


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 experiment``, ``2 experiments``; ``plural`` where it is not the noun with an s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
