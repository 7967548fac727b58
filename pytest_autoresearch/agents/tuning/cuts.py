"""Simplifications: what of a champion may be left out, each tried a bounded number of times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .guess import call_of
from .known import names
from .source import Cut, Findings
from .writing import Edit

MOST_TRIES = 2
"""So often one cut is tried in a run, each time on another champion."""
ORDER = ("feature", "step", "line", "argument", "element")
SHOWN = 60


@dataclass(frozen=True)
class Drop:
    """A cut with its name, which stays the same while other parts of the file change."""

    key: str
    cut: Cut
    description: str

    @property
    def edit(self) -> Edit:
        return Edit(self.cut.path, self.cut.start, self.cut.end, "")


def drops(found: Findings, files: Mapping[str, bytes]) -> list[Drop]:
    """What may be left out, one of each sort in turn."""
    places = {(site.path, site.where) for site in found.sites}
    seen: Counter[str] = Counter()
    sorts: dict[str, list[Drop]] = {what: [] for what in ORDER}
    for cut in found.cuts:
        if not _may_go(cut, places):
            continue
        shown = _shown(files[cut.path][cut.shown_start : cut.shown_end])
        key = f"{cut.path}:{cut.where}:{cut.what}:{shown}"
        seen[key] += 1
        if seen[key] > 1:
            key += f"[{seen[key] - 1}]"
        sorts[cut.what].append(Drop(key, cut, f"drop {cut.what} {shown}"))
    turns = max(map(len, sorts.values()))
    return [sorts[w][turn] for turn in range(turns) for w in ORDER if turn < len(sorts[w])]


def _may_go(cut: Cut, places: set[tuple[str, str]]) -> bool:
    if cut.what != "argument":
        return not names.IGNORED_CALLS.fullmatch(call_of(cut.where)) or cut.what == "feature"
    name = names.plain(cut.name)
    tables = (names.SEEDS, names.IGNORED, names.NEEDED)
    return (cut.path, cut.where) in places and not any(table.fullmatch(name) for table in tables)


def _shown(data: bytes) -> str:
    text = " ".join(data.decode("utf-8", errors="replace").split())
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


class Tries:
    """How often each cut was tried, and on which champions; what failed is not tried again."""

    def __init__(self) -> None:
        self._tried: dict[str, set[str]] = {}
        self._failed: set[str] = set()

    def tried(self, key: str, base: str) -> None:
        self._tried.setdefault(key, set()).add(base)

    def failed(self, key: str) -> None:
        self._failed.add(key)

    def left(self, found: Sequence[Drop], base: str) -> list[Drop]:
        """What may still be tried on a champion, the least tried first."""
        open_ = [
            drop
            for drop in found
            if drop.key not in self._failed
            and base not in self._tried.get(drop.key, ())
            and len(self._tried.get(drop.key, ())) < MOST_TRIES
        ]
        return sorted(open_, key=lambda drop: len(self._tried.get(drop.key, ())))
