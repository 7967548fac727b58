"""Processes that the judge itself must end, because those that should have done it are dead or stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable

from ..inside.processes import contents, descendants

ROUNDS = 100
PAUSE = 0.01
LOOK_SECONDS = 1.0


class Kin:
    """Processes, remembered with when they began: a number that is used again is another process."""

    def __init__(self) -> None:
        self._began: dict[int, int] = {}

    def add(self, pids: Iterable[int]) -> None:
        """Remember these processes, as far as they are alive."""
        for pid in pids:
            if pid not in self._began and (found := _stat(pid)) is not None:
                self._began[pid] = found[1]

    def kill(self) -> None:
        """Kill these and all below them; returns when none is left, or after about a second."""
        for _ in range(ROUNDS):
            if not (alive := self._alive()):
                return
            # What is stopped forks no more, so that nobody is born between the look and the kill.
            _signal(alive, signal.SIGSTOP)
            self.add(pid for one in alive for pid in descendants(one))
            if len(found := self._alive()) == len(alive):
                _signal(found, signal.SIGKILL)
                time.sleep(PAUSE)

    def _alive(self) -> list[int]:
        return [pid for pid, began in self._began.items() if _is(pid, began)]


def _is(pid: int, began: int) -> bool:
    found = _stat(pid)
    return found is not None and found[0] not in "ZX" and found[1] == began


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def is_stopped(pid: int) -> bool:
    """Whether a signal or a debugger has stopped the process."""
    found = _stat(pid)
    return found is not None and found[0] in "Tt"


def _stat(pid: int) -> tuple[str, int] | None:
    """The state of a process and the tick it began at; ``None`` when it is gone."""
    try:
        words = contents(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        return words[0].decode(), int(words[19])
    except (OSError, IndexError):
        return None


def wait_unless_stopped(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the end of a process; false when it is stopped, or still there after ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(LOOK_SECONDS, max(0.0, end - time.monotonic())))
            return True
        if is_stopped(process.pid):
            break
    return False
