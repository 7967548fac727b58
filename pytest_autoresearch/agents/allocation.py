"""Which agent is asked next: each in turn at first, then by what it has earned for what it cost."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..records import Direction, Part, Record, Status

FORCED = 5
"""Proposals that each agent makes in turn before any of them is preferred."""
KEEPS, REJECTS = 1.0, 6.0
"""The prior of the keep rate, a beta distribution: about one in seven."""
SHRINK = 2.0
"""So many kept experiments weighs the common mean gain in an agent's own."""
TRIED = frozenset(Status) - {Status.INTERRUPTED, Status.WON, Status.FAILED}


@dataclass(frozen=True)
class Tally:
    """What an agent's proposals came to: ``gain`` is the sum of the kept ones', in the metric's units.

    ``seconds`` are those of evaluation and of waiting for the agent, ``usd`` what it cost.
    """

    tried: int = 0
    kept: int = 0
    gain: float = 0.0
    seconds: float = 0.0
    usd: float = 0.0


def tally(records: Sequence[Record], agent: str) -> Tally:
    """What records say of an agent; skipped proposals and analyses cost, too."""
    own = [record for record in records if record.agent == agent]
    tried = [one for one in own if one.part is Part.EXPERIMENT and one.status in TRIED]
    kept = [one for one in tried if one.status is Status.KEPT]
    return Tally(
        len(tried),
        len(kept),
        sum(_gain(one.delta or 0.0, one.direction) for one in kept),
        sum(one.seconds + (one.waited_seconds or 0.0) for one in own),
        sum(one.cost_usd or 0.0 for one in own),
    )


def chosen(tallies: Mapping[str, Tally], draw: random.Random) -> str:
    """The agent to ask next, of those that are left.

    Each in turn until everyone has `FORCED` tries; then Thompson sampling: a keep rate is drawn from its
    posterior, times the mean gain shrunk to the common one, over the mean cost.
    """
    fewest = min(tallies, key=lambda name: tallies[name].tried)
    if tallies[fewest].tried < FORCED:
        return fewest
    costs = _costs(tallies)
    gains = _gains(tallies)
    values = {
        name: draw.betavariate(KEEPS + one.kept, REJECTS + one.tried - one.kept)
        * gains[name]
        / costs[name]
        for name, one in tallies.items()
    }
    return max(values, key=lambda name: values[name])


def _gain(delta: float, direction: Direction) -> float:
    """A kept simplification may have lost a little: it earned nothing, but owes nothing."""
    return max(0.0, delta if direction == "maximize" else -delta)


def _gains(tallies: Mapping[str, Tally]) -> dict[str, float]:
    """Mean gain of a kept experiment by agent, shrunk to the mean of all; equal while nobody has any."""
    kept = sum(one.kept for one in tallies.values())
    common = sum(one.gain for one in tallies.values()) / kept if kept else 0.0
    if not common:
        return dict.fromkeys(tallies, 1.0)
    return {
        name: (one.gain + SHRINK * common) / (one.kept + SHRINK) for name, one in tallies.items()
    }


def _costs(tallies: Mapping[str, Tally]) -> dict[str, float]:
    """Mean cost of a proposal by agent: its share of the seconds and of the dollars, each of mean 1."""
    seconds = {name: one.seconds / one.tried for name, one in tallies.items()}
    dollars = {name: one.usd / one.tried for name, one in tallies.items()}
    relative = [_relative(seconds), _relative(dollars)]
    return {name: max(1e-3, sum(part[name] for part in relative)) for name in tallies}


def _relative(values: Mapping[str, float]) -> dict[str, float]:
    mean = fmean(values.values())
    return {name: value / mean if mean else 0.0 for name, value in values.items()}
