"""The judge's only loop: waits for a candidate process and ends it when a limit is reached."""

from __future__ import annotations

import math
import os
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial

from ...exceptions import (
    CandidateError,
    CandidateExited,
    CandidateFailure,
    OutOfMemory,
    ProtocolError,
    Stopped,
)
from ..handing.files import Room
from ..handing.text import Tail, clean
from ..inside.confine import PROCESSES
from ..inside.nursery import ENDED
from ..inside.processes import children, descendants, threads
from ..inside.worker import ERROR, MAX_TEXT, MEMORY, OK, REPORT, STARTED
from .budget import Meter
from .floor import Floor
from .gauge import Gauge
from .process import Process

PERIOD = 0.02
"""Seconds between two looks at the memory."""

ROOM_PERIOD = 0.25
"""Seconds between two looks at the folders that it may fill."""

LONGEST = 0.1
"""Seconds between two looks at the memory when a look is slow."""

CHUNK = 1 << 16
MAX_OUTPUT = 64 << 10
EAGER = 1000
"""Reads of reported values that wake the judge; further ones wait for the next look at the memory."""
MIB = 1 << 20


class Watch:
    """One process under watch, from its job to its death.

    ``gauge`` knows what memory it is charged for, ``rooms`` are the folders that it may fill. ``spare``
    tells the process that waits for the next job, whose memory is not this one's. ``started`` is called
    once the candidate's code may run. ``heard`` and ``shown`` are as in `Job`.
    """

    def __init__(
        self,
        process: Process,
        meter: Meter,
        *,
        gauge: Gauge,
        rooms: Sequence[Room],
        spare: Callable[[], Process | None],
        started: Callable[[], None],
        heard: Callable[[float, float], str] | None = None,
        shown: tuple[int, int] | None = None,
    ) -> None:
        self.process = process
        self.meter = meter
        self.gauge = gauge
        self.rooms = rooms
        self.spare = spare
        self.on_start = started
        self.heard = heard
        self.floor = Floor()
        self.failure: CandidateFailure | None = None
        self._status: int | None = None
        head, tail = shown or (0, MAX_OUTPUT)
        self._output = Tail(tail, head)
        self._frame = b""
        self._report = b""
        self._reads = 0
        self._began = meter.used
        self._next_look = time.monotonic() + PERIOD
        self._next_room = time.monotonic() + ROOM_PERIOD

    @property
    def output(self) -> str:
        """What was printed, cleaned, as much of it as is kept."""
        return self._output.text

    @property
    def started(self) -> bool:
        """Whether it came to the candidate's code; if not, its end is not the candidate's doing."""
        return self._frame.startswith(STARTED)

    def wait(self, name: str) -> None:
        """Return when the process and all that it started are dead.

        What the candidate did wrong is then in ``failure``. Anything else that is raised meanwhile
        (the session's deadline, Ctrl-C) kills it too, and goes on.
        """
        with self.meter.running(), selectors.DefaultSelector() as selector:
            self._register(selector)
            try:
                while self.process.ended is None:
                    self.meter.check()
                    self._turn(selector)
                # The judge may have been asleep while the candidate went on.
                self.meter.check()
                self._look_around()
            except CandidateFailure as failure:
                self.failure = failure
            finally:
                self.process.kill()
        self._account()
        self._drain()
        if self.process.stopped:
            self.failure = CandidateExited(f"{name}: it stopped the processes that watch it")
        self.failure = self.failure or self._judged(name)

    def _register(self, selector: selectors.BaseSelector) -> None:
        selector.register(self.process.control, selectors.EVENT_READ, self.process.listen)
        selector.register(self.process.wire, selectors.EVENT_READ, self._hear)
        selector.register(self.process.output, selectors.EVENT_READ, self._print)
        selector.register(self.process.reports, selectors.EVENT_READ, self._note)

    def _turn(self, selector: selectors.BaseSelector) -> None:
        wait = min(self.meter.next_limit, max(0.0, self._next_look - time.monotonic()))
        for key, _ in selector.select(wait):
            more = key.data()
            if more is False:
                selector.unregister(key.fileobj)
        if time.monotonic() >= self._next_look:
            self._look()

    def _look(self) -> None:
        """Measure the tree, for a third of the time at most, and what the machine has left."""
        began = time.monotonic()
        self._note()
        pids = self._tree()
        self.process.kin.add(pids)
        if (running := threads(pids)) > PROCESSES:
            raise CandidateError(
                f"too many processes and threads: {running}, at most {PROCESSES} may there be at once"
            )
        used, limit = self.gauge.look(pids), self.gauge.limit
        if used > limit:
            raise OutOfMemory(
                f"out of memory: {used / MIB:.0f} MiB in use, the limit is "
                f"{limit / MIB:.0f} MiB (memory of the sandbox marker)"
            )
        self.floor.check(used, limit)
        ended = time.monotonic()
        self._next_look = ended + min(max(PERIOD, 2 * (ended - began)), LONGEST)
        if ended >= self._next_room:
            self._look_around()
            cost = time.monotonic() - ended
            self._next_room = ended + max(ROOM_PERIOD, 20 * cost)

    def _look_around(self) -> None:
        """Measure the folders; files without a name lie in the first one's file system."""
        first, *others = self.rooms
        first.check(self.gauge.unlinked)
        for room in others:
            room.check()

    def _tree(self) -> list[int]:
        """The candidate, what it started, and its orphans, which are the zygote's other children."""
        own = self.process.candidate
        pids = [own, *descendants(own)]
        spare = self.spare()
        if spare is None or spare.is_there():
            known = {own, spare.candidate if spare else own}
            for pid in set(children(self.process.zygote)) - known:
                pids += [pid, *descendants(pid)]
        return pids

    def _print(self) -> bool:
        return self._read(self.process.output, self._output.add)

    def _note(self) -> bool:
        """Read reports; a flood of them stops waking the judge, and fills its pipe."""
        self._reads += 1
        return self._read(self.process.reports, self._reported) and self._reads < EAGER

    def _read(self, fd: int, take: object) -> bool:
        """Pass on what is there; whether there may be more."""
        try:
            more = os.read(fd, CHUNK)
        except BlockingIOError:
            return True
        if more:
            take(more)  # type: ignore[operator]
        return bool(more)

    def _reported(self, more: bytes) -> None:
        self._report += more
        whole = len(self._report) // REPORT.size * REPORT.size
        records, self._report = self._report[:whole], self._report[whole:]
        if not records:
            return
        for step, value in REPORT.iter_unpack(records):
            if not math.isfinite(value):
                raise Stopped(f"stopped: report({step}, {value}) is not finite")
        why = self.heard(self.meter.used - self._began, value) if self.heard else ""
        if why:
            raise Stopped(why)

    def _hear(self) -> bool:
        try:
            more = self.process.wire.recv(CHUNK)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        if not self._frame and more:
            self.on_start()
        self._frame += more
        if len(self._frame) > MAX_TEXT + 2:
            raise ProtocolError("the candidate's process wrote a longer frame than there is")
        return bool(more)

    def _drain(self) -> None:
        """Read what was written before the end; bounded, for a writer may be out of our sight."""
        reported = partial(self._read, self.process.reports, self._reported)
        try:
            for read in (self._hear, self._print, reported):
                for _ in range(64):
                    if not read():
                        break
        except Stopped as stopped:
            self.failure = self.failure or stopped
        except CandidateFailure:
            pass

    def _account(self) -> None:
        ended = self.process.ended
        if ended is not None and len(ended) == ENDED.size:
            self._status, largest, _user, _system = ENDED.unpack(ended)
            self.gauge.ended(largest)

    def _judged(self, name: str) -> CandidateFailure | None:
        """What the frame and the exit status together say."""
        if self._status is None:
            return CandidateExited(f"{name}: its processes were killed from outside the sandbox")
        code = os.waitstatus_to_exitcode(self._status)
        if self._frame == STARTED:
            return CandidateExited(f"{name}: the process ended without an answer ({_how(code)})")
        kind, text = self._frame[1:2], clean(self._frame[2:])
        if kind == OK and not text and code == 0:
            return None
        if kind in (ERROR, MEMORY) and text and code == 1:
            return OutOfMemory(text) if kind == MEMORY else CandidateError(text)
        return ProtocolError(f"{name}: the process wrote on the harness's own wire")


def _how(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    more = ", perhaps the machine ran out of memory" if -code == signal.SIGKILL else ""
    return f"killed by signal {-code}, {name}{more}"
