"""What can be changed in candidate files, as a process of its own reads it; the judge parses nothing.

The judge starts ``inside``, whose reader alone parses the text, within the walls of the tier, and
checks its answer.
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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ..records import Limits
from .inside.reader.shape import MAX_LITERALS, READY, is_answer
from .launch import Launch
from .tiers import UNWALLED, Tier
from .view import view

MAX_FILE = 256 << 10
MAX_FILES = 64
MAX_ANSWER = 1 << 22
FILE_SECONDS = 4.0

File = tuple[str, bytes]

LITERAL = ("kind", "value", "name", "where", "role")
SITE = ("at", "comma", "lead", "separator", "trail", "quote", "callee", "where", "names", "given")
CUT = ("start", "end", "shown_start", "shown_end", "what", "name", "where")
NAME = ("spans", "full", "where")


def read_literals(
    files: Mapping[str, bytes], *, seconds: float = 20.0, tier: Tier = UNWALLED
) -> list[dict[str, Any]]:
    """What can be changed in the Python files among `files`, which maps paths to their bytes.

    ``tier`` says how the process that parses them is kept in.

    Each finding is a dict of ``path``, ``sort`` and what `inside.reader.shape` says of the sort:

    - ``literal``: ``start`` and ``end`` (byte offsets); ``kind`` (``int``, ``float``, ``bool``,
      ``str`` or ``none``); ``text`` (those bytes); ``value``; ``name`` (of the keyword, default
      parameter, dict key or variable it belongs to); ``where`` (the functions and the call or
      variable it stands in, dotted); ``role`` (one of `shape.ROLES`). They come in order.
    - ``site``: a call or dict of a known library in which more parameters can be written.
    - ``cut``: an argument, element, step or line that the code may do without.
    - ``name``: an imported class that may be another one.
    - ``unread``: a file that was given up.

    A file that does not parse, is over 256 KiB, kills the parser or keeps it busy for more than 4
    seconds is given up, as is one not reached within `seconds`; one that is not Python is left
    out. Raises `HarnessFault` when the parser itself cannot be started.
    """
    python = [(path, files[path]) for path in sorted(files) if path.endswith(".py")]
    pending = [(path, data) for path, data in python if 0 < len(data) <= MAX_FILE][:MAX_FILES]
    deadline = time.monotonic() + seconds
    found: list[dict[str, Any]] = []
    read = {path for path, data in python if not data}
    while pending and (left := deadline - time.monotonic()) > 0:
        answers = _ask(pending, left, tier)
        for (path, data), answer in zip(pending, answers, strict=False):
            if is_answer(answer, data):
                read.add(path)
                found += _findings(path, data, answer)
        # What comes after the answers is the file that the child died of.
        pending = pending[len(answers) + 1 :]
    unread = [{"sort": "unread", "path": path} for path, _ in python if path not in read]
    return _bounded(found) + unread


def _bounded(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The findings, of all files together at most `MAX_LITERALS` of each sort."""
    kept: list[dict[str, Any]] = []
    for sort in ("literal", "site", "cut", "name"):
        kept += [one for one in found if one["sort"] == sort][:MAX_LITERALS]
    return kept


def _ask(files: Sequence[File], seconds: float, tier: Tier) -> list[Any]:
    """One answer for each of the first files, as many as the child managed in time."""
    with tempfile.TemporaryFile() as request:
        request.write(json.dumps([len(data) for _, data in files]).encode() + b"\n")
        request.writelines(data for _, data in files)
        request.seek(0)
        raw, in_time = _run(request, seconds, tier)
    if not raw.startswith(READY):
        if in_time:
            _cannot_start()
        return []
    return list(_lines(raw[len(READY) :]))[: len(files)]


def _run(request: BinaryIO, seconds: float, tier: Tier) -> tuple[bytes, bool]:
    """What the child wrote, at most `MAX_ANSWER` bytes, and whether it ended by itself."""
    with tempfile.TemporaryDirectory() as folder:
        child = _start(request, Path(os.path.realpath(folder)), tier)
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


def _start(request: BinaryIO, folder: Path, tier: Tier) -> subprocess.Popen[bytes]:
    launch = Launch(tier.name, tier.builder, Limits(), folder, view(folder, None, Limits()))
    number = request.fileno()
    with launch.order({"read": {"request": number, "seconds": FILE_SECONDS}}) as order:
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


def _findings(path: str, data: bytes, answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """An answer that was checked, as dicts."""
    for start, end, *what in answer["literals"]:
        text = {"start": start, "end": end, "text": data[start:end].decode("ascii")}
        yield {"sort": "literal", "path": path, **text, **dict(zip(LITERAL, what, strict=True))}
    for sort, fields in (("site", SITE), ("cut", CUT), ("name", NAME)):
        for entry in answer[f"{sort}s"]:
            yield {"sort": sort, "path": path, **dict(zip(fields, entry, strict=True))}
