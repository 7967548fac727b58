"""Watches evaluations: what the baseline's fixtures and test read, and what candidates are handed."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path

import pytest

from ..exceptions import AutoresearchError, HarnessFault
from ..history.run import Run
from ..records import Experiment, Objective, Part, Turn
from ..sandbox.handing.payload import Payload
from .apart import refuse_loaded
from .contents import Watched
from .manifest import KIND, TABLES, known, shown, watched
from .modules import Tree
from .opened import MOST_WATCHED, Opened
from .table_digest import TableDigest
from .tables import MOST_CALLS, Tables, Walk
from .watch import Frozen

OURS = os.path.realpath(Path(__file__).parent.parent) + os.sep


class Observer:
    """pytest's hooks during a search, for everything that the manifest says only after the baseline.

    ``current`` tells which evaluation is under way. ``fault`` is why the search has to end: the data that
    candidates are handed have changed, or the judge has loaded a file that patches may change.
    """

    def __init__(
        self,
        objective: Objective,
        root: Path,
        run: Run,
        frozen: Frozen,
        *,
        editable: Collection[str],
        known: Collection[str],
        current: Callable[[], Experiment | None],
    ) -> None:
        self._objective = objective
        self._root = root
        self._run = run
        self._frozen = frozen
        self._editable = editable
        self._known = {os.path.realpath(root / path) for path in {*known, *editable}}
        self._before = set(Tree(root).loaded())
        self._current = current
        self._opened = Opened()
        self._digest = TableDigest()
        self._tables = Tables(line for line in run.journal.lines if line["kind"] == TABLES)
        self._walks: list[Walk] = []
        self._walk: Walk | None = None
        self._turn: Turn | None = None
        self._answered = False
        self.fault: AutoresearchError | None = None
        frozen.watch(watched(run.journal.lines, root))

    # What is read

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self) -> Generator[None, object, object]:
        with self._recording():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        self._walk, self._turn, self._answered = None, None, False
        try:
            with self._recording():
                yield
        finally:
            self._conclude()

    def _recording(self) -> AbstractContextManager[None]:
        experiment = self._current()
        if experiment is not None and self._is_first(experiment):
            return self._opened.recording()
        return nullcontext()

    def _is_first(self, experiment: Experiment) -> bool:
        """Whether the test that evaluates it has not been walked in this run."""
        return experiment.part is Part.BASELINE or (
            bool(experiment.stage) and not known(self._run.journal.lines, experiment.stage)
        )

    def _conclude(self) -> None:
        """Write down what is known now, before the evaluation's own record."""
        experiment = self._current()
        if experiment is None:
            return
        if self._is_first(experiment):
            self._note_files(experiment.stage)
        self._end_walk()
        for walk in self._walks:
            self._run.note(TABLES, **asdict(walk))
        self._walks.clear()

    def _note_files(self, stage: str) -> None:
        try:
            refuse_loaded(self._objective, self._editable, self._root)
        except AutoresearchError as problem:
            self.fault = HarnessFault(str(problem))
        found = [*self._opened.data(self._root, self._left_out), *self._loaded()]
        if len(found) > MOST_WATCHED:
            self._run.warnings.append(
                f"the baseline has read {len(found)} files; {MOST_WATCHED} of them are watched for "
                "changes: name their folder in sandbox(data=…), and all of them are"
            )
        names = {shown(path, self._root): path for path in found[:MOST_WATCHED]}
        files = [Watched(name, path) for name, path in names.items()]
        self._run.note(KIND, stage=stage, files={file.name: file.digest for file in files})
        self._frozen.watch(files)

    @property
    def _left_out(self) -> set[str]:
        """What has a place of its own: frozen files, candidates' files, data, the folder of runs."""
        doors = [os.path.realpath(door) for door in self._frozen.doors]
        folders = [*doors, os.path.realpath(self._run.folder.parent)]
        return {*self._known, *doors, *(folder + os.sep for folder in folders), OURS}

    def _loaded(self) -> list[Path]:
        """Modules of the repository that were loaded since the tests were collected."""
        new = Tree(self._root).loaded().keys() - self._before
        files = {os.path.realpath(self._root / path) for path in new} - self._known
        return [Path(file) for file in sorted(files) if not file.startswith(OURS)]

    # What is handed over

    def handed(self, turn: Turn, what: str, payload: Payload, seeded: bool) -> None:
        """Told of each call before it is made; ``seeded`` when the test has read the turn's seed.

        Raises `HarnessFault` when the data are not those that the run began with.
        """
        experiment = self._current()
        if experiment is None:
            return
        if self._walk is None or turn != self._turn:
            self._end_walk()
            walk = Walk(experiment.tree, turn.split, turn.seed, stage=experiment.stage)
            self._turn, self._walk = turn, walk
        walk = self._walk
        if len(walk.calls) >= MOST_CALLS:
            return
        walk.calls.append(self._digest.of(payload))
        if not self._answered:
            walk.free = len(walk.calls)
        if not seeded:
            walk.unseeded = len(walk.calls)
        self._answered |= what != "fit"
        if self._tables.differs(walk):
            self.fault = self._changed(what, walk)
            raise self.fault

    def _changed(self, what: str, walk: Walk) -> HarnessFault:
        return HarnessFault(
            f"the data that the frozen test hands to {what} are not those that the run began with (call "
            f"{len(walk.calls)} on split {walk.split}): a fixture makes, reads or downloads other data now. "
            "Put the old data back and start again: nothing is lost; or start a new run with "
            f"--autoresearch-run {self._objective.name}-new"
        )

    def _end_walk(self) -> None:
        """Take in a walk; it is written down later, where no deadline can cut the line in two."""
        walk, self._walk = self._walk, None
        if walk is not None and self.fault is None and self._tables.ended(walk):
            self._walks.append(walk)
