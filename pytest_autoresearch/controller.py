"""Wires everything while a search is on: the run loop, one new item for each evaluation."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from . import analysing, options, selection
from .agents import specs
from .evaluator import SLOT, Reports
from .exceptions import AutoresearchError, UsageProblem
from .notifying import Notifier
from .options import Settings
from .others import Others
from .records import Experiment, Json, Outcome, Part, Record, Status
from .regression.champion import publish
from .report import terminal
from .report.junit import JUnit
from .report.live import Live, projected
from .report.markdown import append_step_summary
from .report.progress import status_line
from .report.properties import properties, suite_properties
from .report.status import Words
from .rewording import failed_by_others, interrupted, reword, setup_reason, torn_down, turn_red
from .runs.hiring import HIRING
from .runs.opening import open_session, planned
from .runs.session import Session
from .sandbox.grammar import read_literals
from .sandbox.inside.confine import NONE
from .sandbox.lines import Lines
from .sandbox.walls import tiers
from .sandbox.walls.tiers import UNWALLED, Tier
from .search.curves import pace
from .signals import Signals, shielded
from .simplicity import against_champion
from .stall import stopped_at, watched

if TYPE_CHECKING:
    from .agents.protocol import Agent


def register(config: pytest.Config) -> None:
    """Set up a search; wrong options are usage errors."""
    try:
        options.refuse_what_does_not_fit(config)
        settings = options.settings(config)
        tier = UNWALLED if config.getoption("collectonly") else tiers.choose(settings.isolation)
        controller = Controller(config, settings, tier)
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None
    manager = config.pluginmanager
    manager.register(controller, "autoresearch-controller")
    manager.register(Words(), "autoresearch-words")
    if config.getoption("collectonly"):
        return
    if getattr(config.option, "verbose", None) == 0:
        # An experiment takes minutes: it deserves a line, not a dot.
        config.option.verbose = 1
    manager.register(Reports(), "autoresearch-reports")
    manager.register(JUnit(config, controller.suite_properties), "autoresearch-junit")


def own_agent(config: pytest.Config, spec: str) -> Agent | None:
    """The agents that this version has; another name is somebody else's."""
    typed = config.getoption("autoresearch_agent")
    folder = config.invocation_params.dir if typed else config.rootpath
    controller = config.pluginmanager.get_plugin("autoresearch-controller")
    tier = UNWALLED if controller is None else controller.tier
    more = config.stash[HIRING].given if HIRING in config.stash else {}
    return specs.make(spec, rootdir=folder, grammar=partial(read_literals, tier=tier), **more)


class Controller:
    """pytest's hooks during a search; what they decide is decided elsewhere."""

    def __init__(self, config: pytest.Config, settings: Settings, tier: Tier) -> None:
        self.config = config
        self.tier = tier
        self.settings = replace(settings, isolation=tier.name)
        self.wanted = selection.steer(config, settings.objective)
        hours = settings.hours
        self.deadline = None if hours is None else time.monotonic() + hours * 3600
        self.session: Session | None = None
        self.templates: dict[str, pytest.Function] = {}
        self.plans: list[str] = []
        self.not_found = ""
        self.properties: list[tuple[str, str]] = []
        self.failed_because = ""
        self.published = ""
        self.signals = Signals()
        self.lines = Lines(tier)
        self.others = Others(config)
        self.notifier: Notifier | None = None
        if settings.notify and not config.getoption("collectonly"):
            self.notifier = Notifier(settings.notify, config.rootpath)

    # Before the loop

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Only now there is a terminal reporter, and capture is still suspended."""
        manager = self.config.pluginmanager
        if not self.config.getoption("collectonly"):
            reporter = manager.get_plugin("terminalreporter")
            manager.register(Live(self.config, reporter, self.state), "autoresearch-live")

    def pytest_report_header(self) -> list[str]:
        if self.config.getoption("collectonly"):
            return []
        leave = self.settings.allow_untrusted and self.tier.name == NONE
        notes = ["untrusted agents may commit (--autoresearch-allow-untrusted)"] if leave else []
        return terminal.header(
            self.tier.name,
            self.settings.agents,
            hours=self.settings.hours,
            experiments=self.settings.experiments,
            layers=self.tier.layers,
            notes=[*self.tier.lacks, *notes],
        )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        everything = list(items)
        yield
        if _broken(session):
            return
        try:
            found = selection.objectives(everything, items, self.wanted)
            self._selected(found, everything)
        except UsageProblem as problem:
            raise pytest.UsageError(str(problem)) from None
        except AutoresearchError as fault:
            pytest.exit(str(fault), returncode=pytest.ExitCode.TESTS_FAILED)
        chosen = [one.item for one in found]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen

    def _selected(self, found: list[selection.Selected], everything: list[pytest.Item]) -> None:
        if not found:
            self.not_found = selection.not_found(self.config.rootpath)
        elif self.config.getoption("collectonly"):
            self.plans = [
                line
                for one in found
                for line in planned(self.settings, one, selection.stages(one, everything))
            ]
        else:
            chosen = selection.only(found)
            stages = selection.stages(chosen, everything)
            for one in (chosen, *stages.all):
                assert isinstance(one.item, pytest.Function)
                self.templates[selection.stage_of(one)] = one.item
            self.session, self.plans = open_session(
                self.config,
                self.settings,
                chosen,
                stages,
                self.deadline,
                self.tier,
                self._tell_person,
            )

    def _tell_person(self, event: Mapping[str, Json]) -> None:
        if self.notifier is not None:
            self.notifier.tell(event)

    def pytest_report_collectionfinish(self) -> list[str]:
        return self.plans

    # The loop

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if _broken(session) or session.config.option.collectonly or self.session is None:
            return None
        session.items.clear()
        session.testscollected = 0
        self.signals.install()
        try:
            self._loop(session, self.session)
        except AutoresearchError as fault:
            self.session.ended = self.failed_because = str(fault)
            session.testsfailed += 1
        except (KeyboardInterrupt, pytest.exit.Exception) as signal:
            self._interrupted(self.session, signal)
            raise
        finally:
            self.signals.closing = True
        self._tear_down(session)
        # 0 would be exit 5, "no tests": also a search that had no time left was one.
        session.testscollected = max(1, len(session.items))
        return True

    def _loop(self, session: pytest.Session, search: Session) -> None:
        search.lookout.events.started()
        if search.search.baseline is not None:
            self._require_own_imports(search)
        while (experiment := search.next()) is not None:
            item = self._item(experiment)
            session.items.append(item)
            session.testscollected = self._projected(search, len(session.items))
            nextitem = None if self._is_last(experiment) else self._clone("next")
            search.current = experiment
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
            search.current = None
            if self.signals.asked:
                raise KeyboardInterrupt
            search.check()
            if session.shouldfail:
                search.ended = str(session.shouldfail)
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                search.ended = str(session.shouldstop)
                raise session.Interrupted(session.shouldstop)
        search.write_up()
        search.finish()

    def _item(self, experiment: Experiment) -> pytest.Function:
        """The item that evaluates an experiment, or looks at the data for an agent."""
        if experiment.analysis is None or self.session is None:
            return self._clone(experiment.item, experiment.stage)
        fixture, look = self.session.objective.analysis or "", self.session.bench.look
        return self._clone(
            experiment.item, made=partial(analysing.item, fixture=fixture, look=look)
        )

    def _clone(
        self,
        item: str,
        stage: str = "",
        made: Callable[[pytest.Function, str], pytest.Function] | None = None,
    ) -> pytest.Function:
        """A fresh item; ``callobj`` and not ``originalname`` keeps the node id unique (pytest 9.2)."""
        template = self.templates[stage]
        name = f"{template.name}[{item}]"
        clone: pytest.Function = (
            made(template, name)
            if made is not None
            else type(template).from_parent(template.parent, name=name, callobj=template.obj)
        )
        added = [marker for marker in template.own_markers if marker not in clone.own_markers]
        clone.own_markers.extend(added)
        return clone

    def _is_last(self, experiment: Experiment) -> bool:
        """Whether nothing can follow, so that fixtures are torn down with this item."""
        limit, staged = self.settings.experiments, len(self.templates) > 1
        last = bool(limit) and experiment.number == limit and experiment.part is Part.EXPERIMENT
        return last and not staged

    def _projected(self, search: Session, done: int) -> int:
        """How many items to announce, so that pytest's percentage means something."""
        if self.settings.experiments is not None:
            return done + max(0, self.settings.experiments - search.run.next_number + 1)
        return projected(done, search.share, more=True)

    # One item

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        search = self.session
        if search is None or search.current is None:
            return
        search.phase = "evaluating"
        current, judge, bench = search.current, search.search, search.bench
        bench.deadline = search.deadline_of(current)
        if current.analysis is not None:
            visible = search.project.visible(current.tree)
            bench.desk(item, visible, current.analysis).experiment = current
            return
        slot = bench.slot(
            item,
            search.project.visible(current.tree),
            search.plan(current),
            judge.needs(current),
            compared=against_champion(search.project, judge, current, self.lines),
            pace=pace(
                current, judge.records, judge.history.champion_number, judge.objective.direction
            ),
        )
        slot.experiment = current

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self) -> Generator[None, object, object]:
        """Frozen data that is still being built when the hours are over is needed no more."""
        search = self.session
        current = None if search is None else search.current
        with stopped_at(None if search is None or current is None else search.deadline_of(current)):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """What was refused or is broken is not evaluated, nor a baseline that is not the candidate's own code."""
        slot = pyfuncitem.stash.get(SLOT, None)
        if slot is None or slot.experiment is None or self.session is None:
            return None
        if slot.experiment.part is Part.BASELINE:
            self._require_own_imports(self.session)
        return True if slot.experiment.refused or slot.experiment.broken else None

    def _require_own_imports(self, search: Session) -> None:
        """Raise `UsageProblem` when the champion's files import each other from somewhere else."""
        project = search.project
        files = project.visible(project.tree_of(search.run.champion))
        search.bench.require_own_imports(files, project.repository.tracked(project.repository.head))
        if cold := search.bench.cold:
            search.news.append(f"each process imports its libraries itself: {cold}")

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
        record = None
        with shielded():
            try:
                record = self._judge(report)
            except Exception as fault:
                turn_red(report, f"{type(fault).__name__}: {fault}")
                self._note_fault(fault)
            if report.when == "teardown":
                # The XML reads an item's properties from its last report.
                report.user_properties = [*report.user_properties, *self.properties]
                self.properties = []
            yield
            if report.when == "teardown":
                self._show_news()
        if record is not None:
            self._tell_others(record)

    def _tell_others(self, record: Record) -> None:
        """Other plugins may be agents: none is told what the vault says."""
        if record.part is not Part.VAULT:
            self.others.finished(record)

    def _judge(self, report: pytest.TestReport) -> Record | None:
        """The record of an evaluation that this report ends, if it does."""
        outcome: Outcome | None = report.__dict__.pop("autoresearch_outcome", None)
        raised = report.__dict__.pop("autoresearch_raised", False)
        if outcome is not None and outcome.status is None and report.failed and not raised:
            # Some other plugin has failed the test, by soft assertions perhaps.
            outcome = replace(outcome, status=Status.CRASH, reason=failed_by_others(report))
        if report.when == "setup" and not report.passed and outcome is None:
            outcome = Outcome(status=Status.FAILED, reason=setup_reason(report))
        search = self.session
        if search is None or search.current is None or outcome is None:
            return None
        search.phase = "judging"
        record = search.tell(search.current, outcome)
        reword(report, record)
        self.properties = properties(record)
        search.derive()
        return record

    def _note_fault(self, fault: Exception) -> None:
        """Close the evaluation in the journal, or it would come first, and fail, in every session."""
        search = self.session
        if search is None:
            return
        search.faults += 1
        reason = f"{type(fault).__name__}: {fault}"
        with contextlib.suppress(Exception):
            if search.current is not None:
                search.tell(search.current, Outcome(status=Status.FAILED, reason=reason))

    def _show_news(self) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        news = [] if self.session is None else self.session.news
        if reporter is not None and news and self.config.get_verbosity() >= 0:
            reporter.ensure_newline()
            for line in news:
                reporter.write_line(f"autoresearch: {line}")
        news.clear()

    # The end

    def _interrupted(self, search: Session, signal: BaseException) -> None:
        """Put the evaluation under way on record; the next session makes it first."""
        self.signals.closing = True
        by_signal = isinstance(signal, KeyboardInterrupt)
        search.ended = "interrupted" if by_signal else f"pytest.exit: {signal}"
        experiment, search.current = search.current, None
        if experiment is None:
            return
        # A second fault must not hide the interrupt; the journal shows the evaluation as open.
        with contextlib.suppress(AutoresearchError, OSError):
            reason = "stopped by a signal" if by_signal else f"stopped by {search.ended}"
            walked = search.bench.walked
            outcome = Outcome(passes=walked, status=Status.INTERRUPTED, reason=reason)
            record = search.tell(experiment, outcome)
            for report in interrupted(self._clone(record.item, experiment.stage), record):
                self.config.hook.pytest_runtest_logreport(report=report)
            self._tell_others(record)

    def _tear_down(self, session: pytest.Session) -> None:
        """End the frozen fixtures now; at the end of the session an error there would be a crash."""
        if session.items:
            report = torn_down(session)
            if report.failed:
                self.config.hook.pytest_runtest_logreport(report=report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.session is None:
            return
        with shielded():
            try:
                summary = self.session.close()
                append_step_summary(summary)
                self.published = self._published(self.session)
            except (AutoresearchError, OSError) as fault:
                self._fail(session, f"the search could not be closed: {fault}")
                with contextlib.suppress(AutoresearchError, OSError):
                    self.session.lookout.events.ended(self.session.summary())
                return
        self.others.ended(summary)
        self.session.lookout.events.ended(summary)
        if self.session.unsatisfied():
            self._fail(session, self.session.unsatisfied())

    def _published(self, search: Session) -> str:
        """What was written beside the test, by a session that only measures."""
        if self.settings.experiments != 0:
            return ""
        return publish(search.search, search.project, search.run.header)

    def _fail(self, session: pytest.Session, reason: str) -> None:
        """Exit with 1, unless pytest has a reason of its own."""
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            self.failed_because = reason

    def pytest_unconfigure(self) -> None:
        if self.notifier is not None:
            self.notifier.close()
        if self.session is not None:
            self.session.bench.close()
            self.session.run.release()
        self.signals.remove()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.not_found:
            terminalreporter.write_line(self.not_found, red=True)
        if self.session is None:
            return
        terminal.write_summary(terminalreporter, self.session.summary())
        if self.notifier is not None:
            self.notifier.close()
        if self.published:
            terminalreporter.write_line(self.published)
        for line in dict.fromkeys([*self.session.run.warnings, *self._complaints()]):
            terminalreporter.write_line(line, yellow=True)
        if self.failed_because:
            terminalreporter.write_line(f"exit 1: {self.failed_because}", red=True)

    def _complaints(self) -> list[str]:
        """What went wrong where others were told."""
        silent = self.notifier.complaint if self.notifier is not None else ""
        return [*self.others.complaints, *([silent] if silent else [])]

    # What others ask

    def suite_properties(self) -> list[tuple[str, str]]:
        """The run's totals for the XML; none before the run is open."""
        return [] if self.session is None else suite_properties(self.session.summary())

    def state(self) -> str:
        """The live line."""
        if self.session is None:
            return "autoresearch: starting"
        return status_line(self.session.progress())


def _broken(session: pytest.Session) -> bool:
    """Whether collection failed in a way that ends the session."""
    return bool(session.testsfailed) and not session.config.option.continue_on_collection_errors
