"""How much memory processes use, read from ``/proc``. All sizes are bytes."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .inside.processes import contents

File = tuple[int, int]
"""A file's device and inode."""

BLOCK = 512
MAPPING = re.compile(
    rb"^[0-9a-f]+-[0-9a-f]+ \S+ [0-9a-f]+ ([0-9a-f]+):([0-9a-f]+) ([1-9]\d*)\s.*\n((?:[A-Z].*\n)+)",
    re.MULTILINE,
)
"""A mapped file in ``/proc/PID/smaps``: its device, its inode, and the lines that say how much of it."""


@dataclass(frozen=True)
class Pages:
    """Memory by kind: ``own`` is anonymous or swapped out, ``shared`` lies in files that are memory
    (memfds, ``/dev/shm``, shared mappings), ``disk`` in files on a disk."""

    own: int = 0
    shared: int = 0
    disk: int = 0


def resident(pids: Iterable[int]) -> Pages:
    """What is in these processes' page tables: what several share counts for each. Takes microseconds."""
    found = [_fields(f"/proc/{pid}/status", _RESIDENT) for pid in pids]
    own, swap, shared, disk = (sum(column) for column in zip(*found, strict=True))
    return Pages(own + swap, shared, disk)


def proportional(pids: Iterable[int]) -> Pages:
    """The same with what several processes share counted once; walks every page, milliseconds a GiB."""
    found = [_fields(f"/proc/{pid}/smaps_rollup", _PROPORTIONAL) for pid in pids]
    own, swap, shared, disk = (sum(column) for column in zip(*found, strict=True))
    return Pages(own + swap, shared, disk)


_RESIDENT = (b"RssAnon:", b"VmSwap:", b"RssShmem:", b"RssFile:")
_PROPORTIONAL = (b"Pss_Anon:", b"SwapPss:", b"Pss_Shmem:", b"Pss_File:")


def mapped(pids: Iterable[int], files: Iterable[File], devices: Iterable[int] = ()) -> int:
    """How much of `proportional`'s ``shared`` these files are, and all files of these devices.

    Of a private mapping only the pages that were not written to belong to the file. As slow as
    `proportional`.
    """
    wanted, whole = set(files), set(devices)
    total = 0
    for pid in pids:
        for file, sizes in _mappings(pid):
            if file in wanted or file[0] in whole:
                resident, written = sizes.get(b"Rss:", 0), sizes.get(b"Anonymous:", 0)
                share = (resident - written) / resident if resident else 0.0
                total += int(sizes.get(b"Pss:", 0) * share)
    return total


def _mappings(pid: int) -> Iterator[tuple[File, Mapping[bytes, int]]]:
    text = b""
    with contextlib.suppress(OSError):
        text = contents(f"/proc/{pid}/smaps")
    for found in MAPPING.finditer(text):
        device = os.makedev(int(found[1], 16), int(found[2], 16))
        yield (device, int(found[3])), _sizes(found[4])


def _fields(path: str, names: Sequence[bytes]) -> list[int]:
    """The named sizes; 0 where a line is missing."""
    text = b""
    with contextlib.suppress(OSError):
        text = contents(path)
    sizes = _sizes(text)
    return [sizes.get(name, 0) for name in names]


def _sizes(text: bytes) -> dict[bytes, int]:
    """The lines ``Name: 12 kB`` of a text."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == b"kB":
            found[words[0]] = int(words[1]) << 10
    return found


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


def used_by_file(fd: int) -> int:
    """Bytes that a file really takes."""
    return os.fstat(fd).st_blocks * BLOCK


@functools.cache
def memory_devices() -> frozenset[int]:
    """The devices whose files are memory: that of memfds, and every tmpfs."""
    found = set(_mounts())
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("autoresearch", os.MFD_CLOEXEC)
        found.add(os.fstat(fd).st_dev)
        os.close(fd)
    return frozenset(found)


def _mounts() -> Iterator[int]:
    text = b""
    with contextlib.suppress(OSError):
        text = contents("/proc/self/mountinfo")
    for line in text.splitlines():
        mount, _, kind = line.partition(b" - ")
        if kind.split(b" ", 1)[0] in (b"tmpfs", b"ramfs"):
            major, _, minor = mount.split()[2].partition(b":")
            yield os.makedev(int(major), int(minor))
