"""Finds runs, in their folders and in git's refs, and says of each what it holds; changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import UsageProblem
from ..records import Status
from . import journal as journals
from .journal import Line
from .refs import Refs, by_run
from .repository import Repository
from .state import State, understood

JOURNAL = "journal.jsonl"
LONGEST_FIRST = 1 << 20


@dataclass(frozen=True)
class RunInfo:
    """A run as `find` sees it.

    ``started`` is UTC, ``tried`` counts its finished experiments; ``measured`` says whether its base
    has ever been scored. ``problem`` says why it cannot be read; then the rest is what the journal's
    first line tells, if that.
    """

    name: str
    finished: bool = False
    objective: str = ""
    nodeid: str = ""
    started: str = ""
    tried: int = 0
    base: str = ""
    measured: bool = False
    problem: str = ""


def exists(repository: Repository, parent: Path, name: str) -> bool:
    """Whether there is a run of this name, in its folder or in refs.

    A folder in which not even the journal's first line was written whole is none.
    """
    return bool(read_lines(repository, parent / name, name))


def find(repository: Repository, parent: Path, objective: str | None = None) -> list[RunInfo]:
    """The runs in folders below ``parent`` and in refs, oldest first; of one objective, if named.

    Changes nothing. A run that cannot be read is there with its ``problem``.
    """
    refs = by_run(repository)
    names = {path.parent.name for path in parent.glob(f"*/{JOURNAL}")} | refs.keys()
    found = [_info(repository, parent, name, refs.get(name, {})) for name in names]
    wanted = [info for info in found if info and objective in (None, info.objective)]
    return sorted(wanted, key=lambda info: (info.started, info.name))


def read_lines(
    repository: Repository, folder: Path, name: str, refs: Mapping[str, str] | None = None
) -> list[Line]:
    """A run's journal lines from its folder and refs together; changes nothing.

    ``refs`` are the run's of `by_run`, where many runs are read.
    """
    lines, _, _ = journals.read(folder / JOURNAL)
    return [*lines, *Refs(repository, name, refs).missing(lines)]


def _info(
    repository: Repository, parent: Path, name: str, refs: Mapping[str, str]
) -> RunInfo | None:
    path = parent / name / JOURNAL
    try:
        lines = read_lines(repository, path.parent, name, refs)
        return _described(name, lines, path) if lines else None
    except Exception as error:  # somebody else's run, whatever is wrong with it, blocks no search
        problem = str(error)
    try:
        return dataclasses.replace(_described(name, _first_line(path), path), problem=problem)
    except (UsageProblem, OSError):
        return RunInfo(name, problem=problem)


def _first_line(path: Path) -> list[Line]:
    with path.open("rb") as file:
        return journals.decode(file.readline(LONGEST_FIRST), path)[0]


def _described(name: str, lines: list[Line], path: Path) -> RunInfo:
    with understood(path):
        state = State(lines)
        objective = state.header["objective"]
        return RunInfo(
            name=name,
            finished=state.is_finished,
            objective=objective["name"],
            nodeid=objective["nodeid"],
            started=state.header["started"],
            tried=state.tried,
            base=state.base,
            measured=any(record.status is Status.BASELINE for record in state.records),
        )
