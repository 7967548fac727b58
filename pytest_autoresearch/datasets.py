"""The doors that ``sandbox(data=…)`` opens: where the data lies, what it is, whether it has changed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from . import digests
from .exceptions import UsageProblem
from .records import Json, Limits, Objective
from .report.text import count

VARIABLE = re.compile(r"\$(\w+|\{[^}]*\})")
SLOW = 256 << 20
"""Bytes that take long enough to say that they are read."""

PERIOD = 2.0
"""Seconds between two looks at the files of a door, at least."""

SHARE = 50
"""A look that took a second is followed by so many seconds without one."""

MIB = 1 << 20


def located_limits(objective: Objective) -> Limits:
    """The objective's limits with absolute paths of its data, and of what it hides.

    Raises `UsageProblem` that names the test where there is nothing.
    """
    found = {}
    for name, written in objective.limits.data.items():
        with _named(f"{objective.nodeid}: sandbox marker, data={{{name!r}: {written!r}}}"):
            found[name] = _located(written)
    hidden = []
    for written in objective.limits.hidden:
        with _named(f"{objective.nodeid}: sandbox marker, hidden=[{written!r}]"):
            hidden.append(_located(written))
    return replace(objective.limits, data=found, hidden=tuple(hidden))


def _located(written: str) -> str:
    for found in VARIABLE.finditer(written):
        variable = found[1].strip("{}")
        if not os.environ.get(variable):
            raise UsageProblem(
                f"the environment variable {variable} is not set: set it to where the data lies"
            )
    path = os.path.expanduser(os.path.expandvars(written))
    if not os.path.isabs(path):
        raise UsageProblem(f"{path} is relative: make it an absolute path")
    path = os.path.normpath(path)
    if not os.path.exists(path):
        raise UsageProblem(f"there is no {path}: correct the path, or put the data there")
    return path


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Say what a problem is about."""
    try:
        yield
    except UsageProblem as problem:
        raise UsageProblem(f"{what}: {problem}") from None


def doors_of(objective: Objective, say: Callable[[str], None] | None = None) -> list[Door]:
    """The objective's doors, read and digested; ``say`` is told when that takes long.

    Raises `UsageProblem` that names the test.
    """
    doors = []
    for name, path in located_limits(objective).data.items():
        written = objective.limits.data[name]
        with _named(f"{objective.nodeid}: sandbox marker, data={{{name!r}: {written!r}}}"):
            doors.append(Door(name, path, say))
    return doors


class Door:
    """One name of ``data``: a file or folder, as it was when the search began."""

    def __init__(self, name: str, path: str, say: Callable[[str], None] | None = None) -> None:
        self.name = name
        self.path = path
        self._say = say
        self._stamps: digests.Stamps = digests.look(Path(path))
        self.digest = digests.digest(Path(path), self._stamps, self._warn)
        self._changed = False
        self._next = 0.0

    def _warn(self, size: int) -> None:
        if self._say is not None and size >= SLOW:
            self._say(f"autoresearch: reading {_human(size)} of data {self.name}, {self.path}")

    @property
    def line(self) -> str:
        """What it is, for the plan."""
        files = count(len(digests.names(self._stamps)), "file")
        return f"data {self.name}: {self.path}, {files}, {_human(digests.total(self._stamps))}"

    @property
    def changed(self) -> bool:
        """Whether it is not what it was.

        Only names, sizes and times are looked at, and not all the time; where they differ the contents
        decide.
        """
        began = time.monotonic()
        if began >= self._next:
            self._changed = self._differs()
            cost = time.monotonic() - began
            self._next = began + max(PERIOD, SHARE * cost)
        return self._changed

    def _differs(self) -> bool:
        try:
            stamps = digests.look(Path(self.path))
            if stamps == self._stamps:
                return False
            if digests.digest(Path(self.path), stamps) != self.digest:
                return True
        except UsageProblem:
            return True
        self._stamps = stamps
        return False


def require_same(
    run: str, header: Mapping[str, Json], objective: Objective, doors: list[Door]
) -> None:
    """Raise `UsageProblem` unless the candidate's world is the one that the run's scores came from.

    ``header`` is the journal's first line. Data are compared by content: they may lie elsewhere now.
    """
    ways = f"or start a new run with --autoresearch-run {objective.name}-new"
    _same_limits(run, header["objective"].get("limits", {}), asdict(objective.limits), ways)
    then, now = header.get("data", {}), {door.name: door for door in doors}
    for name in sorted({*then, *now}):
        if name not in now:
            raise UsageProblem(
                f"run {run}: the sandbox marker has no data {name!r} any more; put it back, {ways}"
            )
        if then.get(name) != now[name].digest:
            raise UsageProblem(
                f"run {run}: data {name!r} at {now[name].path} is not what the run began with; put the "
                f"old data back, {ways}"
            )


def _same_limits(run: str, then: Mapping[str, Json], now: Mapping[str, Json], ways: str) -> None:
    for name in now.keys() & then.keys() - {"data", "env", "hidden"}:
        if then[name] != now[name]:
            raise UsageProblem(
                f"run {run}: {name} of the sandbox marker was {_shown(then[name])}, is "
                f"{_shown(now[name])}: a run never changes it; set it back, {ways}"
            )
    # Only the names: a value may be long, or secret.
    was, env = then.get("env", {}), now["env"]
    changed = sorted(name for name in {*was, *env} if was.get(name) != env.get(name))
    if changed:
        raise UsageProblem(
            f"run {run}: env of the sandbox marker has changed: {', '.join(changed)}; set it back, {ways}"
        )


def _shown(value: Json) -> str:
    return _human(value) if type(value) is int and value >= MIB else str(value)


def _human(size: int) -> str:
    """``5 bytes``, ``1.5 GiB``."""
    unit = min(4, max(0, size.bit_length() - 1) // 10)
    return f"{size / 1024**unit:.4g} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB')[unit]}"
