"""What earlier runs of the same evaluation found out: trees that lost, and scores that still hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

from ..records import Part, Pass, Record, Status
from .keep import Rule
from .noise import alike, reference
from .standing import families, passes_of

MOST = 2000
"""So many experiments of earlier runs, the latest ones, are remembered."""
LOST = (Status.DISCARD, Status.STOPPED, Status.CRASH, Status.TIMEOUT, Status.OOM, Status.AUDIT)
"""Ends after which a tree is not evaluated again by a later run."""
AGREEMENT = 2.5
"""Standard errors by which a new baseline may differ from scores that are reused for it."""


@dataclass(frozen=True)
class EarlierRun:
    """An earlier run whose scores are comparable: the same frozen evaluation, budget and limits.

    ``records`` are the last of each item, oldest first. ``same_machine`` says whether it was made on
    such a device, with such packages and in such a tier that its scores may stand for new ones.
    """

    name: str
    rule: Rule
    records: Sequence[Record] = ()
    same_machine: bool = False

    @property
    def experiments(self) -> list[Record]:
        """The experiments proper that came to an end."""
        return [
            record
            for record in self.records
            if record.part is Part.EXPERIMENT and record.status is not Status.INTERRUPTED
        ]

    def measured(self) -> Iterator[Record]:
        """The records of trees that were measured, the latest first."""
        for record in reversed(self.records):
            if record.status in (Status.BASELINE, Status.KEPT):
                yield record


@dataclass(frozen=True)
class Stored:
    """The passes of a tree that an earlier run measured, and the noise that this run saw."""

    run: str
    experiment: int
    folds: str
    passes: Sequence[Pass]
    families: Sequence[Sequence[Pass]] = field(repr=False, default=())

    def disagreement(self, baseline: Record) -> str:
        """Why a new baseline contradicts these scores; empty when they may stand for new ones.

        The mean of the new pass may differ from the mean of n stored ones on its split by `AGREEMENT`
        times ``sqrt(seed variance * (1 + 1/n))``. Where seeds change nothing, every fold has to agree.
        """
        fresh, *_ = baseline.passes
        same = [one for one in self.passes if one.split == fresh.split]
        if baseline.folds != self.folds or not same:
            return "its test walks other folds"
        if any(len(one.scores) != len(fresh.scores) for one in self.passes):
            return f"it has {len(same[0].scores)} folds, this baseline {len(fresh.scores)}"
        known = reference(self.passes, self.families)
        means = known.means[fresh.split]
        if known.deterministic:
            return (
                "" if alike(fresh.scores, means) else "no seed changed its scores, and these differ"
            )
        error = math.sqrt(known.seed_variance * (1 + 1 / len(same)))
        gap = fmean(fresh.scores) - fmean(means)
        if abs(gap) <= AGREEMENT * error:
            return ""
        return f"the baseline is {gap:+.4g} off, {abs(gap) / error:.1f} standard errors"


def _whole_text(tree: str) -> str:
    return tree


class Earlier:
    """The earlier runs of one evaluation, oldest first.

    ``sight`` names what candidate code sees of a tree: equal for trees that differ elsewhere only,
    empty when the tree is gone. ``rule`` is this run's.
    """

    def __init__(
        self,
        runs: Sequence[EarlierRun] = (),
        rule: Rule | None = None,
        sight: Callable[[str], str] = _whole_text,
    ) -> None:
        self.runs = runs
        self._rule = rule or Rule()
        self._sight = sight

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """Finished experiments, oldest first, at most `MOST`."""
        return tuple(record for _, record in self._experiments)

    @cached_property
    def _experiments(self) -> list[tuple[EarlierRun, Record]]:
        found = [(run, record) for run in self.runs for record in run.experiments]
        return found[-MOST:]

    def twin(self, tree: str) -> str:
        """Which earlier experiment evaluated what this tree shows, and lost; empty when none did."""
        if not self._lost:
            return ""
        return self._lost.get(self._sight(tree), "")

    def alike(self, shape: str) -> str:
        """Which earlier experiment had this code up to formatting and comments, and lost; empty when none."""
        return self._lost_shapes.get(shape, "") if shape else ""

    @cached_property
    def _lost_shapes(self) -> dict[str, str]:
        kept = {one.shape for _, one in self._experiments if one.status is Status.KEPT}
        return {
            one.shape: f"repeats experiment {one.experiment} of run {run.name}"
            for run, one in self._experiments
            if one.shape and one.shape not in kept and self._settles(run, one)
        }

    @cached_property
    def _lost(self) -> dict[str, str]:
        lost: dict[str, str] = {}
        kept: set[str] = set()
        for run, record in self._experiments:
            seen = self._sight(record.tree)
            if record.status is Status.KEPT:
                kept.add(seen)
            elif self._settles(run, record):
                lost[seen] = f"repeats experiment {record.experiment} of run {run.name}"
        return {seen: words for seen, words in lost.items() if seen and seen not in kept}

    def _settles(self, run: EarlierRun, record: Record) -> bool:
        """Whether the end that a tree found there would be its end here, too."""
        if record.status in (Status.TIMEOUT, Status.STOPPED) and not run.same_machine:
            return False
        stricter = (
            run.rule.z_keep > self._rule.z_keep or run.rule.min_effect > self._rule.min_effect
        )
        return record.status in LOST and not (record.status is Status.DISCARD and stricter)

    def stored(self, tree: str) -> Stored | None:
        """The most passes that one run measured of what this tree shows, of the latest such run."""
        runs = [run for run in self.runs if run.same_machine]
        if not runs:
            return None
        seen = self._sight(tree)
        found = [stored for run in reversed(runs) if (stored := self._stored_in(run, seen))]
        return max(found, key=lambda stored: len(stored.passes), default=None)

    def _stored_in(self, run: EarlierRun, seen: str) -> Stored | None:
        for record in run.measured():
            if not seen or self._sight(record.tree) != seen:
                continue
            number = record.experiment or 0
            # What was taken over from yet another run is found there.
            own = [r for r in run.records if r.part is Part.EXPERIMENT or "reused" not in r.notes]
            passes = [one for one in passes_of(own, number) if one.scores]
            if passes:
                return Stored(run.name, number, record.folds, passes, families(run.records))
        return None
