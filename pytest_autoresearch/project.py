"""The files that a search is about, in any commit: what may change, what is shown, what is frozen."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .agents.team import version_of
from .exceptions import UsageProblem
from .frozen.apart import Closed, collected, refuse_imported, require_own_fixtures
from .frozen.modules import Sources, sources_of
from .history.champion import path_of
from .history.patches import Workshop
from .history.paths import EditableSet, protected_globs
from .history.repository import Repository
from .marks import entry_of
from .readings import Readings
from .records import Briefing, Objective, Proposal, Record, Status
from .sandbox.inside.imports import inside
from .sandbox.walls.environment import added_folders
from .search.shown import Views

if TYPE_CHECKING:
    from .search.loop import Search

MOST_CRASHED = 20
"""Candidates that failed last, whose files an error's line of source is read from."""
RAISED = (Status.CRASH, Status.OOM)
"""Ends that may have a traceback."""


@dataclass(frozen=True)
class Files:
    """The files that an objective is about, in one commit: paths from the repository's root.

    ``frozen`` are the test and the conftest.py files, ``sources`` what they import, ``closed`` tells
    which other files no patch may make.
    """

    editable: tuple[str, ...]
    readable: tuple[str, ...]
    frozen: tuple[str, ...]
    entry: str
    sources: Sources = field(default_factory=Sources)
    closed: Closed = field(default_factory=Closed)

    @property
    def evaluation(self) -> tuple[str, ...]:
        """What the judge runs: the frozen files and what they import."""
        return tuple(dict.fromkeys((*self.frozen, *self.sources.files)))

    @property
    def visible(self) -> tuple[str, ...]:
        """What candidate code sees."""
        return tuple(sorted({*self.editable, *self.readable}))


def files_of(
    objective: Objective,
    tracked: Mapping[str, str],
    root: Path,
    item: pytest.Item | None = None,
) -> Files:
    """Resolve the objective's globs against a commit's files; raises `UsageProblem`.

    ``root`` is the work tree: a conftest.py that lies there untracked is frozen, too. So are the files
    that the test and the fixtures of its ``item`` import: no glob ever makes them editable.
    """
    frozen = _frozen(objective, tracked, root)
    refuse_protected(objective, frozen)
    sources, patterns = Sources(), list[str]()
    if item is not None:
        require_own_fixtures(item)
        sources, patterns = sources_of(item, objective, root), collected(item.config, objective)
        refuse_imported(objective, sources)
    closed = Closed(sources, frozen, patterns, tracked)
    for what, globs in _globs(objective):
        for glob in globs:
            if not EditableSet([glob], tracked, frozen).paths:
                raise UsageProblem(
                    f"{objective.nodeid}: {what}: {glob!r} matches no file that git tracks and that may "
                    "be shown to a candidate; correct it (paths begin at the test's folder, those with "
                    "a leading / at the repository's root), or `git add` and commit the file"
                )
    imported = (*frozen, *sources.files)
    editable = EditableSet(objective.editable, tracked, imported, closed.reason).paths
    readable = _readable(objective, tracked, editable, frozen)
    entry = entry_of(
        objective, tuple(dict.fromkeys((*editable, *readable))) if objective.entry else editable
    )
    return Files(editable, readable, frozen, entry, sources, closed)


def refuse_protected(objective: Objective, frozen: Iterable[str]) -> None:
    """Raise `UsageProblem` when a glob itself names a file that always stays frozen."""
    for what, globs in _globs(objective):
        named = protected_globs(globs, frozenset(frozen))
        if named:
            raise UsageProblem(
                f"{objective.nodeid}: {what}: {named[0]!r} names a file that stays frozen and hidden "
                "(the test, conftest.py, champion records, configuration of pytest and builds, "
                "dotfiles): take it out"
            )


def _globs(objective: Objective) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("editable", objective.editable), ("readable", objective.readable)


def _frozen(objective: Objective, tracked: Mapping[str, str], root: Path) -> tuple[str, ...]:
    """The test file and every conftest.py that applies to it."""
    folder, conftests = posixpath.dirname(objective.path), []
    while True:
        conftests.append(posixpath.join(folder, "conftest.py"))
        if not folder:
            break
        folder = posixpath.dirname(folder)
    applying = [path for path in conftests if path in tracked or (root / path).is_file()]
    return (objective.path, *applying)


def _readable(
    objective: Objective,
    tracked: Mapping[str, str],
    editable: tuple[str, ...],
    frozen: tuple[str, ...],
) -> tuple[str, ...]:
    """Files that match, and the ``__init__.py`` files above visible ones."""
    named = EditableSet(objective.readable, tracked, frozen).paths
    packages = {
        posixpath.join(parent.as_posix(), "__init__.py").removeprefix("./")
        for path in (*named, *editable)
        for parent in Path(path).parents
    }
    found = {*named, *(path for path in packages if path in tracked)}
    return tuple(sorted(found - set(editable)))


def root_of(item: pytest.Item) -> Path:
    """The root of the repository that a test lies in, or rootdir where there is none."""
    try:
        return Repository.discover(item.path.parent).root
    except UsageProblem:
        return item.config.rootpath


def import_roots(config: pytest.Config, repository_root: Path) -> tuple[str, ...]:
    """Where candidate code imports from, inside its own tree: relative to the repository's root.

    pytest's ``pythonpath``, ``src``, what an editable install has added to the environment's path, and
    the root itself. The folder of the file that is imported comes after them, see `inside.imports`.
    """
    folders = [config.rootpath / path for path in config.getini("pythonpath")]
    if (repository_root / "src").is_dir():
        folders.append(repository_root / "src")
    root = repository_root.resolve()
    folders += [Path(path) for path in added_folders() if inside(path, str(root))]
    found = [path for folder in folders if (path := folder.resolve()).is_relative_to(root)]
    return tuple(dict.fromkeys([*(path.relative_to(root).as_posix() for path in found), "."]))


class Project:
    """The files that a search is about, for `Search`."""

    def __init__(
        self,
        repository: Repository,
        objective: Objective,
        files: Files,
        protocol: Path,
        reading: Readings | None = None,
    ) -> None:
        self.repository = repository
        self.objective = objective
        self.files = files
        self.protocol = protocol
        self.reading = reading or Readings()
        self.protocols: dict[str, str] = {}
        self.advice = ""
        self.usd_left: float | None = None
        self.seconds_left: float | None = None
        self._words: str | None = None
        self._views, self._earlier_views = Views(), Views()
        self._failed: dict[str, dict[str, bytes]] = {}
        self.editable = EditableSet(
            objective.editable, files.editable, files.evaluation, files.closed.reason
        )
        self.workshop = Workshop(repository, self.editable)

    def tree_of(self, commit: str) -> str:
        """The git tree that is evaluated for a commit."""
        return self._without_record(self.repository.tree_of(commit))

    def build(self, proposal: Proposal, champion: str, base: str) -> str:
        """The tree of ``champion`` with the proposal applied; raises `Refused`."""
        return self._without_record(self.workshop.build(proposal, champion, base))

    def rebased(self, proposal: Proposal, made_on: str, champion: str, base: str) -> str:
        """The tree of ``champion`` with a proposal merged that was made on another commit."""
        return self._without_record(self.workshop.rebased(proposal, made_on, champion, base))

    def _without_record(self, tree: str) -> str:
        """The tree without its champion record: the same code is the same tree, kept or not."""
        path = path_of(self.objective)
        if not self.repository.files(tree, [path]):
            return tree
        return self.repository.write_tree(tree, {path: None})

    def visible(self, tree: str) -> dict[str, bytes]:
        """What candidate code sees of a tree: editable files, new ones too, and readable ones."""
        return self._editable(tree) | self._readable(tree)

    def _editable(self, tree: str) -> dict[str, bytes]:
        # Only what differs from HEAD, whose files are known: a large repository is not walked again.
        changed = self.repository.changes(self.repository.head, tree)
        new = filter(self.editable.reaches, changed)
        return self.repository.files(tree, sorted({*self.files.editable, *new}))

    def _readable(self, tree: str) -> dict[str, bytes]:
        return self.repository.files(tree, self.files.readable)

    def _instructions(self) -> str:
        """The protocol as it is now; the text before, while a person's editor has it in hand."""
        try:
            self._words = self.protocol.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            if self._words is None:
                raise UsageProblem(
                    f"the protocol {self.protocol} cannot be read as UTF-8 text"
                ) from None
        self.protocols[version_of(self._words)] = self._words
        return self._words

    def version(self) -> str:
        """The name of the instructions as they are now."""
        return version_of(self._instructions())

    def opening(self) -> Briefing:
        """What can be told before a run is open: the files at HEAD."""
        head = self.repository.head
        return self._brief(head, self.tree_of(head))

    def briefing(self, search: Search) -> Briefing:
        """What the agent is told: the champion's files, the records, what is left."""
        left = None if search.limit is None else search.limit - search.history.next_number + 1
        champion = search.history.champion
        return replace(
            self._brief(champion, self.tree_of(champion)),
            champion_score=search.champion_score,
            records=self._views.of(search.records),
            earlier=self._earlier_views.of(search.earlier.records),
            experiments_left=left,
            seconds_left=self.seconds_left,
            advice=self.advice,
            usd_left=self.usd_left,
            noise=_noise(search),
            crashed=self._crashed(search.records),
        )

    def _brief(self, champion: str, tree: str) -> Briefing:
        return Briefing(
            objective=self.objective.name,
            metric=self.objective.metric,
            direction=self.objective.direction,
            champion=champion,
            champion_score=None,
            editable=self._editable(tree),
            readable=self._readable(tree),
            protocol=self._instructions(),
            entry=self.files.entry,
            budget=self.objective.budget,
            memory=self.objective.limits.memory,
            constraints=dict(self.objective.constraints),
            reading=self.reading.texts(),
            analysis=self.objective.analysis or "",
        )

    def _crashed(self, records: Sequence[Record]) -> dict[str, dict[str, bytes]]:
        """The visible files of the candidates that failed last, by tree, each read once."""
        trees = [one.tree for one in records if one.status in RAISED and one.tree][-MOST_CRASHED:]
        self._failed = {
            tree: self._failed[tree] if tree in self._failed else self.visible(tree)
            for tree in trees
        }
        return dict(self._failed)


def _noise(search: Search) -> float | None:
    """The standard error of one whole pass's lead, once the champion is measured."""
    if search.baseline is None or search.lacking():
        return None
    known = search.reference()
    return known.standard_error(known.folds)
