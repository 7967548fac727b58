"""What an evaluation has to do, and what is concluded from it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from statistics import fmean

from ..records import (
    Analysis,
    Experiment,
    Json,
    Objective,
    Outcome,
    Part,
    Proposal,
    Record,
    Status,
    Verdict,
)
from . import constraints
from .confirming import HOLDS, Stage
from .keep import Finding, Measurement, Plan, Rule, explained, replayed
from .race import not_simpler
from .racing import race
from .standing import History, Standing

MOST_TURNS = 3
"""The most passes of a candidate that any race asks for."""


class Judge(Standing):
    """Plans and judges the evaluations of one run.

    ``seed`` makes the candidates' seeds, which belong to the judge; ``isolation`` goes on record.
    ``stages`` are the tests that a win has to pass, too, in order.
    """

    def __init__(
        self,
        objective: Objective,
        rule: Rule,
        history: History,
        *,
        isolation: str,
        seed: int,
        stages: Sequence[Objective] = (),
    ) -> None:
        super().__init__(rule, history)
        self.objective = objective
        self.stages = stages
        self.isolation = isolation
        self.seed = seed

    def plan(self, experiment: Experiment, simpler: Callable[[], str | None] = not_simpler) -> Plan:
        """The passes of an evaluation; a pure function of the journal.

        ``simpler`` says in what a candidate is simpler than the champion; see `Race`.
        """
        if experiment.part is Part.EXPERIMENT:
            item = f"{experiment.stage}{experiment.item}"
            seeds = [self._seed(item, n) for n in range(max(self.rule.splits, MOST_TURNS))]
            if experiment.stage:
                return self.stage(experiment.stage).plan(seeds, self._tie(experiment))
            return race(self.rule, self.reference(), self.objective.direction, seeds, simpler)
        return Measurement(experiment.turns)

    def needs(self, experiment: Experiment) -> float:
        """The z that a verdict asks for."""
        return HOLDS if experiment.stage else self.rule.z_keep

    def _tie(self, experiment: Experiment) -> float | None:
        """The noise that a win which is a tie may lie behind; ``None`` for a win by its score."""
        own = (record for record in self.records if record.experiment == experiment.number)
        if not any(record.status is Status.WON and record.simpler for record in own):
            return None
        known = self.reference()
        return known.standard_error(known.folds)

    def stage(self, name: str) -> Stage:
        """A stage as the records stand."""
        objective = next(one for one in self.stages if one.name == name)
        return Stage(objective, self.rule, self.history.records, self.history.champion_number)

    def judge(self, experiment: Experiment, outcome: Outcome) -> Verdict:
        """The verdict on an outcome; replays the keep rule over its scores."""
        if experiment.part is Part.SKIPPED:
            return Verdict(Status.SKIPPED, experiment.refused)
        if experiment.part is Part.ANALYSIS:
            return _looked(outcome)
        finding = self._finding(experiment, outcome)
        status, reason = self._concluded(experiment, outcome, finding)
        return Verdict(status, reason, finding.score, finding.champion, finding.delta, finding.z)

    def _finding(self, experiment: Experiment, outcome: Outcome) -> Finding:
        if experiment.refused or not outcome.passes:
            return Finding(better=False)
        folds = max(len(one.scores) for one in outcome.passes)
        if experiment.part is Part.EXPERIMENT and not experiment.stage:
            folds = len(self.passes_of(self.history.champion_number)[0].scores)
        # Where the first pass was walked to its end, what the race asked within it was open or a yes.
        unsaid = None if len(outcome.passes[0].scores) == folds else ""
        plan = self.plan(experiment, lambda: outcome.simpler or unsaid)
        try:
            return replayed(plan, outcome.passes, folds)
        except (ValueError, KeyError):
            return Finding(better=False, score=fmean(outcome.passes[0].scores))

    def _concluded(
        self, experiment: Experiment, outcome: Outcome, finding: Finding
    ) -> tuple[Status, str]:
        if outcome.status is Status.INTERRUPTED:
            return Status.INTERRUPTED, outcome.reason
        if experiment.part is not Part.EXPERIMENT:
            return self._measured(experiment, outcome)
        if outcome.status is not None:
            return outcome.status, outcome.reason
        text = explained(finding, self.objective.metric, self.needs(experiment))
        if experiment.stage:
            text = f"{experiment.stage}: {text}"
        if not finding.better:
            return Status.DISCARD, text
        if not (outcome.complete and outcome.asked):
            return Status.CRASH, "the frozen test did not run to its verdict"
        if broken := self._broken(experiment, outcome):
            return Status.DISCARD, broken
        last = self.stages[-1].name if self.stages else ""
        return (Status.KEPT if experiment.stage == last else Status.WON), text

    def _broken(self, experiment: Experiment, outcome: Outcome) -> str:
        """The constraint that an evaluation breaks; they are about the objective itself."""
        if experiment.stage:
            return ""
        return constraints.first_broken(self.objective.constraints, outcome, self.baseline_values())

    def _measured(self, experiment: Experiment, outcome: Outcome) -> tuple[Status, str]:
        """The status of a measurement of the champion, which has to succeed."""
        if outcome.status is not None:
            return Status.FAILED, outcome.reason
        if experiment.part is not Part.BASELINE:
            return Status.MEASURED, ""
        missing = constraints.unlogged(self.objective.constraints, outcome)
        if missing:
            return Status.FAILED, (
                f"constraints name {', '.join(missing)}, which the test never logged: "
                f"call experiment.log({missing[0]}=…) or drop the constraint"
            )
        return Status.BASELINE, ""

    def record(self, experiment: Experiment, outcome: Outcome, verdict: Verdict) -> Record:
        proposal = experiment.proposal or asking(experiment.analysis)
        effort = experiment.effort
        proposed = bool(experiment.agent)
        notes: dict[str, Json] = dict(proposal.notes)
        if verdict.status is Status.CRASH and outcome.in_test:
            notes["in_test"] = True
        return Record(
            item=experiment.item,
            part=experiment.part,
            experiment=experiment.number,
            status=verdict.status,
            reason=verdict.reason,
            objective=self.objective.name,
            metric=self.objective.metric,
            direction=self.objective.direction,
            score=verdict.score,
            champion=verdict.champion,
            delta=verdict.delta,
            z=verdict.z,
            passes=outcome.passes,
            folds=outcome.folds,
            tree=experiment.tree,
            base=experiment.base,
            origin=experiment.origin,
            agent=experiment.agent,
            description=proposal.description,
            hypothesis=proposal.hypothesis,
            theme=proposal.theme,
            expected=proposal.expected,
            notes=notes,
            log=outcome.log,
            fit_seconds=outcome.usage.fit_seconds,
            predict_seconds=outcome.usage.predict_seconds,
            seconds=round(outcome.seconds, 3),
            peak_memory_mb=outcome.usage.peak_memory_mb,
            peak_gpu_memory_mb=outcome.usage.peak_gpu_memory_mb,
            isolation=self.isolation,
            trust=outcome.trust,
            unprobed=outcome.unprobed,
            simpler=outcome.simpler,
            curves=outcome.curves,
            output=outcome.output,
            stage=experiment.stage,
            shape=experiment.shape,
            protocol=experiment.protocol,
            lessons=proposal.lessons,
            cost_usd=effort.cost_usd,
            tokens=effort.tokens,
            thinking_seconds=round(effort.seconds, 3) if proposed else None,
            waited_seconds=round(effort.waited, 3) if proposed else None,
        )

    def _seed(self, item: str, turn: int) -> int:
        """A seed that belongs to the judge: from the run's seed, the item and the pass."""
        digest = hashlib.sha256(f"{self.seed}:{item}:{turn}".encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1


def _looked(outcome: Outcome) -> Verdict:
    """An analysis was made, whatever came of it, unless it was stopped or there was nothing to look at."""
    own = outcome.status in (Status.INTERRUPTED, Status.FAILED)
    return Verdict(outcome.status if own and outcome.status else Status.ANALYSIS, outcome.reason)


def asking(analysis: Analysis | None) -> Proposal:
    """The words of an item that proposes nothing: those of an analysis, or none."""
    if analysis is None:
        return Proposal()
    return Proposal(description=analysis.question, notes=analysis.notes, lessons=analysis.lessons)
