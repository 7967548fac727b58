"""Run a command as a container does that refuses namespaces: `python container.py COMMAND …`.

Docker's default profile lets a process without privileges neither make nor enter namespaces, nor
mount. The same is done here with libseccomp: ``EPERM`` for these calls, ``ENOSYS`` for ``clone3``,
whose flags a filter cannot read, so that the C library falls back to ``clone``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
MASKED_EQUAL = 7
NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
REFUSED = (
    *("unshare", "setns", "mount", "umount2", "pivot_root", "move_mount", "open_tree", "fsopen"),
    *("fsmount", "fsconfig", "fspick", "mount_setattr"),
)
NO_NEW_PRIVS = 38


class Comparison(ctypes.Structure):
    """``struct scmp_arg_cmp`` of seccomp.h."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def refuse() -> None:
    """Refuse namespaces and mounts to this process and all that it starts. Raises `OSError`."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ALLOW)))
    for name in REFUSED:
        _add(library, rules, name, errno.EPERM)
    _add(library, rules, "clone3", errno.ENOSYS)
    for flag in NAMESPACES:
        _add(library, rules, "clone", errno.EPERM, Comparison(0, MASKED_EQUAL, flag, flag))
    ctypes.CDLL(None).prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    if (found := library.seccomp_load(rules)) < 0:
        raise OSError(-found, os.strerror(-found))


def _add(
    library: ctypes.CDLL,
    rules: ctypes.c_void_p,
    name: str,
    error: int,
    *comparisons: Comparison,
) -> None:
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number < 0:
        return  # A newer call than the library knows; the kernel's older ones are refused.
    array = (Comparison * max(1, len(comparisons)))(*comparisons)
    action = ctypes.c_uint32(ERRNO | error)
    found = library.seccomp_rule_add_array(rules, action, number, len(comparisons), array)
    if found < 0:
        raise OSError(-found, f"{name}: {os.strerror(-found)}")


if __name__ == "__main__":
    refuse()
    os.execv(sys.argv[1], sys.argv[1:])
