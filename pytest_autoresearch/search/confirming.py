"""Confirmations: what a win has to pass beside the objective's race before it is committed.

A stage is another frozen test (more data, longer, larger) in which the champion is measured, too. A winner
has already shown that it leads, so that a stage only asks whether the lead holds there; of a tie, whether it
is not much worse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from ..records import Direction, Objective, Part, Pass, Record, Status
from .keep import Plan, Rule, Step
from .noise import LAST_DIGITS, Reference, reference
from .race import ratio
from .walk import Walk

HOLDS = 0.5
"""Standard errors by which a winner has to lead in a stage, over its two passes."""

PASSES = 2
"""Passes of a winner in a stage."""


class Stage:
    """One stage of a run, as the run's records stand; ``champion`` is the champion's number."""

    def __init__(
        self, objective: Objective, rule: Rule, records: Sequence[Record], champion: int
    ) -> None:
        self.name = objective.name
        self._direction: Direction = objective.direction
        # Two splits, the first one measured twice: the fewest passes that show the noise.
        self._rule = replace(rule, splits=2, passes=3)
        self._own = [record for record in records if record.stage == self.name]
        self._champion = champion

    def lacking(self) -> tuple[int, ...]:
        """The splits that the champion is still to be measured on, one entry a pass.

        The first one shows what the test walks, and so how many passes there are to be.
        """
        passes = self._passes(self._champion)
        if not passes:
            return (0,)
        kind = next(record.folds for record in self._own if record.folds)
        return self._rule.to_measure(kind, passes)

    def plan(self, seeds: Sequence[int], tie: float | None = None) -> Plan:
        """What a winner has to walk against the champion's scores in this stage.

        For a ``tie`` it is the standard error of a pass in the objective's own race.
        """
        numbers = dict.fromkeys(record.experiment for record in self._own)
        families = [found for number in numbers if (found := self._passes(number))]
        known = reference(self._passes(self._champion), families)
        margin = None if tie is None else max(known.standard_error(known.folds), tie)
        return Confirmation(self._rule, known, self._direction, seeds, margin=margin)

    def seconds(self) -> float:
        """Seconds that a winner will probably take here; 0: nobody knows."""
        timed = [record for record in self._own if record.passes and record.seconds]
        passes = sum(len(record.passes) for record in timed)
        return PASSES * sum(record.seconds for record in timed) / passes if passes else 0.0

    def _passes(self, number: int | None) -> list[Pass]:
        """The whole passes of an experiment's tree, those included that confirmed it."""
        found = [
            one
            for record in self._own
            if record.experiment == number and _counts(record)
            for one in record.passes
        ]
        return [one for one in found if len(one.scores) == len(found[0].scores)]


def _counts(record: Record) -> bool:
    """Whether a record's passes measure its tree: not those of a winner that did not hold."""
    if record.part is Part.EXPERIMENT:
        return record.status in (Status.WON, Status.KEPT)
    return record.status in (Status.MEASURED, Status.INTERRUPTED)


class Confirmation(Walk):
    """The passes of a winner in a stage: it holds when its mean lead is `HOLDS` standard errors.

    To a tie's lead a ``margin`` is added: the noise of a pass there or, if that is larger, in the
    objective's race, as few passes show the one. It stops after the first pass when the
    champion leads there. Where the champion's scores never change, and there is one split, one pass says
    all. Raises ``ValueError`` when a pass has another number of folds than the champion's.
    """

    def __init__(
        self,
        rule: Rule,
        known: Reference,
        direction: Direction,
        seeds: Sequence[int],
        *,
        margin: float | None = None,
    ) -> None:
        self._rule = rule
        super().__init__(known, seeds)
        self._sign = 1.0 if direction == "maximize" else -1.0
        # Without noise a tie is as good up to the last digits, which are added twice: once to lead by.
        self._least = LAST_DIGITS * abs(fmean(known.means[known.splits[0]]))
        self._margin = 0.0 if margin is None else max(margin, 2 * self._least)

    def _order(self) -> Sequence[int]:
        splits = self._reference.splits
        if len(splits) > 1:
            return splits[:PASSES]
        return splits if self._reference.deterministic else splits * PASSES

    def _after_pass(self) -> Step:
        if self._lead() <= self._least:
            return self._stop(f"did not hold in pass {self._at}")
        if self._at < len(self._turns):
            return Step.NEXT_SPLIT
        if self._z() >= HOLDS:
            return self._keep(f"held in {self._at} passes")
        return self._stop(f"not enough after {self._at} passes")

    def _leads(self) -> list[float]:
        means = self._reference.means
        return [
            self._sign * fmean(a - b for a, b in zip(one.scores, means[one.split], strict=False))
            for one in self.passes
        ]

    def _lead(self) -> float:
        """Mean paired lead over the champion, positive when better, with a tie's margin."""
        return fmean(self._leads()) + self._margin

    def _z(self) -> float:
        alone = len(self._reference.splits) == 1
        stays = self._rule.persistent_alone if alone else self._rule.persistent
        error = self._reference.standard_error(self._reference.folds)
        error *= math.sqrt(stays + (1 - stays) / max(1, self._at))
        return ratio(self._lead(), error)
