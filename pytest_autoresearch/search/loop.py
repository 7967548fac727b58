"""The search: ask it what to evaluate next, tell it what came out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Protocol

from ..exceptions import AgentFailed, AutoresearchError, ChangesNothing, Refused
from ..records import (
    Briefing,
    Experiment,
    Json,
    Objective,
    Outcome,
    Part,
    Proposal,
    Record,
    Status,
    Turn,
    Verdict,
)
from . import constraints
from .keep import Finding, Measurement, Plan, Rule, explained, replayed
from .proposals import admitted
from .race import no_noise, race
from .standing import History, Standing

MOST_REPEATS = 50
"""So many proposals in a row that repeat earlier trees end the search: the agent is stuck."""
UNTRIED = (Status.REFUSED, Status.FAILED)
"""Ends that say nothing of a tree: it may be proposed again."""
MOST_KILLS = 3
"""So many sessions killed during one experiment put the blame on its patch."""
SAME_CRASH = 3
"""So many different patches in a row with one exception in the frozen test question the test."""


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


class Search(Standing):
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
        super().__init__(rule, history)
        self.objective = objective
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
        forgiven = last[-1].part is Part.REFERENCE and self.lacking() and not all(failed)
        return "" if forgiven and len(last) > 1 else last[-1].reason

    def _blind(self) -> str:
        """Why no candidate can ever win, when the calibration has shown that."""
        if self.baseline is None or self.lacking():
            return ""
        known = self.reference()
        if known.deterministic and len(known.splits) == 1 and known.folds == 1:
            return no_noise("one fold")
        return ""

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
        if splits := self.lacking():
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
            self.objective.constraints, outcome, self.baseline_values()
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

    def _seed(self, item: str, turn: int) -> int:
        """A seed that belongs to the judge: from the run's seed, the item and the pass."""
        digest = hashlib.sha256(f"{self.seed}:{item}:{turn}".encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1


def expected_seconds(records: Sequence[Record]) -> float:
    """Wall seconds that the next experiment's first pass will probably take."""
    for record in records:
        if record.part is Part.BASELINE and record.passes:
            return record.seconds / len(record.passes)
    return 0.0
