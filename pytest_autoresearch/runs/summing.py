"""How a run stands, whole: what hooks, reports and `--autoresearch-show` are given."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..records import Direction, Part, Record, Status, Summary
from ..search.standing import Standing


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
) -> Summary:
    """The summary of a run as its records stand now."""
    records = standing.records
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
        confirmations=[record for record in standing.history.records if record.stage],
    )


def is_result(record: Record) -> bool:
    """Whether a record is an experiment's that came to an end."""
    return record.part is Part.EXPERIMENT and record.status is not Status.INTERRUPTED
