"""The candidate's process: takes one job from the judge, does it, answers, and ends.

The job's arguments come in files, mapped privately: the candidate may write into them, and nothing of
that reaches the judge or another candidate. The answer is numbers in a memory file, whose size the
judge chose, and one frame on the wire: `STARTED` before any candidate code runs, then a letter (`OK`,
`ERROR`, `MEMORY`) and a text.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import pickle
import random
import resource
import socket
import struct
import sys
import tempfile
import types
from collections.abc import Mapping
from typing import Any

from . import doors, entry, mapping, trace
from .confine import NO_CORE, Plan, Walls

JOB = struct.Struct("<QQQ")
"""Where in the first file the order (JSON) lies, its length, and the number of files."""

MOST_FDS = 128
"""Descriptors that come with a job, at most."""

REPORT = struct.Struct("<qd")
LARGEST_STEP = (1 << 63) - 1
STARTED, OK, ERROR, MEMORY = b"S", b"K", b"E", b"M"
MAX_TEXT = 16 << 10


def work(wire: int, output: int, reports: int, plan: Plan) -> None:
    """Do one job. Never returns: the process ends here, whatever the candidate left running."""
    _redirect(output)
    link = socket.socket(fileno=wire)
    walls = Walls(plan)
    _be_the_first_to_go()
    walls.prepare()
    order, arguments, result = _receive(link)
    walls.close(order["reads"], order["writes"])
    _settle(order)
    doors.furnish(plan)
    link.sendall(STARTED)
    frame = _answer(order, arguments, result, reports)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    if frame:
        link.sendall(frame)
    os._exit(0 if frame == OK else 1)


def _be_the_first_to_go() -> None:
    """Where the machine's memory runs out, this process is ended before others."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _redirect(output: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    for number, name in ((1, "stdout"), (2, "stderr")):
        # Line by line, for a process that is killed flushes nothing.
        stream = open(number, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _receive(link: socket.socket) -> tuple[dict[str, Any], tuple[Any, Any], int]:
    """The order, the positional and named arguments, and where the numbers go (-1: nowhere)."""
    message, fds, _, _ = socket.recv_fds(link, JOB.size, MOST_FDS)
    if len(message) != JOB.size:
        os._exit(0)
    start, length, count = JOB.unpack(message)
    files = [mapping.take(fd) for fd in fds[:count]]
    order = json.loads(bytes(files[0][start : start + length]))
    head, *buffers = (files[file][at : at + size] for file, at, size in order["pieces"])
    arguments = pickle.loads(head, buffers=buffers)
    return order, arguments, fds[count] if len(fds) > count else -1


def _settle(order: Mapping[str, Any]) -> None:
    """Move into the job's scratch folder, with its environment, limits and seeds."""
    os.chdir(order["scratch"])
    _leave_zygotes_folder(order["scratch"])
    os.environ.update({"HOME": order["scratch"], "TMPDIR": order["scratch"]}, **order["env"])
    if order.get("output"):
        os.environ["AUTORESEARCH_OUTPUT"] = os.path.join(order["scratch"], order["output"])
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (NO_CORE, NO_CORE))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest"], order["largest"]))
    # Else a worker that multiprocessing starts would run the zygote's file again.
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.argv = [order["entry"], *order["argv"]]
    _seed(order["seed"])


def _leave_zygotes_folder(scratch: str) -> None:
    """Forget the temporary folder that libraries found when they were imported."""
    tempfile.tempdir = None
    if old := os.environ.get("TMPDIR"):
        for name, value in os.environ.items():
            if value.startswith(old):
                os.environ[name] = scratch + value.removeprefix(old)


def _seed(seed: int) -> None:
    """Every forked process would else share one state of NumPy's global generator."""
    random.seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed % (1 << 32))
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(seed)


def _whole(step: Any) -> int:
    """A step as a record holds it: the nearest whole number of 64 bits; -1 for none."""
    if isinstance(step, float) and not math.isfinite(step):
        return -1
    return max(-LARGEST_STEP, min(LARGEST_STEP, int(step)))


def _answer(
    order: Mapping[str, Any], arguments: tuple[Any, Any], result: int, reports: int
) -> bytes:
    """Obey; the frame for the wire, empty when the candidate asked to exit."""

    def report(step: int, value: float) -> None:
        """Tell the judge how training goes; a value that is not finite ends the run."""
        os.write(reports, REPORT.pack(_whole(step), float(value)))

    try:
        entry.obey(order, *arguments, result, report)
    except (SystemExit, KeyboardInterrupt, GeneratorExit):
        return b""
    except entry.Complaint as complaint:
        return ERROR + str(complaint).encode("utf-8", "replace")[:MAX_TEXT]
    except BaseException as error:
        kind = MEMORY if isinstance(error, MemoryError) else ERROR
        text = doors.remind(error, trace.describe(error, order["tree"]))
        return kind + text.encode("utf-8", "replace")[:MAX_TEXT]
    return OK
