"""What the records of a run say: baseline, champion, its scores, and how much of them is luck."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Protocol

from ..exceptions import HarnessFault
from ..records import Experiment, Json, Part, Pass, Record, Status, concluded
from . import constraints
from .evidence import Evidence
from .keep import Rule
from .noise import Reference

AGAIN = (Part.CALIBRATION, Part.REFERENCE)
"""Further measurements of a tree that has been scored before."""


class History(Protocol):
    """Where finished evaluations go; the run's journal, or a list in a simulation."""

    @property
    def records(self) -> Sequence[Record]: ...
    @property
    def pending(self) -> Sequence[Experiment]: ...
    @property
    def under_way(self) -> Sequence[Experiment]: ...
    @property
    def base(self) -> str: ...
    @property
    def champion(self) -> str: ...
    @property
    def champion_number(self) -> int: ...
    @property
    def next_number(self) -> int: ...
    @property
    def next_skip(self) -> int: ...

    def opened(self, experiment: Experiment) -> None: ...
    def finished(self, experiment: Experiment, record: Record) -> Record: ...


class Standing:
    """How a run stands, read from its records: what is remembered beside them is made anew when they change."""

    def __init__(self, rule: Rule, history: History) -> None:
        self._rule = rule
        self.history = history
        self._read: list[Record] = []
        self._own: list[Record] = []
        self._told: list[Record] = []
        self._evidence = Evidence()

    @property
    def records(self) -> Sequence[Record]:
        """The objective's own records; a win ends as its confirmations did."""
        read = list(self.history.records)
        if read != self._read:
            self._read, self._own = read, concluded(read)
        return self._own

    @property
    def rule(self) -> Rule:
        """The keep rule; with fewer measurements of champions, when they were found to be expensive.

        What was found is written in the baseline's record, so that every session reads the same.
        """
        shrunk = self.note("calibration")
        if shrunk is None:
            return self._rule
        return replace(self._rule, splits=int(shrunk["splits"]), passes=int(shrunk["passes"]))

    def note(self, name: str) -> Json:
        """What was noted of the run when its baseline had been measured; ``None``: nothing."""
        baseline = self.baseline
        return None if baseline is None else baseline.notes.get(name)

    @property
    def baseline(self) -> Record | None:
        """The record of the baseline, once it is good."""
        for record in self.records:
            if record.status is Status.BASELINE:
                return record
        return None

    @property
    def kept(self) -> list[Record]:
        """The kept experiments, oldest first."""
        return [record for record in self.records if record.status is Status.KEPT]

    @property
    def champion_score(self) -> float | None:
        """The champion's score, as `score_of` gives it."""
        return self.score_of(self.history.champion_number)

    def score_of(self, number: int) -> float | None:
        """Mean score of an experiment's tree on the first split.

        From measurements that played no part in choosing it, as far as there are any; else from the
        pass that made it win.
        """
        passes = [one for one in self.passes_of(number) if one.split == 0 and one.scores]
        if passes:
            return fmean(fmean(one.scores) for one in passes)
        return next((r.score for r in self.kept if r.experiment == number), None)

    def reference(self) -> Reference:
        """The champion's scores and the noise, as known now. Raises `HarnessFault` before a baseline."""
        found = self._known()
        if not found.ready:
            raise HarnessFault("the champion has not been measured yet")
        return found.reference()

    def _known(self) -> Evidence:
        """What the records say, see `evidence`; of records that were only added to, it is told the new ones."""
        records = self.records
        if records[: len(self._told)] != self._told:
            self._told, self._evidence = [], Evidence()
        for record in records[len(self._told) :]:
            _tell(self._evidence, record)
            self._told.append(record)
        return self._evidence

    def families(self) -> list[list[Pass]]:
        """The passes of each tree that was measured, the base first, for the noise."""
        return families(self.records)

    def passes_of(self, number: int | None) -> list[Pass]:
        """The passes that count as measurements of an experiment's tree.

        The screening pass of a winner never counts: it was selected for being high.
        """
        return passes_of(self.records, number)

    def residuals(self) -> list[float]:
        """Fold residuals of all complete first passes against the champion of their time."""
        return list(self._known().residuals)

    def baseline_values(self) -> Mapping[str, float]:
        """What the baseline logged and what was measured of it, for constraints relative to it."""
        record = self.baseline
        if record is None:
            return {}
        measured = {name: getattr(record, name) for name in constraints.MEASURED}
        return {**record.log, **{k: v for k, v in measured.items() if v is not None}}

    def lacking(self) -> tuple[int, ...]:
        """The splits that the champion is still to be measured on, one entry a pass."""
        baseline = self.baseline
        if baseline is None:
            return (0,)
        return self.rule.to_measure(baseline.folds, self.passes_of(self.history.champion_number))


def evidence(records: Iterable[Record]) -> Evidence:
    """What the records say of champions and of the noise, put together in their order."""
    found = Evidence()
    for record in records:
        _tell(found, record)
    return found


def references(records: Iterable[Record]) -> dict[int, Reference]:
    """What each kept experiment was raced against, with the noise as it was known then, by its number.

    Without those before which no champion was measured: journals are read that others wrote.
    """
    known, found = Evidence(), {}
    for record in records:
        if record.status is Status.KEPT and record.experiment is not None and known.ready:
            found[record.experiment] = known.reference()
        _tell(known, record)
    return found


def _tell(found: Evidence, record: Record) -> None:
    if _scored(record):
        found.tried(record.passes[0])
    if record.status is Status.KEPT and record.experiment is not None:
        found.kept(record.experiment, record.passes, tie=tied(record))
    elif record.experiment is not None and _measures(record):
        found.measured(record.experiment, record.passes)


def tied(record: Record) -> bool:
    """Whether an experiment was kept for being as good as the champion, and simpler."""
    return record.status is Status.KEPT and bool(record.simpler)


def _scored(record: Record) -> bool:
    """Whether a candidate was raced; one that was interrupted is raced again."""
    return (
        record.part is Part.EXPERIMENT
        and record.status is not Status.INTERRUPTED
        and bool(record.passes)
        and record.score is not None
    )


def _measures(record: Record) -> bool:
    """Whether its passes measure a champion; of one that was interrupted those that are whole do."""
    if record.status is Status.INTERRUPTED:
        return record.part in AGAIN
    return record.status in (Status.BASELINE, Status.MEASURED)


def passes_of(records: Iterable[Record], number: int | None) -> list[Pass]:
    """See `Standing.passes_of`. Of a measurement that was interrupted the whole passes count."""
    found: list[Pass] = []
    for record in records:
        if record.experiment != number:
            continue
        if record.status in (Status.BASELINE, Status.MEASURED):
            found.extend(record.passes)
        elif record.status is Status.KEPT:
            found.extend(record.passes[1:])
        elif found and record.status is Status.INTERRUPTED and record.part in AGAIN:
            found.extend(one for one in record.passes if len(one.scores) == len(found[0].scores))
    return found


def families(records: Iterable[Record]) -> list[list[Pass]]:
    """See `Standing.families`."""
    own = _by_number(records)
    kept = [number for number in own if any(r.status is Status.KEPT for r in own[number])]
    return [passes for number in (0, *kept) if (passes := passes_of(own[number], number))]


def _by_number(records: Iterable[Record]) -> defaultdict[int | None, list[Record]]:
    """The records of each experiment: a long run is walked once, not once for each of them."""
    found: defaultdict[int | None, list[Record]] = defaultdict(list)
    for record in records:
        found[record.experiment].append(record)
    return found
