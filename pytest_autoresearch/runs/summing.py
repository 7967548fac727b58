"""How a run stands, whole: what hooks, reports and `--autoresearch-show` are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..exceptions import HarnessFault
from ..records import Direction, Effect, Look, Part, Record, Spending, Status, Summary
from ..search.gains import effects, gain
from ..search.noise import by_split
from ..search.standing import Standing

UNCLEAR = (HarnessFault, ValueError, LookupError, ArithmeticError)
"""What statistics raise over records that are too few, or that another version wrote."""


class NamedRun(Protocol):
    """A run that is written to, or only looked at."""

    @property
    def name(self) -> str: ...
    @property
    def branch(self) -> str: ...
    @property
    def folder(self) -> Path: ...
    @property
    def is_finished(self) -> bool: ...
    @property
    def champion(self) -> str: ...


def summary_of(
    run: NamedRun,
    standing: Standing,
    *,
    objective: str,
    metric: str,
    direction: Direction,
    isolation: str,
    ended: str,
    looks: Sequence[Look] = (),
    spending: Spending | None = None,
    attention: str = "",
) -> Summary:
    """The summary of a run as its records stand now; ``looks`` are those into its vault.

    ``spending`` is what its agents cost, ``attention`` why a person has to look.
    """
    records, known = standing.records, measured(standing)
    return Summary(
        run=run.name,
        branch=run.branch,
        objective=objective,
        metric=metric,
        direction=direction,
        isolation=isolation,
        folder=str(run.folder),
        ended=ended,
        finished=run.is_finished,
        records=tuple(records),
        baseline=standing.score_of(0),
        champion=standing.champion_score,
        champion_commit=run.champion,
        kept=len(standing.kept),
        tried=sum(is_result(record) for record in records),
        confirmations=[record for record in standing.history.records if _confirms(record)],
        noise=known.noise,
        gain=known.gain,
        effects=known.effects,
        looks=tuple(looks),
        cost_usd=spending.usd if spending else 0.0,
        spending=spending or Spending(),
        attention=attention,
    )


@dataclass(frozen=True)
class Measured:
    """What is known of a run's noise and gains; nothing, as long as they cannot be told."""

    noise: float | None = None
    gain: Effect | None = None
    effects: Mapping[int, Effect] = field(default_factory=dict)


def measured(standing: Standing) -> Measured:
    """Noise and gains as the records show them, from when the champion has been measured twice."""
    try:
        walks = by_split(standing.passes_of(0)).values()
        if not any(len(group) > 1 for group in walks):
            return Measured()
        known = standing.reference()
        error = known.standard_error(known.folds)
        return Measured(error, gain(standing, known), effects(standing, known))
    except UNCLEAR:
        return Measured()


def _confirms(record: Record) -> bool:
    return bool(record.stage) and record.part is Part.EXPERIMENT


def is_result(record: Record) -> bool:
    """Whether a record is an experiment's that came to an end."""
    return record.part is Part.EXPERIMENT and record.status is not Status.INTERRUPTED
