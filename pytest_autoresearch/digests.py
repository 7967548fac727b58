"""What a folder or file outside git holds, as one digest; what has not changed is not read again."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

from .exceptions import UsageProblem

Stamp = tuple[int, int, int]
"""A file's size, time of change in nanoseconds, and inode: while they stay, so does the content."""

Stamps = Mapping[str, Stamp]
"""Stamps by name below the folder, ``""`` for a single file; a folder's name ends with a slash."""

FOLDER = (-1, 0, 0)
PIECE = 64 << 20
"""Bytes that one thread reads at a time."""

CHUNK = 1 << 20
SETTLED = 2 * 10**9
"""Nanoseconds after which a file that is written again surely has another time of change."""


def digest(path: Path, stamps: Stamps, progress: Callable[[int], None] | None = None) -> str:
    """A digest (BLAKE2b, hexadecimal) of names and contents; ``stamps`` are those of `look`.

    Modes, times and links do not matter. ``progress`` is told how many bytes have to be read before
    any is. Raises `UsageProblem` when a file cannot be read, or changes meanwhile.
    """
    known = _Cache(path)
    found = known.of(stamps)
    new = [name for name, stamp in stamps.items() if name not in found and stamp != FOLDER]
    if progress is not None and new:
        progress(sum(stamps[name][0] for name in new))
    began = time.time_ns()
    found |= _read(path, {name: stamps[name][0] for name in new})
    if new and look(path) != stamps:
        raise UsageProblem(f"{path} changes while it is read: wait until nobody writes there")
    if new:
        known.keep({name: (stamps[name], text) for name, text in found.items()}, began - SETTLED)
    whole = blake2b(digest_size=32)
    for name in sorted(stamps):
        for part in (os.fsencode(name), found.get(name, "").encode()):
            whole.update(len(part).to_bytes(8, "little") + part)
    return whole.hexdigest()


def look(path: Path) -> dict[str, Stamp]:
    """The stamps of everything below a path; links are followed.

    Raises `UsageProblem` for what cannot be read as a file or folder: a socket, a device, a link that
    leads nowhere or back to a folder above it.
    """
    return dict(_look(path, "", ()))


def _look(path: Path, name: str, above: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, Stamp]]:
    try:
        found = os.stat(path)
        if stat.S_ISREG(found.st_mode):
            yield name, (found.st_size, found.st_mtime_ns, found.st_ino)
            return
        if not stat.S_ISDIR(found.st_mode):
            raise UsageProblem(f"{path} is neither a file nor a folder: take it out")
        place = found.st_dev, found.st_ino
        if place in above:
            raise UsageProblem(f"{path} is a link to a folder that it lies in: take it out")
        names = sorted(os.listdir(path))
    except OSError as error:
        raise _unreadable(path, error) from None
    yield f"{name}/" if name else "/", FOLDER
    for one in names:
        yield from _look(path / one, f"{name}/{one}" if name else one, (*above, place))


def _read(path: Path, sizes: Mapping[str, int]) -> dict[str, str]:
    """Digests of files by name, read by several threads."""
    pieces = [
        (name, start, min(PIECE, size - start))
        for name, size in sizes.items()
        for start in range(0, max(1, size), PIECE)
    ]
    parts: dict[str, list[bytes]] = {name: [] for name in sizes}
    with ThreadPoolExecutor(max(1, min(16, os.cpu_count() or 1))) as threads:
        try:
            found = threads.map(lambda piece: _piece(path, *piece), pieces)
            for (name, _, _), part in zip(pieces, found, strict=True):
                parts[name].append(part)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return {
        name: blake2b(b"".join(found), digest_size=32).hexdigest() for name, found in parts.items()
    }


def _piece(path: Path, name: str, start: int, size: int) -> bytes:
    state, buffer = blake2b(digest_size=32), bytearray(min(CHUNK, size))
    file = path / name if name else path
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if _is_hole(fd, start, size):
                return _zeros(size)
            while size > 0 and (got := os.preadv(fd, [memoryview(buffer)[:size]], start)):
                state.update(memoryview(buffer)[:got])
                start, size = start + got, size - got
        finally:
            os.close(fd)
    except OSError as error:
        raise _unreadable(file, error) from None
    return state.digest()


def _unreadable(path: Path, error: OSError) -> UsageProblem:
    if path.is_symlink() and not path.exists():
        return UsageProblem(f"{path} is a link that leads nowhere: mend it, or take it out")
    return UsageProblem(f"{path} cannot be read ({error.strerror}): mend it, or take it out")


def _is_hole(fd: int, start: int, size: int) -> bool:
    """Whether a part of a file takes no room on the disk: it reads as zeros."""
    try:
        return size > 0 and os.lseek(fd, start, os.SEEK_DATA) >= start + size
    except OSError as error:
        return error.errno == errno.ENXIO


@functools.cache
def _zeros(size: int) -> bytes:
    return blake2b(bytes(size), digest_size=32).digest()


class _Cache:
    """Digests of one path's files from earlier sessions, in the user's cache folder.

    A cache that is missing, damaged or not writable costs time only.
    """

    def __init__(self, path: Path) -> None:
        name = blake2b(os.fsencode(os.path.realpath(path)), digest_size=16).hexdigest()
        self._file = cache_folder() / "digests" / f"{name}.json"

    def of(self, stamps: Stamps) -> dict[str, str]:
        """The digests of the files whose stamps are what they were."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            lines = json.loads(self._file.read_bytes())
            return {
                name: str(lines[name][3])
                for name, stamp in stamps.items()
                if name in lines and tuple(lines[name][:3]) == stamp
            }
        return {}

    def keep(self, found: Mapping[str, tuple[Stamp, str]], before: int) -> None:
        """Remember digests, but for files that were changed too recently to tell by their time."""
        lines = {name: [*stamp, text] for name, (stamp, text) in found.items() if stamp[1] < before}
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd, name = tempfile.mkstemp(dir=self._file.parent)
            with open(fd, "w", encoding="ascii") as file:
                json.dump(lines, file)
            os.replace(name, self._file)


def cache_folder() -> Path:
    """``$AUTORESEARCH_CACHE``, else ``pytest-autoresearch`` in the user's own cache folder.

    For a user without a home it is one that cannot be.
    """
    parent = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    own = os.environ.get("AUTORESEARCH_CACHE") or f"{parent}/pytest-autoresearch"
    folder = os.path.expanduser(own)
    return Path(os.devnull if folder.startswith("~") else folder)


def total(stamps: Stamps) -> int:
    """Bytes of all files."""
    return sum(size for size, _, _ in stamps.values() if size > 0)


def names(stamps: Iterable[str]) -> list[str]:
    """The files among the names."""
    return [name for name in stamps if not name.endswith("/")]
