"""Forks candidates' processes, and sees to it that nothing of one outlives its job."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import sys
import traceback
from typing import NoReturn

from . import processes, worker, world
from .confine import SEALED, Plan

HELLO = struct.Struct("<ii")
"""Process ids of the zygote and of the candidate."""

ENDED = struct.Struct("<iqdd")
"""Wait status, largest resident size in bytes, user and system seconds."""

SPAWN_FDS = 4


class Nursery:
    """The candidates' processes: one that works, and at most a few that wait for their job.

    Each has a socket to the judge. Two things of fixed size are said there: who the process is, and,
    when it and all that it started are dead, how it ended. When the judge ends its side, or is dead,
    the process is killed. Only one of them works at a time: a process that is no candidate's own is
    therefore the working one's. In tier sealed each has a process namespace of its own, in which it is
    the first: with it ends everything in it.
    """

    def __init__(self, control: socket.socket, walls: Plan) -> None:
        self.control = control
        self.walls = walls
        apart = walls["tier"] == SEALED
        self.home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC) if apart else -1
        self.running: dict[int, socket.socket] = {}
        self.ended: dict[int, bytes] = {}
        processes.adopt_orphans()
        self.woken = processes.waker()

    def serve(self) -> None:
        """Fork, watch and bury until the judge is gone."""
        while True:
            fds = [self.control.fileno(), self.woken]
            links = {link.fileno(): pid for pid, link in self.running.items()}
            ready, _, _ = select.select([*fds, *links], [], [])
            if self.woken in ready:
                processes.drain(self.woken)
            for fd in set(ready) & set(links):
                os.kill(links[fd], signal.SIGKILL)
                self._wait(links[fd])
            self._reap()
            for pid in list(self.ended):
                self._finish(pid)
            if self.control.fileno() in ready and not self._spawn():
                return

    def _spawn(self) -> bool:
        """Fork a process for the judge; false when the judge is gone."""
        request, fds, _, _ = socket.recv_fds(self.control, 1, SPAWN_FDS)
        if not request:
            return False
        link = socket.socket(fileno=fds[0])
        pid = os.fork() if self.home < 0 else world.fork(self.home)
        if pid == 0:
            become_candidate(fds[1:], self.walls)
        for fd in fds[1:]:
            os.close(fd)
        self.running[pid] = link
        self._send(link, HELLO.pack(os.getpid(), pid))
        return True

    def _wait(self, pid: int) -> None:
        if pid not in self.ended:
            self._note(os.wait4(pid, 0))

    def _reap(self) -> None:
        """Collect children that have ended; remember how candidates did."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.wait4(-1, os.WNOHANG))[0]:
                self._note(found)

    def _note(self, found: tuple[int, int, object]) -> None:
        pid, status, usage = found
        if pid in self.running:
            largest = usage.ru_maxrss << 10  # type: ignore[attr-defined]
            times = usage.ru_utime, usage.ru_stime  # type: ignore[attr-defined]
            self.ended[pid] = ENDED.pack(status, largest, *times)

    def _finish(self, pid: int) -> None:
        """Kill what an ended candidate has left behind, then say that it has ended."""
        if sys.platform == "linux":
            processes.kill_below(self._others, self._reap)
        else:
            _kill_group(pid)
        link = self.running.pop(pid)
        self._send(link, self.ended.pop(pid))
        link.close()

    def _others(self) -> set[int]:
        """Candidates that have not ended, with all that they started."""
        waiting = set(self.running) - set(self.ended)
        return waiting.union(*map(processes.descendants, waiting))

    def _send(self, link: socket.socket, message: bytes) -> None:
        """The judge may be gone: then there is nobody to tell."""
        with contextlib.suppress(OSError):
            link.sendall(message)


def _kill_group(pid: int) -> None:
    """All that can be done where orphans are not adopted; a process that left the group escapes."""
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def become_candidate(fds: list[int], walls: Plan) -> NoReturn:
    """Turn a fresh fork of the zygote into a process that holds nothing of the zygote's."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        processes.close_all_but(set(fds))
        wire, output, reports = fds
        worker.work(wire, output, reports, walls)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(70)
