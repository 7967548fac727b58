"""The search: ask it what to evaluate next, tell it what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Protocol

from ..exceptions import AgentFailed, AutoresearchError, ChangesNothing, Outdated, Refused
from ..records import (
    SETTLED,
    Analysis,
    Briefing,
    Draft,
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
from .judging import asking
from .keep import Rule
from .measuring import Measuring
from .proposals import admitted
from .shown import shown
from .standing import History

NOTHING = "no proposal: "
MOST_SAID = 300
"""Characters of an agent's own reason for having no proposal, which its description then begins with."""

MOST_REPEATS = 50
"""So many proposals in a row that repeat earlier trees end the search: the agent is stuck."""
UNTRIED = (Status.REFUSED, Status.FAILED)
"""Ends that say nothing of a tree: it may be proposed again."""
MOST_KILLS = 3
"""So many sessions killed during one experiment put the blame on its patch."""
MOST_ANALYSES = 8
"""So many analyses in a row are run; then a proposal is due."""


class Agent(Protocol):
    """Who proposes patches; the public protocol's two methods. A team of agents hands in drafts."""

    def propose(self, briefing: Briefing) -> Draft | Proposal | Analysis | None: ...
    def told(self, record: Record) -> None: ...


class Project(Protocol):
    """The files that a search is about."""

    def tree_of(self, commit: str) -> str:
        """The git tree of a commit."""
        ...

    def build(self, proposal: Proposal, champion: str, base: str) -> str:
        """The tree of ``champion`` with the proposal applied; raises `Refused`."""
        ...

    def rebased(self, proposal: Proposal, made_on: str, champion: str, base: str) -> str:
        """The tree of ``champion`` with a proposal merged that was made on another commit.

        Raises `Outdated` where they conflict, `Refused` as `build` does.
        """
        ...

    def briefing(self, search: Search) -> Briefing:
        """What the agent is told."""
        ...


class Search(Measuring):
    """One search of one objective.

    ``limit`` is the number of experiments of the run after which `ask` has nothing more; ``thinking``
    is entered while the agent proposes; ``certify`` makes the champion record of an experiment that is
    about to be kept; ``preflight`` says of a tree what keeps it from being evaluated, and its shape;
    ``opening`` is told what is about to be written down as begun;
    ``look_ahead`` is called when an evaluation is about to begin, so that agents can think meanwhile.
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
        self.preflight: Callable[[str], tuple[str, str]] = lambda tree: ("", "")
        self.opening: Callable[[Experiment], None] = lambda experiment: None
        self.look_ahead: Callable[[Callable[[], Briefing]], None] = lambda briefing: None
        self.exhausted = False
        self._unanalysable = False
        self._baseline_shape: str | None = None
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
            self.opening(experiment)
            self.history.opened(experiment)
            # Who has asked for a look at the data waits for what it shows.
            if self.baseline is not None and experiment.analysis is None:
                self.look_ahead(lambda: self._briefing_beside(experiment))
        return experiment

    def _briefing_beside(self, experiment: Experiment) -> Briefing:
        """What agents are told while something is evaluated: they know of a proposal under way."""
        briefing = self.project.briefing(self)
        proposal = experiment.proposal
        return replace(briefing, under_way=(proposal,)) if proposal is not None else briefing

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
                draft = Draft(
                    old.proposal,
                    old.agent,
                    old.made_on or old.base,
                    old.effort,
                    name=old.draft,
                    protocol=old.protocol,
                )
                return self._opened(draft, old.number, old.origin)
        return None

    def _proposed(self) -> Experiment | None:
        """A new proposal from the agent, or an analysis that it asks for."""
        if self.reached_limit or self.exhausted:
            return None
        draft = self._draft()
        if draft is None:
            self.exhausted = True
            return None
        if isinstance(draft.what, Analysis):
            return self._analysis(draft, draft.what)
        return self._opened(draft, self.history.next_number)

    def _draft(self) -> Draft | None:
        briefing = self.project.briefing(self)
        try:
            with self.thinking():
                found = self.agent.propose(briefing)
        except (AutoresearchError, KeyboardInterrupt):
            raise
        except BaseException as error:
            # sys.exit() and what test frameworks raise to leave a test are an agent's failure, too.
            raise AgentFailed(
                f"agent {self.agent_name} raised {type(error).__name__}: {error}"
            ) from error
        if found is None:
            return None
        draft = (
            found if isinstance(found, Draft) else Draft(found, self.agent_name, briefing.champion)
        )
        return replace(draft, what=admitted(draft.what, draft.agent))

    def _analysis(self, draft: Draft, analysis: Analysis) -> Experiment:
        """The item of an analysis; a skip where there is nothing to look at, or after too many."""
        last = [record.part for record in self.history.records[-MOST_ANALYSES:]]
        why = ""
        if self.objective.analysis is None:
            why = "no analysis: the marker of the test names no fixture for it (analysis=…)"
        elif self._unanalysable:
            why = "no analysis: what it would look at could not be had before in this session"
        elif len(last) == MOST_ANALYSES and set(last) == {Part.ANALYSIS}:
            why = f"{MOST_ANALYSES} analyses in a row: an experiment is due"
        champion = self.history.champion
        tree = self.project.tree_of(champion)
        if why:
            return self._skip(draft, asking(analysis), tree, why)
        item = self._again(self.history.next_number, Part.ANALYSIS)
        return Experiment(
            item,
            Part.ANALYSIS,
            None,
            champion,
            tree,
            agent=draft.agent,
            analysis=analysis,
            **_origin_of(draft),
        )

    def _opened(self, draft: Draft, number: int, origin: tuple[int, ...] = ()) -> Experiment:
        """The experiment for a proposal: a number, or a skip when its tree was tried before."""
        proposal = draft.what
        assert isinstance(proposal, Proposal)
        champion, is_new = self.history.champion, number == self.history.next_number
        refused, repeats, broken, shape = "", "", "", ""
        tree = self.project.tree_of(champion)
        try:
            tree = self._built(draft, proposal)
            repeats = self._twin(tree, number)
            if not repeats and not draft.vetted:
                broken, shape = self.preflight(tree)
                repeats = self._alike(shape, number) if is_new else ""
        except ChangesNothing as error:
            refused, repeats = str(error), self._empty(proposal)
        except Outdated as error:
            refused = repeats = str(error)
        except Refused as error:
            refused = str(error)
        if repeats and is_new:
            return self._skip(draft, proposal, tree, repeats)
        return Experiment(
            f"{number:04d}",
            Part.EXPERIMENT,
            number,
            champion,
            tree,
            proposal=proposal,
            agent=draft.agent,
            origin=origin,
            refused=refused,
            broken=broken,
            shape=shape,
            made_on=draft.made_on if draft.made_on != champion else "",
            **_origin_of(draft),
        )

    def _built(self, draft: Draft, proposal: Proposal) -> str:
        """The tree of the champion with a proposal that may have been made on an earlier one."""
        champion, base = self.history.champion, self.history.base
        if draft.made_on in ("", champion):
            return self.project.build(proposal, champion, base)
        return self.project.rebased(proposal, draft.made_on, champion, base)

    def _alike(self, shape: str, number: int) -> str:
        """Which experiment had this code up to formatting and comments, in words."""
        for record in self.records if shape else ():
            tried = record.status not in UNTRIED and record.experiment != number
            if tried and self._shape(record) == shape:
                return f"repeats experiment {record.experiment}, but for formatting and comments"
        return self.earlier.alike(shape)

    def _shape(self, record: Record) -> str:
        """A record's shape; the baseline's is looked up when it is first asked for."""
        if record.part is not Part.BASELINE or record.shape:
            return record.shape
        if self._baseline_shape is None:
            self._baseline_shape = self.preflight(record.tree)[1]
        return self._baseline_shape

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
            said = " ".join(proposal.description.split())[:MOST_SAID]
            if said.startswith(NOTHING):
                return said
            return "no proposal: it has neither a patch nor files"
        return f"repeats experiment {self.history.champion_number}"

    def _skip(self, draft: Draft, proposal: Proposal, tree: str, why: str) -> Experiment:
        return Experiment(
            f"s{self.history.next_skip:04d}",
            Part.SKIPPED,
            None,
            self.history.champion,
            tree,
            proposal=proposal,
            agent=draft.agent,
            refused=why,
            **_origin_of(draft),
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
        self._unanalysable |= record.part is Part.ANALYSIS and record.status is Status.FAILED
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


def _origin_of(draft: Draft) -> dict[str, Any]:
    """What an item's experiment says of where it comes from and what that took."""
    return {"effort": draft.effort, "protocol": draft.protocol, "draft": draft.name}


def _is_win(record: Record, number: int | None) -> bool:
    """Whether a record is that of a win in the objective itself."""
    return record.experiment == number and not record.stage and record.status is Status.WON


def _ends(record: Record) -> bool:
    """Whether a record of a stage says how an experiment ended."""
    return is_confirmation(record) and record.status in SETTLED - {Status.FAILED}
