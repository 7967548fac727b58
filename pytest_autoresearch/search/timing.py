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
    """Wall seconds that the next experiment's first pass will probably take; 0: nobody knows."""
    for record in records:
        if record.status is Status.BASELINE and record.passes:
            return record.seconds / len(record.passes)
    return 0.0


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
