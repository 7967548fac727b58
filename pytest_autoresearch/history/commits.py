"""The commit of a numbered experiment, made from journal lines alone so that it can be made again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ..exceptions import HarnessFault, UsageProblem
from ..records import Status
from .champion import encode, record_path
from .journal import Line
from .lines import experiment_of, number_of
from .messages import message
from .repository import Repository
from .state import State


def write_commit(repository: Repository, before: State, line: Line) -> str:
    """Write the commit of a numbered line; ``before`` is the run's state without that line.

    A kept experiment follows the champion that it beat, any other the commit that it was built on.
    """
    number = number_of(line)
    assert number is not None
    opened = line["kind"] == "opened"
    experiment = experiment_of(line) if opened else before.opened(number)
    kept = line.get("status") == Status.KEPT.name
    parent = before.champion if kept else line["base"]
    name, email = before.header["author"]
    return repository.commit(
        _with_record(repository, before, line, parent),
        [parent],
        message(before.header, experiment, line, before.block(line), before.told(line)),
        int(datetime.fromisoformat(line["time"]).timestamp()),
        author=(name, email),
    )


def _with_record(repository: Repository, before: State, line: Line, parent: str) -> str:
    """The tree that was evaluated, and a champion record: the line's own, else the parent's."""
    objective = before.header["objective"]
    path = record_path(objective["path"], objective["name"])
    own = line.get("champion_record")
    content = encode(own) if own else repository.files(parent, [path]).get(path)
    tree: str = line["tree"]
    return tree if content is None else repository.write_tree(tree, {path: content})


def commits_of(
    repository: Repository, lines: list[Line], warnings: list[str]
) -> Iterable[tuple[int, str]]:
    """Number and commit of every numbered experiment, commits that are gone made again.

    Raises `UsageProblem` when a kept one cannot be made again; others are named in ``warnings``.
    """
    latest = {number_of(line): line["seq"] for line in lines}
    state = State()
    for line in lines:
        number = number_of(line)
        if number is not None and latest[number] == line["seq"]:
            commit = _commit_of(repository, state, line)
            if commit:
                yield number, commit
            elif line.get("status") == Status.KEPT.name:
                raise UsageProblem(_gone(line))
            else:
                warnings.append(_gone(line))
        state.add(line)


def _commit_of(repository: Repository, before: State, line: Line) -> str:
    """The commit of a line, empty when it is gone and cannot be made again."""
    recorded: str = line.get("commit", "")
    if repository.has(recorded):
        return recorded
    try:
        made = write_commit(repository, before, line)
    except HarnessFault:
        return ""
    return made if made == recorded or line["kind"] == "opened" else ""


def _gone(line: Line) -> str:
    return (
        f"the files of experiment {line['experiment']} (tree {line['tree']}) are gone from git, as "
        "after deleting its ref and `git gc`: fetch refs/autoresearch/* from a clone that has "
        "them, or start a run of another name"
    )
