"""One thing that can be changed, with the values that it may take."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from .known import names
from .known.knobs import Knob, Times, Value
from .source import Literal, Site
from .writing import round_to

GRID = 12
STEP = 0.12
"""The typical length of a moderate step, as a share of the whole dimension."""
LARGE_RATE = 0.02
"""From here on a learning rate is one of boosting, not of a network."""

Coordinate = float | str
"""Where a value lies on its dimension: the magnitude of a number, the source text of a choice."""


@dataclass(frozen=True)
class Dimension:
    """One literal, or one parameter that could be written, with the values it may take.

    ``kind`` is real, whole or choice. ``low`` and ``high`` bound the magnitude of a number,
    ``sign`` is that of the literal, ``digits`` how many significant ones are written. ``key`` stays
    the same while other parts of the file change, and when an unset parameter is written. ``rank``
    is small for what a person would change first. ``knob`` is what the tables know of it, ``site``
    where it is to be written when it is unset, ``spans`` all places of a class's name.
    """

    key: str
    literal: Literal
    kind: str
    rank: float
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    sign: int = 1
    digits: int = 3
    choices: tuple[Value, ...] = ()
    knob: Knob | None = None
    site: Site | None = None
    spans: Sequence[Sequence[int]] = ()

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

    def changes(self, value: Value) -> bool:
        """Whether `value` is another than the present one."""
        return self.coordinate(value) != self.coordinate(self.literal.value)

    def draw(self, rng: random.Random) -> Value:
        """Any value, evenly over the dimension."""
        if self.kind == "choice":
            return rng.choice(self.choices)
        return self.value(self._at(rng.random()))

    def near(self, rng: random.Random) -> Value:
        """A moderate step from the present value; of choices any other."""
        here = self.coordinate(self.literal.value)
        if not isinstance(here, int | float):
            return rng.choice(self.moves())
        share = self._share(here) + rng.gauss(0, STEP)
        value = self.value(self._at(min(max(share, 0.0), 1.0)))
        if self.kind == "whole" and not self.changes(value):
            return self.value(here + rng.choice((-1, 1)))
        return value

    def _share(self, place: float) -> float:
        """The inverse of `_at`."""
        if self.log:
            return math.log(place / self.low) / math.log(self.high / self.low)
        return (place - self.low) / (self.high - self.low)

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

    def moved(self, how: Value | Times) -> Value | None:
        """The value after a person's first move; None where that leads nowhere new."""
        value: Value | None = None
        here = self.coordinate(self.literal.value)
        if not isinstance(how, Times):
            place = self.coordinate(how)
            value = None if place is None else self.value(place)
        elif isinstance(here, int | float):
            value = self.value(here * how.factor)
        return value if value is not None and self.changes(value) else None

    def moves(self) -> list[Value]:
        """A person's usual first moves: other choices, or a moderate step to either side."""
        if self.kind == "choice":
            return [choice for choice in self.choices if repr(choice) != repr(self.literal.value)]
        moves = [self.value(self._step(up=True)), self.value(self._step(up=False))]
        is_rate = names.plain(self.literal.name) in names.RATES
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
