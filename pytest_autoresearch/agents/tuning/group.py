"""The parameters of one call of a known library, and what they mean for each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .dimension import Dimension
from .known import names
from .known.knobs import ANY, Family, Knob, Value
from .source import Literal, Site
from .writing import write

UNSEEN = "\0"
"""The value of a parameter that the code computes."""

FACTOR = 4
"""How far a whole number that costs time may move from what it is, either way."""

Changes = Mapping[str, Value]
"""New values by the keys of their dimensions."""


@dataclass
class Group:
    """What is written in one `Site`, or could be: dimensions and fixed values by parameter."""

    site: Site
    family: Family
    dimensions: dict[str, Dimension] = field(default_factory=dict)

    @property
    def written(self) -> set[str]:
        """The parameters that the call sets, in the tables' spelling."""
        by_name = {self.family.canonical(name) for name in self.site.names}
        by_place = self.family.positional[: self.site.given]
        return by_name | {self.family.canonical(name) for name in by_place}

    @property
    def is_open(self) -> bool:
        """Whether the call gives more by position than the tables can name."""
        return self.site.given > len(self.family.positional)

    def value(self, name: str, changes: Changes) -> Value:
        """What a parameter is after `changes`; `UNSEEN` where that is not to be known."""
        one = self.dimensions.get(name)
        if one:
            return changes.get(one.key, one.literal.value)
        knob = self.family.knobs.get(name)
        return UNSEEN if name in self.written or not knob else knob.default

    def has_effect(self, knob: Knob, changes: Changes) -> bool:
        """Whether the other parameters let this one matter; taken for so where they are not seen."""
        for name, values in knob.when.items():
            value = self.value(name, changes)
            if value != UNSEEN and value not in values:
                return False
        return True

    def missing(self, knob: Knob, value: Value, changes: Changes) -> dict[str, Value] | None:
        """What has to change too if `knob` gets `value`; None when that is impossible."""
        found: dict[str, Value] = {}
        for need in knob.needs:
            if need.value != ANY and repr(need.value) != repr(value):
                continue
            other = self.value(need.name, changes)
            if other == UNSEEN or need.holds(other):
                continue
            one = self.dimensions.get(need.name)
            if one is None or one.key in changes or one.coordinate(need.remedy) is None:
                return None
            found[one.key] = need.remedy
        return found

    def unset(self, knob: Knob, key: str, rank: float) -> Dimension | None:
        """The dimension of a parameter that is not written, at its default."""
        site, name = self.site, self.family.spelling.get(knob.name, knob.name)
        kind = "none" if knob.default is None else type(knob.default).__name__
        literal = Literal(
            site.path, site.at, site.at, kind, "", knob.default, name, site.where, "unset"
        )
        return tabled(literal, knob, key, rank, site)


def tabled(
    literal: Literal, knob: Knob, key: str, rank: float, site: Site | None = None
) -> Dimension | None:
    """A dimension as the tables have it, wide enough for the literal; None where it does not fit."""
    value = literal.value
    if knob.kind == "choice":
        fits = repr(value) in map(repr, knob.choices)
        return (
            Dimension(key, literal, "choice", rank, choices=knob.choices, knob=knob, site=site)
            if fits
            else None
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    low, high = min(knob.low, value or knob.low), max(knob.high, value)
    log = knob.kind in ("log", "factor")
    kind = "real"
    if knob.kind in ("whole", "factor"):
        if literal.kind != "int":
            return None
        kind = "whole"
    if knob.kind == "factor":
        low = max(min(knob.low, value), value // FACTOR, 1)
        high = min(max(knob.high, value), value * FACTOR)
    if low >= high:
        return None
    return Dimension(key, literal, kind, rank, low, high, log, knob=knob, site=site)


def text_of(one: Dimension, value: Value) -> str:
    """A value as it is written in place of the dimension's own."""
    if one.spans:
        return str(value)
    return write(value, one.literal.text)


def is_knob(group: Group, literal: Literal) -> Knob | None:
    """What the tables know of a literal of the group."""
    name = names.plain(literal.name) if "__" in literal.name else literal.name
    return group.family.knobs.get(group.family.canonical(name))
