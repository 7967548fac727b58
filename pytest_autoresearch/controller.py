"""Wires everything while a search is on: the run loop, one new item for each evaluation."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from . import options, selection
from .agents import specs
from .evaluator import SLOT, Reports
from .exceptions import AutoresearchError, HarnessFault, UsageProblem
from .marks import objective as read_objective
from .opening import open_session, root_of
from .options import Settings
from .records import Experiment, Objective, Outcome, Part, Record, Status
from .report import terminal
from .report.junit import JUnit
from .report.live import Live, projected
from .report.markdown import append_step_summary
from .report.progress import status_line
from .report.properties import properties, suite_properties
from .report.status import Words
from .rewording import interrupted, reword, setup_reason, turn_red
from .sandbox.grammar import read_literals
from .search.keep import Rule
from .session import Session
from .signals import term_as_interrupt
from .stall import watched

if TYPE_CHECKING:
    from .agents.protocol import Agent

MOST_FAULTS = 3
"""So many harness faults in a row end the search."""


def register(config: pytest.Config) -> None:
    """Set up a search; wrong options are usage errors."""
    try:
        options.refuse_what_does_not_fit(config)
        controller = Controller(config, options.settings(config))
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None
    manager = config.pluginmanager
    manager.register(controller, "autoresearch-controller")
    manager.register(Words(), "autoresearch-words")
    if config.getoption("collectonly"):
        return
    if config.option.verbose == 0:
        # An experiment takes minutes: it deserves a line, not a dot.
        config.option.verbose = 1
    manager.register(Reports(), "autoresearch-reports")
    manager.register(JUnit(config, controller.suite_properties), "autoresearch-junit")


def offline_agent(config: pytest.Config, spec: str) -> Agent | None:
    """The agents that this version has; another name is somebody else's."""
    typed = config.getoption("autoresearch_agent")
    folder = config.invocation_params.dir if typed else config.rootpath
    return specs.make(spec, rootdir=folder, grammar=read_literals)


class Controller:
    """pytest's hooks during a search; what they decide is decided elsewhere."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.wanted = selection.steer(config, settings.objective)
        hours = settings.hours
        self.deadline = None if hours is None else time.monotonic() + hours * 3600
        self.session: Session | None = None
        self.template: pytest.Function | None = None
        self.plans: list[str] = []
        self.not_found = ""
        self.properties: list[tuple[str, str]] = []
        self.faults = 0

    # Before the loop

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Only now there is a terminal reporter, and capture is still suspended."""
        manager = self.config.pluginmanager
        if not self.config.getoption("collectonly"):
            reporter = manager.get_plugin("terminalreporter")
            manager.register(Live(self.config, reporter, self.state), "autoresearch-live")

    def pytest_report_header(self) -> list[str]:
        return terminal.header(
            self.settings.isolation,
            self.settings.agents,
            hours=self.settings.hours,
            experiments=self.settings.experiments,
        )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        everything = list(items)
        yield
        try:
            found = selection.objectives(everything, items, self.wanted)
            self._selected(found, everything)
        except UsageProblem as problem:
            raise pytest.UsageError(str(problem)) from None
        chosen = [one.item for one in found]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen

    def _selected(self, found: list[selection.Selected], everything: list[pytest.Item]) -> None:
        if not found:
            self.not_found = selection.not_found(self.config.rootpath)
        elif self.config.getoption("collectonly"):
            self.plans = [line for one in found for line in self._plan_only(one)]
        else:
            chosen = selection.only(found)
            selection.refuse_stages(chosen, everything)
            assert isinstance(chosen.item, pytest.Function)
            self.template = chosen.item
            self.session, self.plans = open_session(
                self.config, self.settings, chosen, self.deadline
            )

    def _plan_only(self, selected: selection.Selected) -> list[str]:
        """What `--co` says of an objective; nothing is started."""
        objective = read_objective(selected.item, selected.mark, root_of(self.config))
        return _planned(objective, Rule())

    def pytest_report_collectionfinish(self) -> list[str]:
        return self.plans

    # The loop

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            return None
        if session.config.option.collectonly or self.session is None:
            return None
        session.items.clear()
        session.testscollected = 0
        with term_as_interrupt():
            try:
                self._loop(session, self.session)
            except AutoresearchError as fault:
                self.session.ended = str(fault)
                session.testsfailed += 1
            except KeyboardInterrupt:
                self.session.ended = "interrupted"
                self._interrupted(self.session)
                raise
        session.testscollected = len(session.items)
        return True

    def _loop(self, session: pytest.Session, search: Session) -> None:
        while (experiment := search.next()) is not None:
            item = self._clone(experiment.item)
            session.items.append(item)
            session.testscollected = self._projected(search, len(session.items))
            nextitem = None if self._is_last(experiment) else self._clone("next")
            search.current = experiment
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
            search.current = None
            self._check_faults(search)
            if session.shouldfail:
                search.ended = str(session.shouldfail)
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                search.ended = str(session.shouldstop)
                raise session.Interrupted(session.shouldstop)

    def _clone(self, item: str) -> pytest.Function:
        """A fresh item; ``callobj`` and not ``originalname`` keeps the node id unique (pytest 9.2)."""
        template = self.template
        assert template is not None
        clone: pytest.Function = type(template).from_parent(
            template.parent, name=f"{template.name}[{item}]", callobj=template.obj
        )
        added = [marker for marker in template.own_markers if marker not in clone.own_markers]
        clone.own_markers.extend(added)
        return clone

    def _is_last(self, experiment: Experiment) -> bool:
        """Whether nothing can follow, so that fixtures are torn down with this item."""
        limit = self.settings.experiments
        return bool(limit) and experiment.number == limit and experiment.part is Part.EXPERIMENT

    def _projected(self, search: Session, done: int) -> int:
        """How many items to announce, so that pytest's percentage means something."""
        if self.settings.experiments is not None:
            return done + max(0, self.settings.experiments - search.run.next_number + 1)
        return projected(done, search.share, more=True)

    def _check_faults(self, search: Session) -> None:
        """Raise `HarnessFault` when going on makes no sense."""
        records = search.search.history.records
        failed = [r.status is Status.FAILED and r.part is not Part.EXPERIMENT for r in records[-2:]]
        hopeless = bool(failed) and failed[-1]
        if hopeless and records[-1].part is Part.REFERENCE:
            hopeless = all(failed)
        if hopeless or self.faults >= MOST_FAULTS:
            reason = records[-1].reason if records else "see the failure above"
            raise HarnessFault(f"the search cannot go on: {reason}")

    # One item

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        search = self.session
        if search is None or search.current is None:
            return
        search.phase = "evaluating"
        files = search.project.visible(search.current.tree)
        plan = search.search.plan(search.current)
        slot = search.bench.slot(item, files, plan, search.search.rule.z_keep)
        slot.experiment = search.current

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """What was refused is not evaluated."""
        slot = pyfuncitem.stash.get(SLOT, None)
        refused = slot is not None and slot.experiment is not None and slot.experiment.refused
        return True if refused else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        slot = item.stash.get(SLOT, None)
        if slot is None:
            yield
            return
        with watched(slot.meter):
            yield

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        if self.session is not None:
            self.session.bench.clear(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        """Judge before the session, the terminal and the XML see the report.

        A fault of ours becomes a failed report: raised from here it would end the session.
        """
        search = self.session
        if search is not None and search.current is not None:
            try:
                self._judge(search, search.current, report)
            except Exception as fault:
                self.faults += 1
                turn_red(report, f"{type(fault).__name__}: {fault}")
        if report.when == "teardown":
            # The XML reads an item's properties from its last report.
            report.user_properties = [*report.user_properties, *self.properties]
            self.properties = []
        yield

    def _judge(self, search: Session, experiment: Experiment, report: pytest.TestReport) -> None:
        outcome: Outcome | None = report.__dict__.pop("autoresearch_outcome", None)
        if report.when == "setup" and not report.passed:
            outcome = Outcome(status=Status.FAILED, reason=setup_reason(report))
        if outcome is None:
            return
        search.phase = "judging"
        record = search.search.tell(experiment, outcome)
        self.faults = self.faults + 1 if record.status is Status.FAILED else 0
        search.evaluated += experiment.part is Part.EXPERIMENT
        reword(report, record)
        self.properties = properties(record)
        search.derive()
        self._tell_others(record)

    def _tell_others(self, record: Record) -> None:
        self.config.hook.pytest_autoresearch_experiment_finished(record=record)

    # The end

    def _interrupted(self, search: Session) -> None:
        """Put the evaluation under way on record; the next session makes it first."""
        experiment, search.current = search.current, None
        if experiment is None:
            return
        # A second fault must not hide the interrupt; the journal shows the evaluation as open.
        with contextlib.suppress(AutoresearchError, OSError):
            outcome = Outcome(status=Status.INTERRUPTED, reason="stopped by a signal")
            record = search.search.tell(experiment, outcome)
            for report in interrupted(self._clone(record.item), record):
                self.config.hook.pytest_runtest_logreport(report=report)
            self._tell_others(record)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.session is None:
            return
        summary = self.session.close()
        append_step_summary(summary)
        self.config.hook.pytest_autoresearch_search_finished(summary=summary)
        if session.exitstatus == pytest.ExitCode.OK and self.session.unsatisfied():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        if self.session is not None:
            self.session.bench.close()
            self.session.run.release()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.not_found:
            terminalreporter.write_line(self.not_found, red=True)
        if self.session is None:
            return
        terminal.write_summary(terminalreporter, self.session.summary())
        reason = self.session.unsatisfied()
        if (
            reason
            and not terminalreporter.stats.get("failed")
            and self.session.ended != "interrupted"
        ):
            terminalreporter.write_line(f"exit 1: {reason}", red=True)

    # What others ask

    def suite_properties(self) -> list[tuple[str, str]]:
        """The run's totals for the XML; none before the run is open."""
        return [] if self.session is None else suite_properties(self.session.summary())

    def state(self) -> str:
        """The live line."""
        if self.session is None:
            return "autoresearch: starting"
        return status_line(self.session.progress())


def _planned(objective: Objective, rule: Rule) -> list[str]:
    """The plan of an objective that nothing is known of yet: its budget is the worst case."""
    passes = rule.splits * rule.repeats
    worst = passes * objective.budget / 60
    note = (
        f"calibration takes {passes} passes, {worst:.3g} min at the worst (by the budget); a win takes 2 "
        f"to {rule.splits} passes and up to {passes - 1} more to measure the new champion"
    )
    return terminal.plan(objective, "(none is started)", "autoresearch/NAME", notes=[note])
