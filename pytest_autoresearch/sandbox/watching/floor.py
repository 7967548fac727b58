"""The last net: a candidate that takes the machine's last memory is ended, whatever its limit is."""

from __future__ import annotations

from ...exceptions import OutOfMemory
from .memory import machine

LEAST = 512 << 20
"""Bytes that the machine keeps, or a twentieth of its memory if that is more."""

LEAST_SHARE = 0.05
MIB = 1 << 20


class Floor:
    """Compares the machine's memory with what there was when the candidate began."""

    def __init__(self) -> None:
        self._before = machine()

    def check(self, used: int, limit: int) -> None:
        """Raise `OutOfMemory` when little is left and half of what went is likely the candidate's.

        ``used`` is what it is charged for. What lies in shared files may be its own without being
        seen: files in memory that are on their way through a socket belong to no process.
        """
        before, now = self._before, machine()
        if before is None or now is None:
            return
        # A machine that had little to begin with may go on with half of that.
        least = min(max(LEAST, LEAST_SHARE * now.total), before.available / 2)
        gone = before.available - now.available
        taken = used + max(0, now.shared - before.shared)
        if now.available < least and 2 * taken >= gone:
            raise OutOfMemory(
                f"out of memory: the machine has {now.available / MIB:.0f} MiB left of "
                f"{now.total / MIB:.0f} MiB, with {used / MIB:.0f} MiB of the limit's "
                f"{limit / MIB:.0f} MiB in use (memory of the sandbox marker): lower the limit"
            )
