"""The search: ask it what to evaluate next, tell it what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Protocol

from ..exceptions import AgentFailed, AutoresearchError, ChangesNothing, Refused
from ..records import (
    SETTLED,
    Briefing,
    Experiment,
    Json,
    Objective,
    Outcome,
    Part,
    Proposal,
    Record,
    Status,
    Verdict,
    is_confirmation,
)
from .earlier import Earlier
from .keep import Rule
from .measuring import Measuring
from .proposals import admitted
from .shown import shown
from .standing import History

MOST_REPEATS = 50
"""So many proposals in a row that repeat earlier trees end the search: the agent is stuck."""
UNTRIED = (Status.REFUSED, Status.FAILED)
"""Ends that say nothing of a tree: it may be proposed again."""
MOST_KILLS = 3
"""So many sessions killed during one experiment put the blame on its patch."""


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


class Search(Measuring):
    """One search of one objective.

    ``limit`` is the number of experiments of the run after which `ask` has nothing more; ``thinking``
    is entered while the agent proposes; ``certify`` makes the champion record of an experiment that is
    about to be kept.
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
        earlier: Earlier | None = None,
        hours: float | None = None,
        stages: Sequence[Objective] = (),
    ) -> None:
        super().__init__(
            objective,
            rule,
            history,
            project,
            isolation=isolation,
            seed=seed,
            earlier=earlier or Earlier(),
            hours=hours,
            stages=stages,
        )
        self.project = project
        self.agent = agent
        self.agent_name = agent_name
        self.limit = limit
        self.thinking: Callable[[], AbstractContextManager[None]] = nullcontext
        self.certify: Callable[[Record], Mapping[str, Json] | None] = lambda record: None
        self.exhausted = False
        self._close_killed()
        for record in self.records:
            self._tell_agent(record)

    def _close_killed(self) -> None:
        """Experiments that were under way when a session was killed go on record as interrupted.

        One during which it happens again and again is rejected: it would end every session.
        """
        last = {(record.stage, record.item): record for record in self.history.records}
        for experiment in self.history.under_way:
            before = last.get((experiment.stage, experiment.item))
            kills = int(before.notes.get("kills", 0) if before else 0) + 1
            verdict = Verdict(Status.INTERRUPTED, "its session was killed")
            if kills >= MOST_KILLS and experiment.part is Part.EXPERIMENT:
                verdict = Verdict(Status.CRASH, f"{kills} sessions were killed while it ran")
            record = self.record(experiment, Outcome(), verdict)
            notes = {**record.notes, "kills": kills}
            self.history.finished(experiment, replace(record, notes=notes))

    # What to evaluate next

    def ask(self) -> Experiment | None:
        """The next evaluation, or ``None`` when the limit is reached or the agent has run out.

        Raises `AgentFailed` when the agent is broken.
        """
        self._reuse()
        done = self.reached_limit and not self.history.pending
        experiment = (
            self.measurement(done=done)
            or self.confirmation()
            or self._resumed()
            or self._proposed()
        )
        if experiment is not None:
            self.history.opened(experiment)
        return experiment

    @property
    def reached_limit(self) -> bool:
        """Whether the run has evaluated as many experiments as it was asked to."""
        return self.limit is not None and self.history.next_number > self.limit

    def confirmation(self) -> Experiment | None:
        """The next stage of a win that is not confirmed yet."""
        won = next((record for record in self.records if record.status is Status.WON), None)
        if won is None:
            return None
        own = [record for record in self.history.records if record.experiment == won.experiment]
        passed = {record.stage for record in own if record.status is Status.WON}
        stage = next(one.name for one in self.stages if one.name not in passed)
        opened = next(one for one in self.history.pending if one.number == won.experiment)
        return replace(opened, stage=stage, base=self.history.champion, tree=won.tree)

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
            with self.thinking():
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
        for record in self.records:
            evaluated = record.part in (Part.BASELINE, Part.EXPERIMENT)
            if evaluated and record.tree == tree and record.status not in UNTRIED:
                repeated = record.experiment != number
                return f"repeats experiment {record.experiment}" if repeated else ""
        return self.earlier.twin(tree)

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

    # What came out

    def tell(self, experiment: Experiment, outcome: Outcome) -> Record:
        """Judge an outcome, write it down, tell the agent; returns the journal's record.

        Raises `AgentFailed`, when the record is written, if the agent raises or only repeats itself.
        """
        outcome = self.whole(experiment, outcome)
        verdict = self.judge(experiment, outcome)
        record = self.record(experiment, outcome, verdict)
        if verdict.status is Status.BASELINE:
            record = self.noted(record)
        if verdict.status is Status.KEPT:
            record = replace(record, champion_record=self.certify(self._won(record)))
        record = self.history.finished(experiment, record)
        self._tell_agent(record)
        self._reuse()
        if self._stuck():
            raise AgentFailed(
                f"agent {self.agent_name} repeated earlier experiments {MOST_REPEATS} times in a row"
            )
        return record

    def _reuse(self) -> None:
        reused = self.take_over()
        if reused is not None:
            self._tell_agent(reused)

    def _won(self, record: Record) -> Record:
        """An experiment's record in the objective itself, ended as this one of it has ended."""
        if not record.stage:
            return record
        own = next(one for one in self.history.records if _is_win(one, record.experiment))
        return replace(own, status=record.status, reason=record.reason, commit=record.commit)

    def _tell_agent(self, record: Record) -> None:
        """Tell of what came to its end; of a win once its confirmations have."""
        if record.status is Status.WON or (record.stage and not _ends(record)):
            return
        try:
            self.agent.told(shown(self._won(record)))
        except AutoresearchError:
            raise
        except Exception as error:
            raise AgentFailed(
                f"agent {self.agent_name} raised {type(error).__name__} when it was told of "
                f"[{record.item}]: {error}"
            ) from error

    def _stuck(self) -> bool:
        last = self.history.records[-MOST_REPEATS:]
        return len(last) == MOST_REPEATS and all(r.part is Part.SKIPPED for r in last)


def _is_win(record: Record, number: int | None) -> bool:
    """Whether a record is that of a win in the objective itself."""
    return record.experiment == number and not record.stage and record.status is Status.WON


def _ends(record: Record) -> bool:
    """Whether a record of a stage says how an experiment ended."""
    return is_confirmation(record) and record.status in SETTLED - {Status.FAILED}
