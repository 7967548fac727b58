"""The search: ask it what to evaluate next, tell it what came out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Protocol

from ..exceptions import AgentFailed, AutoresearchError, ChangesNothing, HarnessFault, Refused
from ..records import (
    Briefing,
    Experiment,
    Json,
    Objective,
    Outcome,
    Part,
    Pass,
    Proposal,
    Record,
    Status,
    Turn,
    Verdict,
)
from . import constraints
from .keep import Finding, Measurement, Plan, Rule, explained, replayed
from .noise import Reference, reference, residual
from .proposals import admitted
from .race import no_noise, race

MOST_REPEATS = 50
"""So many proposals in a row that repeat earlier trees end the search: the agent is stuck."""
UNTRIED = (Status.REFUSED, Status.FAILED)
"""Ends that say nothing of a tree: it may be proposed again."""
MOST_KILLS = 3
"""So many sessions killed during one experiment put the blame on its patch."""
SAME_CRASH = 3
"""So many different patches in a row with one exception in the frozen test question the test."""


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


class Agent(Protocol):
    """Who proposes patches; the public protocol's two methods."""

    def propose(self, briefing: Briefing) -> Proposal | None: ...
    def told(self, record: Record) -> None: ...


class Project(Protocol):
    """The files that a search is about."""

    def tree_of(self, commit: str) -> str:
        """The git tree of a commit."""
        ...

    def build(self, proposal: Proposal, champion: str, base: str) -> str:
        """The tree of ``champion`` with the proposal applied; raises `Refused`."""
        ...

    def briefing(self, search: Search) -> Briefing:
        """What the agent is told."""
        ...


class Search:
    """One search of one objective.

    ``limit`` is the number of experiments of the run after which `ask` has nothing more; ``seed``
    makes the candidates' seeds, which belong to the judge.
    """

    def __init__(
        self,
        objective: Objective,
        rule: Rule,
        history: History,
        project: Project,
        agent: Agent,
        *,
        agent_name: str,
        isolation: str,
        seed: int,
        limit: int | None = None,
    ) -> None:
        self.objective = objective
        self.rule = rule
        self.history = history
        self.project = project
        self.agent = agent
        self.agent_name = agent_name
        self.isolation = isolation
        self.seed = seed
        self.limit = limit
        self.exhausted = False
        self._close_killed()
        for record in history.records:
            self._tell_agent(record)

    def _close_killed(self) -> None:
        """Experiments that were under way when a session was killed go on record as interrupted.

        One during which it happens again and again is rejected: it would end every session.
        """
        last = {record.item: record for record in self.history.records}
        for experiment in self.history.under_way:
            before = last.get(experiment.item)
            kills = int(before.notes.get("kills", 0) if before else 0) + 1
            verdict = Verdict(Status.INTERRUPTED, "its session was killed")
            if kills >= MOST_KILLS and experiment.part is Part.EXPERIMENT:
                verdict = Verdict(Status.CRASH, f"{kills} sessions were killed while it ran")
            record = self._record(experiment, Outcome(), verdict)
            notes = {**record.notes, "kills": kills}
            self.history.finished(experiment, replace(record, notes=notes))

    # What to evaluate next

    def ask(self) -> Experiment | None:
        """The next evaluation, or ``None`` when the limit is reached or the agent has run out.

        Raises `AgentFailed` when the agent is broken.
        """
        experiment = self._measurement() or self._resumed() or self._proposed()
        if experiment is not None:
            self.history.opened(experiment)
        return experiment

    @property
    def reached_limit(self) -> bool:
        """Whether the run has evaluated as many experiments as it was asked to."""
        return self.limit is not None and self.history.next_number > self.limit

    @property
    def hopeless(self) -> str:
        """Why going on makes no sense: the champion could not be measured. Empty while it does.

        A new champion's references get a second try; a champion that fails where it once succeeded
        shows that the frozen test is broken.
        """
        last = list(self.history.records[-2:])
        failed = [r.status is Status.FAILED and r.part is not Part.EXPERIMENT for r in last]
        if not failed or not failed[-1]:
            measured = bool(last) and last[-1].status is Status.MEASURED
            return self._blind() if measured else ""
        forgiven = last[-1].part is Part.REFERENCE and self._lacking() and not all(failed)
        return "" if forgiven and len(last) > 1 else last[-1].reason

    def _blind(self) -> str:
        """Why no candidate can ever win, when the calibration has shown that."""
        if self.baseline is None or self._lacking():
            return ""
        known = self.reference()
        if known.deterministic and len(known.splits) == 1 and known.folds == 1:
            return no_noise("one fold")
        return ""

    def _lacking(self) -> tuple[int, ...]:
        """The splits that the champion is still to be measured on, one entry a pass."""
        baseline = self.baseline
        if baseline is None:
            return (0,)
        return self.rule.to_measure(baseline.folds, self._passes(self.history.champion_number))

    def plan(self, experiment: Experiment) -> Plan:
        """The passes of an evaluation; a pure function of the journal."""
        if experiment.part is Part.EXPERIMENT:
            seeds = [self._seed(experiment.item, n) for n in range(self.rule.splits)]
            return race(self.rule, self.reference(), self.objective.direction, seeds)
        return Measurement(experiment.turns)

    def _measurement(self) -> Experiment | None:
        """The baseline, its calibration or a new champion's references, as far as they lack."""
        number, commit = self.history.champion_number, self.history.champion
        baseline = self.baseline
        if baseline is None:
            return self._measure("0000", Part.BASELINE, 0, commit, (0,))
        if self.reached_limit and not self.history.pending and number > 0:
            return None
        if splits := self._lacking():
            part = Part.REFERENCE if number else Part.CALIBRATION
            return self._measure(self._again(number, part), part, number, commit, splits)
        if self._suspicious():
            return self._measure(
                self._again(number, Part.REFERENCE), Part.REFERENCE, number, commit, (0,)
            )
        return None

    def _measure(
        self, item: str, part: Part, number: int, commit: str, splits: Sequence[int]
    ) -> Experiment:
        turns = tuple(Turn(split, self._seed(item, n)) for n, split in enumerate(splits))
        return Experiment(item, part, number, commit, self.project.tree_of(commit), turns)

    def _again(self, number: int, part: Part) -> str:
        """An item name for a re-measurement that is not taken yet."""
        name = f"{number:04d}-{part.value}"
        taken = {
            record.item
            for record in self.history.records
            if record.status is not Status.INTERRUPTED
        }
        if name not in taken:
            return name
        return next(f"{name}-{n}" for n in range(2, len(taken) + 3) if f"{name}-{n}" not in taken)

    def _resumed(self) -> Experiment | None:
        """An experiment that was under way when an earlier session ended."""
        for old in self.history.pending:
            if old.part is Part.EXPERIMENT and old.proposal is not None:
                assert old.number is not None
                return self._opened(old.proposal, old.number, old.agent, old.origin)
        return None

    def _proposed(self) -> Experiment | None:
        """A new proposal from the agent."""
        if self.reached_limit or self.exhausted:
            return None
        proposal = self._proposal()
        if proposal is None:
            self.exhausted = True
            return None
        return self._opened(proposal, self.history.next_number, self.agent_name)

    def _proposal(self) -> Proposal | None:
        briefing = self.project.briefing(self)
        try:
            proposal = self.agent.propose(briefing)
        except (AutoresearchError, KeyboardInterrupt):
            raise
        except BaseException as error:
            # sys.exit() and what test frameworks raise to leave a test are an agent's failure, too.
            raise AgentFailed(
                f"agent {self.agent_name} raised {type(error).__name__}: {error}"
            ) from error
        return None if proposal is None else admitted(proposal, self.agent_name)

    def _opened(
        self, proposal: Proposal, number: int, agent: str, origin: tuple[int, ...] = ()
    ) -> Experiment:
        """The experiment for a proposal: a number, or a skip when its tree was tried before."""
        champion = self.history.champion
        refused, repeats, tree = "", "", self.project.tree_of(champion)
        try:
            tree = self.project.build(proposal, champion, self.history.base)
            repeats = self._twin(tree, number)
        except ChangesNothing as error:
            refused, repeats = str(error), self._empty(proposal)
        except Refused as error:
            refused = str(error)
        if repeats and number == self.history.next_number:
            return self._skip(proposal, agent, tree, repeats)
        return Experiment(
            f"{number:04d}",
            Part.EXPERIMENT,
            number,
            champion,
            tree,
            proposal=proposal,
            agent=agent,
            origin=origin,
            refused=refused,
        )

    def _twin(self, tree: str, number: int) -> str:
        """Which experiment evaluated this very tree before, in words; empty when none did."""
        for record in self.history.records:
            evaluated = record.part in (Part.BASELINE, Part.EXPERIMENT)
            if evaluated and record.tree == tree and record.status not in UNTRIED:
                repeated = record.experiment != number
                return f"repeats experiment {record.experiment}" if repeated else ""
        return ""

    def _empty(self, proposal: Proposal) -> str:
        """Why a proposal that changes nothing is not worth a number."""
        if not proposal.patch and not proposal.files:
            return "no proposal: it has neither a patch nor files"
        return f"repeats experiment {self.history.champion_number}"

    def _skip(self, proposal: Proposal, agent: str, tree: str, why: str) -> Experiment:
        return Experiment(
            f"s{self.history.next_skip:04d}",
            Part.SKIPPED,
            None,
            self.history.champion,
            tree,
            proposal=proposal,
            agent=agent,
            refused=why,
        )

    def _suspicious(self) -> bool:
        """Whether the last patches all failed with one exception in the frozen test."""
        last = self.history.records[-SAME_CRASH:]
        return (
            len(last) == SAME_CRASH
            and all(r.status is Status.CRASH and r.part is Part.EXPERIMENT for r in last)
            and len({r.reason for r in last}) == 1
            and all(r.notes.get("in_test") for r in last)
        )

    # What came out

    def tell(self, experiment: Experiment, outcome: Outcome) -> Record:
        """Judge an outcome, write it down, tell the agent; returns the journal's record.

        Raises `AgentFailed`, when the record is written, if the agent raises or only repeats itself.
        """
        verdict = self.judge(experiment, outcome)
        record = self.history.finished(experiment, self._record(experiment, outcome, verdict))
        self._tell_agent(record)
        if self._stuck():
            raise AgentFailed(
                f"agent {self.agent_name} repeated earlier experiments {MOST_REPEATS} times in a row"
            )
        return record

    def _tell_agent(self, record: Record) -> None:
        try:
            self.agent.told(record)
        except AutoresearchError:
            raise
        except Exception as error:
            raise AgentFailed(
                f"agent {self.agent_name} raised {type(error).__name__} when it was told of "
                f"[{record.item}]: {error}"
            ) from error

    def judge(self, experiment: Experiment, outcome: Outcome) -> Verdict:
        """The verdict on an outcome; replays the keep rule over its scores."""
        if experiment.part is Part.SKIPPED:
            return Verdict(Status.SKIPPED, experiment.refused)
        finding = self._finding(experiment, outcome)
        status, reason = self._concluded(experiment, outcome, finding)
        return Verdict(status, reason, finding.score, finding.champion, finding.delta, finding.z)

    def _finding(self, experiment: Experiment, outcome: Outcome) -> Finding:
        if experiment.refused or not outcome.passes:
            return Finding(better=False)
        plan = self.plan(experiment)
        folds = max(len(one.scores) for one in outcome.passes)
        if experiment.part is Part.EXPERIMENT:
            folds = self.reference().folds
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
        text = explained(finding, self.objective.metric, self.rule.z_keep)
        if not finding.better:
            return Status.DISCARD, text
        if not (outcome.complete and outcome.asked):
            return Status.CRASH, "the frozen test did not run to its verdict"
        broken = constraints.first_broken(
            self.objective.constraints, outcome, self._baseline_values()
        )
        return (Status.DISCARD, broken) if broken else (Status.KEPT, text)

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

    def _record(self, experiment: Experiment, outcome: Outcome, verdict: Verdict) -> Record:
        proposal = experiment.proposal or Proposal()
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
            output=outcome.output,
        )

    def _stuck(self) -> bool:
        last = self.history.records[-MOST_REPEATS:]
        return len(last) == MOST_REPEATS and all(r.part is Part.SKIPPED for r in last)

    # What the journal says

    @property
    def baseline(self) -> Record | None:
        """The record of the baseline, once it is good."""
        for record in self.history.records:
            if record.status is Status.BASELINE:
                return record
        return None

    @property
    def kept(self) -> list[Record]:
        """The kept experiments, oldest first."""
        return [record for record in self.history.records if record.status is Status.KEPT]

    @property
    def champion_score(self) -> float | None:
        """The champion's score, as `score_of` gives it."""
        return self.score_of(self.history.champion_number)

    def score_of(self, number: int) -> float | None:
        """Mean score of an experiment's tree on the first split.

        From measurements that played no part in choosing it, as far as there are any; else from the
        pass that made it win.
        """
        passes = [one for one in self._passes(number) if one.split == 0 and one.scores]
        if passes:
            return fmean(fmean(one.scores) for one in passes)
        return next((r.score for r in self.kept if r.experiment == number), None)

    def reference(self) -> Reference:
        """The champion's scores and the noise, as known now. Raises `HarnessFault` before a baseline."""
        passes = self._passes(self.history.champion_number)
        if not passes:
            raise HarnessFault("the champion has not been measured yet")
        families = [self._passes(0), *(self._passes(record.experiment) for record in self.kept)]
        return reference(passes, families, self._residuals())

    def _passes(self, number: int | None) -> list[Pass]:
        """The passes that count as measurements of an experiment's tree.

        The screening pass of a winner never counts: it was selected for being high.
        """
        found: list[Pass] = []
        for record in self.history.records:
            if record.experiment != number:
                continue
            if record.status in (Status.BASELINE, Status.MEASURED):
                found.extend(record.passes)
            elif record.status is Status.KEPT:
                found.extend(record.passes[1:])
        return found

    def _residuals(self) -> list[float]:
        """Fold residuals of all complete first passes against the champion of their time."""
        residuals: list[float] = []
        champion = self._passes(0)
        for record in self.history.records:
            if record.part is Part.EXPERIMENT and record.passes and record.score is not None:
                residuals.extend(_against(champion, record.passes[0]))
            if record.status is Status.KEPT and record.experiment is not None:
                champion = self._passes(record.experiment)
        return residuals

    def _baseline_values(self) -> Mapping[str, float]:
        record = self.baseline
        if record is None:
            return {}
        measured = {name: getattr(record, name) for name in constraints.MEASURED}
        return {**record.log, **{k: v for k, v in measured.items() if v is not None}}

    def _seed(self, item: str, turn: int) -> int:
        """A seed that belongs to the judge: from the run's seed, the item and the pass."""
        digest = hashlib.sha256(f"{self.seed}:{item}:{turn}".encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1


def _against(champion: Sequence[Pass], one: Pass) -> list[float]:
    """The fold residual of a pass against the champion's on the same split, if there is one."""
    measured = [p.scores for p in champion if p.split == one.split]
    if len(one.scores) < 2 or not measured or len(measured[0]) != len(one.scores):
        return []
    means = [fmean(column) for column in zip(*measured, strict=True)]
    return [residual(one.scores, means)]


def expected_seconds(records: Sequence[Record]) -> float:
    """Wall seconds that the next experiment's first pass will probably take."""
    for record in records:
        if record.part is Part.BASELINE and record.passes:
            return record.seconds / len(record.passes)
    return 0.0
