"""Which objective a search is about: node id or ``-k``, else ini, else the only one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from .exceptions import UsageProblem
from .marks import Mark, marked, read

_MOST_LISTED = 20


@dataclass(frozen=True)
class Wanted:
    """Functions asked for by node id, by the file that was collected whole for them."""

    names: frozenset[tuple[Path, str]]

    def selects(self, item: pytest.Item) -> bool:
        """Whether the item was asked for; without node ids everything was."""
        if not self.names:
            return True
        return any(_is(item, path, name) for path, name in self.names)


def _is(item: pytest.Item, path: Path, name: str) -> bool:
    """Whether an item is the function of a node id, whose path has no symbolic links."""
    return item.name == name and item.path.resolve() == path


def steer(config: pytest.Config, objective: str) -> Wanted:
    """Rewrite the collection's arguments: files instead of node ids, or the ini objective's file.

    A node id of a function collects its whole file, because tests with ``of=`` come with their
    objective. Raises `UsageProblem` when the ini names no file.
    """
    given = config.args_source is pytest.Config.ArgsSource.ARGS
    if not given and objective and not config.getoption("keyword", ""):
        path = config.rootpath / objective.partition("::")[0]
        if not path.is_file():
            raise UsageProblem(
                f"ini autoresearch_objective = {objective!r}: no such file in rootdir"
            )
        config.args[:] = [str(config.rootpath / objective)]
    names = set()
    for index, argument in enumerate(config.args):
        file, separator, name = argument.partition("::")
        if separator and "::" not in name and "[" not in name:
            path = Path(config.invocation_params.dir, file).resolve()
            names.add((path, name))
            config.args[index] = file
    return Wanted(frozenset(names))


@dataclass(frozen=True)
class Selected:
    """An objective's item with its marker."""

    item: pytest.Item
    mark: Mark


def objectives(
    everything: list[pytest.Item], remaining: list[pytest.Item], wanted: Wanted
) -> list[Selected]:
    """The search objectives among the selected items; a confirm or vault test selects its own."""
    chosen: dict[pytest.Item, Mark] = {}
    for item in remaining:
        if not marked(item) or not wanted.selects(item):
            continue
        mark = read(item)
        owner = item if mark.of is None else _owner(item, mark.of, everything)
        chosen.setdefault(owner, read(owner))
    _refuse_missing(remaining, wanted)
    return [Selected(item, mark) for item, mark in chosen.items()]


def _owner(item: pytest.Item, name: str, everything: list[pytest.Item]) -> pytest.Item:
    for other in everything:
        named = other.path == item.path and other.name == name and marked(other)
        if named and read(other).of is None:
            return other
    raise UsageProblem(
        f"{item.nodeid}: of={name!r}: {item.path.name} has no objective of that name"
    )


def _refuse_missing(items: list[pytest.Item], wanted: Wanted) -> None:
    for path, name in sorted(wanted.names):
        if not any(_is(item, path, name) for item in items):
            raise UsageProblem(f"not found: {path}::{name} (no test of that name was collected)")


@dataclass(frozen=True)
class Stages:
    """The tests that belong to an objective: confirmations in the order of the file, and the vault."""

    confirm: tuple[Selected, ...] = ()
    vault: Selected | None = None

    @property
    def all(self) -> tuple[Selected, ...]:
        """Every one of them."""
        return (*self.confirm, *([self.vault] if self.vault else []))


def stage_of(selected: Selected) -> str:
    """What records call the test that a selected item is: empty for the objective itself."""
    return "" if selected.mark.of is None else selected.item.name


def stages(selected: Selected, everything: list[pytest.Item]) -> Stages:
    """The confirm and vault tests of an objective; raises `UsageProblem` for a second vault."""
    confirm: list[Selected] = []
    vaults: list[Selected] = []
    for item in everything:
        if item.path == selected.item.path and marked(item):
            mark = read(item)
            if mark.of == selected.item.name:
                (vaults if mark.stage == "vault" else confirm).append(Selected(item, mark))
    if len(vaults) > 1:
        raise UsageProblem(
            f"{vaults[1].item.nodeid}: {selected.item.name} has a vault already, {vaults[0].item.name}: an "
            "objective has one"
        )
    return Stages(tuple(confirm), vaults[0] if vaults else None)


def only(found: list[Selected]) -> Selected:
    """The one objective; raises `UsageProblem` listing them when there are several."""
    if len(found) > 1:
        names = "\n  ".join(selected.item.nodeid for selected in found[:_MOST_LISTED])
        raise UsageProblem(
            f"{len(found)} objectives are selected, a run searches one: name it on the command line, "
            f"by -k, or in ini autoresearch_objective:\n  {names}"
        )
    return found[0]


def not_found(rootdir: Path) -> str:
    """The message that no objective was selected, with the files that hold the marker."""
    files = files_with_marker(rootdir)
    where = (
        f"files that hold the marker: {', '.join(files)}" if files else "no file holds the marker"
    )
    return f"no objective was selected (@pytest.mark.autoresearch); {where}"


def files_with_marker(rootdir: Path) -> list[str]:
    """Test files below ``rootdir`` that hold the marker."""
    found = []
    for path in sorted(rootdir.rglob("*test*.py")):
        hidden = any(part.startswith(".") or part == "site-packages" for part in path.parts)
        if not hidden and _holds_marker(path):
            found.append(path.relative_to(rootdir).as_posix())
        if len(found) == _MOST_LISTED:
            break
    return found


def _holds_marker(path: Path) -> bool:
    try:
        return b"mark.autoresearch" in path.read_bytes()
    except OSError:
        return False
