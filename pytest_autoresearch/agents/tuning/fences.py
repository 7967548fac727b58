"""Where single changes made things clearly worse: beyond that the sampler is not followed."""

from __future__ import annotations

import math

from .group import Changes
from .known.knobs import Value

CLEARLY = -1.0
"""Standard errors of a lead at and below which a change is clearly worse."""


class Fences:
    """For each dimension the numbers that were clearly worse alone, on either side of the champion's.

    Most parameters have one best region: what lies further out is worse still. A fence that the
    champion's own value has passed means nothing any more.
    """

    def __init__(self) -> None:
        self._low: dict[str, float] = {}
        self._high: dict[str, float] = {}

    def learn(self, key: str, was: Value, value: Value, z: float | None) -> None:
        """Hears that changing one value alone led to `z`, positive when better."""
        old, new = _number(was), _number(value)
        if z is None or z > CLEARLY or old is None or new is None:
            return
        if new > old:
            self._high[key] = min(self._high.get(key, math.inf), new)
        else:
            self._low[key] = max(self._low.get(key, -math.inf), new)

    def allow(self, changes: Changes, values: Changes) -> bool:
        """Whether no change goes as far as what was clearly worse; `values` are the champion's."""
        return not any(self._beyond(key, values.get(key), value) for key, value in changes.items())

    def _beyond(self, key: str, here: Value, value: Value) -> bool:
        old, new = _number(here), _number(value)
        if old is None or new is None:
            return False
        low, high = self._low.get(key, -math.inf), self._high.get(key, math.inf)
        return (new >= high > old) or (new <= low < old)


def _number(value: Value) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
