"""How long evaluations take, by what the records say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from statistics import fmean

from ..records import Part, Record, Status

ENOUGH = 5
"""So many experiments show how long one takes, proposing and re-measuring included."""


def expected_seconds(records: Sequence[Record]) -> float:
    """Wall seconds that the next experiment's first pass will probably take; 0: nobody knows.

    The baseline's pass is the first of the run, and warms everything up: those after it count more.
    """
    measured = [r for r in records if r.experiment == 0 and r.passes and r.seconds]
    again = [r for r in measured if r.status is Status.MEASURED]
    known = again or [r for r in measured if r.status is Status.BASELINE]
    passes = sum(len(record.passes) for record in known)
    return sum(record.seconds for record in known) / passes if passes else 0.0


def experiment_seconds(records: Sequence[Record]) -> float:
    """Wall seconds from experiment to experiment, what lies between them included; 0: nobody knows.

    Before there were `ENOUGH`, what one pass takes: on average an experiment costs about as much.
    """
    gaps = list(_gaps(records))
    experiments = sum(record.part is Part.EXPERIMENT for record, _ in gaps)
    if experiments < ENOUGH:
        return expected_seconds(records)
    return fmean(gap for _, gap in gaps) * len(gaps) / experiments


def _gaps(records: Sequence[Record]) -> Iterator[tuple[Record, float]]:
    """What came after calibration, with the seconds since the end of what came before."""
    ended = sorted((record for record in records if record.time), key=lambda record: record.seq)
    for before, record in pairwise(ended):
        after = record.part in (Part.EXPERIMENT, Part.REFERENCE, Part.SKIPPED)
        if after and record.session == before.session:
            yield record, max(0.0, (_moment(record) - _moment(before)).total_seconds())


def _moment(record: Record) -> datetime:
    return datetime.fromisoformat(record.time)
