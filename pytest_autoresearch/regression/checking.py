"""Plain ``pytest``: one pass of each objective on the work tree, as an ordinary regression test.

Where a champion record lies beside the test, the pass is compared with it.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from statistics import fmean

import pytest

from ..evaluator import SLOT, Bench, Reports, Slot, no_alarm
from ..exceptions import UsageProblem
from ..history.repository import Repository
from ..marks import Mark, marked, objective, read
from ..project import Files, files_of, import_roots, refuse_protected, root_of
from ..records import Limits, Objective, Outcome, Turn
from ..sandbox.walls.tiers import UNWALLED, Tier, best, require_doors
from ..search.keep import Measurement
from ..stall import watched
from .expected import Expected, expected
from .unrecorded import UNCONFIRMED, UNRECORDED

SEED = 0
"""The candidate's seed where no record has one: the same every time, like any other test."""
EXPECTED: pytest.StashKey[Expected] = pytest.StashKey()


def register(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the markers now, evaluate the objectives when their turn comes."""
    if not config.getini("autoresearch_check"):
        _deselect(config, items)
        return
    # From a worker of pytest-xdist a usage error would arrive as a crash: there the test fails.
    if not hasattr(config, "workerinput"):
        _check(items)
    config.pluginmanager.register(Reports(), "autoresearch-reports")
    config.pluginmanager.register(Checking(config), "autoresearch-checking")


def _check(items: list[pytest.Item]) -> None:
    """A usage error for what the markers alone show; what git tracks is found out later."""
    try:
        for item in filter(marked, items):
            found = objective(item, read(item), root_of(item))
            refuse_protected(found, [found.path])
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None


def _deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """``autoresearch_check = false``: as if ``-m "not autoresearch"`` had been given."""
    config.hook.pytest_deselected(items=[item for item in items if marked(item)])
    items[:] = [item for item in items if not marked(item)]


class Checking:
    """Evaluates objectives on the work tree; a vault is never opened here."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self._benches: dict[str, Bench] = {}
        self._properties: list[tuple[str, object]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if not marked(item):
            return
        try:
            mark = read(item)
            if mark.stage != "vault":
                self._prepare(item, mark)
        except UsageProblem as problem:
            # Else pytest would show the problem, and then that it was shown.
            raise pytest.fail.Exception(str(problem), pytrace=False) from None
        if mark.stage == "vault":
            pytest.skip("a vault is opened only by a search")

    def _prepare(self, item: pytest.Item, mark: Mark) -> None:
        """Lay out the work tree's editable and readable files as a candidate."""
        root, paths = _work_tree(item)
        found = objective(item, mark, root)
        files = files_of(found, dict.fromkeys(paths, ""), root, item)
        visible = {path: (root / path).read_bytes() for path in files.visible}
        known = expected(found, files, root, visible)
        if known is not None:
            item.stash[EXPECTED] = known
        else:
            _note(item, UNRECORDED if mark.stage == "search" else UNCONFIRMED)
        bench = self._benches.get(item.nodeid)
        if bench is None:
            bench = self._benches[item.nodeid] = self._bench(found, files, root)
            bench.require_own_imports(visible, paths)
        seed = SEED if known is None else known.seed
        bench.slot(item, visible, Measurement([Turn(0, seed)]), 0.0)

    def _bench(self, found: Objective, files: Files, root: Path) -> Bench:
        roots = import_roots(self.config, root)
        return Bench(found, root, files.entry, roots, tier=_tier(found.limits), preflights=False)

    @pytest.hookimpl(optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item) -> bool | None:
        """The budget is a meter of sandbox time here too, not an alarm in the test."""
        return no_alarm(item) if marked(item) else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        slot: Slot | None = item.stash.get(SLOT, None)
        if slot is None:
            return (yield)
        with watched(slot.meter):
            result = yield
        known = item.stash.get(EXPECTED, None)
        if known is not None:
            _compare(item, known, slot)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        outcome: Outcome | None = report.__dict__.pop("autoresearch_outcome", None)
        if outcome is not None:
            self._properties = _reword(report, outcome)
        if report.when == "teardown":
            # The XML reads an item's properties from its last report.
            report.user_properties = [*report.user_properties, *self._properties]
            self._properties = []
        yield

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        slot: Slot | None = item.stash.get(SLOT, None)
        bench = self._benches.get(item.nodeid)
        if slot is not None and bench is not None:
            bench.clear(item)

    def pytest_unconfigure(self) -> None:
        for bench in self._benches.values():
            bench.close()


def _tier(limits: Limits) -> Tier:
    """The best tier that can keep in what the marker lets candidates do; it is the person's own code."""
    try:
        require_doors(found := best(), limits, "")
    except UsageProblem:
        return UNWALLED
    return found


def _reword(report: pytest.TestReport, outcome: Outcome) -> list[tuple[str, object]]:
    """A failure that sticks fails the test, caught or not; the score comes back as a property."""
    raised_by_test = outcome.in_test and report.failed
    if outcome.status is not None and not raised_by_test:
        report.outcome, report.longrepr = "failed", outcome.reason
    scores = outcome.passes[0].scores if outcome.passes else ()
    return [("autoresearch.score", repr(fmean(scores)))] if scores else []


def _compare(item: pytest.Item, known: Expected, slot: Slot) -> None:
    """Fail the test whose pass scored worse than the record by more than its noise."""
    evaluation = slot.evaluation
    if evaluation.failure or evaluation.misuse or not evaluation.plan.done:
        return
    found = known.compared(evaluation.plan.passes[0].scores)
    for fact in known.properties(found):
        _note(item, fact)
    if found.worse:
        raise pytest.fail.Exception(known.explained(found), pytrace=False)


def _note(item: pytest.Item, fact: tuple[str, object]) -> None:
    """Add a property; an item that is run again has only the last one of a name."""
    item.user_properties[:] = [one for one in item.user_properties if one[0] != fact[0]]
    item.user_properties.append(fact)


def _work_tree(item: pytest.Item) -> tuple[Path, list[str]]:
    """The root and the existing files below it: all that git does not ignore, or all without git."""
    try:
        repository = Repository.discover(item.path.parent)
    except UsageProblem:
        return item.config.rootpath, _walk(item.config.rootpath)
    root = repository.root
    known = [*repository.tracked(repository.head), *repository.untracked()]
    return root, [path for path in known if _is_plain(root / path)]


def _is_plain(path: Path) -> bool:
    """Whether it is a file, and no symbolic link, which no candidate sees in a search either."""
    return path.is_file() and not path.is_symlink()


def _walk(root: Path) -> list[str]:
    """Files below a folder, without dot-folders."""
    found: list[str] = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if not name.startswith(".")]
        found.extend(Path(folder, file).relative_to(root).as_posix() for file in files)
    return found
