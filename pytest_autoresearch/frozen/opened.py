"""Which files Python code opens for reading, as the interpreter's own audit events tell."""

from __future__ import annotations

import functools
import os
import site
import sys
import sysconfig
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..digests import cache_folder

MOST_NOTED = 20_000
MOST_WATCHED = 1000
"""Files that are watched, at most."""

PASSING = ("/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sys", "/usr")
"""Where no data lie, but what libraries look up by themselves."""

TOOLS = ("fontconfig", "matplotlib", "pip", "torch_extensions", "triton", "uv")
"""Folders of the user's cache folder that libraries write as they please."""


class Opened:
    """The files that were opened while something was recorded, and those of them that were written."""

    def __init__(self) -> None:
        self._read: dict[str, None] = {}
        self._written: set[str] = set()
        self._depth = 0

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Note what is opened in this block, by any thread."""
        _listen()
        before, _Ear.to = _Ear.to, self
        try:
            yield
        finally:
            _Ear.to = before

    def note(self, path: str, *, written: bool) -> None:
        """Take down one file."""
        if len(self._read) + len(self._written) >= MOST_NOTED:
            return
        if written:
            self._written.add(path)
        else:
            self._read[path] = None

    def data(self, root: Path, but: Collection[str] = ()) -> list[Path]:
        """The files that were read and not written, in order.

        Left out are what belongs to Python, and ``but``: real paths of files, and of folders, with a
        slash at their end; outside of the repository's ``root`` also what belongs to the system, the
        temporary folder, and settings in the user's home.
        """
        own = os.path.realpath(root) + os.sep
        never = (*_of_python(), *(path for path in but if path.endswith(os.sep)))
        outside = _passed_over()
        found = {}
        for path in self._read:
            real = os.path.realpath(path)
            if path in self._written or real in self._written or real in but:
                continue
            if real.startswith(never) or real.endswith(".pyc") or f"{os.sep}.git{os.sep}" in real:
                continue
            if not real.startswith(own) and (real.startswith(outside) or _is_setting(real)):
                continue
            if os.path.isfile(real):
                found[real] = Path(real)
        return [found[real] for real in sorted(found)]


class _Ear:
    """Whoever listens now; an audit hook can never be taken away again."""

    to: Opened | None = None


@functools.cache
def _listen() -> None:
    sys.addaudithook(_hear)


def _hear(event: str, args: tuple[object, ...]) -> None:
    """Told of every audit event of the process; must be quick, and never raise."""
    listener = _Ear.to
    if listener is None or (event != "open" and event != "sqlite3.connect"):
        return
    path, flags = args[0], args[2] if event == "open" else os.O_RDONLY
    if isinstance(path, str | bytes | os.PathLike) and isinstance(flags, int):
        try:
            whole = os.path.abspath(os.fsdecode(path))
        except (OSError, TypeError, ValueError):
            return
        listener.note(whole, written=flags & os.O_ACCMODE != os.O_RDONLY)


def _of_python() -> tuple[str, ...]:
    """The folders of the Python environment, with a slash at their end."""
    paths = sysconfig.get_paths()
    names = ("stdlib", "platstdlib", "purelib", "platlib", "scripts", "include")
    found = {paths[name] for name in names if name in paths}
    found |= {sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages()}
    return _folders(found - {"/", "/usr", "/usr/local"})


def _passed_over() -> tuple[str, ...]:
    """Other folders whose files are no data of the evaluation."""
    found = {tempfile.gettempdir(), str(cache_folder()), *PASSING}
    return _folders(found | {os.path.join(_user_cache(), name) for name in TOOLS})


def _folders(paths: Collection[str]) -> tuple[str, ...]:
    return tuple(os.path.realpath(path).rstrip(os.sep) + os.sep for path in paths)


def _user_cache() -> str:
    return os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")


def _is_setting(path: str) -> bool:
    """Whether it lies in a dot-folder of the user's home, but for caches: settings, keys."""
    home = os.path.realpath(os.path.expanduser("~")) + os.sep
    if path.startswith(os.path.realpath(_user_cache()) + os.sep):
        return False
    return path.startswith(home + ".")
