"""Which race a champion's scores call for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..records import Direction
from .keep import Plan, Rule
from .noise import Reference
from .race import ENOUGH, Race, not_simpler
from .steady import BlindRace, SteadyRace


def race(
    rule: Rule,
    reference: Reference,
    direction: Direction,
    seeds: Sequence[int],
    simpler: Callable[[], str | None] = not_simpler,
) -> Plan:
    """The race that fits the champion: whether seeds change its scores, and whether splits do.

    ``seeds`` and ``simpler`` are as in `Race`.
    """
    return _kind(reference)(rule, reference, direction, seeds, simpler)


def _kind(reference: Reference) -> type[Race]:
    if not reference.deterministic:
        return Race
    if len(reference.splits) > 1:
        return SteadyRace
    if reference.folds > 1 and reference.residuals >= ENOUGH:
        return Race
    return BlindRace
