"""Answers the questions that every report asks of a run's records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..records import Part, Record, Status, Summary
from .text import count, one_line

CAUSES = {
    Status.DISCARD: "not better",
    Status.STOPPED: "stopped early",
    Status.CRASH: "crashed",
    Status.TIMEOUT: "over budget",
    Status.OOM: "out of memory",
    Status.REFUSED: "refused",
    Status.AUDIT: "failed the audit",
    Status.STALE: "stale, the champion had moved",
    Status.WON: "won, not yet confirmed",
    Status.INTERRUPTED: "interrupted",
    Status.FAILED: "harness fault",
}
"""Why an experiment was not kept, in words, the commonest kinds first."""

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
_LEAD = re.compile(r", mean lead \S+$")


@dataclass(frozen=True)
class Reason:
    """Experiments that were not kept for the same reason, numbers in it aside."""

    text: str
    experiments: tuple[int, ...]


def numbered(records: Iterable[Record]) -> list[Record]:
    """The last record of each experiment, by number; re-measurements keep no row of their own."""
    last: dict[int, Record] = {}
    for record in records:
        listed = record.part in (Part.BASELINE, Part.EXPERIMENT) and record.status.tsv
        if listed and record.experiment is not None:
            last[record.experiment] = record
    return [last[number] for number in sorted(last)]


def kept(records: Iterable[Record]) -> list[Record]:
    """The kept experiments, by number."""
    return [record for record in numbered(records) if record.status is Status.KEPT]


def kept_of(summary: Summary) -> str:
    """``11 kept of 150 experiments, 10 of them for being simpler``."""
    ties = sum(bool(record.simpler) for record in kept(summary.records))
    simpler = ""
    if ties:
        simpler = (
            ", for being simpler" if summary.kept == 1 else f", {ties} of them for being simpler"
        )
    return f"{summary.kept} kept of {count(summary.tried, 'experiment')}{simpler}"


def not_kept(records: Iterable[Record]) -> list[Record]:
    """The experiments that were tried and not kept, by number."""
    rows = numbered(records)
    return [row for row in rows if row.part is Part.EXPERIMENT and row.status is not Status.KEPT]


def causes(records: Iterable[Record]) -> list[tuple[str, int]]:
    """How many experiments were not kept, by cause in words."""
    counts = Counter(record.status for record in not_kept(records))
    return [(words, counts[status]) for status, words in CAUSES.items() if counts[status]]


def common_reasons(records: Iterable[Record], most: int = 5) -> list[Reason]:
    """The commonest reasons; where they differ in numbers only, these are shown as ``N``."""
    groups: dict[str, list[Record]] = {}
    for record in not_kept(records):
        reason = _cause(record)
        if reason:
            groups.setdefault(_NUMBER.sub("N", reason), []).append(record)
    ranked = sorted(groups.items(), key=lambda group: len(group[1]), reverse=True)[:most]
    return [Reason(_shared(group), _numbers(group)) for _, group in ranked]


def _cause(record: Record) -> str:
    """What stands behind the figures, and before further ones, where a reason is that of a lost race.

    Behind the name of the test, where a win was lost in another one than the objective.
    """
    reason, test = one_line(record.reason), one_line(rejecting(record))
    _figures, separator, why = reason.partition("; ")
    if not separator or record.status is not Status.DISCARD:
        return reason
    why = _LEAD.sub("", why)
    return f"{test}: {why}" if test else why


def rejecting(record: Record) -> str:
    """The further test in which a win did not hold; empty for what lost in the objective itself."""
    test, separator, rest = record.reason.partition(": ")
    figures = bool(separator) and bool(record.metric) and rest.startswith(f"{record.metric} ")
    return test if figures and record.status is Status.DISCARD else ""


def _shared(group: Sequence[Record]) -> str:
    """A group's reason, with ``N`` for the numbers in which its members differ."""
    texts = [_cause(record) for record in group]
    columns = zip(*(_NUMBER.findall(text) for text in texts), strict=True)
    numbers = iter([column[0] if len(set(column)) == 1 else "N" for column in columns])
    return _NUMBER.sub(lambda _: next(numbers), texts[0])


def closest_miss(summary: Summary) -> Record | None:
    """Of the experiments that looked better and did not win, the one with the largest z."""
    won = {record.experiment for record in summary.confirmations}
    promising = [
        record
        for record in not_kept(summary.records)
        if record.z is not None
        and record.z > 0
        and record.status is not Status.WON
        and record.experiment not in won
        and not rejecting(record)
    ]
    return max(promising, key=lambda record: record.z or 0.0, default=None)


def run_base(records: Iterable[Record]) -> str:
    """The commit that the run started from; empty while no baseline was recorded."""
    found = [record for record in records if record.part is Part.BASELINE]
    return (found[0].base or found[0].commit) if found else ""


def _numbers(records: Sequence[Record]) -> tuple[int, ...]:
    return tuple(record.experiment for record in records if record.experiment is not None)
