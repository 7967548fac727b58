"""Columns and indented blocks of plain text, as `--autoresearch-show` prints them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_OUTPUT_LINES = 200


def aligned(
    head: Sequence[str], body: Sequence[Sequence[str]], right: Iterable[int] = ()
) -> list[str]:
    """Columns as wide as their longest cell, two spaces apart; ``right`` are aligned to the right."""
    rows = [head, *body]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    sides = set(right)
    return [
        "  ".join(
            cell.rjust(width) if place in sides else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def indented(text: str) -> list[str]:
    """Lines without control characters: they come from agents, and go to a terminal."""
    return ["    " + _plain(line) for line in text.splitlines()]


def _plain(line: str) -> str:
    return "".join(letter for letter in line.expandtabs(4) if letter.isprintable())


def tail(text: str) -> str:
    """The last lines of a text, with how many stand before them."""
    lines = text.splitlines()
    left_out = len(lines) - _OUTPUT_LINES
    shown = lines[-_OUTPUT_LINES:]
    return "\n".join([f"... {left_out} lines before", *shown] if left_out > 0 else shown)
