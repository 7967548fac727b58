"""Folders that candidates read from and write to."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import ProtocolError

MAX_ENTRIES = 100_000
TOO_LARGE = sys.maxsize


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

    `TOO_LARGE` when there are more than `MAX_ENTRIES` files and folders, folders so deep in each other
    that Python cannot walk them, or folders that may not be read: counting has to end.
    """
    with contextlib.suppress(RecursionError, OSError):
        return _size_of(folder)
    return TOO_LARGE


def _size_of(folder: Path) -> int:
    total = entries = 0
    for parent, folders, names in os.walk(folder, onerror=_tolerate):
        entries += len(folders) + len(names)
        if entries > MAX_ENTRIES:
            return TOO_LARGE
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _tolerate(error: OSError) -> None:
    """A folder may vanish while it is counted; one that hides what it holds is another matter."""
    if not isinstance(error, FileNotFoundError):
        raise error


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
    """Remove a folder that a candidate wrote to, whatever it did to it."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        # Folders that may not be read, or thousands in each other: too deep for Python, and any path.
        locked = ["find", str(folder), "-type", "d", "!", "-perm", "-700"]
        _quietly([*locked, "-execdir", "chmod", "700", "{}", ";"])
        _quietly(["rm", "-rf", "--", str(folder)])


def _quietly(command: list[str]) -> None:
    # ``find`` refuses to run anything where PATH has a relative folder.
    env = {"PATH": os.defpath}
    with contextlib.suppress(OSError):
        subprocess.run(command, env=env, stderr=subprocess.DEVNULL, check=False)
