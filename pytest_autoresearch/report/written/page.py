"""What every section of a report is given, and how it names an experiment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...records import Record, Summary
from ..markdown import escape

Changes = Mapping[int, tuple[int, int]]
"""Lines that kept experiments added and removed, by number."""


@dataclass(frozen=True)
class Page:
    """A run to be written about; ``told`` to an agent it says nothing that agents must not hear."""

    summary: Summary
    changes: Changes = field(default_factory=dict)
    told: bool = False

    def for_agents(self) -> Page:
        """The same without the vault, and without words of errors: those may quote data."""
        return replace(self, summary=replace(self.summary, looks=()), told=True)

    def name(self, record: Record) -> str:
        """``#12``, with a link to what its agent said and heard, where that is kept."""
        name = f"#{record.experiment}"
        folder = f"agents/{record.item}"
        linked = not self.told and (Path(self.summary.folder) / folder).is_dir()
        return f"[{name}]({folder}/)" if linked else name

    def item(self, record: Record) -> str:
        """The name in bold, as a line of a list begins with it: some readers take ``#12`` for a heading."""
        return f"**{self.name(record)}**"

    def names(self, records: Iterable[Record]) -> str:
        """``#3, #12 and #14``."""
        found = [self.name(record) for record in records]
        return " and ".join(filter(None, [", ".join(found[:-1]), *found[-1:]]))


def about(record: Record, width: int = 120) -> str:
    """What an experiment does, in its agent's words, else what it was meant to show."""
    return escape(record.description or record.hypothesis or "no description", width)


def z(record: Record | None) -> str:
    """``+1.4``, empty where it was not measured."""
    return "" if record is None or record.z is None else f"{record.z:+.1f}"


def duration(seconds: float) -> str:
    """``42 s``, ``12 min`` or ``3.4 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def share(part: float, whole: float) -> str:
    """``12%``; empty where there is nothing to share."""
    return f"{part / whole:.0%}" if whole > 0 else ""


def upper(text: str) -> str:
    """With a capital first."""
    return text[:1].upper() + text[1:]
