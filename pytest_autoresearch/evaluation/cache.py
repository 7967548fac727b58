"""`shared`: data that are built once, and mapped into memory by every later process."""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..exceptions import UsageProblem
from . import store

FORM = 1
"""Number of the files' form: entries of another one are never read."""

UNREADABLE = (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError)
"""What reading an entry raises that is not there, or damaged in whatever way."""

_building = threading.local()


def shared(build: Callable[[], Any], key: Any) -> Any:
    """What ``build()`` returns, built once on a machine and memory-mapped, read-only, ever after.

    The first process builds, under a lock, and stores; others that ask meanwhile wait; all of them,
    in this session and in later ones, map the same pages. ``build`` may return NumPy arrays without
    Python objects, pandas frames and series of numbers, booleans, texts, dates and categories, text,
    numbers, ``None``, and dicts (keys: texts and whole numbers), lists and tuples of these. Arrays and
    the columns of frames come back read-only.

    ``key`` has to name everything that the data depend on: a text, a number, ``None``, a
    ``pathlib.Path`` (it stands for the file's size, time of change and inode; for a folder those of all
    files below it), or a tuple of these. The text of ``build`` itself and the file that it is in count
    too; functions that it calls, arguments bound to it, and versions of libraries do not: put a number
    that you raise into the key.

    Entries lie below ``$AUTORESEARCH_CACHE``, else ``$XDG_CACHE_HOME/pytest-autoresearch``, else
    ``~/.cache/pytest-autoresearch``, in the folder ``shared`` that only you may read. Nothing removes
    old ones; you may, at any time. A damaged entry is built again.

    Raises `UsageProblem` for keys and data of other types, when the folder cannot be written or
    belongs to somebody else, and when ``build`` asks for its own entry.

    Example::

        @pytest.fixture(scope="session")
        def corpus():
            return evaluation.shared(tokenized, key=(Path("/data/corpus.txt"), "bpe", 32_000))
    """
    identity = json.dumps([FORM, _source(build), _plain(key)], ensure_ascii=True)
    entry = _folder() / hashlib.sha256(identity.encode()).hexdigest()[:40]
    with suppress(*UNREADABLE):
        return store.load(entry)
    with _alone(entry, key):
        with suppress(*UNREADABLE):
            return store.load(entry)
        _make(build(), entry, identity)
        return store.load(entry)


def _make(value: Any, entry: Path, identity: str) -> None:
    """Store a value as an entry that is there as a whole or not at all; the caller holds the lock."""
    for left in entry.parent.glob(f"{entry.name}.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    fresh = entry.with_name(f"{entry.name}.new-{os.getpid()}")
    try:
        fresh.mkdir(mode=0o700)
        store.save(value, fresh, identity)
        if entry.exists():
            shutil.rmtree(entry)
        fresh.rename(entry)
    except OSError as error:
        raise _unwritable(fresh, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def _alone(entry: Path, key: Any) -> Iterator[None]:
    """While no other process, and no other thread, is in here for the same entry."""
    mine: set[str] = _building.__dict__.setdefault("entries", set())
    if entry.name in mine:
        raise UsageProblem(f"evaluation.shared: build() for key {key!r} asks for that key itself")
    path = entry.with_name(f"{entry.name}.lock")
    try:
        file = path.open("a")
    except OSError as error:
        raise _unwritable(path, error) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        mine.add(entry.name)
        try:
            yield
        finally:
            mine.discard(entry.name)
            fcntl.flock(file, fcntl.LOCK_UN)


def _folder() -> Path:
    """The folder of entries, which is ours alone."""
    named = os.environ.get("AUTORESEARCH_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(os.path.expanduser(named or f"{home}/pytest-autoresearch"), "shared")
    if str(folder).startswith("~"):
        raise UsageProblem(
            f"evaluation.shared: {folder} is in no known home folder; set AUTORESEARCH_CACHE to a "
            "folder of your own"
        )
    folder = folder.absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid == os.geteuid() and found.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if found.st_uid != os.geteuid():
        raise UsageProblem(
            f"evaluation.shared: {folder} belongs to another user, who could change your data; set "
            "AUTORESEARCH_CACHE to a folder of your own"
        )
    return folder


def _unwritable(path: Path, error: OSError) -> UsageProblem:
    return UsageProblem(
        f"evaluation.shared cannot write {path} ({error}): make room, or set AUTORESEARCH_CACHE to a "
        "folder that has it"
    )


def _source(build: Callable[[], Any]) -> list[str]:
    """Where a function is, and its text, as far as both can be found."""
    function = getattr(build, "func", build)
    try:
        code = [str(inspect.getsourcefile(function)), inspect.getsource(function)]
    except (OSError, TypeError):
        code = []
    return [*code, getattr(function, "__qualname__", type(function).__qualname__)]


def _plain(key: Any) -> Any:
    """The key as JSON, in which different keys stay different."""
    if isinstance(key, tuple):
        return ["tuple", *map(_plain, key)]
    if isinstance(key, Path):
        return ["path", *_stamps(key.absolute())]
    if key is None or type(key) in (str, bool, int, float):
        return [type(key).__name__, key]
    raise UsageProblem(
        f"evaluation.shared: key {key!r} is of type {type(key).__name__}; give a text, a number, a "
        "pathlib.Path, or a tuple of these"
    )


def _stamps(path: Path, above: tuple[tuple[int, int], ...] = ()) -> Iterator[Any]:
    """What changes when a file does; of a folder, that of everything below it."""
    try:
        found = path.stat()
        yield [str(path), found.st_size, found.st_mtime_ns, found.st_ino]
        if path.is_dir():
            place = found.st_dev, found.st_ino
            if place in above:
                raise UsageProblem(
                    f"evaluation.shared: the key names {path}, a link to a folder that it lies in"
                )
            for below in sorted(path.iterdir()):
                yield from _stamps(below, (*above, place))
    except OSError as error:
        raise UsageProblem(
            f"evaluation.shared: the key names {path}, which cannot be read ({error})"
        ) from error
