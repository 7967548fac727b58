"""Reads and writes files in a folder that somebody else fills: no link leads out of it, nothing blocks."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe with nobody at its other end would block here for ever.
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

MOST_ENTRIES = 10_000
MOST_DEPTH = 50
PASSED_OVER = ("__pycache__", "node_modules")


class Unfit(OSError):
    """What lies there is no regular file, or too large."""


def why(error: OSError) -> str:
    """Why a file could not be read, for who made it."""
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "it is a symbolic link, or its folder is one"
    return error.strerror or str(error)


def read(root: Path, path: str, limit: int) -> bytes:
    """A regular file's content.

    Raises `Unfit` for anything else and for more than ``limit`` bytes, `OSError` where nothing can be read.
    """
    with _parent(root, path) as (folder, name):
        fd = os.open(name, FILE, dir_fd=folder)
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Unfit("it is no regular file")
            content = file.read(limit + 1)
    if len(content) > limit:
        raise Unfit(f"it has more than {limit} bytes")
    return content


def write(root: Path, path: str, content: bytes, mode: int = 0o644) -> None:
    """Put a file there; what is in its way is removed, unless it is a folder with something in it."""
    with _parent(root, path, make=True) as (folder, name):
        _clear(folder, name)
        with open(os.open(name, NEW, mode, dir_fd=folder), "wb") as file:
            file.write(content)


def there(root: Path, path: str) -> bool:
    """Whether something of that name is there, a link as well; nothing is behind a link on the way."""
    try:
        with _parent(root, path) as (folder, name):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


def remove(root: Path, path: str) -> None:
    """Remove a file or a link, if it is there."""
    try:
        with _parent(root, path) as (folder, name):
            os.unlink(name, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError):
        return


def files(root: Path, below: str = "") -> Iterator[str]:
    """All paths below a folder that are no folders, in order; dot-files and caches are passed over.

    Raises `Unfit` when there are too many.
    """
    entries, todo = 0, [below]
    while todo:
        at = todo.pop()
        found: list[tuple[str, bool]] = []
        with _opened(root, at) as folder, os.scandir(folder) as scanned:
            for entry in scanned:
                entries += 1
                if entries > MOST_ENTRIES:
                    raise Unfit(f"there are more than {MOST_ENTRIES} files to look through")
                if not entry.name.startswith(".") and entry.name not in PASSED_OVER:
                    found.append((entry.name, entry.is_dir(follow_symlinks=False)))
        names = [(f"{at}/{name}" if at else name, is_folder) for name, is_folder in sorted(found)]
        yield from (path for path, is_folder in names if not is_folder)
        deeper = [path for path, is_folder in names if is_folder and path.count("/") < MOST_DEPTH]
        todo += reversed(deeper)


def folders(root: Path, below: str) -> list[str]:
    """The names of the folders in a folder, in order; none where it is not there."""
    try:
        with _opened(root, below) as folder, os.scandir(folder) as scanned:
            found = [one.name for one in scanned if one.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(found)


@contextlib.contextmanager
def _opened(root: Path, path: str) -> Iterator[int]:
    if not path:
        fd = os.open(root, FOLDER)
        try:
            yield fd
        finally:
            os.close(fd)
        return
    with _parent(root, path) as (folder, name):
        fd = os.open(name, FOLDER, dir_fd=folder)
        try:
            yield fd
        finally:
            os.close(fd)


@contextlib.contextmanager
def _parent(root: Path, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """The folder that holds a path, opened step by step, and the name in it."""
    *parts, name = path.split("/")
    fd = os.open(root, FOLDER)
    try:
        for part in parts:
            if make:
                _make(fd, part)
            step = os.open(part, FOLDER, dir_fd=fd)
            os.close(fd)
            fd = step
            if make and os.fstat(fd).st_mode & 0o700 != 0o700:
                # Root gets through a locked folder, but nobody in a world does.
                os.fchmod(fd, 0o700)
        yield fd, name
    finally:
        os.close(fd)


def _make(folder: int, name: str) -> None:
    """See to it that there is a folder of this name, and no link in its place."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        os.mkdir(name, dir_fd=folder)
        return
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=folder)
        os.mkdir(name, dir_fd=folder)


def _clear(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        os.rmdir(name, dir_fd=folder)
