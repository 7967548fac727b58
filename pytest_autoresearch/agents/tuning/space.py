"""What can be changed in a champion: the written values, the known unset ones, the classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .dimension import Dimension
from .group import Changes, Group, is_knob, tabled
from .guess import guess, why_not
from .known import family
from .known.knobs import Times, Value
from .known.other import stand_ins
from .source import Cut, Findings, Literal, Name

MOST_DIMENSIONS = 60
MOST_ROUNDS = 3
"""So often what is needed may need something itself."""

UNSET_RANK, UNSET_STEP = 2, 1.5
"""A parameter that is not written ranks lower than one that is: a person wrote what matters."""
HELPER_RANK = 8
"""How much lower transformers rank than models."""
CLASS_RANK = 4


@dataclass(frozen=True)
class LeftAlone:
    """A literal that is not changed, and why, in a few words."""

    literal: Literal
    why: str


class Space:
    """The dimensions of a set of findings, the usual first moves first.

    ``dimensions`` are to be searched; beside them there are some that change only with others.
    """

    def __init__(self, found: Findings) -> None:
        self.alone: list[LeftAlone] = []
        self._seen: Counter[str] = Counter()
        self._groups = _groups(found)
        self._group_of: dict[str, Group] = {}
        every = [*self._written(found.literals), *_classes(found.names)]
        every.sort(key=lambda one: one.rank)
        every, helpers = self._with_unset(every)
        self.dimensions = {one.key: one for one in every[:MOST_DIMENSIONS]}
        self.all = {**{one.key: one for one in helpers}, **self.dimensions}

    def _written(self, literals: Sequence[Literal]) -> Iterator[Dimension]:
        for literal in literals:
            key = self._key(literal.path, literal.where, literal.name)
            group = self._groups.get((literal.path, literal.where, literal.role == "entry"))
            one = self._known(literal, key, group) if group else None
            one = one or guess(literal, key)
            if one:
                yield one
            else:
                self.alone.append(LeftAlone(literal, why_not(literal)))

    def _key(self, path: str, where: str, name: str) -> str:
        key = f"{path}:{'.'.join(part for part in (where, name) if part)}"
        self._seen[key] += 1
        return key if self._seen[key] == 1 else f"{key}[{self._seen[key] - 1}]"

    def _known(self, literal: Literal, key: str, group: Group) -> Dimension | None:
        if literal.role not in ("keyword", "entry"):
            return None
        knob = is_knob(group, literal)
        one = tabled(literal, knob, key, _rank(group, knob.name)) if knob else guess(literal, key)
        if knob and one is None and (one := guess(literal, key)):
            one = replace(one, rank=_rank(group, knob.name))
        if knob and one:
            group.dimensions.setdefault(knob.name, one)
            self._group_of[key] = group
        return one

    def _with_unset(self, every: list[Dimension]) -> tuple[list[Dimension], list[Dimension]]:
        """The dimensions with those of unset parameters, and those that only come along."""
        added: list[Dimension] = []
        helpers: list[Dimension] = []
        for group in self._groups.values():
            if group.is_open:
                continue
            taken = self._taken(group)
            for knob in group.family.knobs.values():
                if knob.name in taken:
                    continue
                name = group.family.spelling.get(knob.name, knob.name)
                key = self._key(group.site.path, group.site.where, name)
                one = group.unset(knob, key, _rank(group, knob.name, unset=True))
                if one:
                    group.dimensions[knob.name] = one
                    self._group_of[key] = group
                    (added if knob.unset else helpers).append(one)
        return sorted([*every, *added], key=lambda one: one.rank), helpers

    def _taken(self, group: Group) -> set[str]:
        """What the call sets, and what its dict or the call around the dict sets."""
        same = [
            other
            for other in self._groups.values()
            if other.site.path == group.site.path and other.site.callee == group.site.callee
        ]
        return set().union(
            group.written, *(o.written for o in same if o.site.quote or group.site.quote)
        )

    def complete(self, changes: Changes) -> dict[str, Value] | None:
        """`changes` with what they need and without what has no effect; None when impossible."""
        wanted = dict(changes)
        for _ in range(MOST_ROUNDS):
            added: dict[str, Value] = {}
            for key, value in wanted.items():
                group, knob = self._group_of.get(key), self.all[key].knob
                more = group.missing(knob, value, wanted) if group and knob else {}
                if more is None:
                    return None
                added |= more
            if not added:
                return {key: value for key, value in wanted.items() if self.matters(key, wanted)}
            wanted |= added
        return None

    def is_default(self, cut: Cut) -> bool:
        """Whether an argument that may go says what holds without it too."""
        return cut.what == "argument" and any(
            one.knob is not None and repr(one.literal.value) == repr(one.knob.default)
            for one in self.all.values()
            if one.literal.path == cut.path and cut.start <= one.literal.start < cut.end
        )

    def matters(self, key: str, changes: Changes) -> bool:
        """Whether a dimension has an effect when the champion has these changes."""
        group, knob = self._group_of.get(key), self.all[key].knob
        return not (group and knob) or group.has_effect(knob, changes)

    def recipes(self) -> Iterator[tuple[str, dict[str, Value]]]:
        """The usual first moves of the calls in turn: a name for each, and its changes."""
        groups = [group for group in self._groups.values() if group.family.moves]
        for turn in range(max((len(group.family.moves) for group in groups), default=0)):
            for group in groups:
                if turn < len(group.family.moves):
                    changes = self._recipe(group, turn)
                    if changes:
                        yield f"{group.site.path}:{group.site.where}/{turn}", changes

    def _recipe(self, group: Group, turn: int) -> dict[str, Value]:
        """The changes of a move, those parts left out that this call does not allow."""
        changes: dict[str, Value] = {}
        for name, how in group.family.moves[turn].items():
            one = group.dimensions.get(name) or self._beside(group, name)
            if one is None:
                continue
            for each in self._like(one) if isinstance(how, Times) else (one,):
                value = each.moved(how)
                if value is not None:
                    changes[each.key] = value
        return changes

    def _like(self, one: Dimension) -> list[Dimension]:
        """The dimension with those of the same value: the sizes of several layers grow together."""
        return [
            other
            for key, other in self.dimensions.items()
            if key == one.key or key.startswith(f"{one.key}[")
        ]

    def _beside(self, group: Group, name: str) -> Dimension | None:
        """A parameter of the call whose dict this is, or of the dict of this call."""
        for other in self._groups.values():
            same = other.site.callee == group.site.callee and other.site.path == group.site.path
            if same and other.site.quote != group.site.quote and name in other.dimensions:
                return other.dimensions[name]
        return None


def _groups(found: Findings) -> dict[tuple[str, str, bool], Group]:
    """The sites that the tables know, by file, place, and whether it is a dict."""
    groups = {}
    for site in found.sites:
        known = family(site.callee, as_dict=bool(site.quote))
        if known:
            groups[site.path, site.where, bool(site.quote)] = Group(site, known)
    return groups


def _rank(group: Group, name: str, *, unset: bool = False) -> float:
    place = list(group.family.knobs).index(name)
    rank = UNSET_RANK + UNSET_STEP * place if unset else place
    return rank if group.family.moves else rank + HELPER_RANK


def _classes(found: Sequence[Name]) -> Iterator[Dimension]:
    """The classes that others may take the place of."""
    for name in found:
        short = name.full.rpartition(".")[2]
        taken = {other.full.rpartition(".")[2] for other in found if other.path == name.path}
        choices = tuple(one for one in stand_ins(name.full) if one == short or one not in taken)
        if len(choices) < 2:
            continue
        start, end = name.spans[0]
        place = name.where.rpartition(".")[0]
        literal = Literal(name.path, start, end, "str", short, short, short, place, "name")
        key = f"{name.path}:{name.where}="
        yield Dimension(
            key, literal, "choice", CLASS_RANK, choices=choices, spans=tuple(map(tuple, name.spans))
        )
