"""One search session: what is open, how it stands, and the files that say so."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from ..evaluator import Bench
from ..exceptions import AutoresearchError, HarnessFault, Interrupted
from ..frozen import Frozen
from ..frozen.observer import Observer
from ..history.run import Run
from ..options import Settings
from ..project import Project
from ..records import Experiment, Objective, Outcome, Part, Record, Status, Summary
from ..report.progress import Progress, write_status
from ..report.text import count
from ..search.loop import Search
from ..search.timing import expected_seconds
from ..stall import stopped_at
from .derived import tolerated, write_reports, write_table
from .planning import Plan, Times, passes_ahead, said_of_baseline, times_of
from .summing import is_result, summary_of

MOST_FAULTS = 3
"""So many harness faults in a row end the search."""
CHANGED = "the evaluation is not what the run began with"


@dataclass
class Session:
    """Everything that is open while a search is on.

    ``current`` is the evaluation under way, ``ended`` why the session ended, empty while it runs,
    ``fault`` what has to end it once the evaluation under way is reported, ``faults`` how many harness
    faults there were in a row. Evaluations are stopped at ``deadline``, in monotonic seconds; ``closing``
    seconds are reserved behind it. ``news`` are lines to be shown once.
    """

    settings: Settings
    objective: Objective
    project: Project
    run: Run
    search: Search
    bench: Bench
    frozen: Frozen
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

    def __post_init__(self) -> None:
        self.search.thinking = lambda: stopped_at(self.deadline)

    def next(self) -> Experiment | None:
        """The next evaluation, unless time is up or a person asked to stop."""
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
        try:
            experiment = self.search.ask()
        except Interrupted:
            self.ended = f"the {self.settings.hours:g} hours are over"
            return None
        if experiment is None:
            self.ended = self._why_done()
        self.begun = True
        return experiment

    def tell(self, experiment: Experiment, outcome: Outcome) -> Record:
        """Judge an outcome and write it down.

        When the agent fails after that, the record stands and `fault` is set. Raises
        `AutoresearchError` when nothing could be written.
        """
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
        return record

    def check(self) -> None:
        """Raise the fault that ends the search, or `HarnessFault` when going on makes no sense."""
        if self.fault is not None:
            raise self.fault
        hopeless = self.search.hopeless
        if hopeless or self.faults >= MOST_FAULTS:
            raise HarnessFault(f"the search cannot go on: {hopeless or 'see the failure above'}")

    @property
    def _last_seq(self) -> int:
        return self.run.records[-1].seq if self.run.records else -1

    def _why_done(self) -> str:
        if not self.search.exhausted:
            asked = self.settings.experiments
            return f"{count(asked, 'experiment')} done" if asked else "the baseline is measured"
        reason = str(getattr(self.search.agent, "reason", "")) or "it has no more proposals"
        return f"agent {self.search.agent_name} has run out: {reason}"

    def _pause(self) -> None:
        """Wait as long as the evaluation in the work tree is not the one that the search began with."""
        began = time.monotonic()
        while (changed := self.frozen.changed) and self._in_time:
            self.phase = f"paused: {', '.join(changed)} changed, restore it"
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
        plan = Plan(times, passes, left, self.seconds_left, self.closing)
        return plan.line(time.time())

    @property
    def _in_time(self) -> bool:
        """Whether what comes next fits; the baseline is always begun."""
        left = self.seconds_left
        first = not self.begun and self.search.baseline is None
        return left is None or first or left > expected_seconds(self.search.history.records)

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the deadline; ``None`` without one."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    @property
    def share(self) -> float:
        """How much of the hours is spent, 0 to 1; 0 without a deadline."""
        if self.deadline is None:
            return 0.0
        return min(1.0, (time.monotonic() - self.started) / (self.deadline - self.started))

    def close(self) -> Summary:
        """End the session in the journal; write what is derived from it; return how it ended."""
        done = bool(self.settings.experiments) and self.search.reached_limit
        finished = (self.search.exhausted or done) and not self.run.pending
        self.run.close(self.ended or "ended by pytest", finished=finished)
        self.phase = "ended"
        summary = self.summary()
        self.derive()
        write_reports(summary, self.run.warnings)
        return summary

    def unsatisfied(self) -> str:
        """Why a search that ended well still exits with 1; empty when it does not."""
        if self.settings.require_gain and not self.search.kept:
            return "--autoresearch-require-gain: nothing was kept"
        measured_only = self.settings.experiments == 0
        if not self.evaluated and not measured_only and not self.search.exhausted:
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
        )

    def progress(self) -> Progress:
        """How the search stands, in a line."""
        left, current = self.seconds_left, self.current
        return Progress(
            run=self.run.name,
            objective=self.objective.name,
            metric=self.objective.metric,
            experiment=current.item if current else "",
            phase=self.phase,
            kept=len(self.search.kept),
            tried=sum(is_result(record) for record in self.search.history.records),
            baseline=self.search.score_of(0),
            champion=self.search.champion_score,
            started=str(self.run.header["started"]),
            updated=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            hours_left=None if left is None else left / 3600,
        )
