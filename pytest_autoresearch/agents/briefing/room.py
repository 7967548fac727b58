"""Parts of a briefing that share a room: each takes what it is given, and says what it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .size import cut, size

BREAK = "\n\n"
LEAST = 160
"""Bytes below which a part is left out rather than cut."""


class Part(Protocol):
    """Something to be told, as long as there is room for."""

    @property
    def weight(self) -> float:
        """Its share where not everything fits, relative to the other parts'."""

    @property
    def wants(self) -> int:
        """Bytes of all of it."""

    @property
    def named(self) -> str:
        """What it is, for the line that says what is left out."""

    def text(self, room: int) -> str:
        """At most ``room`` bytes of it; empty where they are too few."""


@dataclass(frozen=True)
class Listed:
    """A section of entries, the most important first; as many are shown as there is room for.

    ``noun`` says what they are, in the plural, for what is left out.
    """

    title: str
    entries: Sequence[str]
    noun: str
    weight: float = 1.0
    lead: str = ""
    between: str = "\n"

    @property
    def wants(self) -> int:
        """See `Part`."""
        return size(self._head) + sum(size(one) + len(self.between) for one in self.entries)

    @property
    def named(self) -> str:
        """See `Part`."""
        return f"{len(self.entries)} {self.noun}"

    @property
    def _head(self) -> str:
        return "".join(f"{part}{BREAK}" for part in (f"## {self.title}", self.lead) if part)

    def text(self, room: int) -> str:
        """See `Part`."""
        if self.wants <= room:
            return self._head + self.between.join(self.entries)
        left = room - size(self._head) - size(self._left_out(len(self.entries) - 1))
        shown: list[str] = []
        for entry in self.entries:
            left -= size(entry) + len(self.between)
            if left < 0:
                break
            shown.append(entry)
        if not shown:
            return ""
        return self._head + self.between.join(
            [*shown, self._left_out(len(self.entries) - len(shown))]
        )

    def _left_out(self, number: int) -> str:
        return f"… {number} {'more' if number < len(self.entries) else ''} {self.noun} are left out".replace(
            "  ", " "
        )


@dataclass(frozen=True)
class Running:
    """A text that is cut at its end where it does not fit; ``mend`` closes what the cut leaves open."""

    title: str
    body: str
    named: str
    weight: float = 1.0
    mend: Callable[[str], str] = str

    @property
    def wants(self) -> int:
        """See `Part`."""
        return size(self._whole)

    @property
    def _whole(self) -> str:
        return f"## {self.title}{BREAK}{self.body}" if self.title else self.body

    def text(self, room: int) -> str:
        """See `Part`."""
        if self.wants <= room:
            return self._whole
        note = f"… {self.named}: the rest is left out"
        head = cut(self._whole, room - size(note) - 16)
        head = head.rpartition("\n")[0] or head
        if size(head) < LEAST // 2:
            return ""
        return f"{self.mend(head.rstrip())}\n{note}"


def shares(wants: Sequence[int], weights: Sequence[float], room: int) -> list[int]:
    """Bytes for each: what it wants where there is room, else by weight; what one leaves goes to the others."""
    given = [0] * len(wants)
    open_ = [at for at, want in enumerate(wants) if want > 0]
    while open_ and room > 0:
        total = sum(weights[at] for at in open_)
        fits = [at for at in open_ if wants[at] <= room * weights[at] / total]
        if not fits:
            for at in open_:
                given[at] = int(room * weights[at] / total)
            break
        for at in fits:
            given[at] = wants[at]
        room -= sum(wants[at] for at in fits)
        open_ = [at for at in open_ if at not in fits]
    return given


def filled(parts: Sequence[Part], room: int) -> tuple[list[str], list[str]]:
    """The parts' texts, together at most ``room`` bytes with breaks between, and names of those left out."""
    gaps = len(BREAK) * len(parts)
    given = shares([one.wants for one in parts], [one.weight for one in parts], room - gaps)
    texts, missing, spare = [], [], 0
    for part, share in zip(parts, given, strict=True):
        text = (
            part.text(share + spare)
            if share + spare >= LEAST or part.wants <= share + spare
            else ""
        )
        spare += share - size(text)
        if text:
            texts.append(text)
        elif part.wants:
            missing.append(part.named)
    return texts, missing
