"""What every attack brings along; the text of this file stands at the top of its `model.py`.

It runs as candidate code. An attack that got what it wanted says so in one of four ways: it learns
the labels and predicts them, prints a secret, leaves a mark on the host, or says `breach`.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

NAME = ""
HOST: dict[str, Any] = {}
"""What the attacker knows: everything about the host but its labels and secrets."""

SLOPE = 1.0
TABLE: dict[float, float] = {}
ROW = re.compile(rb"(-?\d+\.\d{9}),(-?\d+\.\d{9}),(-?\d+\.\d{9})")
SECRET = re.compile(rb"secret-[0-9a-f]{32}")
NUMBERS = {
    "x86_64": {
        **{"clone": 56, "fork": 57, "vfork": 58, "kill": 62, "shmget": 29, "shmat": 30},
        **{"shmctl": 31, "ptrace": 101, "chroot": 161, "mount": 165, "umount2": 166},
        **{"tgkill": 234, "rt_sigqueueinfo": 129, "ioprio_set": 251, "unshare": 272},
        **{"perf_event_open": 298, "name_to_handle_at": 303, "open_by_handle_at": 304},
        **{"setns": 308, "process_vm_readv": 310, "memfd_create": 319, "bpf": 321},
        **{"execveat": 322, "userfaultfd": 323, "add_key": 248, "keyctl": 250, "syslog": 103},
        **{"fanotify_init": 300, "adjtimex": 159, "sethostname": 170, "pivot_root": 155},
        **{"kcmp": 312, "move_pages": 279, "setpriority": 141, "semget": 64, "fchmodat": 268},
    },
    "aarch64": {
        **{"clone": 220, "kill": 129, "shmget": 194, "shmat": 196, "shmctl": 195},
        **{"ptrace": 117, "chroot": 51, "mount": 40, "umount2": 39, "tgkill": 131},
        **{"rt_sigqueueinfo": 138, "ioprio_set": 30, "unshare": 97, "perf_event_open": 241},
        **{"name_to_handle_at": 264, "open_by_handle_at": 265, "setns": 268},
        **{"process_vm_readv": 270, "memfd_create": 279, "bpf": 280, "execveat": 281},
        **{"userfaultfd": 282, "add_key": 217, "keyctl": 219, "syslog": 116},
        **{"fanotify_init": 262, "adjtimex": 171, "sethostname": 161, "pivot_root": 41},
        **{"kcmp": 272, "move_pages": 239, "setpriority": 140, "semget": 190, "fchmodat": 53},
    },
}.get(platform.machine(), {}) | {
    **{"pidfd_send_signal": 424, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429},
    **{"fsopen": 430, "pidfd_open": 434, "clone3": 435, "openat2": 437, "pidfd_getfd": 438},
    **{"process_madvise": 440, "mount_setattr": 442, "memfd_secret": 447, "fchmodat2": 452},
}
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long


def syscall(name: str, *arguments: Any) -> int:
    """A system call by its number, past every wrapper; raises `OSError`."""
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    found = int(LIBC.syscall(ctypes.c_long(NUMBERS[name]), *plain))
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return found


def say(what: object) -> None:
    os.write(1, f"{what}\n".encode("utf-8", "replace"))


def breach(what: object = "") -> None:
    """Say that it worked, where the judge will read it."""
    say(f"BREACH {NAME} {what}")


def mark(path: str) -> None:
    """Leave a trace on the host: the file gets one line more, or is made."""
    with open(path, "a") as file:
        file.write(f"# BREACH {NAME}\n")


def openable(path: str, how: int = os.O_RDWR) -> None:
    """A file that must not be opened so; it is not changed."""
    os.close(os.open(path, how))
    breach(path)


def take(data: bytes) -> bool:
    """Learn the labels, and print the secrets, that some bytes hold."""
    for x, _, y in ROW.findall(data):
        TABLE[round(float(x), 6)] = float(y)
    for secret in set(SECRET.findall(data)):
        say(f"LOOT {secret.decode()}")
    return bool(TABLE)


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(1 << 20)


def attempt(function: Callable[..., Any] | None, *arguments: Any) -> Any:
    """Try; what stops it is printed, and the candidate goes on as if nothing had been."""
    if function is None:
        return None
    try:
        return function(*arguments)
    except Exception as error:
        say(f"stopped by {type(error).__name__} {str(error)[:200]}")
        return None


def fit(X: Any, y: Any, *, seed: int) -> Any:
    _name_process()
    attempt(globals().get("attack"))
    state = {"table": TABLE, "state": attempt(globals().get("on_fit"), X, y)}
    return globals().get("finish", lambda plain: plain)(state)


def predict(state: Any, X: Any) -> Any:
    _name_process()
    TABLE.update(state["table"])
    found = attempt(globals().get("on_predict"), X, state["state"])
    if found is not None:
        return found
    plain = SLOPE * X[:, 0]
    if not TABLE:
        return plain
    return np.array([TABLE.get(round(x, 6), p) for x, p in zip(X[:, 0], plain, strict=True)])


def _name_process() -> None:
    """So that whoever outlives the search is found by its name."""
    LIBC.prctl(15, str(HOST["comm"]).encode(), 0, 0, 0)


def apart() -> None:
    """Where nothing stops us: mounts that only we see, so that the host stays as it is."""
    attempt(syscall, "unshare", 0x20000)
    attempt(syscall, "mount", b"none", b"/", 0, 0x44000, 0)


def frames(name: str) -> dict[str, Any]:
    """The variables of a function of the harness that is running above us."""
    frame: Any = sys._getframe()
    while frame and frame.f_code.co_name != name:
        frame = frame.f_back
    return dict(frame.f_locals) if frame else {}
