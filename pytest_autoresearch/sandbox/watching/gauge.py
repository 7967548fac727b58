"""What the processes of one job are charged for: the memory that they made, not what they were given."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..handing.files import BLOCK, used_by_file
from ..handing.parcel import Parcel
from .memory import (
    File,
    Pages,
    charged,
    mapped_files,
    memory_devices,
    open_files,
    private_folders,
    resident,
    used_in,
)

SLACK = 1.0
"""Seconds by which a file may seem older than the job that made it: file times are coarse."""

SHARE = 10
"""A walk over all pages is repeated after ten times what it took, unless there is a reason."""

REFRESH = 0.2
"""Seconds for which the list of a candidate's own file systems holds: its walls may not be done yet."""

NOTABLE = 1 << 20
"""Bytes of new shared memory that make it worth finding out which files are mapped."""

LONGEST = 0.2
"""Seconds between two walks when a walk is slow."""


@dataclass(frozen=True)
class Walk:
    """What a walk found: of what page tables showed, ``less`` bytes were the judge's, or counted twice."""

    pids: Sequence[int]
    shared: int
    less: int
    due: float

    def holds(self, pids: Sequence[int], pages: Pages) -> bool:
        """Whether it may still be so; growth is then the processes' own."""
        same = tuple(pids) == self.pids and pages.shared >= self.shared
        return same and time.monotonic() < self.due


class Gauge:
    """Measures a process tree against ``limit`` (bytes).

    Charged are anonymous memory, what is swapped out, page tables, shared memory, files in memory that they changed
    (mapped or not), all that lies in file systems of their own that are memory, and ``result``, the
    memory file for the answer. Not charged is what the judge put there: the arguments, as long as
    nobody writes into them, and the files in ``folder``, which have limits of their own.
    """

    def __init__(self, limit: int, parcel: Parcel, result: int | None, folder: Path) -> None:
        self.limit = limit
        self.peak = 0
        self.unlinked = 0
        self._result = result
        self._since = time.time() - SLACK
        self._device = folder.stat().st_dev
        given = {_file(os.fstat(file.fd)): file.size for file in parcel.files}
        self._size = parcel.size
        self._free = sum(size for key, size in given.items() if key[0] in memory_devices())
        self._judges = set(given)
        if result is not None:
            self._judges.add(_file(os.fstat(result)))
        self._disk = self._size - self._free
        self._left: dict[File, str] = {}
        self._folders: dict[int, str] = {}
        self._refresh = 0.0
        self._shared = 0
        self._walk: Walk | None = None

    def look(self, pids: Sequence[int]) -> int:
        """The bytes that these processes are charged for now; the first is the candidate's own.

        What is in their page tables is known at once, and mostly shows that the limit and the peak are
        far; which of it is the judge's, or counted twice, takes a walk over all pages.
        """
        pages = resident(pids)
        rooms = self._rooms(pids[0])
        self._shared = min(self._shared, pages.shared)
        if pages.shared > self._shared + NOTABLE and not rooms:
            self._remember_mapped(pids)
            self._shared = pages.shared
        held = self._held(pids) | self._left_behind()
        files = sum(held.values()) + sum(rooms.values()) + pages.tables
        files += used_by_file(self._result) if self._result is not None else 0
        most = pages.own + pages.shared + files
        given = min(pages.shared, self._free + files)
        self._disk = max(self._disk, pages.disk)
        if len(pids) == 1:
            if not most - given <= self.limit < most:
                return self._note(most - given)
        elif most <= min(self.limit, self.peak):
            return most
        last = self._walk
        if last is not None and last.holds(pids, pages) and most - last.less <= self.limit:
            return most - last.less
        return self._note(self._walked(pids, pages, most, files, {*self._judges, *held}, rooms))

    def ended(self, largest: int) -> None:
        """Take note of the largest resident size of a process, which may have come between two looks.

        All of the arguments may have been part of it, and what lay on disks.
        """
        self._note(largest - self._free - self._disk)

    def _note(self, used: int) -> int:
        self.peak = max(self.peak, used)
        return used

    def _walked(
        self,
        pids: Sequence[int],
        pages: Pages,
        most: int,
        files: int,
        known: Collection[File],
        rooms: Mapping[int, int],
    ) -> int:
        """The exact number; ``known`` are files, and ``rooms`` devices, whose pages count already."""
        began = time.monotonic()
        used = charged(pids, known, {self._device, *rooms}) + files
        ended = time.monotonic()
        due = ended + min(SHARE * (ended - began), LONGEST)
        self._walk = Walk(tuple(pids), pages.shared, most - used, due)
        return used

    def _rooms(self, pid: int) -> dict[int, int]:
        """What lies in the file systems in memory that only the candidate has, by device."""
        now = time.monotonic()
        if now >= self._refresh:
            self._folders = private_folders(pid)
            self._folders.pop(self._device, None)
            self._refresh = now + REFRESH
        return {device: used_in(device, path) for device, path in self._folders.items()}

    def _held(self, pids: Sequence[int]) -> dict[File, int]:
        """Sizes of the files in memory that these processes made and hold.

        Counts in ``unlinked`` what they hold in the folder's file system without a name.
        """
        found: dict[File, int] = {}
        loose: dict[File, int] = {}
        for path, file in open_files(pids):
            key, size = _file(file), file.st_blocks * BLOCK
            if key in self._judges or file.st_ctime < self._since:
                continue
            if key[0] == self._device:
                loose |= {key: size} if file.st_nlink == 0 else {}
            elif key[0] in memory_devices():
                found[key] = size
                if file.st_nlink and key not in self._left:
                    self._left[key] = _link(path)
        self.unlinked = sum(loose.values())
        return found

    def _remember_mapped(self, pids: Sequence[int]) -> None:
        """Note the files with a name that are mapped, for they need not be open."""
        for path, key in mapped_files(pids):
            if key[0] in memory_devices() - {self._device} and key not in self._judges:
                with contextlib.suppress(OSError):
                    if os.lstat(path).st_ctime >= self._since:
                        self._left.setdefault(key, path)

    def _left_behind(self) -> dict[File, int]:
        """Files in memory that nobody needs to hold: they have a name."""
        found = {}
        for key, path in list(self._left.items()):
            try:
                file = os.lstat(path)
            except OSError:
                del self._left[key]
                continue
            if _file(file) == key:
                found[key] = file.st_blocks * BLOCK
        return found


def _file(found: os.stat_result) -> File:
    return found.st_dev, found.st_ino


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
