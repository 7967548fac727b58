"""One search session: what is open, how it stands, and the files that say so."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .evaluator import Bench
from .history.run import Run
from .options import Settings
from .project import Project
from .records import Experiment, Objective, Part, Summary
from .report.files import write_atomically
from .report.markdown import report_md
from .report.plot import save_progress
from .report.progress import Progress, write_status
from .report.table import results_tsv
from .search.loop import Search, expected_seconds


@dataclass
class Session:
    """Everything that is open while a search is on.

    ``current`` is the evaluation under way, ``ended`` why the session ended, empty while it runs.
    Times are monotonic seconds.
    """

    settings: Settings
    objective: Objective
    project: Project
    run: Run
    search: Search
    bench: Bench
    deadline: float | None
    started: float = field(default_factory=time.monotonic)
    current: Experiment | None = None
    phase: str = ""
    ended: str = ""
    evaluated: int = 0

    def next(self) -> Experiment | None:
        """The next evaluation, unless time is up or a person asked to stop."""
        self.phase = "proposing"
        stop = self.run.folder / "STOP"
        if stop.exists():
            stop.unlink()
            self.ended = "a file STOP was found in the run's folder"
            return None
        left = self.seconds_left
        if left is not None and left <= expected_seconds(self.search.history.records):
            self.ended = f"the {self.settings.hours:g} hours are over"
            return None
        self.project.seconds_left = left
        experiment = self.search.ask()
        if experiment is None:
            self.ended = self._why_done()
        return experiment

    def _why_done(self) -> str:
        if not self.search.exhausted:
            asked = self.settings.experiments
            return f"{asked} experiments done" if asked else "the baseline is measured"
        reason = str(getattr(self.search.agent, "reason", "")) or "it has no more proposals"
        return f"agent {self.search.agent_name} has run out: {reason}"

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
        finished = self.search.exhausted or (
            bool(self.settings.experiments) and self.search.reached_limit
        )
        self.run.close(self.ended or "ended by pytest", finished=finished)
        summary = self.summary()
        self.derive()
        save_progress(summary, self.run.folder / "progress.png")
        write_atomically(self.run.folder / "report.md", report_md(summary))
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
        table = results_tsv(self.run.records, self.objective.metric)
        write_atomically(self.run.folder / "results.tsv", table)
        write_status(self.run.folder / "status.json", self.progress())

    def summary(self) -> Summary:
        """How the search stands, whole."""
        records = self.search.history.records
        return Summary(
            run=self.run.name,
            branch=self.run.branch,
            objective=self.objective.name,
            metric=self.objective.metric,
            direction=self.objective.direction,
            isolation=self.settings.isolation,
            folder=str(self.run.folder),
            ended=self.ended or "running",
            finished=self.run.is_finished,
            records=tuple(records),
            baseline=self.search.score_of(0),
            champion=self.search.champion_score,
            champion_commit=self.run.champion,
            kept=len(self.search.kept),
            tried=len({r.experiment for r in records if r.part is Part.EXPERIMENT}),
        )

    def progress(self) -> Progress:
        """How the search stands, in a line."""
        left = self.seconds_left
        return Progress(
            run=self.run.name,
            objective=self.objective.name,
            metric=self.objective.metric,
            experiment=self.current.item if self.current else "",
            phase=self.phase,
            kept=len(self.search.kept),
            tried=max(0, self.search.history.next_number - 1),
            baseline=self.search.score_of(0),
            champion=self.search.champion_score,
            started=str(self.run.header["started"]),
            updated=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            hours_left=None if left is None else left / 3600,
        )
