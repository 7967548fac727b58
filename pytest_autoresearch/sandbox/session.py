"""The sandbox of one session: a warm zygote, and one process at a time that does a job."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ..exceptions import (
    CandidateFailure,
    HarnessFault,
    OutOfMemory,
    OverBudget,
    ProtocolError,
)
from ..records import Json, Limits
from .handing.answer import Answer
from .handing.files import Room, discard, size_of
from .handing.job import Job, Result
from .handing.parcel import Parcel, parcel
from .handing.payload import pack
from .handing.sealing import memory_file, seal
from .handing.stock import Stock
from .handing.text import clean
from .inside.attempts import ATTEMPTS
from .inside.confine import GUARDED, NONE, SEALED
from .walls.environment import environment, import_path
from .walls.launch import Launch
from .walls.outside import number_here, require_walls
from .walls.tiers import UNWALLED, Tier, broken, targets
from .walls.view import view
from .watching.budget import Meter
from .watching.gauge import Gauge
from .watching.kin import Kin, wait_unless_stopped
from .watching.process import Process
from .watching.shm import Shelf
from .watching.watch import MIB, Watch

START_SECONDS = 300.0
CANARY_SECONDS = 60.0
END_SECONDS = 20.0
MAX_READY = 1 << 20
LENGTH = struct.Struct("<I")


class Sandbox:
    """Runs candidate code in processes of its own. One job at a time; each is for one thread.

    ``imports`` are imported once, in the process that all others are forked from; what cannot be
    imported is in ``skipped``. ``repository`` is where the user's own code lies: import paths that
    lead into it are dropped. Everything that is written, and the candidates' trees, lie below
    ``scratch_parent``. ``tier`` says how they are kept in.
    """

    def __init__(
        self,
        limits: Limits,
        scratch_parent: Path,
        imports: Sequence[str] = (),
        *,
        repository: Path | None = None,
        tier: Tier = UNWALLED,
    ) -> None:
        self.limits = limits
        self.imports = tuple(imports)
        self.repository = repository
        self.tier = tier
        self.workshop = Path(os.path.realpath(scratch_parent))
        self._folder: Path | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._lifeline: socket.socket | None = None
        self._log: IO[bytes] | None = None
        self._skipped: Mapping[str, str] | None = None
        self._cold = ""
        self._spare: Process | None = None
        self._stock = Stock()
        self._kin = Kin()

    def start(self) -> None:
        """Start importing; returns at once, the first job waits for it."""
        if self._guard is not None:
            return
        ours, theirs = socket.socketpair()
        near, far = socket.socketpair()
        self._log = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115 - read when the zygote ends
        order = {
            "control": theirs.fileno(),
            "lifeline": far.fileno(),
            "libraries": self.imports,
            "path": import_path(),
            "repository": os.path.realpath(self.repository) if self.repository else "",
        }
        self._control, self._lifeline = ours, near
        with theirs, far:
            self._guard = self._launch(order, [theirs.fileno(), far.fileno()])
        self._skipped = None
        self._kin = Kin()
        self._kin.add([self._guard.pid])

    def _launch(self, order: Mapping[str, Json], fds: Sequence[int]) -> subprocess.Popen[bytes]:
        seen = view(self.workshop, self.repository, self.limits)
        launch = Launch(self.tier.name, self.tier.builder, self.limits, self.workshop, seen)
        try:
            with launch.order(order) as told:
                return subprocess.Popen(
                    launch.command,
                    pass_fds=fds,
                    env=environment(self.limits, self.folder),
                    cwd=self.folder,
                    stdin=told,
                    stdout=self._log,
                    stderr=self._log,
                    # Ctrl-C in a terminal is for the judge, which then ends the candidates in order.
                    start_new_session=True,
                )
        except OSError as error:
            self._end()
            raise HarnessFault(
                f"the sandbox cannot start with {sys.executable}: {error}"
            ) from error

    @property
    def folder(self) -> Path:
        """Where the jobs' scratch folders lie; made when it is first needed."""
        if self._folder is None:
            self.workshop.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(dir=self.workshop, prefix="sandbox-"))
        return self._folder

    @property
    def skipped(self) -> Mapping[str, str]:
        """Libraries that could not be imported, with the reason; waits until all are tried."""
        self.start()
        return self._ready()

    @property
    def cold(self) -> str:
        """Why every process imports all libraries itself; empty where they are imported once."""
        self.start()
        self._ready()
        return self._cold

    def close(self) -> None:
        """End every process and remove every folder. The sandbox can be started again."""
        self._end()
        self._stock.clear()
        if self._folder is not None:
            discard(self._folder)
            self._folder = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, job: Job, meter: Meter) -> Result:
        """Do one job in a fresh process and wait for its end.

        What the candidate did wrong is in the result. Raises `Interrupted` at the session's deadline,
        `OverBudget` when nothing of the budget is left to begin with, `HarnessFault` when no process
        can be started.
        """
        meter.check()
        scratch = Path(tempfile.mkdtemp(dir=self.folder, prefix="job-"))
        shared = self.tier.name == GUARDED and self.limits.processes
        shelf = Shelf() if shared else None
        try:
            for name, content in job.files.items():
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                (scratch / name).write_bytes(content)
            return self._run(job, meter, scratch)
        except HarnessFault:
            self._end()
            raise
        finally:
            discard(scratch)
            if shelf is not None:
                shelf.sweep()

    def _run(self, job: Job, meter: Meter, scratch: Path) -> Result:
        limits = self.limits
        if job.answer is not None:
            job.answer.require_room(limits.memory, job.name)
        with contextlib.ExitStack() as stack:
            result = None
            if job.answer is not None and not job.yields:
                result = memory_file(min(job.answer.capacity, limits.memory))
                stack.callback(os.close, result)
                seal(result, writable=True)
            capacity = job.answer.capacity if job.answer is not None else 0
            largest = max(limits.scratch, limits.artifact, capacity)
            order = {**job.order, "scratch": str(scratch), "largest": largest}
            order |= _folders(order)
            packed = parcel(order, job.payload, self._stock, self.folder)
            stack.callback(packed.close)
            rooms = self._rooms(job, scratch)
            for _ in range(2):
                watch, seconds = self._watched(job, meter, packed, result, rooms)
                if watch.started or isinstance(watch.failure, OverBudget | OutOfMemory):
                    return _result(job, watch, seconds, result, scratch)
        raise HarnessFault(
            f"a sandbox process ended before it came to {job.name} ({watch.failure}); it said: "
            f"{watch.output.strip() or 'nothing'}"
        )

    def prove(self) -> None:
        """Have a harmless attack fail in a candidate's place; raises `HarnessFault` when it does not."""
        if self.tier.name == NONE:
            return
        order = {"op": "canary", "entry": "canary", "seed": 0, "env": {}, "argv": [], "tree": ""}
        answer = Answer((len(ATTEMPTS),), (len(ATTEMPTS),))
        order |= {"shape": answer.shape, "most": answer.most, "dtype": answer.dtype}
        with targets(self.folder, self.limits) as target:
            order["target"] = target
            job = Job("canary", order, pack("canary", (), {}), answer)
            result = self.run(job, Meter(CANARY_SECONDS))
        breach = None if result.array is None else broken(result.array.tolist())
        if result.array is None or breach is not None:
            what = result.failure or f"a process inside could {breach}"
            raise HarnessFault(f"isolation {self.tier.name} does not hold: {what}")

    def _rooms(self, job: Job, scratch: Path) -> list[Room]:
        """The folders that the job may fill."""
        output = job.answer.capacity if job.answer is not None and job.yields else 0
        given = output + (size_of(scratch) if job.files else 0)
        limits = self.limits
        rooms = [Room(scratch, limits.scratch, "the scratch folder", "scratch", given)]
        if job.order.get("op") == "fit":
            state = Path(job.order["artifact"])
            rooms.append(Room(state, limits.artifact, "the fitted state", "artifact"))
        return rooms

    def _watched(
        self,
        job: Job,
        meter: Meter,
        packed: Parcel,
        result: int | None,
        rooms: Sequence[Room],
    ) -> tuple[Watch, float]:
        """Have a process do the job; the watch that saw it end, and the seconds from job to end."""
        process = self._begin(packed, result)
        began = time.monotonic()
        self._prepare()
        try:
            watch = Watch(
                process,
                meter,
                gauge=Gauge(self.limits.memory, packed, result, self.folder),
                rooms=rooms,
                spare=lambda: self._spare,
                started=lambda: require_walls(process.candidate, self.tier.name),
                heard=job.heard,
                shown=job.shown,
            )
            watch.wait(job.name)
            seconds = time.monotonic() - began
        finally:
            process.close()
            if not process.ended or (self._guard is not None and self._guard.poll() is not None):
                # Guard and zygote are dead, stopped or lonely: nothing of theirs is used again.
                self._end()
        return watch, seconds

    def _begin(self, packed: Parcel, result: int | None) -> Process:
        """Give the job to the process kept ready, or to a new one."""
        for attempt in (1, 2):
            process, self._spare = self._spare, None
            try:
                if process is None:
                    self.start()
                    self._ready()
                    assert self._control is not None
                    process = Process.order(self._control, self._number)
                process.greet()
                self._kin.add([process.zygote])
                process.give(packed, result)
            except OSError as error:
                if process is not None:
                    process.close()
                report = self._end()
                if attempt == 2:
                    raise HarnessFault(
                        f"no sandbox process can be started ({error}); its process said: {report}"
                    ) from error
            else:
                return process
        raise AssertionError

    def _prepare(self) -> Process | None:
        """Have the next process forked while this one works. If it fails, `_begin` will notice."""
        if self._spare is None and self._control is not None:
            with contextlib.suppress(OSError):
                self._spare = Process.order(self._control, self._number)
        return self._spare

    def _number(self, inner: int) -> int:
        """The judge's number of a process that the zygote calls ``inner``."""
        if self.tier.name != SEALED or self._guard is None:
            return inner
        return number_here(self._guard.pid, inner)

    def _ready(self) -> Mapping[str, str]:
        """Wait for the zygote's imports. Raises `HarnessFault` with what it said instead."""
        if self._skipped is None:
            assert self._control is not None
            self._control.settimeout(START_SECONDS)
            try:
                self._skipped, self._cold = _receive(self._control)
            except (OSError, ValueError) as error:
                report = self._end()
                raise HarnessFault(
                    f"the sandbox cannot start with {sys.executable} ({error}); it said: {report}"
                ) from error
        return self._skipped

    def _end(self) -> str:
        """End all processes; the tail of what the zygote printed."""
        if self._spare is not None:
            self._spare.close()
            self._spare = None
        for link in (self._lifeline, self._control):
            if link is not None:
                with contextlib.suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)
                link.close()
        self._lifeline = self._control = None
        if self._guard is not None:
            wait_unless_stopped(self._guard, END_SECONDS)
            self._kin.kill()
            self._guard.kill()
            self._guard.wait()
            self._guard = None
        return self._said()

    def _said(self) -> str:
        if self._log is None:
            return "nothing"
        with self._log as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            said = clean(log.read()).strip()
        self._log = None
        return said or "nothing"


def _folders(order: Mapping[str, Json]) -> dict[str, Json]:
    """The folders that a job reads, and those that it fills."""
    reads, writes = [order["tree"]] if order["tree"] else [], [order["scratch"]]
    if order["op"] == "fit":
        writes.append(order["artifact"])
    elif order["op"] == "predict":
        reads.append(order["artifact"])
    return {"reads": reads, "writes": writes}


def _receive(control: socket.socket) -> tuple[dict[str, str], str]:
    """The zygote's list of libraries that it could not import, and why it imported none."""
    (length,) = LENGTH.unpack(_exactly(control, LENGTH.size))
    if length > MAX_READY:
        raise ValueError("an impossible greeting")
    greeting: dict[str, Any] = json.loads(_exactly(control, length))
    return greeting["skipped"], greeting["cold"]


def _exactly(control: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = control.recv(size - len(data))
        if not more:
            raise ConnectionResetError("it ended before it was ready")
        data += more
    return data


def _result(job: Job, watch: Watch, seconds: float, result: int | None, scratch: Path) -> Result:
    array: Any = None
    failure: CandidateFailure | None = watch.failure
    if failure is None and job.answer is not None:
        try:
            if job.yields:
                array = job.answer.read_file(scratch / job.yields, job.name)
            elif result is not None:
                array = job.answer.read(result, job.name)
        except ProtocolError as error:
            failure = error
    return Result(
        seconds=seconds,
        peak_mb=watch.gauge.peak / MIB,
        output=watch.output,
        array=array,
        failure=failure,
    )
