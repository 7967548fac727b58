"""One champion as the tuner sees it: its files, what can be changed in them, and how."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...records import Briefing
from .cuts import drops
from .dimension import Dimension
from .group import Changes, text_of
from .known.knobs import Value
from .sampler import Sampler
from .source import Findings, Site
from .space import Space
from .writing import Edit, splice


@dataclass(frozen=True)
class Result:
    """What is known of one tree: its values by dimension, and its score (None: it failed)."""

    values: Changes
    score: float | None


class Scene:
    """The champion's files with its space, its simplifications, and the sampler for them."""

    def __init__(self, briefing: Briefing, tree: str, found: Findings) -> None:
        self.files = briefing.editable
        self.tree = tree
        self.found = found
        self.space = Space(found)
        self.drops = [
            drop for drop in drops(found, self.files) if not self.space.is_default(drop.cut)
        ]
        self.values = {key: one.literal.value for key, one in self.space.all.items()}
        self._direction = briefing.direction
        self._sampler: Sampler | None = None
        self._learnt = 0
        self._names = Counter(one.literal.name for one in self.space.all.values())

    @property
    def dimensions(self) -> dict[str, Dimension]:
        return self.space.dimensions

    def draw(
        self, results: Sequence[Result], subset: Sequence[Dimension], seed: int
    ) -> dict[str, Value]:
        """Values for `subset` that `results`, all of the run's, make promising."""
        if self._sampler is None:
            self._sampler = Sampler(list(self.space.all.values()), self._direction)
        for result in results[self._learnt :]:
            self._sampler.learn(result.values, result.score)
        self._learnt = len(results)
        return self._sampler.draw(subset, seed)

    def real(self, changes: Changes) -> dict[str, Value]:
        """Those of `changes` that change something."""
        return {key: value for key, value in changes.items() if self.space.all[key].changes(value)}

    def described(self, changes: Changes) -> str:
        """``learning_rate 0.1 -> 0.05, add min_child_samples=40``."""
        words = []
        for key, value in changes.items():
            one = self.space.all[key]
            text = text_of(one, value)
            if one.site:
                words.append(f"add {self._label(one)}={text}")
            elif one.spans:
                words.append(f"{one.literal.text} -> {text}")
            else:
                words.append(f"{self._label(one)} {one.literal.text} -> {text}")
        return ", ".join(words)

    def _label(self, one: Dimension) -> str:
        """A dimension's name, with what stands around it where the name alone is not unique."""
        name = one.literal.name
        return name if self._names[name] == 1 else one.key.partition(":")[2]

    def files_with(self, edits: Sequence[Edit]) -> dict[str, bytes]:
        """The files that edits make differ from the champion's, by path."""
        by_path: dict[str, list[Edit]] = {}
        for edit in edits:
            by_path.setdefault(edit.path, []).append(edit)
        return {path: splice(self.files[path], some) for path, some in by_path.items()}

    def edits(self, changes: Changes) -> list[Edit]:
        """What `changes` do to the files' bytes."""
        edits: list[Edit] = []
        added: dict[Site, list[str]] = {}
        for key, value in changes.items():
            one, literal = self.space.all[key], self.space.all[key].literal
            text = text_of(one, value)
            if one.site:
                added.setdefault(one.site, []).append(one.site.item(literal.name, text))
            elif one.spans:
                edits += [Edit(literal.path, start, end, text) for start, end in one.spans]
            else:
                edits.append(Edit(literal.path, literal.start, literal.end, text))
        for site, items in added.items():
            edits += _written(site, items)
        return edits


def _written(site: Site, items: Sequence[str]) -> list[Edit]:
    text = f"{site.lead}{site.separator.join(items)}{site.trail}"
    edits = [Edit(site.path, site.at, site.at, text)]
    if site.comma >= 0:
        edits.append(Edit(site.path, site.comma, site.comma, ","))
    return edits


def digest(files: Mapping[str, bytes]) -> str:
    """A name for the contents of `files`, the same in every process."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path}\0{len(files[path])}\0".encode(errors="surrogateescape"))
        total.update(files[path])
    return total.hexdigest()[:32]
