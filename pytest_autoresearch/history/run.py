"""One named run: its journal and its refs, kept in step so that a crash at any instant loses nothing."""

from __future__ import annotations

import dataclasses
import math
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..exceptions import UsageProblem
from ..records import Experiment, Json, Objective, Record, Status
from . import journal as journals
from .commits import commits_of, write_commit
from .finding import JOURNAL, exists
from .journal import Journal, Line
from .lines import experiment_fields, number_of
from .lock import Lock
from .refs import ROOT, Refs
from .repository import Repository
from .state import State, Stated, understood

NAME = re.compile(r"(?!.*(?:\.\.|\.lock$|\.$))[^\W_][\w.+-]*")


class Run(Stated):
    """A run that this process writes to; made by `create` or `resume`, given back by `release`.

    Lines may be noted from another thread than the main one, which does all else.
    """

    def __init__(self, journal: Journal, refs: Refs, locks: tuple[Lock, ...]) -> None:
        self.folder = journal.path.parent
        self.journal = journal
        self.repository = refs.repository
        self._refs = refs
        self._locks = locks
        self._turn = threading.RLock()
        with understood(journal.path):
            self._state = State(journal.lines)

    @classmethod
    def create(
        cls,
        repository: Repository,
        folder: Path,
        name: str,
        objective: Objective,
        base: str,
        header: Mapping[str, Json],
    ) -> Run:
        """Start a run of a new name; ``header`` goes into the journal's first line.

        Raises `UsageProblem` when the name is bad or taken, or another process has the run.
        """
        _check_name(name)
        refs = Refs(repository, name)
        _check_branch(refs, base)
        locks = _lock(refs, folder)
        try:
            journal = Journal.open(folder / JOURNAL)
            if journal.lines or refs.exist():
                raise UsageProblem(f"there is a run called {name!r} already: resume or rename it")
            facts: dict[str, Json] = {"name": name, "base": base}
            facts["objective"] = dataclasses.asdict(objective)
            facts["author"] = repository.author()
            journal.append("run", schema=journals.SCHEMA, **{**header, **facts})
            return cls(journal, refs, locks)._settled()
        except BaseException:
            _release(locks)
            raise

    @classmethod
    def resume(cls, repository: Repository, folder: Path, name: str) -> Run:
        """Go on with a run, after repairing what a crash or a deleted folder, ref or branch left.

        Raises `UsageProblem` when there is no such run, another process has it, or its journal,
        refs and branch disagree in a way that only a person can settle.
        """
        refs = Refs(repository, name)
        if not exists(repository, folder.parent, name):
            raise UsageProblem(f"there is no run called {name!r} in {folder.parent} or {ROOT}")
        locks = _lock(refs, folder)
        try:
            journal = Journal.open(folder / JOURNAL)
            journal.restore(refs.missing(journal.lines))
            return cls(journal, refs, locks)._settled()
        except BaseException:
            _release(locks)
            raise

    @property
    def name(self) -> str:
        """The run's name."""
        return self._refs.name

    @property
    def branch(self) -> str:
        """The branch of kept experiments, without ``refs/heads/``."""
        return self._refs.branch

    @property
    def warnings(self) -> list[str]:
        """What a person should know although the search goes on."""
        return self._refs.warnings

    def begin_session(self, **fields: Json) -> int:
        """Note that a pytest session begins; returns its number, from 1."""
        number = self._state.session + 1
        self._append("session", **{**fields, "session": number})
        return number

    def note(self, kind: str, **fields: Json) -> None:
        """Write a line of a kind that says nothing about the run's state; for any thread."""
        self._append(kind, **{**fields, "session": self._state.session})

    def opened(self, experiment: Experiment) -> None:
        """Note an experiment before it is evaluated; its proposal survives from here on."""
        fields = experiment_fields(experiment)
        fields["session"] = self._state.session
        if experiment.refused or not experiment.tree:
            fields["tree"] = self.repository.tree_of(experiment.base)
        with self._turn:
            line = self.journal.prepare("opened", **fields)
            number = number_of(line)
            commit = "" if number is None else write_commit(self.repository, self._state, line)
            self._write(line)
        if number is not None:
            self._refs.put_experiment(number, commit)

    def finished(self, experiment: Experiment, record: Record) -> Record:
        """Note how an evaluation ended; the record comes back as the journal has it.

        A kept one becomes the champion. Raises ValueError when a numbered experiment was not
        opened, or has ended already.
        """
        fields = self._completed(experiment, record).to_json()
        with self._turn:
            line = self.journal.prepare("finished", **fields)
            number = number_of(line)
            if number is not None:
                self._check_open(number)
                line["commit"] = write_commit(self.repository, self._state, line)
            self._write(line)
        if number is not None:
            self._refs.put_experiment(number, line["commit"])
        if record.status is Status.KEPT:
            self._refs.put_champions(self._state.champions)
            self._refs.put_journal(self.journal.content)
        return Record.from_json(line)

    def close(self, reason: str, finished: bool) -> None:
        """Note that the session ends, and whether the run is finished for good."""
        self._append("closed", session=self._state.session, reason=reason, finished=finished)
        self._refs.put_journal(self.journal.content)

    def release(self) -> None:
        """Let another process have the run."""
        _release(self._locks)

    def _settled(self) -> Run:
        """Make the refs say what the journal says."""
        self._refs.clear_locks()
        self._refs.check(self._state.champions)
        for number, commit in commits_of(self.repository, self.journal.lines, self.warnings):
            self._refs.put_experiment(number, commit)
        self._refs.put_champions(self._state.champions)
        self._refs.put_journal(self.journal.content)
        return self

    def _append(self, kind: str, **fields: Json) -> None:
        with self._turn:
            self._write(self.journal.prepare(kind, **fields))

    def _write(self, line: Line) -> None:
        self.journal.write(line)
        self._state.add(line)

    def _completed(self, experiment: Experiment, record: Record) -> Record:
        tree = record.tree or experiment.tree
        if experiment.refused or not tree:
            tree = self.repository.tree_of(experiment.base)
        return dataclasses.replace(
            record,
            item=experiment.item,
            part=experiment.part,
            stage=experiment.stage,
            experiment=experiment.number,
            base=record.base or experiment.base,
            tree=tree,
            session=self._state.session,
            log={key: value for key, value in record.log.items() if math.isfinite(value)},
        )

    def _check_open(self, number: int) -> None:
        """An experiment ends once; only a win that awaits its confirmation ends again."""
        is_open = any(experiment.number == number for experiment in self.pending)
        if not is_open and self._state.status(number) is not Status.WON:
            raise ValueError(f"experiment {number} of {self.name} was not opened, or has ended")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UsageProblem(
            f"{name!r} cannot be the name of a run: use letters, digits, '-', '_', '+' and single "
            "dots, beginning with a letter or digit"
        )


def _check_branch(refs: Refs, base: str) -> None:
    """The branch must be free: git cannot have a branch below another one's name."""
    if refs.repository.ref("refs/heads/autoresearch") is not None:
        raise UsageProblem(
            "the branch 'autoresearch' stands in the way of branches below that name: rename it "
            "(`git branch -m autoresearch my-autoresearch`)"
        )
    at = refs.repository.ref(f"refs/heads/{refs.branch}")
    if at not in (None, base):
        raise UsageProblem(
            f"there is a branch {refs.branch} already, at {at}: choose another name for the run, or "
            f"rename the branch (`git branch -m {refs.branch} {refs.name}-kept`)"
        )


def _lock(refs: Refs, folder: Path) -> tuple[Lock, ...]:
    """Lock the run in its folder and, since all work trees share the refs, beside them."""
    _make_folder(folder)
    outer = Lock(refs.lock_path)
    try:
        return outer, Lock(folder / "lock")
    except BaseException:
        outer.release()
        raise


def _make_folder(folder: Path) -> None:
    """Make the run's folder; a new folder of runs ignores itself in git."""
    parent = folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    if not any(parent.iterdir()):
        (parent / ".gitignore").write_text("*\n")
    folder.mkdir(exist_ok=True)


def _release(locks: tuple[Lock, ...]) -> None:
    for lock in locks:
        with suppress(OSError):
            lock.release()
