"""What the judge sees of a candidate's process from outside: its number here, and whether its walls stand."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from ...exceptions import HarnessFault
from ..inside.confine import NONE, SEALED
from ..inside.processes import contents, descendants

NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts")
PATIENCE, PAUSE = 1.0, 0.002
"""Seconds that a process without walls may take to be gone, and seconds between two looks."""

NO_CAPABILITY = ("CapInh", "CapPrm", "CapEff", "CapAmb")


def number_here(above: int, inner: int) -> int:
    """The judge's number of a process below ``above`` that the sealed world calls ``inner``.

    Raises `ProcessLookupError` when there is none.
    """
    for pid in descendants(above):
        numbers = _status(pid).get("NSpid", "").split()
        if len(numbers) > 1 and numbers[1] == str(inner):
            return pid
    raise ProcessLookupError(f"process {inner} of the sandbox is not there")


def require_walls(pid: int, tier: str) -> None:
    """Raise `HarnessFault` unless the kernel says that a process is kept in; one that is gone passes.

    A process that ends gives its walls back before it is gone: what seems wrong is looked at again.
    """
    if tier == NONE:
        return
    end = time.monotonic() + PATIENCE
    while wrong := _wrong(pid, tier):
        if time.monotonic() > end:
            raise HarnessFault(
                f"isolation {tier} is not what it should be around process {pid}: {', '.join(wrong)}"
            )
        time.sleep(PAUSE)


def _wrong(pid: int, tier: str) -> list[str]:
    status = _status(pid)
    if not status:
        return []
    wrong = [name for name in NO_CAPABILITY if int(status.get(name, "0"), 16)]
    if status.get("Seccomp") != "2":
        wrong.append("no seccomp filter")
    if status.get("NoNewPrivs") != "1":
        wrong.append("no_new_privs is not set")
    if tier == SEALED:
        wrong += [f"the {name} namespace is ours" for name in NAMESPACES if _shared(pid, name)]
    return wrong


def _shared(pid: int, name: str) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/ns/{name}") == os.readlink(f"/proc/self/ns/{name}")
    except OSError:
        return False


def _status(pid: int) -> Mapping[str, str]:
    """The lines of a process's status; empty when it is gone or ends."""
    try:
        lines = contents(f"/proc/{pid}/status").decode("ascii", "replace").splitlines()
    except OSError:
        return {}
    found = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return {} if found.get("State", "Z")[:1] in "ZX" else found
