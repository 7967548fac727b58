"""What a coding agent may use, and who looks whether it uses more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...exceptions import CandidateFailure
from ..handing.files import BLOCK, TOO_LARGE, size_of
from ..inside.confine import PROCESSES
from ..inside.processes import threads
from ..watching.floor import Floor
from ..watching.memory import machine, open_files, resident

MIB = 1 << 20
PERIOD = 0.1
"""Seconds between two looks."""

FOLDER_PERIOD = 0.25
"""Seconds between two looks at the folders; more where a look is slow."""

FREE = 64 * MIB
"""Bytes that a disk keeps free."""


@dataclass(frozen=True)
class Bounds:
    """Sizes are bytes. Of what is printed ``kept`` are kept; ``printed`` are the most there may be.

    ``disk`` bounds its folders together, and any one file. ``processes`` counts threads, too.
    """

    printed: int = 64 * MIB
    kept: int = 8 * MIB
    disk: int = 1 << 30
    memory: int = 8 << 30
    processes: int = PROCESSES

    def here(self) -> Bounds:
        """The same, with at most half of this machine's memory."""
        found = machine()
        most = self.memory if found is None else min(self.memory, found.total // 2)
        return Bounds(self.printed, self.kept, self.disk, most, self.processes)


class Looks:
    """Looks at a tree of processes and the ``folders`` that it may fill, as often as is due."""

    def __init__(self, bounds: Bounds, folders: Sequence[Path], tree: Callable[[], list[int]]):
        self.bounds = bounds
        self.folders = folders
        self._tree = tree
        self._floor = Floor()
        self._device = os.stat(folders[0]).st_dev
        self._next = self._next_folders = 0.0
        self.full = False

    @property
    def wait(self) -> float:
        """Seconds until the next look is due."""
        return max(0.0, self._next - time.monotonic())

    def look(self) -> str:
        """What is too much, empty when nothing is or no look is due."""
        began = time.monotonic()
        if began < self._next:
            return ""
        pids = self._tree()
        found = self._processes(pids) or self._memory(pids)
        if not found and began >= self._next_folders:
            found = self.look_at_folders(pids)
            cost = time.monotonic() - began
            self._next_folders = time.monotonic() + max(FOLDER_PERIOD, 5 * cost)
        self._next = time.monotonic() + PERIOD
        return found

    def look_at_folders(self, pids: Sequence[int] = ()) -> str:
        """What is too much in the folders, with files that have no name any more; ``full`` says so as well."""
        said = self._said_of_folders(pids)
        self.full = self.full or bool(said)
        return said

    def _said_of_folders(self, pids: Sequence[int]) -> str:
        limit = self.bounds.disk
        loose = {
            file.st_ino: file.st_blocks * BLOCK
            for _, file in open_files(pids)
            if file.st_nlink == 0 and file.st_dev == self._device
        }
        size = sum(loose.values()) + sum(size_of(folder) for folder in self.folders)
        if size >= TOO_LARGE:
            return "its folders hold too many files to count"
        if size > limit:
            return (
                f"its folders took {size / MIB:.0f} MiB of disk, at most {limit / MIB:.0f} may be"
            )
        free = os.statvfs(self.folders[0])
        if free.f_bavail * free.f_frsize < FREE:
            return f"the disk with its folders has less than {FREE / MIB:.0f} MiB left"
        return ""

    def _processes(self, pids: Sequence[int]) -> str:
        running, most = threads(pids), self.bounds.processes
        if running <= most:
            return ""
        return f"it ran {running} processes and threads, at most {most} may be"

    def _memory(self, pids: Sequence[int]) -> str:
        pages, limit = resident(pids) if pids else None, self.bounds.memory
        used = pages.own + pages.tables if pages is not None else 0
        if used > limit:
            return f"it took {used / MIB:.0f} MiB of memory, at most {limit / MIB:.0f} may be"
        try:
            self._floor.check(used, limit)
        except CandidateFailure:
            return f"the machine ran out of memory while it took {used / MIB:.0f} MiB"
        return ""
