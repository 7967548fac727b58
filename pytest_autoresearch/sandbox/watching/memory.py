"""How much memory processes use, read from ``/proc``. All sizes are bytes."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..inside.processes import contents

File = tuple[int, int]
"""A file's device and inode."""

SIZE = re.compile(rb"^(\w+:)\s+(\d+) kB$", re.MULTILINE)
OTHER = rb"(?:\w+: .*\n)*?"
MAPPING = re.compile(
    rb"^[0-9a-f]+-[0-9a-f]+ \S+ [0-9a-f]+ ([0-9a-f]+):([0-9a-f]+) (\d+).*\n"
    + OTHER
    + rb"Rss: +(\d+) kB\nPss: +(\d+) kB\n"
    + OTHER
    + rb"Anonymous: +(\d+) kB\n"
    + OTHER
    + rb"Swap: +(\d+) kB\nSwapPss: +(\d+) kB\n",
    re.MULTILINE,
)
"""A mapping in ``/proc/PID/smaps``: its file's device and inode, and how much of it is where (proc(5))."""


@dataclass(frozen=True)
class Pages:
    """Memory by kind: ``own`` is anonymous or swapped out, ``shared`` lies in files that are memory
    (memfds, ``/dev/shm``, shared mappings), ``disk`` in files on a disk; ``tables`` are page tables."""

    own: int = 0
    shared: int = 0
    disk: int = 0
    tables: int = 0


def resident(pids: Iterable[int]) -> Pages:
    """What is in these processes' page tables: what several share counts for each. Takes microseconds."""
    found = [_fields(f"/proc/{pid}/status", _RESIDENT) for pid in pids]
    own, swap, shared, disk, tables = (sum(column) for column in zip(*found, strict=True))
    return Pages(own + swap, shared, disk, tables)


_RESIDENT = (b"RssAnon:", b"VmSwap:", b"RssShmem:", b"RssFile:", b"VmPTE:")


def charged(pids: Sequence[int], free: Collection[File], devices: Collection[int]) -> int:
    """What processes have in memory, less what lies on disks, in ``free`` files or on these devices.

    Of a private mapping of such a file the pages that were written to are the processes' own. What
    several share counts once. Walks every page: milliseconds a GiB.
    """
    # Alone, it bears all: else a part of a file falls to whoever else has mapped it, as the judge may.
    alone = len(pids) == 1
    total = 0
    for pid in pids:
        try:
            for (device, inode), (rss, pss, own, swap, swap_share) in _mappings(pid):
                whole, swapped = (rss, swap) if alone else (pss, swap_share)
                elsewhere = device not in memory_devices() or device in devices
                if inode and (elsewhere or (device, inode) in free):
                    whole = whole * own // rss if rss else 0
                total += (whole + swapped) << 10
        except PermissionError:
            # prctl(2), PR_SET_DUMPABLE: it does not want to be looked at.
            pages = resident([pid])
            total += pages.own + pages.shared
    return total


def _mappings(pid: int) -> Iterator[tuple[File, Sequence[int]]]:
    """What a process has mapped: each one's file, and its `MAPPING` sizes in KiB."""
    text = b""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        text = contents(f"/proc/{pid}/smaps")
    for major, minor, inode, *sizes in MAPPING.findall(text):
        device = os.makedev(int(major, 16), int(minor, 16))
        yield (device, int(inode)), [int(size) for size in sizes]


def _fields(path: str, names: Sequence[bytes]) -> list[int]:
    """The named sizes; 0 where a line is missing."""
    text = b""
    with contextlib.suppress(OSError):
        text = contents(path)
    sizes = dict(SIZE.findall(text))
    return [int(sizes.get(name, 0)) << 10 for name in names]


def mapped_files(pids: Iterable[int]) -> Iterator[tuple[str, File]]:
    """The files in memory that processes have mapped: each one's path, as it was then, and which it is."""
    for pid in pids:
        text = b""
        with contextlib.suppress(OSError):
            text = contents(f"/proc/{pid}/maps")
        for line in text.splitlines():
            # Files in memory have no device of their own: its major number is 0.
            words = line.split(None, 5) if b" 00:" in line else []
            if len(words) == 6 and words[4] != b"0":
                major, _, minor = words[3].partition(b":")
                device = os.makedev(int(major, 16), int(minor, 16))
                yield os.fsdecode(words[5]), (device, int(words[4]))


def open_files(pids: Iterable[int]) -> Iterator[tuple[str, os.stat_result]]:
    """The regular files that processes hold open: where ``/proc`` shows each, and what it is."""
    for pid in pids:
        folder = f"/proc/{pid}/fd"
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                with contextlib.suppress(OSError):
                    found = os.stat(f"{folder}/{name}")
                    if stat.S_ISREG(found.st_mode):
                        yield f"{folder}/{name}", found


def private_folders(pid: int) -> dict[int, str]:
    """Writable file systems that are memory and that only a process has: device and a path to it.

    Empty where it sees the same mounts as this process.
    """
    found = {}
    with contextlib.suppress(OSError):
        if os.readlink(f"/proc/{pid}/ns/mnt") != _own_mounts():
            for device, where in _mounts(pid, writable=True):
                if device not in memory_devices():
                    found[device] = f"/proc/{pid}/root{where}"
    return found


@functools.cache
def _own_mounts() -> str:
    """The name of this process's mount namespace."""
    return os.readlink("/proc/self/ns/mnt")


def used_in(device: int, path: str) -> int:
    """Bytes in a file system; 0 when another one is mounted over it, or it is gone."""
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if os.fstat(fd).st_dev == device:
                found = os.fstatvfs(fd)
                return (found.f_blocks - found.f_bfree) * found.f_frsize
        finally:
            os.close(fd)
    return 0


@functools.cache
def memory_devices() -> frozenset[int]:
    """The devices whose files are memory: that of memfds, and every tmpfs."""
    found = {device for device, _ in _mounts("self")}
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("autoresearch", os.MFD_CLOEXEC)
        found.add(os.fstat(fd).st_dev)
        os.close(fd)
    return frozenset(found)


def _mounts(process: int | str, *, writable: bool = False) -> Iterator[tuple[int, str]]:
    """Devices of the file systems that are memory, with the folders where a process sees them.

    Where only ``writable`` ones are asked for, those are left out that can only be read there.
    """
    text = b""
    with contextlib.suppress(OSError):
        text = contents(f"/proc/{process}/mountinfo")
    for line in text.splitlines():
        if b" - tmpfs " in line or b" - ramfs " in line:
            words = line.split()
            if writable and b"ro" in words[5].split(b","):
                continue
            major, _, minor = words[2].partition(b":")
            yield os.makedev(int(major), int(minor)), _unescaped(words[4])


def _unescaped(path: bytes) -> str:
    """proc_pid_mountinfo(5): blanks and backslashes are written as three octal digits."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), path))


@dataclass(frozen=True)
class Machine:
    """Memory of the whole machine: all, what could still be had, what lies in shared files."""

    total: int
    available: int
    shared: int


def machine() -> Machine | None:
    """What the kernel says; ``None`` without a Linux ``/proc``. Takes microseconds."""
    total, available, shared = _fields("/proc/meminfo", (b"MemTotal:", b"MemAvailable:", b"Shmem:"))
    return Machine(total, available, shared) if total and available else None
