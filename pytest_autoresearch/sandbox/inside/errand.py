"""Runs one program that is no candidate's, a coding agent, and ends all that it started.

Confined it is the second process of a world of its own, which shares the network with the machine and
little else. Unconfined it has its user's rights; its orphans then come to the process that starts it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import platform
import resource
import select
import signal
import socket
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from . import confine, landlock, linux, privileges, processes, world

KEPT = ("network namespace",)
"""What the world has in common with the machine."""

SHARED_MEMORY = "size=64m,nr_inodes=10000,mode=1777"
MOST_NAMESPACES = "/proc/sys/user/max_user_namespaces"
TERMINALS = "/dev/pts"
OPEN_FILES = 65536
JOIN_SESSION_KEYRING = 1
PR_SET_DUMPABLE = 4
KEYCTL = {"x86_64": 250, "aarch64": 219}
FAILED = 70
LIKELY = b"1000"
"""How likely the kernel ends it when memory runs out: first; see proc_pid_oom_score_adj(5)."""


def main(order: Mapping[str, Any]) -> NoReturn:
    """Run ``argv`` in the folder ``cwd`` with the environment ``env``.

    ``link`` is a socket to the judge: a line of JSON says that it ``began``, or what ``failed`` (a layer),
    another with which ``status`` it ended. When the judge's end closes, everything ends. ``out`` and ``err``
    are where its output goes. ``world`` is as `world.settle` takes it, with the folders that are
    ``writable``; ``None`` unconfined. ``largest`` are the bytes that a file may have.
    """
    link = socket.socket(fileno=order["link"])
    try:
        _prepare(order)
        woken = processes.waker()
        pid, failure = _start(order)
    except OSError as error:
        _say(link, {"failed": error.strerror or str(error)})
        os._exit(FAILED)
    _say(link, failure or {"began": True})
    status = _wait(pid, link, woken)
    if order["world"] is None:
        # Confined, all of it ends with this process, the first of its world.
        processes.kill_below(set, processes.bury)
    _say(link, {"status": status})
    os._exit(0)


def _prepare(order: Mapping[str, Any]) -> None:
    plan = order["world"]
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:
        file.write(LIKELY)
    if plan is None:
        processes.adopt_orphans()
    else:
        if not plan["built"]:
            world.settle(plan)
            _finish(plan["writable"])
        # Nobody in there looks into this process.
        linux.prctl(PR_SET_DUMPABLE, 0)
    _limit(order)


def _finish(writable: Sequence[str]) -> None:
    """Furnish the world that this process has moved into, and make it read-only but for some folders."""
    flags = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("tmpfs", world.SHARED, "tmpfs", flags, SHARED_MEMORY)
    with contextlib.suppress(OSError):
        # Coding agents run commands in terminals of their own; most go without where there are none.
        os.mkdir(TERMINALS)
        kept = linux.MS_NOSUID | linux.MS_NOEXEC
        linux.mount("devpts", TERMINALS, "devpts", kept, "newinstance,ptmxmode=0666,mode=620")
        os.symlink("pts/ptmx", "/dev/ptmx")
    with contextlib.suppress(OSError), open(MOST_NAMESPACES, "w") as file:
        file.write("0")
    world.limit_processes(confine.PROCESSES)
    # What the kernel lets its administrator write below /proc it lets this user write, if it is the same.
    linux.fix("/", linux.MOUNT_ATTR_RDONLY | linux.MOUNT_ATTR_NOSUID)
    for path in (*writable, world.SHARED):
        # What is only shown may lie below: it stays as it is.
        kept = linux.MOUNT_ATTR_NOSUID | linux.MOUNT_ATTR_NODEV
        linux.fix(path, kept, linux.MOUNT_ATTR_RDONLY, below=False)


def _limit(order: Mapping[str, Any]) -> None:
    limits = {
        resource.RLIMIT_CORE: confine.NO_CORE,
        resource.RLIMIT_FSIZE: int(order["largest"]),
        resource.RLIMIT_NOFILE: OPEN_FILES,
    }
    if order["world"] is not None:
        # Counted within the user namespace; unconfined it would count all of the user's.
        limits[resource.RLIMIT_NPROC] = confine.PROCESSES
    privileges.limit(limits)


def _start(order: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Fork, and run the program; what the kernel said when it could not be run."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _become(order, writing)
        except OSError as error:
            missing = error.errno == errno.ENOENT
            os.write(writing, json.dumps({"failed": str(error), "missing": missing}).encode())
        finally:
            os._exit(127)
    os.close(writing)
    with open(reading, "rb") as file:
        said = file.read()
    # Held open here, its output would seem to go on when it has ended.
    os.close(order["out"])
    os.close(order["err"])
    return pid, json.loads(said) if said else {}


def _become(order: Mapping[str, Any], writing: int) -> NoReturn:
    os.setsid()
    os.dup2(order["out"], 1)
    os.dup2(order["err"], 2)
    processes.close_all_but({writing})
    if order["world"] is not None:
        _confine()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        # Python ignores them, and what is ignored stays so in a new program.
        signal.signal(number, signal.SIG_DFL)
    os.chdir(order["cwd"])
    os.execve(order["argv"][0], order["argv"], order["env"])


def _confine() -> None:
    if (number := KEYCTL.get(platform.machine())) is not None:
        with contextlib.suppress(OSError):
            # The one that was inherited may hold a person's keys; see session-keyring(7).
            linux.syscall(
                number, ctypes.c_int(JOIN_SESSION_KEYRING), ctypes.c_char_p(None), what="keyring"
            )
    privileges.drop()
    with contextlib.suppress(OSError):
        landlock.keep_apart()


def _wait(pid: int, link: socket.socket, woken: int) -> int | None:
    """How the program ended, as a shell would say it; ``None`` when the judge is gone or says to end."""
    while True:
        ready, _, _ = select.select([link.fileno(), woken], [], [])
        if link.fileno() in ready:
            return None
        processes.drain(woken)
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == pid:
                    code = os.waitstatus_to_exitcode(found[1])
                    return code if code >= 0 else 128 - code


def _say(link: socket.socket, message: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):
        link.sendall(json.dumps(message).encode() + b"\n")
