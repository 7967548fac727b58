"""Says which walls there are on this machine, by building them around a process and attacking it."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

from . import attempts, confine, landlock, world


def main(order: dict[str, Any]) -> NoReturn:
    """Write one line of JSON to standard output: the layer that failed, or what there is."""
    try:
        if order["world"]:
            world.settle(order["world"])
        answer = _tried(order)
    except OSError as error:
        answer = _failed(error)
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)


def _failed(error: OSError) -> dict[str, Any]:
    text = error.strerror or str(error)
    return {"layer": text.partition(":")[0], "errno": error.errno, "text": text}


def _tried(order: dict[str, Any]) -> dict[str, Any]:
    """Build the walls of a candidate around a process, and have it try what it must not do."""
    reading, writing = os.pipe()
    if order["walls"]["tier"] == confine.SEALED:
        with open("/proc/self/ns/pid") as home:
            pid = world.fork(home.fileno())
    else:
        pid = os.fork()
    if pid == 0:
        answer: dict[str, Any]
        try:
            walls = confine.Walls(order["walls"])
            walls.prepare()
            walls.close([], [])
            answer = {"landlock": landlock.abi(), "breaches": attempts.succeeded(order["target"])}
        except OSError as error:
            answer = _failed(error)
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        text = file.read()
    os.waitpid(pid, 0)
    if not text:
        raise OSError(0, "walls: the process that they were built around has died")
    found: dict[str, Any] = json.loads(text)
    return found
