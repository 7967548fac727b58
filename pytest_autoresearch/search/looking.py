"""When the vault is opened: once at a session's end, for a champion that it has not seen, a few times a run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from ..records import (
    Direction,
    Effect,
    Experiment,
    Json,
    Look,
    Objective,
    Outcome,
    Part,
    Pass,
    Record,
    Status,
    Turn,
    Verdict,
)
from .gains import gain
from .judging import Judge
from .keep import Measurement, Plan
from .vault import SEEDS, look
from .vault import refused as used_up

Entry = dict[str, Json]
OWN_FAILURES = (Status.CRASH, Status.TIMEOUT, Status.OOM, Status.AUDIT)
"""Ends of a look that say something of the champion."""


class Ledger(Protocol):
    """What was seen of the vault so far, kept apart from the journal."""

    @property
    def entries(self) -> Sequence[Entry]: ...
    def add(self, entry: Entry) -> None: ...


class Trees(Protocol):
    """Where the files of a commit are found."""

    def tree_of(self, commit: str) -> str: ...


class Vault:
    """The looks of one run: the baseline once, then a champion a look, by the same splits and seeds.

    Nothing of it goes to the journal or to an agent: an entry of the ledger is all that is kept.
    """

    def __init__(self, objective: Objective, ledger: Ledger, judge: Judge, trees: Trees) -> None:
        self.objective = objective
        self.ledger = ledger
        self._judge = judge
        self._trees = trees
        self._ended = False

    @property
    def due(self) -> bool:
        """Whether the champion is one that the vault has not seen."""
        return look_is_due(self.ledger.entries, self._judge.history.champion_number)

    @property
    def looks(self) -> list[Look]:
        """The looks so far."""
        return looks_in(self.ledger.entries, self.objective.direction)

    def seconds(self, one_pass: float) -> float:
        """Seconds that the next look will take, where a pass of the search takes ``one_pass``."""
        if self._closed:
            return 0.0
        known = self._entry(0)
        return float(known["seconds"]) if known else 2 * SEEDS * one_pass

    def ask(self, too_late: str = "") -> Experiment | None:
        """The next evaluation of a look that is due; ``too_late`` says why there is no time for one."""
        if self._ended or not self.due:
            return None
        history = self._judge.history
        number, commit = history.champion_number, history.champion
        refused = self._closed or too_late
        if not refused and self._entry(0) is None:
            number, commit = 0, history.base
        tree = self._trees.tree_of(commit)
        item = f"{number:04d}"
        self._ended = bool(refused) or number > 0
        return Experiment(
            item,
            Part.VAULT,
            number,
            commit,
            tree,
            self._turns(),
            refused=refused,
            stage=self.objective.name,
        )

    def plan(self, experiment: Experiment) -> Plan:
        """All passes, whole: nothing stops a look early."""
        return Measurement(experiment.turns)

    def tell(self, experiment: Experiment, outcome: Outcome, time: str) -> Record:
        """What came out, as a record for the reports; a good one is an entry of the ledger.

        So is a champion's failure, which is a finding about it; a mistake of the test is none.
        """
        verdict = _verdict(experiment, outcome)
        record = self._judge.record(experiment, outcome, verdict)
        line = self._line(record, time)
        if verdict.status is Status.MEASURED and (why := self._unpaired(line)):
            record = replace(record, status=Status.FAILED, reason=why)
        if record.status is Status.MEASURED:
            self.ledger.add(line)
            return record
        self._ended = True
        if record.status is Status.FAILED and record.experiment and _is_own_failure(outcome):
            self.ledger.add(line | {"passes": [], "failed": record.reason})
        return record

    @property
    def _closed(self) -> str:
        """Why there are no further looks; empty while there are."""
        return used_up(len(champions_in(self.ledger.entries)))

    @property
    def owed(self) -> bool:
        """Whether the champion still has to be shown."""
        return self.due and not self._closed

    def _line(self, record: Record, time: str) -> Entry:
        """A measurement as the ledger keeps it, a champion's with its gain on the search's data."""
        line = _entry(record, time)
        if record.experiment:
            found = gain(self._judge, self._judge.reference()) or Effect(0.0, 0.0)
            line["search"] = {"gain": found.gain, "error": found.error}
        return line

    def _unpaired(self, line: Entry) -> str:
        """Why a measurement says nothing; empty where it does."""
        if not all(one["scores"] for one in line["passes"]) or not line["passes"]:
            return "the vault's test scored nothing: call experiment.score() in a loop over experiment.race()"
        baseline = self._entry(0)
        if not line["experiment"] or baseline is None:
            return ""
        widths = [[len(one["scores"]) for one in entry["passes"]] for entry in (baseline, line)]
        if widths[0] == widths[1]:
            return ""
        return (
            "the vault's test walks other folds than when the baseline was measured: put its data back, or "
            "start a new run"
        )

    def _entry(self, number: int) -> Entry | None:
        return next((one for one in self.ledger.entries if one["experiment"] == number), None)

    def _turns(self) -> tuple[Turn, ...]:
        return tuple(Turn(n, self._seed(n)) for n in range(SEEDS))

    def _seed(self, n: int) -> int:
        """The same seeds for the baseline and every champion: their scores are paired."""
        digest = hashlib.sha256(f"{self._judge.seed}:vault:{n}".encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1


def _is_own_failure(outcome: Outcome) -> bool:
    """Whether it was the champion that failed, not the test."""
    return not outcome.in_test and outcome.status in OWN_FAILURES


def look_is_due(entries: Sequence[Entry], champion: int) -> bool:
    """Whether the champion of this number has not been shown to the vault."""
    return champion > 0 and champion not in [entry["experiment"] for entry in entries]


def champions_in(entries: Sequence[Entry]) -> list[Entry]:
    """The entries of champions, one a look."""
    return [entry for entry in entries if entry["experiment"] > 0]


def looks_in(entries: Sequence[Entry], direction: Direction) -> list[Look]:
    """The looks that a ledger's entries add up to."""
    baseline = next((one for one in entries if one["experiment"] == 0), None)
    if baseline is None:
        return []
    return [
        look(
            passes_in(baseline),
            passes_in(one),
            Effect(**one["search"]),
            direction,
            number=number,
            experiment=one["experiment"],
            commit=one["commit"],
            time=one["time"],
        )
        for number, one in enumerate(champions_in(entries), start=1)
        if "failed" not in one
    ]


def passes_in(entry: Entry) -> tuple[Pass, ...]:
    """The passes of a ledger's entry; without a function of the split all walked the same data."""
    splits = entry["folds"] == "callable"
    return tuple(
        Pass(one["split"] if splits else 0, one["seed"], tuple(one["scores"]))
        for one in entry["passes"]
    )


def _entry(record: Record, time: str) -> Entry:
    passes = [
        {"split": one.split, "seed": one.seed, "scores": list(one.scores)} for one in record.passes
    ]
    return {
        "experiment": record.experiment,
        "commit": record.base,
        "time": time,
        "folds": record.folds,
        "seconds": record.seconds,
        "passes": passes,
    }


def _verdict(experiment: Experiment, outcome: Outcome) -> Verdict:
    if experiment.refused:
        return Verdict(Status.SKIPPED, experiment.refused)
    if outcome.status is not None:
        status = Status.INTERRUPTED if outcome.status is Status.INTERRUPTED else Status.FAILED
        return Verdict(status, outcome.reason)
    scores = [score for one in outcome.passes for score in one.scores]
    return Verdict(Status.MEASURED, score=sum(scores) / len(scores) if scores else None)
