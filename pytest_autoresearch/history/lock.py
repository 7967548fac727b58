"""One writer for a run: a lock that a killed process never leaves behind."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from ..exceptions import UsageProblem
from ..records import Json

STALE_AFTER = 600.0
"""Seconds without renewal after which another host's lock may be deleted by a person."""
RENEWED_EVERY = 60.0
"""Seconds between two renewals."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Lock:
    """Held from construction to `release` or the end of the process, however that comes.

    Raises `UsageProblem`, naming the holder, when another writer has it. On one host the kernel's
    own file lock decides; the file's content, which names the holder, decides between hosts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: int | None = self._acquire()
        self._released = threading.Event()
        threading.Thread(target=self._keep, name="autoresearch-lock", daemon=True).start()

    def renew(self) -> None:
        """Tell other hosts that the holder is alive; done by itself every `RENEWED_EVERY` seconds."""
        if self._file is not None:
            os.utime(self._file)

    def release(self) -> None:
        """Let the next writer in; harmless when repeated."""
        self._released.set()
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def _keep(self) -> None:
        while not self._released.wait(RENEWED_EVERY):
            with suppress(OSError):
                self.renew()

    def _acquire(self) -> int:
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                self._take(file)
            except BaseException:
                os.close(file)
                raise
            if self._is_current(file):
                return file
            os.close(file)

    def _take(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise self._taken(_holder(file)) from None
        holder = _holder(file)
        if holder.get("host", socket.gethostname()) != socket.gethostname():
            raise self._elsewhere(holder, time.time() - os.fstat(file).st_mtime)
        content = json.dumps(_myself()).encode() + b"\n"
        os.ftruncate(file, 0)
        os.pwrite(file, content, 0)

    def _is_current(self, file: int) -> bool:
        """Whether the file is still the one at the path: someone may have deleted it meanwhile."""
        try:
            return os.path.samestat(os.fstat(file), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _taken(self, holder: dict[str, Json]) -> UsageProblem:
        host, pid = holder.get("host", "this host"), holder.get("pid", "unknown")
        gone = isinstance(pid, int) and _started(pid) != holder.get("started")
        return UsageProblem(
            f"another search writes to this run: process {pid} on {host} holds {self.path}. "
            + (
                f"That process has ended, but one that it started still runs: `fuser {self.path}` "
                "names it; end it."
                if gone
                else "Wait for it, stop it, or start a run of another name."
            )
        )

    def _elsewhere(self, holder: dict[str, Json], age: float) -> UsageProblem:
        who = f"process {holder.get('pid')} on host {holder.get('host')}"
        if age < STALE_AFTER:
            return UsageProblem(
                f"another search writes to this run: {who} holds {self.path} and renewed it "
                f"{age:.0f} s ago. Stop it there, or start a run of another name."
            )
        return UsageProblem(
            f"{who} holds {self.path} but has not renewed it for {age / 60:.0f} minutes. "
            f"If it has ended, take the run over: delete {self.path} and start again."
        )


def is_held(path: Path) -> bool:
    """Whether a writer that is alive, as far as can be seen from here, holds the lock; takes nothing."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        holder, renewed = _holder(file), os.fstat(file).st_mtime
    finally:
        os.close(file)
    if holder.get("host") == socket.gethostname():
        pid = holder.get("pid")
        return isinstance(pid, int) and _started(pid) == holder.get("started")
    return bool(holder) and time.time() - renewed < STALE_AFTER


def _holder(file: int) -> dict[str, Json]:
    """Who the file names; empty when it is free or was written half."""
    try:
        content = json.loads(os.pread(file, 4096, 0))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _myself() -> dict[str, Json]:
    boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""
    pid = os.getpid()
    return {"host": socket.gethostname(), "boot": boot, "pid": pid, "started": _started(pid)}


def _started(pid: int) -> str | None:
    """A process's start time in clock ticks since boot; ``None`` when it is gone or unknown."""
    try:
        # The name in parentheses may hold spaces; the fields after it do not.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[19]
