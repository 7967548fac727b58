"""What of an agent's account is printed: nothing with a number that the journal does not have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..text import count
from .cleaning import Block, blocks, cleaned, harmless, sentences
from .numbers import Known
from .words import words

MOST_PRINTED = 12_000
"""Characters of an account that are printed, about 2,000 words."""
MOST_COLUMNS = 30
"""A wider table is not printed: each of its rows would be made as wide."""
LEAST_WORDS = 80
"""Words that an account has to have, behind what is left out: fewer tell nothing."""
TOP = 3
"""The level of the account's own headings: it is a section of a report."""


@dataclass(frozen=True)
class Checked:
    """An account as it may be printed, and how many sentences, items, rows and headings were left out.

    ``cut`` says that it was longer than what is printed.
    """

    text: str
    left_out: int = 0
    cut: bool = False

    @property
    def lacking(self) -> str:
        """Why this is no account; empty for one."""
        number = words(self.text)
        found = count(number, "word") + (" that can be printed" if self.left_out else "")
        if number < LEAST_WORDS:
            return f"its answer has {found}, at least {LEAST_WORDS} are needed"
        if not any(line.startswith("#") for line in self.text.split("\n")):
            return "its answer has no heading"
        return ""


def checked(text: str, material: str) -> Checked:
    """``text`` without what has a number that ``material`` lacks, and without HTML, pictures and links.

    A paragraph loses single sentences, a list items, a table rows. Numbers may be rounded, with two
    significant digits left, or one of a percentage.
    """
    known = Known(material)
    sieve = _Sieve(known)
    parts = list(_sections(sieve.parts(list(blocks(cleaned(text))))))
    printed = _within(parts)
    return Checked("\n\n".join(printed), sieve.left_out, len(printed) < len(parts))


@dataclass
class _Sieve:
    """Lets blocks through whose numbers are known, and counts the others."""

    known: Known
    left_out: int = 0
    _items: list[str] = field(default_factory=list)
    _numbers: list[int] = field(default_factory=list)
    _rows: list[Block] = field(default_factory=list)

    def parts(self, found: list[Block]) -> Iterator[str]:
        """Paragraphs, whole lists, whole tables and headings as Markdown."""
        top = min((block.level for block in found if block.what == "heading"), default=1)
        for block in found:
            if block.what not in ("item", "gap"):
                yield from self._list()
            if block.what not in ("row", "rule"):
                yield from self._table()
            if block.what == "item":
                self._item(block)
            elif block.what in ("row", "rule"):
                self._rows.append(block)
            elif block.what == "heading" and self._passes(block.text):
                yield f"{'#' * min(6, block.level - top + TOP)} {harmless(block.text)}"
            elif block.what == "text":
                kept = [harmless(one) for one in sentences(block.text) if self._passes(one)]
                yield " ".join(kept)
        yield from self._list()
        yield from self._table()

    def _passes(self, text: str) -> bool:
        unknown = self.known.lacks(text)
        self.left_out += bool(unknown)
        return not unknown

    def _item(self, block: Block) -> None:
        if not self._passes(block.text):
            return
        level = min(block.level, len(self._numbers))
        self._numbers = [*self._numbers[: level + 1], *([0] * (level + 1 - len(self._numbers)))]
        self._numbers[level] += 1
        mark = f"{self._numbers[level]}." if block.ordered else "-"
        self._items.append(f"{'   ' * level}{mark} {harmless(block.text)}")

    def _list(self) -> Iterator[str]:
        if self._items:
            yield "\n".join(self._items)
        self._items, self._numbers = [], []

    def _table(self) -> Iterator[str]:
        """The table, if its head and at least one row are left; all rows as long as the head."""
        rows, self._rows = self._rows, []
        shaped = len(rows) > 2 and [row.what for row in rows[:2]] == ["row", "rule"]
        lines = [row for row in rows if row.what == "row"]
        left = [line for line in lines if self._passes(line.text)]
        if not shaped or not left or left[0] is not lines[0] or len(left) < 2:
            return
        cells = [[harmless(cell) for cell in row.text.strip("|").split("|")] for row in left]
        wide = len(cells[0])
        if wide > MOST_COLUMNS:
            self.left_out += len(left)
            return
        body = [[*row, *[""] * wide][:wide] for row in cells]
        body.insert(1, [":---"] * wide)
        yield "\n".join("| " + " | ".join(row) + " |" for row in body)


def _sections(parts: Iterator[str]) -> Iterator[str]:
    """The parts that say something; a heading only where something follows before the next of its rank."""
    waiting: list[str] = []
    for part in parts:
        if not part.strip():
            continue
        if part.startswith("#"):
            rank = len(part) - len(part.lstrip("#"))
            waiting = [one for one in waiting if len(one) - len(one.lstrip("#")) < rank]
            waiting.append(part)
            continue
        yield from waiting
        waiting = []
        yield part


def _within(parts: list[str]) -> list[str]:
    """As many parts as may be printed; the end is not a heading."""
    room, printed = MOST_PRINTED, []
    for part in parts:
        room -= len(part)
        if room < 0:
            break
        printed.append(part)
    while printed and printed[-1].startswith("#"):
        printed.pop()
    return printed
