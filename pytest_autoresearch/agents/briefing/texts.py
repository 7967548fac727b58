"""Files and outputs in fences, whole where they fit, else as many of their lines as do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .quoting import clean, fenced, one_line
from .room import BREAK, shares
from .size import cut, size

NOTE = 48
"""Bytes that it takes to say what is left out of a text, and the break before it."""
MOST_NAMED = 12
"""Texts that are not shown and named."""
LEAST = 120
"""Bytes of a text below which it is named only."""


@dataclass(frozen=True)
class Text:
    """One text: ``head`` is the line above it, ``name`` what it is called where it is left out."""

    head: str
    body: str
    name: str
    language: str = "text"
    weight: float = 1.0

    @property
    def wants(self) -> int:
        """Bytes of all of it."""
        return size(self.whole) + len(BREAK)

    @property
    def whole(self) -> str:
        """The head, and the body in a fence; the head alone where there is no body."""
        return (
            f"{self.head}\n{fenced(self.body, self.language)}" if self.body.strip() else self.head
        )

    def within(self, room: int) -> str:
        """At most ``room`` bytes: the first lines, and how many are left out; empty where none fits."""
        if self.wants <= room:
            return self.whole
        body = clean(self.body).rstrip("\n")
        around = size(self.head) + 1 + size(fenced(body, self.language)) - size(body)
        head = cut(body, room - around - NOTE - len(BREAK))
        if size(head) < LEAST // 2:
            return ""
        kept = head.rpartition("\n")[0] or head
        total, shown = len(body.split("\n")), len(kept.split("\n"))
        note = f"… {total - shown} of {total} lines are left out"
        if shown == total:
            note = "… the rest of the line is left out"
        return f"{self.head}\n{fenced(kept, self.language)}\n{note}"


@dataclass(frozen=True)
class Texts:
    """A section of texts; ``noun`` says what they are, in the plural, ``elsewhere`` where they are whole."""

    title: str
    texts: Sequence[Text]
    noun: str
    weight: float = 1.0
    lead: str = ""
    elsewhere: str = ""

    @property
    def wants(self) -> int:
        """Bytes of all of it."""
        return size(self._head) + sum(one.wants for one in self.texts)

    @property
    def named(self) -> str:
        """What it is, for the line that says what is left out."""
        return f"{len(self.texts)} {self.noun}"

    @property
    def _head(self) -> str:
        return "".join(f"{part}{BREAK}" for part in (f"## {self.title}", self.lead) if part)

    def text(self, room: int) -> str:
        """At most ``room`` bytes of it; empty where they are too few."""
        if self.wants <= room:
            return (self._head + BREAK.join(one.whole for one in self.texts)).rstrip()
        names = size(self._missing(self.texts)) + len(BREAK)
        left = room - size(self._head) - names
        given = shares([one.wants for one in self.texts], [one.weight for one in self.texts], left)
        shown, missing, spare = [], [], 0
        for one, share in zip(self.texts, given, strict=True):
            text = one.within(share + spare)
            spare += share - (size(text) + len(BREAK) if text else 0)
            if text:
                shown.append(text)
            else:
                missing.append(one)
        if not shown and room < size(self._head) + names:
            return ""
        note = self._missing(missing) if missing else ""
        return self._head + BREAK.join(part for part in (*shown, note) if part)

    def _missing(self, texts: Sequence[Text]) -> str:
        names = ", ".join(one_line(one.name, 80) for one in texts[:MOST_NAMED])
        more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
        return f"… left out: {names}{more}{self.elsewhere}"
