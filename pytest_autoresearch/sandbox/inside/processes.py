"""The processes below a process, and their end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

PR_SET_CHILD_SUBREAPER = 36
LISTS_CHILDREN = os.path.exists("/proc/thread-self/children")


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent dies (Linux).

    Without it a double fork would escape to process 1, out of our sight.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))


def children(pid: int) -> list[int]:
    """The direct children of a process; empty when it is gone or there is no ``/proc``."""
    if not LISTS_CHILDREN:
        return _by_parent(pid)
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, contents(f"/proc/{pid}/task/{thread}/children").split())
    except OSError:
        pass
    return found


def contents(path: str) -> bytes:
    """A file of ``/proc``, read without a file object.

    Ctrl-C may fall between the opening of a file and its ``with``: a file object would then complain of
    not being closed, long after.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(fd, 1 << 16):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(fd)


def _by_parent(parent: int) -> list[int]:
    """The same for kernels built without lists of children: ask every process for its parent."""
    found: list[int] = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        with (
            contextlib.suppress(OSError, ValueError, IndexError),
            open(f"/proc/{name}/stat") as file,
        ):
            if int(file.read().rpartition(")")[2].split()[1]) == parent:
                found.append(int(name))
    return found


def descendants(pid: int) -> list[int]:
    """All processes below a process, nearest first."""
    found: list[int] = []
    todo = [pid]
    while todo:
        below = children(todo.pop())
        found += below
        todo += below
    return found


def threads(pids: Iterable[int]) -> int:
    """How many threads these processes have; a folder has as many links as folders in it, and two."""
    found = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            found += os.stat(f"/proc/{pid}/task").st_nlink - 2
    return found


def kill_below(spared: Callable[[], set[int]], reap: Callable[[], None]) -> None:
    """Kill everything below this process but the spared, and return when nothing is left.

    Everything below ends up as a direct child here, so "no child left" means that nobody is left.
    ``reap`` collects children that have ended.
    """
    while True:
        for pid in set(descendants(os.getpid())) - spared():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        reap()
        if not set(children(os.getpid())) - spared():
            return
        time.sleep(0.0005)


def bury() -> None:
    """Collect all children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def waker() -> int:
    """A descriptor that becomes readable whenever a child ends."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return woken


def drain(woken: int) -> None:
    """Make a waker unreadable again."""
    with contextlib.suppress(BlockingIOError):
        os.read(woken, 4096)


def close_all_but(keep: set[int]) -> None:
    """Close every descriptor but these and standard input, output and error."""
    low = 3
    for fd in [*sorted(keep), 1 << 20]:
        os.closerange(low, fd)
        low = fd + 1
