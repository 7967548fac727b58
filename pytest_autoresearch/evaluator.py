"""One item from set-up to outcome: the frozen test, run on a candidate's files."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from .analysing import Desk
from .candidate import Candidate
from .datasets import located_limits
from .exceptions import AutoresearchError, HarnessFault, Interrupted, Misuse, UsageProblem
from .marks import marked
from .objective import Evaluation, Recorder, measuring
from .origins import names, require_own
from .records import Analysis, Experiment, Objective, Outcome, Part, Pass, Status, Turn
from .sandbox import Meter, Sandbox, chosen, discard, libraries, materialise
from .sandbox.handing.payload import Payload
from .sandbox.inside.imports import with_home
from .sandbox.preflight import WARM, Finding, Preflight
from .sandbox.walls.tiers import UNWALLED, Tier
from .scratch import Scratch
from .search.curves import Pace
from .search.keep import Plan

SLOT: pytest.StashKey[Slot] = pytest.StashKey()
PREFLIGHT = "preflight: "
"""How the reason of a patch begins that failed before it was evaluated."""
CARRIED = ("numpy", "pandas", "polars", "scipy.sparse")
"""Libraries of arguments: who is handed a frame needs pandas, whatever its own code imports."""


@dataclass
class Slot:
    """What one item evaluates, or looks at: filled at set-up, emptied at teardown."""

    evaluation: Evaluation
    candidate: Candidate
    meter: Meter
    tree: Path
    desk: Desk | None = None
    experiment: Experiment | None = None
    started: float = field(default_factory=time.monotonic)
    ended: bool = False
    broken: BaseException | None = None


class Bench:
    """Where candidates are evaluated: one sandbox for the session, one folder for each candidate.

    ``roots`` are the import roots inside the candidate's tree, ``entry`` the file that holds ``fit``
    and ``predict``, both relative to the repository's root. ``preflights`` says that there will be some:
    what they need is imported once. With ``apart`` there is nothing but preflights, in a thread beside
    the one that evaluates: no candidate gets processes then, whose shared memory both would sweep.
    ``within`` is the folder that its own one lies in: that of another bench, which is swept after a kill.
    """

    def __init__(
        self,
        objective: Objective,
        repository: Path,
        entry: str,
        roots: tuple[str, ...],
        deadline: float | None = None,
        tier: Tier = UNWALLED,
        *,
        preflights: bool = True,
        apart: bool = False,
        within: Path | None = None,
    ) -> None:
        self.objective = objective
        self.tier = tier
        self._preflights = preflights
        self._preflight: Preflight | None = None
        self.repository = repository
        self.entry = entry
        self.roots = roots
        self.deadline = deadline
        self.limits = located_limits(objective)
        if apart:
            self.limits = replace(self.limits, processes=False, exec=False)
        self._chosen = chosen(self.limits.env)
        self._scratch = Scratch(within)
        self.folder = self._scratch.folder
        self._sandbox: Sandbox | None = None
        self._slot: Slot | None = None
        self._budget = objective.budget
        self.handed: Callable[[Turn, str, Payload, bool], None] | None = None
        """Told what candidates are handed, in which turn, and whether the test knew the turn's seed."""

    def sandbox(self, files: Mapping[str, bytes]) -> Sandbox:
        """The session's sandbox, started with the libraries that the files use."""
        if self._sandbox is None:
            self._sandbox = Sandbox(
                self.limits,
                self.folder,
                self._imports(files),
                repository=self.repository,
                tier=self.tier,
            )
            self._sandbox.start()
            self._sandbox.prove()
        return self._sandbox

    @property
    def cold(self) -> str:
        """Why each candidate's process imports its libraries itself; empty where it need not."""
        return self._sandbox.cold if self._sandbox is not None else ""

    def _imports(self, files: Mapping[str, bytes]) -> tuple[str, ...]:
        """What is imported once: what a person has chosen, else what the files and the test use."""
        if self._chosen is not None:
            return self._chosen
        own = names(files, with_home(str(self.repository), self.roots, self.entry))
        more = (WARM,) if self._preflights and WARM.partition(".")[0] not in own else ()
        return (*libraries(files, own), *_carried(own), *more)

    def preflight(self, files: Mapping[str, bytes], champion: Mapping[str, bytes]) -> Finding:
        """What is known to be wrong with a candidate before it is evaluated, and the shape of its code.

        Both map paths to all visible files. On a GPU nothing is imported for it: that is for the
        experiment, which has it to itself. Raises `Interrupted` and `HarnessFault` as `Preflight.look`.
        """
        if self._preflight is None:
            self._preflight = Preflight(
                self.sandbox(champion), self.entry, self.roots, imports=self.limits.gpu <= 0
            )
        return self._preflight.look(files, champion, self.deadline)

    def require_own_imports(self, files: Mapping[str, bytes], tracked: Iterable[str]) -> None:
        """Raise `UsageProblem` when the entry gets a file of the repository from somewhere else."""
        tree = Path(tempfile.mkdtemp(dir=self.folder, prefix="tree-"))
        materialise(files, tree)
        try:
            require_own(self.sandbox(files), tree, self.entry, self.roots, tracked, self.deadline)
        except UsageProblem as problem:
            raise UsageProblem(f"{self.objective.nodeid}: {problem}") from None
        finally:
            discard(tree)

    def slot(
        self,
        item: pytest.Item,
        files: Mapping[str, bytes],
        plan: Plan,
        needs: float,
        *,
        compared: Callable[[float], str] = lambda peak: "",
        pace: Pace | None = None,
    ) -> Slot:
        """Lay out a candidate's files and stash what the item's fixtures hand to the test.

        ``compared`` and ``pace`` are as in `Evaluation`.
        """
        meter = Meter(self._budget, self.deadline)
        tree = Path(tempfile.mkdtemp(dir=self.folder, prefix="tree-"))
        materialise(files, tree)
        evaluation = Evaluation(
            plan, self.objective.metric, needs, meter.restart, compared=compared, pace=pace
        )
        candidate = Candidate(
            self.sandbox(files),
            tree,
            self.entry,
            roots=self.roots,
            limits=self.limits,
            meter=meter,
            evaluation=evaluation,
            handed=self._told(evaluation),
        )
        slot = Slot(evaluation, candidate, meter, tree)
        item.stash[SLOT] = self._slot = slot
        return slot

    def desk(self, item: pytest.Item, files: Mapping[str, bytes], analysis: Analysis) -> Slot:
        """Lay out a champion's files and an agent's code beside them, for an item that looks at the data."""
        nothing = measuring((Turn(0, 0),), self.objective.metric).plan
        slot = self.slot(item, files, nothing, 0.0)
        slot.desk = Desk(
            self.sandbox(files),
            slot.tree,
            self.entry,
            self.roots,
            slot.meter,
            nodeid=self.objective.nodeid,
        )
        slot.desk.furnish(analysis, files)
        return slot

    def look(self, item: pytest.Item, value: object) -> None:
        """Have the code of an item's analysis look at the value of its fixture."""
        __tracebackhide__ = True
        desk = item.stash[SLOT].desk
        assert desk is not None
        desk.look(self.objective.analysis or "", value)

    def _told(self, evaluation: Evaluation) -> Callable[[str, Payload], None] | None:
        handed = self.handed
        if handed is None:
            return None
        return lambda what, payload: handed(evaluation.plan.turn, what, payload, evaluation.seeded)

    def simpler(self) -> str | None:
        """In what the candidate that is evaluated is simpler than the champion; its race asks."""
        return "" if self._slot is None else self._slot.evaluation.simpler()

    @property
    def walked(self) -> tuple[Pass, ...]:
        """The passes of the last evaluation, as far as they came."""
        return () if self._slot is None else self._slot.evaluation.plan.passes

    def clear(self, item: pytest.Item) -> None:
        """Remove a candidate's files; what was walked is on record, and is no later evaluation's."""
        self._slot = None
        slot = item.stash.get(SLOT, None)
        if slot is not None:
            discard(slot.tree)

    def close(self) -> None:
        """End the sandbox and remove everything."""
        self._preflight = None
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None
        self._scratch.close()

    @pytest.hookimpl(optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool | None:
        """pytest-timeout's budget is ours: a meter of sandbox time, not an alarm in the judge."""
        if not marked(item):
            return None
        self._budget = float(settings.timeout)
        slot = item.stash.get(SLOT, None)
        if slot is not None:
            slot.meter.budget = self._budget
        return no_alarm(item)


def _carried(own: Collection[str]) -> list[str]:
    """Those that the frozen test has imported, so that not every process has to."""
    return [name for name in CARRIED if name in sys.modules and name.split(".")[0] not in own]


def no_alarm(item: pytest.Item) -> bool:
    """What answers pytest-timeout that a timer is set, when none shall ring."""
    item.cancel_timeout = lambda: None  # type: ignore[attr-defined]
    return True


def slot_of(request: pytest.FixtureRequest) -> Slot:
    slot: Slot | None = request.node.stash.get(SLOT, None)
    if slot is None:
        raise pytest.UsageError(
            f"{request.node.nodeid}: the fixtures candidate and experiment belong to a test marked "
            "@pytest.mark.autoresearch(metric=…, direction=…, editable=[…])"
        )
    return slot


def candidate_of(request: pytest.FixtureRequest) -> Candidate:
    """The `candidate` fixture."""
    return slot_of(request).candidate


def recorder_of(request: pytest.FixtureRequest) -> Recorder:
    """The `experiment` fixture."""
    return Recorder(slot_of(request).evaluation)


def outcome_of(slot: Slot, call: pytest.CallInfo[None]) -> Outcome:
    """How the test body ended, from the judge's own objects; never from assertion text."""
    if slot.experiment is not None and slot.experiment.refused:
        return Outcome(status=Status.REFUSED, reason=slot.experiment.refused)
    if slot.experiment is not None and slot.experiment.broken:
        lines = slot.experiment.broken.splitlines()
        return Outcome(status=Status.CRASH, reason=PREFLIGHT + "; ".join(lines))
    error = slot.broken or (call.excinfo.value if call.excinfo is not None else None)
    if slot.desk is not None:
        return slot.desk.outcome(error, call.duration)
    status, reason, in_test = _ended(slot, error)
    return slot.evaluation.outcome(status, reason, seconds=call.duration, in_test=in_test)


def _ended(slot: Slot, error: BaseException | None) -> tuple[Status | None, str, bool]:
    """Status (``None``: to be judged), reason, and whether the frozen test itself raised."""
    evaluation = slot.evaluation
    if isinstance(error, HarnessFault):
        return Status.FAILED, str(error), True
    if isinstance(error, Interrupted) or (slot.meter.interrupted and not evaluation.plan.done):
        return Status.INTERRUPTED, "stopped at the deadline", False
    if evaluation.failure is not None:
        failure = evaluation.failure
        return failure.status, f"{type(failure).__name__}: {_headline(failure)}", False
    if evaluation.misuse is not None:
        return Status.CRASH, str(evaluation.misuse), True
    in_vault = slot.experiment is not None and slot.experiment.part is Part.VAULT
    return _ended_by_test(evaluation, error, in_vault=in_vault)


def _ended_by_test(
    evaluation: Evaluation, error: BaseException | None, *, in_vault: bool
) -> tuple[Status | None, str, bool]:
    judged = evaluation.asked and evaluation.plan.done
    if isinstance(error, AssertionError) and judged and not evaluation.plan.finding.better:
        return None, "", False
    if isinstance(error, Misuse | UsageProblem):
        return Status.CRASH, str(error), True
    if error is not None:
        return Status.CRASH, f"{type(error).__name__}: {first_line(error)}", True
    if not evaluation.asked and not in_vault:
        return (
            Status.CRASH,
            "the test never reads experiment.improves: end it with `assert experiment.improves`",
            True,
        )
    return None, "", False


def _headline(failure: BaseException) -> str:
    """The line of a failure that says most: a traceback's last one."""
    lines = [line for line in str(failure).splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else type(failure).__name__


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, bounded."""
    return (str(error).strip().splitlines() or [""])[0][:300]


class Reports:
    """Turns an outcome into pytest's words."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        slot = item.stash.get(SLOT, None)
        if slot is not None and call.when == "call" and not slot.ended:
            return (yield from _part(slot, call))
        outcome = _concluded(slot, call) if slot is not None and call.when == "call" else None
        if (
            call.when == "setup"
            and call.excinfo is not None
            and isinstance(call.excinfo.value, Interrupted)
        ):
            outcome = Outcome(status=Status.INTERRUPTED, reason="stopped at the deadline")
        if slot is not None and outcome is not None and _shows_no_traceback(slot, outcome):
            # Making one takes milliseconds, and much longer where the frozen data is slow to print.
            item.repr_failure = lambda *_args, **_kw: ""  # type: ignore[method-assign]
        report = yield
        error = call.excinfo.value if call.excinfo is not None else None
        if isinstance(error, AutoresearchError):
            # Our own errors say what is wrong and what to do; where we raised them helps nobody.
            report.longrepr = str(error)
        if outcome is not None:
            report.autoresearch_outcome = outcome  # type: ignore[attr-defined]
            report.autoresearch_raised = error is not None  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Know a report of the whole test from those of its parts (pytest's own subtests)."""
        try:
            yield
        finally:
            slot = item.stash.get(SLOT, None)
            if slot is not None:
                slot.ended = True


def _part(
    slot: Slot, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The report of a part of a test: one that failed fails the test, and is no fault of ours."""
    report = yield
    if call.excinfo is not None:
        slot.broken = slot.broken or call.excinfo.value
        if slot.experiment is not None and slot.experiment.part is Part.EXPERIMENT:
            report.outcome, report.longrepr = "skipped", None
            report.wasxfail = "rejected: a part of the test failed"
    return report


def _concluded(slot: Slot, call: pytest.CallInfo[None]) -> Outcome:
    """The outcome; a mistake of ours in finding it is a fault on record, not the session's end."""
    try:
        return outcome_of(slot, call)
    except Exception as fault:
        return Outcome(status=Status.FAILED, reason=f"{type(fault).__name__}: {fault}")


def _shows_no_traceback(slot: Slot, outcome: Outcome) -> bool:
    """Whether the record's reason will stand in the traceback's place: not for a fault of ours."""
    evaluated = slot.experiment is not None and slot.experiment.part is Part.EXPERIMENT
    return evaluated and outcome.status is not Status.FAILED
