"""The baseline, its calibration and the references of new champions: what is measured when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from ..records import Experiment, Objective, Outcome, Part, Pass, Record, Status, Turn, Verdict
from .calibration import noted
from .confirming import Stage
from .earlier import Earlier
from .judging import Judge
from .keep import Rule
from .race import no_noise
from .standing import AGAIN, History

SAME_CRASH = 3
"""So many different patches in a row with one exception in the frozen test question the test."""


class Trees(Protocol):
    """Where the files of a commit are found."""

    def tree_of(self, commit: str) -> str:
        """The git tree of a commit."""
        ...


class Measuring(Judge):
    """Asks for the measurements of champions, takes them over from ``earlier`` runs where it can.

    ``hours`` is how long the session may take: measurements that would eat too much of it are made
    less often.
    """

    def __init__(
        self,
        objective: Objective,
        rule: Rule,
        history: History,
        trees: Trees,
        *,
        isolation: str,
        seed: int,
        earlier: Earlier,
        hours: float | None,
        stages: Sequence[Objective] = (),
    ) -> None:
        super().__init__(objective, rule, history, isolation=isolation, seed=seed, stages=stages)
        self._trees = trees
        self.earlier = earlier
        self.hours = hours

    def measurement(self, *, done: bool) -> Experiment | None:
        """The baseline, its calibration or a new champion's references, as far as they lack, in all stages.

        ``done`` says that no experiment follows: then a new champion need not be measured.
        """
        number, commit = self.history.champion_number, self.history.champion
        baseline = self.baseline
        if baseline is None:
            return self._measure("0000", Part.BASELINE, 0, commit, (0,))
        if done and number > 0:
            return None
        if splits := self.lacking():
            part = Part.REFERENCE if number else Part.CALIBRATION
            return self._measure(self._again(number, part), part, number, commit, splits)
        if not done and (stage := self._lacking_stage()):
            item = self._again(number, Part.REFERENCE, stage.name)
            splits = stage.lacking()
            return self._measure(item, Part.REFERENCE, number, commit, splits, stage.name)
        if (stage_name := self._suspicious()) is not None:
            item = self._again(number, Part.REFERENCE, stage_name)
            return self._measure(item, Part.REFERENCE, number, commit, (0,), stage_name)
        return None

    def _lacking_stage(self) -> Stage | None:
        """The first stage in which the champion is not measured as often as planned."""
        stages = (self.stage(one.name) for one in self.stages)
        return next((stage for stage in stages if stage.lacking()), None)

    def _measure(
        self,
        item: str,
        part: Part,
        number: int,
        commit: str,
        splits: Sequence[int],
        stage: str = "",
    ) -> Experiment:
        seeds = f"{stage}{item}"
        turns = tuple(Turn(split, self._seed(seeds, n)) for n, split in enumerate(splits))
        tree = self._trees.tree_of(commit)
        return Experiment(item, part, number, commit, tree, turns, stage=stage)

    def _again(self, number: int, part: Part, stage: str = "") -> str:
        """An item name for a re-measurement that is not taken yet."""
        name = f"{number:04d}-{part.value}"
        taken = {
            record.item
            for record in self.history.records
            if record.stage == stage
            and (
                record.status is not Status.INTERRUPTED or (record.part in AGAIN and record.passes)
            )
        }
        if name not in taken:
            return name
        return next(f"{name}-{n}" for n in range(2, len(taken) + 3) if f"{name}-{n}" not in taken)

    def noted(self, baseline: Record) -> Record:
        """A good baseline's record with what it decides of its calibration."""
        stored = self.earlier.stored(baseline.tree)
        notes = noted(self.rule, baseline, stored, self.hours)
        return replace(baseline, notes={**baseline.notes, **notes})

    def take_over(self) -> Record | None:
        """What an earlier run measured of the baseline's tree, as a calibration of this run.

        The passes stand in this run's journal, so that its decisions replay from it alone; ``None``
        when there are none, or they were taken over before.
        """
        note, baseline = self.note("stored"), self.baseline
        if note is None or "differs" in note or baseline is None or self._took_over:
            return None
        stored = self.earlier.stored(baseline.tree)
        passes = _chosen(stored.passes, self.lacking()) if stored is not None else ()
        if stored is None or not passes or self.history.champion_number:
            return None
        item = self._again(0, Part.CALIBRATION)
        experiment = Experiment(item, Part.CALIBRATION, 0, self.history.champion, baseline.tree)
        reason = f"taken over from run {stored.run}, experiment {stored.experiment}"
        outcome = Outcome(passes=passes, folds=baseline.folds, trust=baseline.trust)
        record = self.record(experiment, outcome, Verdict(Status.MEASURED, reason))
        notes = {"reused": {"run": stored.run, "experiment": stored.experiment}}
        return self.history.finished(experiment, replace(record, notes=notes))

    @property
    def _took_over(self) -> bool:
        return any(
            record.part is Part.CALIBRATION and "reused" in record.notes
            for record in self.history.records
        )

    def whole(self, experiment: Experiment, outcome: Outcome) -> Outcome:
        """What is left of a measurement that was stopped: the passes that were walked to their end."""
        if outcome.status is Status.INTERRUPTED and experiment.stage:
            return replace(outcome, passes=_whole(outcome.passes))
        measured = self.passes_of(experiment.number)
        if outcome.status is not Status.INTERRUPTED or experiment.part not in AGAIN or not measured:
            return outcome
        folds = len(measured[0].scores)
        passes = tuple(one for one in outcome.passes if len(one.scores) == folds)
        return replace(outcome, passes=passes)

    @property
    def hopeless(self) -> str:
        """Why going on makes no sense: the champion could not be measured. Empty while it does.

        A new champion's references get a second try; a champion that fails where it once succeeded
        shows that the frozen test is broken.
        """
        last = list(self.history.records[-2:])
        measures = [r.part not in (Part.EXPERIMENT, Part.ANALYSIS) for r in last]
        failed = [
            r.status is Status.FAILED and of_champion
            for r, of_champion in zip(last, measures, strict=True)
        ]
        if not failed or not failed[-1]:
            measured = bool(last) and last[-1].status is Status.MEASURED
            return self._blind() if measured else ""
        lacking = self.lacking() or self._lacking_stage()
        forgiven = last[-1].part is Part.REFERENCE and lacking and not all(failed)
        return "" if forgiven and len(last) > 1 else last[-1].reason

    def _blind(self) -> str:
        """Why no candidate can ever win, when the calibration has shown that."""
        if self.baseline is None or self.lacking():
            return ""
        known = self.reference()
        if known.deterministic and len(known.splits) == 1 and known.folds == 1:
            return no_noise("one fold")
        return ""

    def _suspicious(self) -> str | None:
        """The stage in which the last patches all failed with one exception in the frozen test, if so."""
        ended = [record for record in self.history.records if record.status is not Status.WON]
        last = ended[-SAME_CRASH:]
        alike = (
            len(last) == SAME_CRASH
            and all(r.status is Status.CRASH and r.part is Part.EXPERIMENT for r in last)
            and len({(r.stage, r.reason) for r in last}) == 1
            and all(r.notes.get("in_test") for r in last)
        )
        return last[0].stage if alike else None


def _whole(passes: Sequence[Pass]) -> tuple[Pass, ...]:
    """The passes that another one followed, and the last, where it is as long as they are."""
    *before, last = passes or [Pass(0, 0, ())]
    ended = bool(before) and len(last.scores) == len(before[0].scores)
    return tuple([*before, last] if ended else before)


def _chosen(passes: Sequence[Pass], splits: Sequence[int]) -> tuple[Pass, ...]:
    """One pass for each entry of ``splits``, as far as there are any."""
    left, found = list(passes), []
    for split in splits:
        one = next((one for one in left if one.split == split), None)
        if one is not None:
            left.remove(one)
            found.append(one)
    return tuple(found)
