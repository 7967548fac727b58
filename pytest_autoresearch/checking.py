"""Plain ``pytest``: one pass of each objective on the work tree, as an ordinary regression test."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from .evaluator import SLOT, Bench, Reports, Slot
from .exceptions import UsageProblem
from .history.paths import EditableSet
from .history.repository import Repository
from .marks import marked, objective, read
from .project import files_of, import_roots
from .records import Outcome, Turn
from .search.keep import Measurement

SEED = 0
"""The candidate's seed in a plain run: the same every time, like any other test."""


def register(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the markers now, evaluate the objectives when their turn comes."""
    if not config.getini("autoresearch_check"):
        _deselect(config, items)
        return
    try:
        for item in items:
            if marked(item):
                read(item)
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None
    config.pluginmanager.register(Reports(), "autoresearch-reports")
    config.pluginmanager.register(Checking(config), "autoresearch-checking")


def _deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """``autoresearch_check = false``: as if ``-m "not autoresearch"`` had been given."""
    config.hook.pytest_deselected(items=[item for item in items if marked(item)])
    items[:] = [item for item in items if not marked(item)]


class Checking:
    """Evaluates objectives on the work tree; a vault is never opened here."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self._benches: dict[str, Bench] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if not marked(item):
            return
        if read(item).stage == "vault":
            pytest.skip("a vault is opened only by a search")
        try:
            self._prepare(item)
        except UsageProblem as problem:
            pytest.fail(str(problem), pytrace=False)

    def _prepare(self, item: pytest.Item) -> None:
        """Lay out the work tree's editable and readable files as a candidate."""
        root, paths = _work_tree(self.config.rootpath)
        found = objective(item, read(item), root)
        files = files_of(found, dict.fromkeys(paths, ""), root)
        editable = EditableSet(found.editable, paths, files.frozen).paths
        visible = {path: (root / path).read_bytes() for path in {*editable, *files.readable}}
        bench = self._benches.get(item.nodeid)
        if bench is None:
            roots = import_roots(self.config, root, files.entry)
            bench = self._benches[item.nodeid] = Bench(found, root, files.entry, roots)
            self.config.pluginmanager.register(bench, f"autoresearch-bench-{item.nodeid}")
        bench.slot(item, visible, Measurement([Turn(0, SEED)]), 0.0)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        outcome: Outcome | None = getattr(report, "autoresearch_outcome", None)
        if outcome is not None:
            _reword(report, outcome)
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


def _reword(report: pytest.TestReport, outcome: Outcome) -> None:
    """A failure that sticks fails the test, caught or not; the score is a property."""
    del report.autoresearch_outcome
    raised_by_test = outcome.in_test and report.failed
    if outcome.status is not None and not raised_by_test:
        report.outcome, report.longrepr = "failed", outcome.reason
    if outcome.passes and outcome.passes[0].scores:
        scores = outcome.passes[0].scores
        report.user_properties.append(("autoresearch.score", repr(sum(scores) / len(scores))))


def _work_tree(rootdir: Path) -> tuple[Path, list[str]]:
    """The root and the existing files below it: what git tracks, or all where there is no git."""
    try:
        repository = Repository.discover(rootdir)
    except UsageProblem:
        return rootdir, _walk(rootdir)
    tracked = repository.tracked(repository.head)
    return repository.root, [path for path in tracked if (repository.root / path).is_file()]


def _walk(root: Path) -> list[str]:
    """Files below a folder, without dot-folders."""
    found: list[str] = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if not name.startswith(".")]
        found.extend(Path(folder, file).relative_to(root).as_posix() for file in files)
    return found
