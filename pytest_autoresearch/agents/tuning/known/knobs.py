"""The words in which the tables say what a parameter may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

Value = bool | int | float | str | None


@dataclass(frozen=True)
class Need:
    """What another parameter of the call must be, where one has ``value`` (`ANY`: whatever it has).

    It must be one of ``allowed``, or, where that is empty, none of ``barred``; if it is not it is
    set to ``remedy``.
    """

    value: Value
    name: str
    remedy: Value
    allowed: tuple[Value, ...] = ()
    barred: tuple[Value, ...] = ()

    def holds(self, other: Value) -> bool:
        return other in self.allowed if self.allowed else other not in self.barred


ANY = "*"


@dataclass(frozen=True)
class Times:
    """A factor by which a first move multiplies what a parameter is."""

    factor: float


Move = Mapping[str, Value | Times]
"""Parameters of one call that a person changes together."""


@dataclass(frozen=True)
class Knob:
    """One parameter of a call.

    ``kind`` is real, log (a real number whose factors count), whole, factor (a whole number that is
    searched by factors around its value, for what it costs), or choice. ``when`` says for which
    values of other parameters it has an effect. ``unset`` knobs are also added where they are not
    written.
    """

    name: str
    kind: str
    default: Value
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Value, ...] = ()
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    unset: bool = True

    def only(self, **when: tuple[Value, ...]) -> Knob:
        return replace(self, when=when)

    def needing(self, *needs: Need) -> Knob:
        return replace(self, needs=needs)

    def if_written(self) -> Knob:
        return replace(self, unset=False)


@dataclass(frozen=True)
class Family:
    """What is known of the parameters of one call, the most important first.

    ``positional`` names what it takes by position; ``aliases`` maps other spellings of a parameter
    to the one in ``knobs``, ``spelling`` those in ``knobs`` to the one that is written.
    """

    knobs: Mapping[str, Knob]
    moves: tuple[Move, ...] = ()
    positional: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    spelling: Mapping[str, str] = field(default_factory=dict)

    def canonical(self, name: str) -> str:
        return self.aliases.get(name, name)


def family(*knobs: Knob, moves: Sequence[Move] = (), positional: tuple[str, ...] = ()) -> Family:
    return Family({one.name: one for one in knobs}, tuple(moves), positional)


def real(name: str, default: float, low: float, high: float) -> Knob:
    return Knob(name, "real", default, low, high)


def log(name: str, default: float, low: float, high: float) -> Knob:
    return Knob(name, "log", default, low, high)


def whole(name: str, default: int, low: int, high: int) -> Knob:
    return Knob(name, "whole", default, low, high)


def factor(name: str, default: int, low: int, high: int) -> Knob:
    return Knob(name, "factor", default, low, high)


def choice(name: str, default: Value, *others: Value) -> Knob:
    return Knob(name, "choice", default, choices=(default, *others))


def switch(name: str, default: bool) -> Knob:
    return choice(name, default, not default)


WEIGHTS = choice("class_weight", None, "balanced")
INTERCEPT = switch("fit_intercept", True)
