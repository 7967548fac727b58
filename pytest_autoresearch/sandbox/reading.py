"""Candidate files read by a process of its own: the judge parses nothing.

The judge starts ``inside``, whose reader alone parses the text, within the walls of the tier. What it
answers is checked by who asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

from ..records import Limits
from .inside.reader.shape import READY
from .walls.launch import Launch
from .walls.tiers import Tier
from .walls.view import view

MAX_ANSWER = 1 << 22
FILE_SECONDS = 4.0

What = Literal["changes", "lines"]


def answers(what: What, files: Sequence[bytes], *, seconds: float, tier: Tier) -> list[Any]:
    """What the reader says of each of the first files, of as many as it gets to within `seconds`.

    ``what`` is one of `inside.reader.main.ASKED`. The answer is None for a file that is not what it
    should be, kills the reader, or keeps it busy for more than 4 seconds. Raises `HarnessFault` when
    the reader itself cannot be started.
    """
    found: list[Any] = []
    deadline = time.monotonic() + seconds
    while len(found) < len(files) and (left := deadline - time.monotonic()) > 0:
        found += _ask(what, files[len(found) :], left, tier)
        if len(found) < len(files) and time.monotonic() < deadline:
            # What comes after the answers is the file that the child died of.
            found.append(None)
    return found


def _ask(what: What, files: Sequence[bytes], seconds: float, tier: Tier) -> list[Any]:
    """One answer for each of the first files, as many as the child managed in time."""
    with tempfile.TemporaryFile() as request:
        request.write(json.dumps([len(data) for data in files]).encode() + b"\n")
        request.writelines(files)
        request.seek(0)
        raw, in_time = _run(what, request, seconds, tier)
    if not raw.startswith(READY):
        if in_time:
            _cannot_start()
        return []
    return list(_lines(raw[len(READY) :]))[: len(files)]


def _run(what: What, request: BinaryIO, seconds: float, tier: Tier) -> tuple[bytes, bool]:
    """What the child wrote, at most `MAX_ANSWER` bytes, and whether it ended by itself."""
    with tempfile.TemporaryDirectory() as folder:
        child = _start(what, request, Path(os.path.realpath(folder)), tier)
        late = threading.Timer(seconds, _kill, [child])
        started = time.monotonic()
        late.start()
        try:
            assert child.stdout is not None
            raw = child.stdout.read(MAX_ANSWER)
            child.stdout.close()
        finally:
            late.cancel()
            late.join()
            _kill(child)
            child.wait()
    return raw, time.monotonic() - started < seconds


def _start(what: What, request: BinaryIO, folder: Path, tier: Tier) -> subprocess.Popen[bytes]:
    launch = Launch(tier.name, tier.builder, Limits(), folder, view(folder, None, Limits()))
    number = request.fileno()
    read = {"what": what, "request": number, "seconds": FILE_SECONDS}
    with launch.order({"read": read}) as order:
        return subprocess.Popen(
            launch.command,
            stdin=order,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ},
            pass_fds=[number],
            start_new_session=True,
        )


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _cannot_start() -> None:
    from ..exceptions import HarnessFault

    raise HarnessFault(
        f"The tuner's parser did not start: {sys.executable} cannot import libcst, "
        "or has no memory left for it. Install libcst in that environment."
    )


def _lines(raw: bytes) -> Iterator[Any]:
    """The answers that were written whole; a line that is not JSON stands for no answer."""
    for line in raw.split(b"\n")[:-1]:
        try:
            yield json.loads(line, parse_constant=float)
        except (ValueError, RecursionError):
            yield None
