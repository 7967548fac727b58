"""One search session: what is open, how it stands, and the files that say so."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ..agents.member import FAILED, Member
from ..agents.protocol import Writes
from ..agents.team import Team
from ..evaluator import Bench
from ..exceptions import AgentFailed, AutoresearchError, CapReached, HarnessFault, Interrupted
from ..frozen import Frozen
from ..frozen.observer import Observer
from ..history.run import Run
from ..notifying import Events
from ..options import Settings
from ..project import Project
from ..records import (
    Draft,
    Experiment,
    Json,
    Objective,
    Outcome,
    Part,
    Proposal,
    Record,
    Status,
    Summary,
)
from ..report.costs import waiting
from ..report.progress import Progress, write_status
from ..report.text import count
from ..search.confirming import PASSES
from ..search.keep import Plan as Measures
from ..search.looking import Vault
from ..search.loop import Search
from ..search.power import said_of_noise
from ..search.timing import expected_seconds
from ..stall import stopped_at
from .derived import tolerated, write_reports, write_table
from .drafts import drafts_in
from .lookout import Lookout, attention, said_of
from .planning import (
    Plan,
    Times,
    duration,
    passes_ahead,
    reserved,
    said_of_baseline,
    times_of,
)
from .summing import is_result, summary_of
from .trial import Trial
from .written import changes, latest, write_up

WRITING = 60.0
"""Seconds that are kept free for an agent's account of the run."""
LEAST_WRITING = 2.0
"""Seconds below which it is not asked for one."""
MOST_FAULTS = 3
"""So many harness faults in a row end the search."""
FACTS = (
    *("run", "objective", "metric", "baseline", "champion", "kept", "tried"),
    *("hours_left", "cost_usd", "tokens", "cap_usd"),
)
"""What every event says of how a search stands."""
CHANGED = "the evaluation is not what the run began with"


@dataclass
class Session:
    """Everything that is open while a search is on.

    ``current`` is the evaluation under way, ``ended`` why the session ended, empty while it runs,
    ``fault`` what has to end it once the evaluation under way is reported, ``faults`` how many harness
    faults there were in a row. Evaluations are stopped at ``deadline``, in monotonic seconds; ``closing``
    seconds are reserved behind it. ``news`` are lines to be shown once. ``searched`` says that no agent is
    asked any more, ``looking`` that the vault is being opened, ``looked`` that it was. ``trial`` looks
    proposals over for the agents, ``capped`` says that they may spend no more; ``hide`` keeps files from
    coding tools, ``tell_person`` passes an event on.
    """

    settings: Settings
    objective: Objective
    project: Project
    run: Run
    search: Search
    bench: Bench
    frozen: Frozen
    team: Team
    deadline: float | None
    closing: float = 0.0
    started: float = field(default_factory=time.monotonic)
    current: Experiment | None = None
    phase: str = ""
    ended: str = ""
    begun: bool = False
    evaluated: int = 0
    fault: AutoresearchError | None = None
    faults: int = 0
    news: list[str] = field(default_factory=list)
    observer: Observer | None = None
    vault: Vault | None = None
    searched: bool = False
    looking: bool = False
    looked: bool = False
    trial: Trial | None = None
    capped: bool = False
    hide: Callable[[Iterable[Path]], None] = lambda paths: None
    tell_person: Callable[[Mapping[str, Json]], None] = lambda event: None
    _protocols: set[str] = field(default_factory=set)
    _thinking: bool = True

    def __post_init__(self) -> None:
        self.lookout = Lookout(
            self.search,
            self.team,
            self.project,
            Events(self.tell_person, self.facts),
            self.settings.experiments,
        )
        self.search.thinking = lambda: stopped_at(self._last_start)
        self.search.opening = lambda experiment: self._keep_protocol(experiment.protocol)
        self.search.look_ahead = self.team.look_ahead

    def staff(self) -> None:
        """Give the agents what an open run has: paper, a purse that is written down, somebody who looks on."""
        office, lines = self.team.office, self.run.journal.lines
        office.transcripts.attach(self.run.folder / "agents", self.run.session)
        office.purse.crossed = self.lookout.events.cost
        office.purse.attach(self.run.note)
        self.team.warn = self._warn
        office.seconds_left = lambda: self.seconds_left
        if self.trial is not None:
            office.trial = self.trial
        self._protocols = {str(one["version"]) for one in lines if one["kind"] == "protocol"}
        self.team.resume(drafts_in(lines))
        self.team.room, self.team.noted = self._room, self._note_draft
        self.lookout.begin()

    def _warn(self, line: str) -> None:
        """Say at once, and in the summary, what a person should know of the agents; for any thread."""
        self.news.append(line)
        self.run.warnings.append(line)

    def _room(self, waiting: int) -> bool:
        """Whether one more proposal could still be tried, beside so many that wait; for any thread."""
        limit = self.settings.experiments
        if limit is not None and self.run.next_number + waiting > limit:
            return False
        left, needed = self.seconds_left, expected_seconds(self.search.records)
        return left is None or left > (waiting + 2) * needed

    def _note_draft(self, draft: Draft) -> None:
        """Write a draft down as soon as it is there: what was paid for survives; for any thread."""
        if isinstance(draft.what, Proposal):
            self._keep_protocol(draft.protocol)
            self.run.note("draft", draft=asdict(draft))

    def next(self) -> Experiment | None:
        """The next evaluation: of the search, and when that is over, of a look into the vault."""
        if not self.searched:
            experiment = self._on_search()
            if experiment is not None:
                return experiment
            self.searched = True
        return self._look()

    def _on_search(self) -> Experiment | None:
        """The search's next evaluation, unless time is up or a person asked to stop."""
        if self.fault is not None:
            return None
        self._pause()
        self.phase = "proposing"
        stop = self.run.folder / "STOP"
        if stop.exists():
            with tolerated("STOP", self.run.warnings):
                stop.unlink()
            self.ended = "a file STOP was found in the run's folder"
            return None
        left = self.seconds_left
        if not self._in_time:
            self.ended = f"the {self.settings.hours:g} hours are over"
            return None
        self.project.seconds_left = left
        self.hide(self.frozen.used)
        self.lookout.look()
        try:
            experiment = self.search.ask()
        except Interrupted:
            self.ended = f"the {self.settings.hours:g} hours are over"
            return None
        except AgentFailed as fault:
            self.fault, self.ended = fault, str(fault)
            return None
        except CapReached as cap:
            self.capped, self.ended = True, f"the cost cap is reached: {cap}"
            return None
        if experiment is None:
            self.ended = self._why_done()
        else:
            self.team.office.transcripts.settle(experiment.draft, experiment.item)
        self.begun = True
        return experiment

    def _keep_protocol(self, version: str) -> None:
        """Write the instructions down that a proposal was made under, if they are new."""
        if version and version not in self._protocols:
            self._protocols.add(version)
            self.run.note("protocol", version=version, text=self.project.protocols.get(version, ""))

    def _look(self) -> Experiment | None:
        """What the vault is still to be shown, if there is time for it."""
        if self.vault is None:
            return None
        needed = self.vault.seconds(expected_seconds(self.search.records))
        left = None if self.deadline is None else self.deadline - time.monotonic()
        too_late = ""
        if left is not None and left < needed and not self.looking:
            too_late = (
                f"no time for a look: it takes about {duration(needed)}, {duration(max(0.0, left))} are "
                f"left; the next session takes it, with --hours {2 * needed / 3600:.2g} or more"
            )
        if not self.looking and self.vault.due:
            self._pause()
        self.looking = True
        return self.vault.ask(too_late)

    def plan(self, experiment: Experiment) -> Measures:
        """The passes that an evaluation has to walk."""
        if experiment.part is Part.VAULT and self.vault is not None:
            return self.vault.plan(experiment)
        return self.search.plan(experiment, self.bench.simpler)

    def tell(self, experiment: Experiment, outcome: Outcome) -> Record:
        """Judge an outcome and write it down.

        When the agent fails after that, the record stands and `fault` is set. Raises
        `AutoresearchError` when nothing could be written.
        """
        if experiment.part is Part.VAULT and self.vault is not None:
            self.looked = True
            return self.vault.tell(experiment, outcome, _now())
        before = self._last_seq
        if self.observer is not None and self.observer.fault is not None:
            # Not the candidate's doing: it is evaluated first once the evaluation is what it was.
            self.fault = self.observer.fault
            outcome = replace(outcome, status=Status.INTERRUPTED, reason=CHANGED)
        try:
            record = self.search.tell(experiment, outcome)
        except AutoresearchError as fault:
            if self._last_seq == before:
                raise
            self.fault = fault
            record = self.run.records[-1]
        self.faults = self.faults + 1 if record.status is Status.FAILED else 0
        self.evaluated += experiment.part is Part.EXPERIMENT
        self._plan_anew(record)
        self.lookout.heard(record)
        return record

    def check(self) -> None:
        """Raise the fault that ends the search, or `HarnessFault` when going on makes no sense.

        An agent that failed only ends the search: what it found is looked at first.
        """
        if isinstance(self.fault, AgentFailed):
            self.ended = str(self.fault)
        elif self.fault is not None:
            raise self.fault
        hopeless = self.search.hopeless
        if hopeless or self.faults >= MOST_FAULTS:
            raise HarnessFault(f"the search cannot go on: {hopeless or 'see the failure above'}")

    def finish(self) -> None:
        """Raise what ended the search, when everything else is done."""
        if self.fault is not None:
            raise self.fault

    @property
    def _last_seq(self) -> int:
        return self.run.records[-1].seq if self.run.records else -1

    def _why_done(self) -> str:
        if not self.search.exhausted:
            asked = self.settings.experiments
            return f"{count(asked, 'experiment')} done" if asked else "the baseline is measured"
        who = f"agent {self.search.agent_name} has"
        if len(self.team.members) > 1:
            who = f"agents {self.search.agent_name} have"
        return f"{who} run out: {self.team.reason or 'there are no more proposals'}"

    def _pause(self) -> None:
        """Wait as long as the evaluation in the work tree is not the one that the search began with."""
        began = time.monotonic()
        while (changed := self.frozen.changed) and self._in_time:
            self.phase = f"paused: {', '.join(changed)} changed, restore it"
            self.lookout.paused(changed)
            self.frozen.wait(changed, began)

    def _plan_anew(self, record: Record) -> None:
        """Say what a baseline has decided of its calibration, and the plan by the times known now."""
        if record.status is Status.BASELINE:
            self.news += said_of_baseline(record.notes)
            source = "the baseline's time"
        elif record.part is Part.CALIBRATION and record.status is Status.MEASURED:
            source = "the calibration's times"
        else:
            return
        if not self.search.lacking() and not self.run.champion_number:
            search = self.search
            self.news += said_of_noise(search.rule, search.reference(), self.objective.metric)
        times = times_of(self.run.records, source)
        if times is not None and (line := self.plan_line(times)):
            self.news.append(line)

    def plan_line(self, times: Times) -> str:
        """What is to be done, in clock times."""
        search, limit = self.search, self.settings.experiments
        if search.baseline is None:
            passes = passes_ahead(search.rule, self.settings.hours, times.one_pass)
        else:
            passes = len(search.lacking())
        left = None if limit is None else max(0, limit - max(0, self.run.next_number - 1))
        plan = Plan(times, passes, left, self.seconds_left, self.closing + self._reserved)
        return plan.line(time.time())

    @property
    def _in_time(self) -> bool:
        """Whether what comes next fits; the baseline is always begun, and a win confirmed to the last."""
        left = self.seconds_left
        if left is None or (not self.begun and self.search.baseline is None):
            return True
        if self.search.confirmation() is not None:
            left += self._reserved
        return left > expected_seconds(self.search.records)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the last experiment has to be over; ``None`` without a deadline."""
        end = self._last_start
        return None if end is None else end - time.monotonic()

    @property
    def _last_start(self) -> float | None:
        """When experiments end: confirmations and the vault come after them."""
        return None if self.deadline is None else self.deadline - self._reserved

    def deadline_of(self, experiment: Experiment) -> float | None:
        """When an evaluation has to end, in monotonic seconds."""
        late = experiment.part is Part.VAULT or (
            bool(experiment.stage) and experiment.part is Part.EXPERIMENT
        )
        return self.deadline if late else self._last_start

    @property
    def _reserved(self) -> float:
        """Seconds that a win's confirmation, a look into the vault and an agent's account take."""
        one_pass = expected_seconds(self.search.records)
        stages = [self.search.stage(one.name) for one in self.search.stages]
        needed = math.fsum(stage.seconds() or PASSES * one_pass for stage in stages)
        if self.vault is not None:
            needed += self.vault.seconds(one_pass)
        if self._writer is not None:
            needed += WRITING
        return reserved(needed, self.settings.hours)

    @property
    def share(self) -> float:
        """How much of the hours is spent, 0 to 1; 0 without a deadline."""
        if self.deadline is None:
            return 0.0
        return min(1.0, (time.monotonic() - self.started) / (self.deadline - self.started))

    def close(self) -> Summary:
        """End the session in the journal; write what is derived from it; return how it ended."""
        self.searched = True
        self._end_thinking()
        done = bool(self.settings.experiments) and self.search.reached_limit
        owing = self.vault is not None and self.vault.owed
        finished = (self.search.exhausted or done) and not self.run.pending and not owing
        self.run.close(self.ended or "ended by pytest", finished=finished)
        self.phase = "ended"
        summary = self.summary()
        self.derive()
        account = latest(self.run.journal.lines)
        patches = changes(self.run.repository, summary.records)
        write_reports(summary, self.run.warnings, account, patches)
        return summary

    def write_up(self) -> None:
        """Have an agent write its account of the run, where one can and something was tried."""
        writer = self._writer
        if writer is None or not self.evaluated:
            return
        self._end_thinking()
        self.phase = "writing the report"
        # The vault is for people only: what agents are told of the run is without it.
        summary = replace(self.summary(), looks=())
        assert isinstance(writer.agent, Writes)
        if self.deadline is not None and self.deadline - time.monotonic() < LEAST_WRITING:
            return
        paper = self.team.office.transcripts
        name = paper.begin()
        try:
            write_up(self.run, summary, writer.agent, writer.name, self.deadline)
        finally:
            paper.settle(name, "report")

    @property
    def _writer(self) -> Member | None:
        able = (one for one in self.team.members if isinstance(one.agent, Writes))
        return next((one for one in able if one.state != FAILED), None)

    def _end_thinking(self) -> None:
        """End what agents do; what they have handed in meanwhile is for the next session."""
        if self._thinking:
            self._thinking = False
            self.team.close()
            if self.trial is not None:
                self.trial.close()

    def unsatisfied(self) -> str:
        """Why a search that ended well still exits with 1; empty when it does not."""
        if self.settings.require_gain and not self.search.kept:
            return "--autoresearch-require-gain: nothing was kept"
        measured_only = self.settings.experiments == 0
        done = self.evaluated or self.looked or self.search.exhausted or self.capped
        if not done and not measured_only:
            return "no patch was evaluated"
        return ""

    def derive(self) -> None:
        """Rewrite the small files that are derived from the journal."""
        write_table(self.summary(), self.run.warnings)
        with tolerated("status.json", self.run.warnings):
            write_status(self.run.folder / "status.json", self.progress())

    def summary(self) -> Summary:
        """How the search stands, whole."""
        return summary_of(
            self.run,
            self.search,
            objective=self.objective.name,
            metric=self.objective.metric,
            direction=self.objective.direction,
            isolation=self.settings.isolation,
            ended=self.ended or "running",
            looks=self.vault.looks if self.vault is not None and self.searched else (),
            spending=self.lookout.spending,
            attention=attention(self.lookout.stuck),
        )

    def facts(self) -> dict[str, Json]:
        """What a person is told with every event."""
        stands = asdict(self.progress())
        return {name: stands[name] for name in FACTS} | {"direction": self.objective.direction}

    def progress(self) -> Progress:
        """How the search stands, in a line."""
        left, current = self.seconds_left, self.current
        found, spent = self.lookout.stuck, self.lookout.spending
        return Progress(
            run=self.run.name,
            objective=self.objective.name,
            metric=self.objective.metric,
            experiment=current.item if current else "",
            phase=self.phase,
            kept=len(self.search.kept),
            tried=sum(is_result(record) for record in self.search.records),
            baseline=self.search.score_of(0),
            champion=self.search.champion_score,
            started=str(self.run.header["started"]),
            updated=_now(),
            hours_left=None if left is None else left / 3600,
            cost_usd=spent.usd,
            tokens=spent.tokens,
            cap_usd=spent.cap_usd,
            projected_usd=self.lookout.projected_usd(None if self.ended else left),
            waiting=waiting(spent, self.search.records),
            needs_person=bool(attention(found)),
            stuck=said_of(found) if found else None,
        )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
