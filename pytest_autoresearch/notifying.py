"""Tells a person's own command what happens: one JSON event on its standard input, never in the search's way."""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from .exceptions import UsageProblem
from .records import Json, Part, Record, Status, Summary
from .report.text import one_line

SECONDS = 10.0
"""So long the command may take for one event; and so long the end of a session waits for it."""
MOST_WAITING = 100
"""Events that wait for an earlier one, at most."""
WORDS = 300
"""Characters of a text from an agent or a candidate."""
NO_RESULT = (Status.INTERRUPTED, Status.FAILED, Status.WON)


class Notifier:
    """Runs a command once for each event, one after the other, in a thread of its own.

    A relative path in ``command`` lies under ``folder``, where it runs, too. No shell is between, output
    goes nowhere, and what goes wrong costs no more than a line in the summary. Raises `UsageProblem` for a
    command that is not there: that is a slip of the pen, and known before the night begins.
    """

    def __init__(self, command: str, folder: Path) -> None:
        self._command = _parsed(command, folder)
        self._folder = folder
        self._waiting: deque[dict[str, Json]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._end: float | None = None
        self._told = 0
        self._problems: list[str] = []

    def tell(self, event: Mapping[str, Json]) -> None:
        """Have the command told; returns at once, from any thread."""
        with self._changed:
            self._told += 1
            if self._end is not None or len(self._waiting) >= MOST_WAITING:
                self._problems.append("too many events waited for an earlier one")
                return
            self._waiting.append(dict(event))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Wait until everything is told, at most `SECONDS`; what is not told by then is dropped."""
        with self._changed:
            self._end = self._end or time.monotonic() + SECONDS
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            # A moment more, so that the command that is ended last is reaped.
            thread.join(max(0.0, self._end - time.monotonic()) + 1.0)

    @property
    def complaint(self) -> str:
        """What went wrong, in a line; empty when nothing did."""
        with self._changed:
            if not self._problems:
                return ""
            failed, first = len(self._problems), self._problems[0]
            return f"autoresearch_notify: {failed} of {self._told} events were not told: {first}"

    def _work(self) -> None:
        while (event := self._next()) is not None:
            problem = self._run(event)
            with self._changed:
                self._problems += [problem] if problem else []

    def _next(self) -> dict[str, Json] | None:
        with self._changed:
            while not self._waiting:
                if self._end is not None:
                    return None
                self._changed.wait()
            return self._waiting.popleft()

    def _limit(self, began: float) -> float:
        """When the event under way has to be told: while a session ends, the others need time as well."""
        with self._changed:
            if self._end is None:
                return began + SECONDS
            start = max(began, self._end - SECONDS)
            return min(began + SECONDS, start + (self._end - start) / (1 + len(self._waiting)))

    def _run(self, event: Mapping[str, Json]) -> str:
        """Run the command; returns what went wrong."""
        began = time.monotonic()
        text = json.dumps(_finite(event)).encode() + b"\n"
        try:
            # A file, for a pipe that the command does not read would have to be waited for.
            with tempfile.TemporaryFile() as told:
                told.write(text)
                told.seek(0)
                process = subprocess.Popen(
                    self._command,
                    cwd=self._folder,
                    stdin=told,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
        except OSError as error:
            return f"the command cannot be started: {error.strerror or error}"
        while process.poll() is None:
            left = self._limit(began) - time.monotonic()
            if left <= 0:
                _kill(process)
                return f"the command took more than {SECONDS:g} s"
            with suppress(subprocess.TimeoutExpired):
                process.wait(min(left, 0.25))
        return f"the command ended with {process.returncode}" if process.returncode else ""


def _parsed(command: str, folder: Path) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageProblem(
            f"ini autoresearch_notify = {command!r} cannot be read: {error}"
        ) from None
    if not words:
        raise UsageProblem(f"ini autoresearch_notify = {command!r} names no command")
    program = os.path.expanduser(words[0])
    found = shutil.which(str(folder / program) if os.sep in program else program)
    if found is None:
        raise UsageProblem(
            f"ini autoresearch_notify = {command!r}: there is no program {words[0]!r} that can be run; correct "
            "it, or take the line out (no shell is between: wrap pipes in `sh -c '…'`)"
        )
    return [found, *words[1:]]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _finite(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Events:
    """What a person is told of one session: each event with where the search stands then.

    ``facts`` says that; it is called in the thread that tells.
    """

    def __init__(
        self, tell: Callable[[Mapping[str, Json]], None], facts: Callable[[], Mapping[str, Json]]
    ):
        self._tell = tell
        self._facts = facts
        self._has_results = False
        self._asked: set[tuple[Json, ...]] = set()

    def started(self) -> None:
        """A session begins to search."""
        self._send("started")

    def finished(self, record: Record) -> None:
        """An evaluation has ended: the first results of the session, or a keep."""
        if record.part is not Part.EXPERIMENT or record.status in NO_RESULT:
            return
        about = {
            "experiment": record.experiment,
            "status": record.status.word,
            "score": record.score,
            "delta": record.delta,
            "reason": one_line(record.reason, WORDS),
            "description": one_line(record.description, WORDS),
        }
        if not self._has_results:
            self._has_results = True
            self._send("first_results", **about)
        if record.status is Status.KEPT:
            self._send("kept", **about)

    def needs_person(self, what: str, since: Json, about: Mapping[str, Json]) -> None:
        """A person has to look; told once for each thing that is wrong."""
        thing = (about.get("kind"), since)
        if thing not in self._asked:
            self._asked.add(thing)
            self._send("needs_person", reason=one_line(what, WORDS), since=since, about=about)

    def cost(self, share: float) -> None:
        """A share of the cap is spent; comes from a thinking thread, too."""
        self._send("cost", share=share)

    def ended(self, summary: Summary) -> None:
        """The session is over, with everything written down."""
        last = summary.looks[-1] if summary.looks else None
        self._send(
            "ended",
            reason=one_line(summary.ended, WORDS),
            finished=summary.finished,
            branch=summary.branch,
            vault_gain=None if last is None else last.vault.gain,
        )

    def _send(self, event: str, **about: Json) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        stands: Mapping[str, Json] = {}
        # Asked beside the search, whose records may change meanwhile; no payment may fail for that.
        with suppress(Exception):
            stands = self._facts()
        self._tell({"event": event, "time": stamp, **stands, **about})
