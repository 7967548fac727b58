"""Folders that candidates read from and write to."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...exceptions import ProtocolError

MAX_ENTRIES = 100_000
MAX_DEPTH = 200
TOO_LARGE = sys.maxsize
BLOCK = 512


def materialise(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a candidate's files, read-only, as they lie in the repository.

    ``files`` maps POSIX paths, already checked to be relative and to stay inside, to contents;
    ``folder`` is empty or does not exist yet. Raises `FileExistsError` when a file is there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(target, flags, 0o444), "wb") as file:
            file.write(content)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, links not followed.

    `TOO_LARGE` when there are more than `MAX_ENTRIES` files and folders, folders more than `MAX_DEPTH` deep
    in each other, or folders that may not be read: counting has to end. Not recursive: a
    finalizer that Python runs in the depth of a recursion fails, and that would be the judge's failure.
    """
    with contextlib.suppress(OSError):
        return _size_of(folder)
    return TOO_LARGE


def _size_of(folder: Path) -> int:
    total = entries = 0
    folders = [(str(folder), 0)]
    while folders:
        parent, depth = folders.pop()
        for entry in _entries(parent):
            entries += 1
            if entries > MAX_ENTRIES or depth > MAX_DEPTH:
                return TOO_LARGE
            if entry.is_dir(follow_symlinks=False):
                folders.append((entry.path, depth + 1))
            else:
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder; one may vanish, but one that hides what it holds is an `OSError`."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from entries


def used_by_file(fd: int) -> int:
    """Bytes that a file really takes."""
    return os.fstat(fd).st_blocks * BLOCK


@dataclass(frozen=True)
class Room:
    """A folder that a candidate may fill up to ``limit`` bytes.

    ``what`` it is and the ``name`` of its limit are for the message; ``given`` bytes lay there before.
    """

    folder: Path
    limit: int
    what: str
    name: str
    given: int = 0

    def check(self, more: int = 0) -> None:
        """Raise `ProtocolError` when the folder, and ``more`` bytes beside it, take too much."""
        size = min(TOO_LARGE, size_of(self.folder) + more) - self.given
        if size > self.limit:
            takes = (
                f"{size / 2**20:.0f} MiB"
                if size + self.given < TOO_LARGE
                else "too many files to count"
            )
            raise ProtocolError(
                f"{self.what} takes {takes}, more than {self.name}="
                f"{self.limit / 2**20:.0f} MiB of the sandbox marker"
            )


def discard(folder: Path) -> None:
    """Remove a folder that a candidate wrote to, whatever it did to it, once its processes are dead."""
    with contextlib.suppress(OSError):
        _remove(folder)
    if os.path.lexists(folder):
        # Folders that may not be read, or thousands in each other: too deep for any path.
        locked = ["find", str(folder), "-type", "d", "!", "-perm", "-700"]
        _quietly([*locked, "-execdir", "chmod", "700", "{}", ";"])
        _quietly(["rm", "-rf", "--", str(folder)])


def _remove(folder: Path) -> None:
    """Remove a folder and all in it; a link that lies in its place is removed itself."""
    if folder.is_symlink():
        folder.unlink()
        return
    folders = [str(folder)]
    for parent in folders:
        for entry in list(_entries(parent)):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            else:
                os.unlink(entry.path)
    for one in reversed(folders):
        os.rmdir(one)


def _quietly(command: list[str]) -> None:
    # ``find`` refuses to run anything where PATH has a relative folder.
    env = {"PATH": os.defpath}
    with contextlib.suppress(OSError):
        subprocess.run(command, env=env, stderr=subprocess.DEVNULL, check=False)
