"""What a candidate leaves behind in the machine's folder of shared memory.

Semaphores and shared memory have names there, in a folder that all programs of a user share. A sealed
candidate has one of its own; in tier ``guarded`` one with ``processes=True`` uses the machine's, and what
it leaves there would be there for the next candidate.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..handing.files import discard
from ..inside.processes import contents
from .memory import File, open_files

FOLDER = Path("/dev/shm")
MAPPED = re.compile(rb"^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) ([1-9]\d*)\s", re.MULTILINE)
"""A mapped file in ``/proc/PID/maps``: its device and its inode."""


class Shelf:
    """The folder as it is before a job; `sweep` makes it so again.

    While a job runs it is the candidates': a file that appears meanwhile, belongs to this user and is held
    by no process afterwards is taken for one of theirs.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._before = set(self._entries())

    def sweep(self) -> list[str]:
        """Remove what is new and nobody's, once the candidate's processes are dead; the names of it."""
        new = [entry for entry in self._entries() if entry not in self._before]
        if not new:
            return []
        held = _held(_others())
        found = [name for name, _ in new if not held & set(_files(self.folder / name))]
        for name in found:
            _remove(self.folder / name)
        return found

    def _entries(self) -> Iterator[tuple[str, File]]:
        """This user's files and folders, by name and inode: a new file may have an old one's name."""
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    if found.st_uid == os.geteuid():
                        yield entry.name, _file(found)


def _files(path: Path) -> Iterator[File]:
    """The file, or the folder and all in it that can be looked through."""
    with contextlib.suppress(OSError):
        yield _file(os.lstat(path))
    with contextlib.suppress(OSError, RecursionError):
        for parent, folders, names in os.walk(path):
            for name in (*folders, *names):
                with contextlib.suppress(OSError):
                    yield _file(os.lstat(os.path.join(parent, name)))


def _file(found: os.stat_result) -> File:
    return found.st_dev, found.st_ino


def _others() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _held(pids: Iterable[int]) -> set[File]:
    """The files that processes have open or mapped, as far as we may look."""
    pids = list(pids)
    found = {_file(file) for _, file in open_files(pids)}
    for pid in pids:
        with contextlib.suppress(OSError):
            for major, minor, inode in MAPPED.findall(contents(f"/proc/{pid}/maps")):
                found.add((os.makedev(int(major, 16), int(minor, 16)), int(inode)))
    return found


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
    if path.is_dir() and not path.is_symlink():
        discard(path)
