"""What a candidate's process must not be able to do, tried in its place before any candidate is there."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

from . import linux

Target = Mapping[str, Any]
"""``secret`` (a file outside), ``port`` (TCP, on loopback), ``name`` (an abstract socket), ``judge`` (a
process id), ``processes`` and ``exec`` (the doors of the sandbox marker)."""


def read_a_file(target: Target) -> bool:
    """Read what lies beside the candidate's own files."""
    with open(target["secret"], "rb") as file:
        return bool(file.read())


def write_a_file(target: Target) -> bool:
    """Write there."""
    with open(target["secret"], "ab"):
        return True


def reach_the_network(target: Target) -> bool:
    """Connect to a server of this machine."""
    with socket.create_connection(("127.0.0.1", target["port"]), timeout=1):
        return True


def reach_a_socket(target: Target) -> bool:
    """Connect to another process by the name of its socket."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(1)
        link.connect("\0" + target["name"])
        return True


def see_the_judge(target: Target) -> bool:
    """Read the environment of the judge's process, in which keys may lie."""
    with open(f"/proc/{target['judge']}/environ", "rb") as file:
        return bool(file.read())


def signal_the_judge(target: Target) -> bool:
    """Send a signal, one that does nothing."""
    os.kill(target["judge"], 0)
    return True


def start_a_process(target: Target) -> bool:
    """Fork, unless the marker allows it."""
    if target["processes"]:
        return False
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True


def run_a_program(target: Target) -> bool:
    """Ask for a program that does not exist, unless the marker allows it: a wall says so earlier."""
    if target["exec"]:
        return False
    try:
        os.execv("/nothing", ["nothing"])
    except FileNotFoundError:
        return True
    return False


def gain_rights(target: Target) -> bool:
    """Begin a namespace in which one has every right."""
    linux.unshare(linux.CLONE_NEWUSER, "user namespace")
    return True


def hide_memory(target: Target) -> bool:
    """Make a file in memory that no counter of a process shows."""
    os.close(os.memfd_create("canary"))
    return True


ATTEMPTS: tuple[tuple[str, Callable[[Target], bool]], ...] = (
    ("read a file outside", read_a_file),
    ("write a file outside", write_a_file),
    ("connect to a server", reach_the_network),
    ("connect to a socket of the host", reach_a_socket),
    ("read the judge's environment", see_the_judge),
    ("signal the judge", signal_the_judge),
    ("start a process", start_a_process),
    ("run a program", run_a_program),
    ("gain rights", gain_rights),
    ("hide memory", hide_memory),
)


def succeeded(target: Target) -> list[float]:
    """1 for each of `ATTEMPTS` that came through, else 0."""
    found = []
    for _, attempt in ATTEMPTS:
        breach = False
        with contextlib.suppress(OSError):
            breach = attempt(target)
        found.append(float(breach))
    return found
