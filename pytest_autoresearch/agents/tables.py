"""Agents that a person describes in pyproject.toml: `[tool.pytest-autoresearch.agents.NAME]`."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..exceptions import UsageProblem

FILE = "pyproject.toml"
TOOL = "pytest-autoresearch"
AGENTS = "agents"
"""The only key of the tool's table; all else stands in pytest's own ini."""
BUILT_IN = ("tune", "replay", "llm", "command")
"""Names that no table may have."""
MOST_AHEAD = 8
"""So many proposals may be thought out ahead of the search."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Table:
    """What a table says of an agent; as many of its keys as lack are as here.

    ``spec`` is what would stand on the command line. ``timeout`` is seconds that a call may take, ``cost``
    dollars that it costs where nobody else knows, ``tokens`` the most of a run, in and out. ``env`` maps
    the variables that the agent gets to their values, ``None``: as the person has it. ``paths`` are files
    and folders that it may read, ``~`` and ``$VAR`` in them not yet replaced. ``ahead`` proposals are
    thought out ahead of the search, none for 0.
    """

    name: str = ""
    spec: str = ""
    timeout: float | None = None
    cost: float | None = None
    env: Mapping[str, str | None] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    tokens: int | None = None
    ahead: int = 1


def read_tables(rootdir: Path) -> dict[str, Table]:
    """The tables in rootdir's pyproject.toml by name, none where it has none.

    Raises `UsageProblem` naming file, table and key for what cannot be meant.
    """
    path = rootdir / FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageProblem(f"{path} cannot be read: {error}") from None
    tool: Any = content.get("tool")
    ours: Any = tool.get(TOOL, {}) if isinstance(tool, dict) else {}
    for key in _table(path, "", ours):
        if key != AGENTS:
            raise UsageProblem(
                f"{path}: [tool.{TOOL}]: there is no key {key!r}; there are {AGENTS}"
            )
    agents: Any = ours.get(AGENTS, {})
    tables = {
        name: _read(path, name, _table(path, f".agents.{name}", keys))
        for name, keys in _table(path, ".agents", agents).items()
    }
    for table in tables.values():
        _refuse_chain(path, table, tables)
    return tables


def resolved(spec: str, tables: Mapping[str, Table]) -> tuple[str, Table]:
    """What a name on the command line stands for, and its table; a spec without one has an empty table."""
    table = tables.get(spec.strip())
    return (spec, Table()) if table is None else (table.spec, table)


def _table(path: Path, below: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageProblem(f"{path}: [tool.{TOOL}{below}] has to be a table, not {value!r}")
    return value


def _read(path: Path, name: str, keys: Mapping[str, Any]) -> Table:
    where = f"{path}: [tool.{TOOL}.agents.{name}]"
    if name in BUILT_IN or not _NAME.fullmatch(name):
        raise UsageProblem(
            f"{where}: {name!r} cannot be an agent's name: use letters, digits, '-', '_' and dots, and none "
            f"of {', '.join(BUILT_IN)}"
        )
    for key in keys:
        if key not in _KEYS:
            raise UsageProblem(f"{where}: there is no key {key!r}; there are {', '.join(_KEYS)}")
    if "spec" not in keys:
        raise UsageProblem(
            f"{where}: it lacks spec, which is what would stand behind --autoresearch-agent, such as "
            "spec = 'command:claude'"
        )
    values: dict[str, Any] = {}
    for key, value in keys.items():
        wanted, read = _KEYS[key]
        try:
            values[key] = read(value)
        except (TypeError, ValueError):
            # A value of a variable may be a key that no log should hold.
            shown = dict.fromkeys(value, "...") if isinstance(value, dict) else value
            raise UsageProblem(f"{where}: {key} = {shown!r} has to be {wanted}") from None
    return Table(name=name, **values)


def _refuse_chain(path: Path, table: Table, tables: Mapping[str, Table]) -> None:
    if table.spec in tables:
        raise UsageProblem(
            f"{path}: [tool.{TOOL}.agents.{table.name}]: spec = {table.spec!r} names a table; it has to "
            "name an agent, such as 'command:claude'"
        )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise TypeError
    return value.strip()


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise TypeError
    return float(value)


def _seconds(value: object) -> float:
    seconds = _number(value)
    if not seconds:
        raise ValueError
    return seconds


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TypeError
    return value


def _ahead(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_AHEAD:
        raise TypeError
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_text(one) for one in value)


def _env(value: object) -> dict[str, str | None]:
    if isinstance(value, dict):
        if any(not isinstance(one, str) or "\0" in one for one in value.values()):
            raise TypeError
        found: dict[str, str | None] = dict(value)
    else:
        found = dict.fromkeys(_texts(value))
    if not all(map(_VARIABLE.fullmatch, found)):
        raise ValueError
    return found


_KEYS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "spec": ("a text that is not empty", _text),
    "timeout": ("a number of seconds, more than 0", _seconds),
    "cost": ("a number of dollars a call, 0 or more", _number),
    "env": ("a list of names of variables, or a table of names and texts", _env),
    "paths": ("a list of paths", _texts),
    "tokens": ("a whole number, 1 or more", _whole),
    "ahead": (f"a whole number, 0 to {MOST_AHEAD}", _ahead),
}
"""Every key: what it has to be, and how it is read."""
