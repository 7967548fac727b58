"""One call of a coding agent's program: from its start until nothing of it is left."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..inside.processes import children, descendants
from ..watching.kin import Kin
from .bounds import Bounds, Looks
from .kept import Kept

CHUNK = 1 << 16
END_SECONDS = 20.0
MOST_SAID = 1 << 16

Heard = Callable[[str, bytes], None]
"""Called with ``stdout`` or ``stderr`` and what has come."""


@dataclass(frozen=True)
class Ended:
    """How a program ended: ``status`` is its exit status, ``None`` when it was ended.

    ``reason`` says why it was ended or could not be started, empty when it ended by itself; ``missing``
    that there was no such program in its world, ``full`` that its folders are. Of what it printed beginning
    and end are here.
    """

    reason: str
    status: int | None
    stdout: bytes
    stderr: bytes
    seconds: float
    missing: bool = False
    full: bool = False


class Running:
    """A program under watch; ``confined`` when all of it ends with the first process of its world."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        link: socket.socket,
        pipes: tuple[int, int],
        *,
        confined: bool,
        bounds: Bounds,
        heard: Heard,
    ) -> None:
        self.process = process
        self.bounds = bounds
        self.confined = confined
        self._link = link
        self._heard = heard
        self._kin = Kin()
        self._kin.add([process.pid])
        self._said: dict[str, Any] = {}
        self._buffer = b""
        self._streams = dict(zip(pipes, ("stdout", "stderr"), strict=True))
        self._kept = {name: Kept(bounds.kept // 2) for name in self._streams.values()}
        for fd in pipes:
            os.set_blocking(fd, False)
        link.setblocking(False)

    def watch(self, looks: Looks, seconds: float, stopped: Callable[[], bool]) -> Ended:
        """Wait until it has ended, or end it: after ``seconds``, at a limit, when it is ``stopped``.

        Nothing of it is left when this returns, whatever is raised.
        """
        began, reason = time.monotonic(), ""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._link, selectors.EVENT_READ)
                for fd in self._streams:
                    selector.register(fd, selectors.EVENT_READ)
                while not reason and not self._over:
                    self._turn(selector, looks)
                    if stopped():
                        reason = "it was stopped"
                    elif time.monotonic() - began > seconds:
                        reason = f"it took longer than {seconds:.0f} s"
                    else:
                        reason = looks.look() or self._printed_too_much()
        finally:
            self._end()
        self._drain()
        took = time.monotonic() - began
        failed = str(self._said.get("failed", ""))
        if failed:
            missing = self._said.get("missing") is True
            return self._ended(f"it could not be started: {failed}", took, missing=missing)
        if not reason and "status" not in self._said:
            reason = "the process that watched it was ended"
        reason = reason or self._printed_too_much() or looks.look_at_folders()
        return self._ended(reason, took, full=looks.full)

    def tree(self) -> list[int]:
        """Its processes, and those that started it."""
        pids = descendants(self.process.pid)
        if not self.confined:
            self._kin.add(pids)
        return pids

    def _ended(
        self, reason: str, seconds: float, *, missing: bool = False, full: bool = False
    ) -> Ended:
        status = None if reason else self._said.get("status")
        out, err = (bytes(kept) for kept in self._kept.values())
        return Ended(reason, status, out, err, seconds, missing, full)

    @property
    def _over(self) -> bool:
        return "status" in self._said or "failed" in self._said or self._link.fileno() < 0

    def _turn(self, selector: selectors.BaseSelector, looks: Looks) -> None:
        for key, _ in selector.select(looks.wait):
            if key.fileobj is self._link:
                if not self._listen():
                    selector.unregister(self._link)
                    self._link.close()
            elif not self._read(key.fd):
                selector.unregister(key.fd)

    def _listen(self) -> bool:
        """Hear what the process that watches it says; false at its end."""
        try:
            more = self._link.recv(MOST_SAID)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._buffer += more
        *lines, self._buffer = self._buffer[-MOST_SAID:].split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):
                self._said |= dict(json.loads(line))
        return bool(more)

    def _read(self, fd: int) -> bool:
        """Read what has come; false at the end of the stream."""
        try:
            more = os.read(fd, CHUNK)
        except BlockingIOError:
            return True
        name = self._streams[fd]
        if more:
            self._kept[name].add(more)
            self._heard(name, more)
        return bool(more)

    def _printed_too_much(self) -> str:
        total, most = sum(kept.total for kept in self._kept.values()), self.bounds.printed
        if total <= most:
            return ""
        return f"it printed more than {most / (1 << 20):.0f} MiB"

    def _drain(self) -> None:
        """Read what the dead have left in the pipes, and close them."""
        for fd, name in self._streams.items():
            end = self._kept[name].total + (1 << 20)
            while self._kept[name].total < end and _ready(fd) and self._read(fd):
                pass
            os.close(fd)

    def _end(self) -> None:
        """End all of it; where the process that should do that does not, what was seen is killed."""
        with contextlib.suppress(OSError):
            self._kin.add(descendants(self.process.pid))
        if self.confined and "status" not in self._said:
            for pid in children(self.process.pid):
                # Its first process: the kernel ends all others before that is gone.
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_WR)
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(OSError):
            while self._listen():
                pass
        self._link.close()
        self._kin.kill()


def _ready(fd: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        return bool(selector.select(0))
