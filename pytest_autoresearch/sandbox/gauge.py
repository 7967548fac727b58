"""What the processes of one job are charged for: the memory that they made, not what they were given."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from .memory import (
    BLOCK,
    File,
    mapped,
    memory_devices,
    open_files,
    proportional,
    resident,
    used_by_file,
)
from .payload import Parcel

SLACK = 1.0
"""Seconds by which a file may seem older than the job that made it: file times are coarse."""


class Gauge:
    """Measures a process tree against ``limit`` (bytes).

    Charged are anonymous memory, what is swapped out, shared memory, files in memory that they changed
    (mapped or not), and ``result``, the memory file for the answer. Not charged is what the judge put
    there: the arguments, as long as nobody writes into them, and the files in ``folder``, which have
    limits of their own.
    """

    def __init__(self, limit: int, parcel: Parcel, result: int | None, folder: Path) -> None:
        self.limit = limit
        self.peak = 0
        self.unlinked = 0
        self._result = result
        self._since = time.time() - SLACK
        self._device = folder.stat().st_dev
        self._arguments = _file(os.fstat(parcel.fd))
        self._size = parcel.size
        self._free = parcel.size if self._arguments[0] in memory_devices() else 0
        self._judges = {self._arguments}
        if result is not None:
            self._judges.add(_file(os.fstat(result)))
        self._uncharged: int | None = None
        self._left: dict[File, str] = {}

    def look(self, pids: Sequence[int]) -> int:
        """The bytes that these processes are charged for now.

        What is in their page tables is known at once, and mostly shows that the limit and the peak are
        far; which of it is the judge's, or counted twice, takes a walk over all pages.
        """
        held = self._held(pids)
        files = sum(held.values()) + (used_by_file(self._result) if self._result is not None else 0)
        pages = resident(pids)
        given = min(pages.shared, self._free)
        self._uncharged = max(self._uncharged or 0, pages.disk + given)
        used = pages.own + pages.shared - given + files
        alone = len(pids) == 1
        if used + given > self.limit or (not alone and used > self.peak):
            pages = resident(pids) if alone else proportional(pids)
            used = pages.own + pages.shared + files
            if pages.shared and used > min(self.limit, self.peak):
                inside = [self._device] if self._device in memory_devices() else []
                used -= min(pages.shared, mapped(pids, {*self._judges, *held}, inside))
        self.peak = max(self.peak, used)
        return used

    def ended(self, largest: int) -> None:
        """Take note of the largest resident size of a process, which may have come between two looks."""
        uncharged = self._size if self._uncharged is None else self._uncharged
        self.peak = max(self.peak, largest - uncharged)

    def _held(self, pids: Sequence[int]) -> dict[File, int]:
        """Sizes of the files in memory that these processes made and hold, or held and left behind.

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
        return self._left_behind() | found

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
