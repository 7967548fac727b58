"""A small table whose text is aligned and of bounded length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

Cell = str | int | float | None

MOST_ROWS = 40
"""Rows that are printed; `Table.rows` has them all."""
MOST_WIDTH = 40
"""Characters of a cell that are printed."""


@dataclass(frozen=True)
class Table:
    """Named columns of equal length. ``str()`` is for reading, ``rows`` and `column` are for computing.

    A cell that is ``None`` could not be computed. ``note`` stands below the rows.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[Cell]:
        """One column's cells; raises ``KeyError`` naming those that there are."""
        if name not in self.columns:
            raise KeyError(f"{name!r}: the columns are {', '.join(self.columns)}")
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def row(self, first: Cell) -> dict[str, Cell]:
        """The row that begins with this cell, by column; raises ``KeyError`` when there is none."""
        for row in self.rows:
            if row[0] == first:
                return dict(zip(self.columns, row, strict=True))
        raise KeyError(f"{first!r} begins no row")

    def top(self, count: int) -> Table:
        """The first rows only."""
        return replace(self, rows=self.rows[:count])

    def __str__(self) -> str:
        shown = [self.columns, *(tuple(map(_text, row)) for row in self.rows[:MOST_ROWS])]
        widths = [max(map(len, cells)) for cells in zip(*shown, strict=True)]
        numbers = [_is_numeric(cells) for cells in zip(*self.rows, strict=True)]
        right = numbers or [False] * len(widths)
        lines = [self.title, *(_line(row, widths, right) for row in shown)]
        if (more := len(self.rows) - MOST_ROWS) > 0:
            lines.append(f"... and {more} more")
        return "\n".join([*lines, *([self.note] if self.note else [])])


def _is_numeric(cells: Sequence[Cell]) -> bool:
    return not any(isinstance(cell, str) for cell in cells)


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = zip(row, widths, right, strict=True)
    return "  ".join(
        cell.rjust(width) if numeric else cell.ljust(width) for cell, width, numeric in cells
    ).rstrip()


def _text(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "-"
    if isinstance(cell, float):
        return f"{cell:.4g}"
    text = " ".join(str(cell).split())
    return text if len(text) <= MOST_WIDTH else f"{text[: MOST_WIDTH - 3]}..."
