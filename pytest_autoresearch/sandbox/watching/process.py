"""The judge's end of one candidate process."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from ...exceptions import HarnessFault
from ..handing.parcel import Parcel
from ..inside.nursery import ENDED, HELLO
from ..inside.worker import JOB
from .kin import LOOK_SECONDS, Kin, is_stopped

HELLO_SECONDS = 60.0
KILL_SECONDS = 20.0


@dataclass
class Process:
    """A candidate process that waits for its job, then does it.

    ``control`` leads to the zygote: ending our side of it kills the candidate and everything that it
    started, and so does our own death. ``wire`` leads to the candidate: the job goes out, one frame
    comes back. ``output`` and ``reports`` are the reading ends of pipes. ``ended`` is empty when the
    zygote cannot say any more how it ended, ``stopped`` says that the zygote was not killed but
    stopped; ``kin`` are the candidate and those of its processes that were seen.
    """

    control: socket.socket
    wire: socket.socket
    output: int
    reports: int
    number: Callable[[int], int]
    zygote: int = 0
    candidate: int = 0
    ended: bytes | None = None
    stopped: bool = False
    kin: Kin = field(default_factory=Kin)

    @classmethod
    def order(cls, zygote: socket.socket, number: Callable[[int], int]) -> Self:
        """Ask the zygote for one; raises `OSError` when the zygote is gone.

        ``number`` gives a process's number here for the one that the zygote knows.
        """
        with contextlib.ExitStack() as theirs:
            control, its_control = socket.socketpair()
            theirs.callback(its_control.close)
            wire, its_wire = socket.socketpair()
            theirs.callback(its_wire.close)
            output, its_output = os.pipe()
            theirs.callback(os.close, its_output)
            reports, its_reports = os.pipe()
            theirs.callback(os.close, its_reports)
            for fd in (output, reports):
                os.set_blocking(fd, False)
            process = cls(control, wire, output, reports, number)
            numbers = [its_control.fileno(), its_wire.fileno(), its_output, its_reports]
            try:
                socket.send_fds(zygote, [b"S"], numbers)
            except BaseException:
                process.close()
                raise
        return process

    def greet(self, seconds: float = HELLO_SECONDS) -> bool:
        """Wait until it is there; raises `OSError` when it will not come, by then or at all."""
        if not self.candidate:
            self.control.settimeout(seconds)
            message = self.control.recv(HELLO.size)
            if len(message) != HELLO.size:
                raise ConnectionResetError("the zygote started no process")
            self.zygote, self.candidate = map(self.number, HELLO.unpack(message))
            self.control.setblocking(False)
            self.kin.add([self.candidate])
        return True

    def is_there(self) -> bool:
        """Whether it is there already, without waiting."""
        with contextlib.suppress(OSError):
            return self.greet(0)
        return False

    def give(self, parcel: Parcel, result: int | None) -> None:
        """Hand over the job; raises `OSError` when nobody is there to take it.

        Without its zygote, or ended while it waited, it would take the job and be of no use.
        """
        with contextlib.suppress(BlockingIOError):
            self.control.recv(1, socket.MSG_PEEK)
            raise ConnectionResetError("it ended, or its zygote did, while it waited")
        fds = parcel.fds if result is None else [*parcel.fds, result]
        job = JOB.pack(parcel.start, parcel.length, len(parcel.files))
        self.wire.setblocking(True)
        socket.send_fds(self.wire, [job], fds)
        self.wire.setblocking(False)

    def listen(self) -> None:
        """Read how it ended, once ``control`` is readable; empty when the zygote was killed."""
        with contextlib.suppress(ConnectionResetError):
            self.ended = self.control.recv(ENDED.size)
            return
        self.ended = b""

    def kill(self) -> None:
        """End the candidate and all that it started; returns when nothing of it is left.

        Where the zygote does not do it, because it was killed or stopped, what was seen of the
        candidate is killed here; whoever holds the zygote must end that then.
        """
        if self.ended is None:
            self._have_it_killed()
        if not self.ended:
            self.kin.kill()

    def _have_it_killed(self) -> None:
        self.control.shutdown(socket.SHUT_WR)
        self.control.settimeout(LOOK_SECONDS)
        end = time.monotonic() + KILL_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                self.listen()
                return
            if is_stopped(self.zygote):
                self.stopped, self.ended = True, b""
                return
        self.ended = b""
        self.kin.kill()
        raise HarnessFault(
            f"candidate process {self.candidate}, or one that it started, is still alive "
            f"{KILL_SECONDS:g} s after it was killed"
        )

    def close(self) -> None:
        """Give the descriptors back; what still runs is killed by the zygote."""
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)
        self.control.close()
        self.wire.close()
        for name in ("output", "reports"):
            fd = getattr(self, name)
            setattr(self, name, -1)
            if fd >= 0:
                os.close(fd)
