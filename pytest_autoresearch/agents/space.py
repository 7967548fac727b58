"""What can be tuned in a set of literals, and between which bounds."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from . import known
from .literals import Literal, Value, round_to

MOST_DIMENSIONS = 60
GRID = 12
SMALLEST, LARGEST = 1e-12, 1e9
LARGE_RATE = 0.02
"""From here on a learning rate is one of boosting, not of a network."""
SMALL = 16
"""Whole numbers below this are changed by steps, from here on by factors."""

Coordinate = float | str
"""Where a value lies on its dimension: the magnitude of a number, the source text of a choice."""


@dataclass(frozen=True)
class Dimension:
    """One literal with the values it may take.

    ``kind`` is real, whole or choice. ``low`` and ``high`` bound the magnitude of a number,
    ``sign`` is that of the literal, ``digits`` how many significant ones are written. ``key`` stays
    the same while other parts of the file change. ``rank`` is small for what a person would change
    first.
    """

    key: str
    literal: Literal
    kind: str
    rank: int
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    sign: int = 1
    digits: int = 3
    choices: tuple[Value, ...] = ()

    def coordinate(self, value: Value) -> Coordinate | None:
        """Where `value` lies, moved within the bounds; None when it is of another kind."""
        if self.kind == "choice":
            return repr(value) if repr(value) in map(repr, self.choices) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not math.isfinite(value):
            return None
        return self._bounded(value * self.sign)

    def value(self, coordinate: Coordinate) -> Value:
        """The value to write for a coordinate: one of the choices, or a number rounded."""
        if isinstance(coordinate, str):
            return next(choice for choice in self.choices if repr(choice) == coordinate)
        signed = self.sign * self._bounded(coordinate)
        return int(signed) if self.kind == "whole" else round_to(signed, self.digits)

    def _bounded(self, magnitude: float) -> float:
        bounded = min(max(magnitude, self.low), self.high)
        return float(round(bounded)) if self.kind == "whole" else bounded

    def draw(self, rng: random.Random) -> Value:
        """Any value, evenly over the dimension."""
        if self.kind == "choice":
            return rng.choice(self.choices)
        return self.value(self._at(rng.random()))

    def grid(self) -> list[Value]:
        """Values all over the dimension: every choice, every number of a few, else a dozen."""
        if self.kind == "choice":
            return list(self.choices)
        if self.kind == "whole" and self.high - self.low <= 2 * GRID:
            return [self.value(number) for number in range(int(self.low), int(self.high) + 1)]
        return [self.value(self._at(step / (GRID - 1))) for step in range(GRID)]

    def _at(self, share: float) -> float:
        if self.log:
            return self.low * math.pow(self.high / self.low, share)
        return self.low + (self.high - self.low) * share

    def moves(self) -> list[Value]:
        """A person's usual first moves: other choices, or a moderate step to either side."""
        if self.kind == "choice":
            return [choice for choice in self.choices if repr(choice) != repr(self.literal.value)]
        moves = [self.value(self._step(up=True)), self.value(self._step(up=False))]
        is_rate = plain(self.literal.name) in known.RATES
        return moves[::-1] if is_rate and self.low * 10 > LARGE_RATE else moves

    def _step(self, *, up: bool) -> float:
        """Twice or half on a log scale, a third of the way to the bound on a linear one."""
        here = self.coordinate(self.literal.value)
        assert isinstance(here, int | float)
        if not self.log:
            step = ((self.high if up else self.low) - here) / 3
            if self.kind == "whole" and step:
                step = math.copysign(max(1, round(abs(step))), step)
            return here + step
        if here <= self.low and self.literal.value == 0:
            return math.sqrt(self.low * self.high) if up else self.high / 100
        return here * 2 if up else here / 2


def plain(name: str) -> str:
    """A parameter's name without a pipeline's prefix, in lower case: of ``clf__C`` it is ``c``."""
    return name.rpartition("__")[2].lower() if not name.endswith("__") else name


def dimensions(literals: Sequence[Literal]) -> list[Dimension]:
    """What can be tuned, the usual first moves first; at most `MOST_DIMENSIONS`."""
    seen: Counter[str] = Counter()
    found = []
    for literal in literals:
        place = ".".join(part for part in (literal.where, literal.name) if part)
        key = f"{literal.path}:{place}"
        seen[key] += 1
        one = dimension(literal, key if seen[key] == 1 else f"{key}[{seen[key] - 1}]")
        if one:
            found.append(one)
    found.sort(key=lambda one: one.rank)
    return found[:MOST_DIMENSIONS]


def dimension(literal: Literal, key: str) -> Dimension | None:
    """The values that one literal may take; None when it is not for tuning."""
    name = plain(literal.name)
    if _is_plumbing(literal, name):
        return None
    choices = _choices(literal, name)
    if choices:
        return Dimension(key, literal, "choice", _rank(literal, name), choices=choices)
    if literal.kind not in ("int", "float") or not _is_usual(literal.value):
        return None
    if literal.kind == "int" and not known.REALS.fullmatch(name):
        return _whole(literal, name, key)
    return _real(literal, name, key)


def _is_usual(value: Value) -> bool:
    """Whether a number is of a size that settings have."""
    assert isinstance(value, int | float)
    return value == 0 or SMALLEST <= abs(value) <= LARGEST


def _is_plumbing(literal: Literal, name: str) -> bool:
    if known.IGNORED.fullmatch(name):
        return True
    if literal.role == "keyword":
        return bool(known.IGNORED_CALLS.fullmatch(literal.where.rpartition(".")[2]))
    return literal.role == "local" and _is_incidental(literal, name)


def _is_incidental(literal: Literal, name: str) -> bool:
    """Whether a local variable's value is rather where a computation starts than a setting."""
    if _rank(literal, name) <= len(known.FIRST):
        return False
    if literal.kind == "bool":
        return not known.SWITCHES.fullmatch(name)
    return literal.value in (0, 1, -1)


def _rank(literal: Literal, name: str) -> int:
    if name in known.FIRST:
        return known.FIRST.index(name)
    tables = (known.REALS, known.COUNTS)
    if name in known.FRACTIONS or any(table.fullmatch(name) for table in tables):
        return len(known.FIRST)
    return len(known.FIRST) + (1 if literal.role in ("keyword", "entry") else 2)


def _choices(literal: Literal, name: str) -> tuple[Value, ...]:
    """The values that may stand in for the literal's, its own among them; empty when unknown."""
    call = literal.where.rpartition(".")[2]
    groups = known.CHOICES.get(name, ())
    if (call, name) in known.CHOICES_OF:
        groups = (known.CHOICES_OF[call, name],)
    elif literal.kind == "bool":
        groups = (*groups, (True, False))
    elif name == "max_depth" and literal.value == -1:
        groups = ((-1, 4, 6, 8, 12),)
    for group in groups:
        if repr(literal.value) in map(repr, group):
            return group
    return ()


def _whole(literal: Literal, name: str, key: str) -> Dimension | None:
    assert isinstance(literal.value, int)
    size, rank = abs(literal.value), _rank(literal, name)
    sign = -1 if literal.value < 0 else 1
    least = 2 if known.AT_LEAST_TWO.fullmatch(name) else 1
    if literal.value == -1:  # mostly stands for "none" or "the last"
        return None
    if size == 0:
        return Dimension(key, literal, "whole", rank, 0, 3)
    if size >= SMALL or known.COUNTS.fullmatch(name):
        low, high = max(least, size // 4), max(size * 4, least)
        return Dimension(key, literal, "whole", rank, low, high, log=True, sign=sign)
    low, high = max(least, size // 2), max(2 * size + 1, least)
    return Dimension(key, literal, "whole", rank, low, high, sign=sign)


def _real(literal: Literal, name: str, key: str) -> Dimension:
    assert isinstance(literal.value, int | float)
    low, high, log = _bounds(abs(literal.value), name)
    sign = -1 if literal.value < 0 else 1
    digits = _digits(abs(literal.value))
    return Dimension(
        key, literal, "real", _rank(literal, name), low, high, log, sign=sign, digits=digits
    )


def _bounds(size: float, name: str) -> tuple[float, float, bool]:
    """The lowest and highest magnitude, and whether between them factors count."""
    if name in known.FRACTIONS and size <= 1:
        low, high = known.FRACTIONS[name]
        return min(low, size), max(high, size), False
    if size == 0:
        return (1e-8, 1.0, True) if known.PENALTIES.fullmatch(name) else (0.0, 1.0, False)
    if 0.9 < size < 1:  # decays and the like: what counts is the distance to 1
        return max(0.0, 1 - 5 * (1 - size)), 1 - (1 - size) / 5, False
    high = size * 10
    if name in known.RATES and size <= 1:
        high = min(high, 1.0)
    return size / 10, high, True


def _digits(size: float) -> int:
    return 2 - math.floor(math.log10(1 - size)) if 0.9 < size < 1 else 3
