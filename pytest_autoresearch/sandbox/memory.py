"""How much memory a process tree uses, read from ``/proc``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence

from .inside.processes import contents


def resident(pids: Iterable[int], *, free: int) -> int:
    """Bytes of anonymous and shared memory of these processes.

    ``free`` bytes of shared memory a process are not charged: the arguments that the judge mapped.
    """
    return sum(_resident(pid, free) for pid in pids)


def proportional(pids: Iterable[int], *, free: int) -> int:
    """The same with pages that several processes share counted once; slower to ask for."""
    return sum(_proportional(pid, free) for pid in pids)


def _resident(pid: int, free: int) -> int:
    anonymous, shared = _fields(f"/proc/{pid}/status", (b"RssAnon:", b"RssShmem:"))
    return anonymous + max(0, shared - free)


def _proportional(pid: int, free: int) -> int:
    anonymous, shared = _fields(f"/proc/{pid}/smaps_rollup", (b"Pss_Anon:", b"Pss_Shmem:"))
    return anonymous + max(0, shared - free)


def _fields(path: str, names: Sequence[bytes]) -> list[int]:
    """Values in bytes of the named lines; 0 where a line is missing."""
    values = dict.fromkeys(names, 0)
    with contextlib.suppress(OSError):
        for line in contents(path).splitlines():
            words = line.split(maxsplit=2)
            if words[0] in values:
                values[words[0]] = int(words[1]) << 10
    return [values[name] for name in names]


def used_by_file(fd: int) -> int:
    """Bytes that a memory file really takes."""
    return os.fstat(fd).st_blocks * 512
