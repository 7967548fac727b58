"""What the processes of a sealed sandbox can see: a root of their own, and nothing else of the machine.

The judge lists what is shown. Guard and zygote live in a world made from that list, by bubblewrap or by
`enter`; each candidate's process then narrows it down to its own job.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from . import linux, processes

APART = {
    "user namespace": linux.CLONE_NEWUSER,
    "mount namespace": linux.CLONE_NEWNS,
    "process namespace": linux.CLONE_NEWPID,
    "network namespace": linux.CLONE_NEWNET,
    "IPC namespace": linux.CLONE_NEWIPC,
    "host name namespace": linux.CLONE_NEWUTS,
    "control group namespace": linux.CLONE_NEWCGROUP,
}
"""The first comes first: it gives the right to the others."""

DEVICES = ("null", "zero", "full", "random", "urandom")
STREAMS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
SHARED = "/dev/shm"
COVER = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
MOST_PIDS = "/proc/sys/kernel/pid_max"
LIMITS_PIDS = (6, 14)
"""The kernel whose process namespaces have a limit of their own; before it, the file is the machine's."""

SMALL = "size=1m,nr_inodes=10000,mode=755"

Entry = Sequence[str]
"""``show``, ``link``, ``work``, ``cover`` or ``room``, a path, and for a link where it leads.

A room is empty, and memory; behind its path stand its bytes."""


def settle(plan: Mapping[str, Any]) -> None:
    """Go on in a world of its own, as its first process; the one that was started waits outside.

    ``plan`` says whether the world is ``built`` already (by bubblewrap), else what it is built of:
    ``entries``, ``devices`` and ``base``, and what of `APART` is ``kept`` in common with the machine.
    Raises `OSError` that names the layer that cannot be had.
    """
    if plan["built"]:
        mount_proc()
        return
    begin(plan.get("kept", ()))
    if (pid := os.fork()) == 0:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        enter(plan["entries"], plan["devices"], plan["base"])
        return
    # What it holds would seem to be held by those inside.
    processes.close_all_but(set())
    status = os.waitpid(pid, 0)[1]
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def begin(kept: Collection[str] = ()) -> None:
    """Begin new namespaces, with this user as their only one; see user_namespaces(7).

    The process namespace begins with the next child. Those that are ``kept`` stay the machine's.
    """
    uid, gid = os.geteuid(), os.getegid()
    for name, flag in APART.items():
        if name in kept:
            continue
        linux.unshare(flag, name)
        if flag == linux.CLONE_NEWUSER:
            _map("setgroups", "deny")
            _map("uid_map", f"{uid} {uid} 1")
            _map("gid_map", f"{gid} {gid} 1")


def _map(name: str, text: str) -> None:
    try:
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    except OSError as error:
        raise OSError(error.errno, f"user namespace: {name}: {error.strerror}") from None


def enter(entries: Iterable[Entry], devices: Iterable[str], base: str) -> None:
    """Build a root from the entries on the empty folder ``base``, and move into it.

    Parents come before what lies in them.
    """
    linux.mount("", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", base, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, SMALL)
    _devices(base, devices)
    os.mkdir(base + "/proc")
    mount_proc(base + "/proc")
    for entry in entries:
        _place(base, *entry)
    linux.leave_old_root(base)


def mount_proc(place: str = "/proc") -> None:
    """Show the processes of this process's namespace, and no others."""
    linux.mount("proc", place, "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)


def fork(home: int) -> int:
    """Fork into a process namespace of its own; ``home`` is this process's, see setns(2)."""
    linux.unshare(linux.CLONE_NEWPID, "process namespace")
    try:
        pid = os.fork()
    except OSError:
        linux.setns(home, linux.CLONE_NEWPID)
        raise
    if pid:
        linux.setns(home, linux.CLONE_NEWPID)
    return pid


def _devices(base: str, more: Iterable[str]) -> None:
    os.mkdir(base + "/dev")
    for name in (*DEVICES, *more):
        path = f"{base}/dev/{name}"
        if os.path.exists(f"/dev/{name}"):
            _same_kind(f"/dev/{name}", path)
            linux.bind(f"/dev/{name}", path)
    os.mkdir(base + SHARED)
    for name, target in STREAMS.items():
        os.symlink(target, f"{base}/dev/{name}")


def _place(base: str, kind: str, path: str, target: str = "") -> None:
    place = base + path
    if kind == "link":
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.symlink(target, place)
        return
    if kind == "cover":
        cover(place)
        return
    if kind == "room":
        os.makedirs(place, exist_ok=True)
        flags = linux.MS_NOSUID | linux.MS_NODEV
        linux.mount("tmpfs", place, "tmpfs", flags, f"size={target},nr_inodes=100000,mode=1777")
        return
    _same_kind(path, place)
    if kind == "show":
        linux.bind(path, place)
        linux.make_read_only(place)
    else:
        linux.mount(path, place, flags=linux.MS_BIND)


def _same_kind(source: str, place: str) -> None:
    """An empty file or folder to mount upon."""
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    elif not os.path.exists(place):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "w"):
            pass


def cover(place: str) -> None:
    """Put nothing in the place of a file or folder."""
    if os.path.isdir(place):
        linux.mount("tmpfs", place, "tmpfs", COVER, SMALL)
    elif os.path.exists(place):
        linux.bind("/dev/null", place)
        linux.make_read_only(place)


def begin_own(most: int, shared: int, *, proc_writable: bool) -> None:
    """Begin what a candidate's process, process 1, has for itself: mounts, shared memory, ``/proc``.

    At most so many processes and threads will there be, where a process namespace has such a limit;
    ``shared`` are the bytes of its shared memory.
    """
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWIPC, "mount namespace")
    # All of them: who owns a device or a cover may change its mode and times, for all that come after.
    linux.fix("/", linux.MOUNT_ATTR_RDONLY | linux.MOUNT_ATTR_NOSUID)
    _open_input_again()
    linux.mount("tmpfs", SHARED, "tmpfs", COVER, f"size={shared},nr_inodes=10000,mode=1777")
    mount_proc()
    limit_processes(most)
    if not proc_writable:
        _only_this("/proc", linux.MS_NOEXEC)


def limit_processes(most: int) -> None:
    """At most so many processes and threads will there be, where a process namespace has such a limit."""
    if os.getpid() == 1 and _kernel() >= LIMITS_PIDS:
        with contextlib.suppress(OSError), open(MOST_PIDS, "w") as file:
            file.write(str(most))


def _open_input_again() -> None:
    """Standard input was opened where the device could be changed, and goes on to be open there."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def narrow(workshop: str, reads: Sequence[str], writes: Sequence[str]) -> None:
    """Leave in sight what one job may see of the workshop, the folder that holds every job's folders."""
    folders = [(path, False) for path in reads] + [(path, True) for path in writes]
    found = [
        (os.open(path, os.O_PATH | os.O_CLOEXEC), path, writable) for path, writable in folders
    ]
    linux.mount("tmpfs", workshop, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, SMALL)
    for fd, path, writable in found:
        _same_kind(f"/proc/self/fd/{fd}", path)
        linux.bind(f"/proc/self/fd/{fd}", path)
        os.close(fd)
        cleared = linux.MOUNT_ATTR_RDONLY if writable else 0
        linux.fix(path, linux.MOUNT_ATTR_NOSUID | linux.MOUNT_ATTR_NODEV, cleared)
    _only_this(workshop)


def _only_this(mount: str, more: int = 0) -> None:
    """Make one mount read-only, and none of those below it."""
    kept = linux.MS_NOSUID | linux.MS_NODEV | more
    linux.mount("", mount, flags=linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY | kept)


def _kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
