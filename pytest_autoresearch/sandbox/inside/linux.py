"""The system calls that the walls are built with, and that Python has no name for."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x20, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

NR_MOUNT_SETATTR = 442
"""From number 424 on a system call has the same number on every architecture."""

MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
AT_FDCWD, AT_RECURSIVE = -100, 0x8000

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def checked(result: int, what: str) -> int:
    """The result of a call; raises `OSError` that names ``what`` when it failed."""
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def syscall(number: int, *arguments: object, what: str) -> int:
    """A system call by its number."""
    return checked(libc.syscall(ctypes.c_long(number), *arguments), what)


def unshare(flags: int, what: str) -> None:
    """See unshare(2)."""
    checked(libc.unshare(ctypes.c_int(flags)), what)


def setns(fd: int, kind: int) -> None:
    """See setns(2)."""
    checked(libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)), "setns")


def prctl(option: int, *arguments: int) -> None:
    """See prctl(2)."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    checked(libc.prctl(ctypes.c_int(option), *map(ctypes.c_ulong, padded)), f"prctl {option}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """See mount(2)."""
    texts = [os.fsencode(text) if text else None for text in (source, target, kind)]
    last = os.fsencode(data) if data else None
    checked(libc.mount(*texts, ctypes.c_ulong(flags), last), f"mount {kind or 'bind'} on {target}")


def bind(source: str, target: str) -> None:
    """Show a file or folder, with all that is mounted below, in a second place."""
    mount(source, target, flags=MS_BIND | MS_REC)


def fix(target: str, attributes: int, cleared: int = 0, *, below: bool = True) -> None:
    """Add attributes to a mount and, unless told otherwise, to all mounts below it, and clear others.

    See mount_setattr(2).
    """
    attr = (ctypes.c_uint64 * 4)(attributes, cleared, 0, 0)
    syscall(
        NR_MOUNT_SETATTR,
        ctypes.c_int(AT_FDCWD),
        ctypes.c_char_p(os.fsencode(target)),
        ctypes.c_uint(AT_RECURSIVE if below else 0),
        ctypes.byref(attr),
        ctypes.c_size_t(ctypes.sizeof(attr)),
        what=f"mount attributes of {target}",
    )


def make_read_only(target: str) -> None:
    """Nobody writes below ``target`` any more, and no file there gives rights or is a device."""
    fix(target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)


def leave_old_root(folder: str) -> None:
    """Make a mounted folder the root, and forget everything else; see pivot_root(2), NOTES."""
    os.chdir(folder)
    checked(libc.pivot_root(b".", b"."), "pivot_root")
    checked(libc.umount2(b".", ctypes.c_int(MNT_DETACH)), "umount of the old root")
    os.chdir("/")


@contextlib.contextmanager
def opened(path: str) -> Iterator[int]:
    """A descriptor that only says where something lies."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
