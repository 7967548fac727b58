"""Landlock: which files a process may use, kept by the kernel; see landlock(7).

A ruleset lists what is allowed; everything else of the kinds that it handles is denied, for the process
and all that it ever starts, and no way leads back.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from . import linux

CREATE, ADD, RESTRICT = 444, 445, 446
ABI_QUESTION = 1
PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
FIRST = (1 << 13) - 1
"""What the first version knows: the rights above, and to remove and make things of each kind."""

ABI_REFER, ABI_TRUNCATE, ABI_TCP, ABI_IOCTL, ABI_SCOPES = 2, 3, 4, 5, 6
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = EXECUTE | READ_FILE | READ_DIR
LIST = READ_DIR
WRITE = FIRST | REFER | TRUNCATE
DEVICE = READ_FILE | WRITE_FILE | READ_DIR | IOCTL_DEV

Rule = tuple[str, int]
"""A path and the rights on it and on all below."""


def abi() -> int:
    """The kernel's version of Landlock; raises `OSError` where there is none."""
    return linux.syscall(
        CREATE,
        ctypes.c_void_p(0),
        ctypes.c_size_t(0),
        ctypes.c_uint(ABI_QUESTION),
        what="Landlock",
    )


def scopes() -> bool:
    """Whether signals and abstract sockets can be kept among the restricted processes."""
    return abi() >= ABI_SCOPES


class Ruleset:
    """What a process will be allowed, until `restrict` makes it so."""

    def __init__(self) -> None:
        version = abi()
        self._handled = _handled(version)
        text = struct.pack("=Q", self._handled)
        if version >= ABI_TCP:
            text += struct.pack("=Q", 0b11)  # neither bind to nor connect to a TCP port
        if version >= ABI_SCOPES:
            text += struct.pack("=Q", 0b11)  # neither abstract sockets nor signals of others
        self._fd = linux.syscall(
            CREATE,
            ctypes.c_char_p(text),
            ctypes.c_size_t(len(text)),
            ctypes.c_uint(0),
            what="Landlock",
        )

    def allow(self, rules: Iterable[Rule]) -> None:
        """Add rules; a path that is not there is left out."""
        for path, rights in rules:
            try:
                with linux.opened(path) as fd:
                    self._allow(fd, rights)
            except FileNotFoundError:
                continue

    def _allow(self, fd: int, rights: int) -> None:
        rights &= self._handled
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            rights &= OF_FILES
        rule = struct.pack("=Qi", rights, fd)
        linux.syscall(
            ADD,
            ctypes.c_int(self._fd),
            ctypes.c_int(PATH_BENEATH),
            ctypes.c_char_p(rule),
            ctypes.c_uint(0),
            what="Landlock",
        )

    def restrict(self) -> None:
        """From here on this thread, and whatever it starts, has these rights only."""
        linux.syscall(RESTRICT, ctypes.c_int(self._fd), ctypes.c_uint(0), what="Landlock")
        os.close(self._fd)


def keep_apart() -> None:
    """Keep signals and abstract sockets among this process and what it starts; nothing else changes.

    Raises `OSError` where the kernel cannot, or there is no ``no_new_privs``.
    """
    attributes = struct.pack("=QQQ", 0, 0, 0b11)
    fd = linux.syscall(
        CREATE,
        ctypes.c_char_p(attributes),
        ctypes.c_size_t(len(attributes)),
        ctypes.c_uint(0),
        what="Landlock",
    )
    try:
        linux.syscall(RESTRICT, ctypes.c_int(fd), ctypes.c_uint(0), what="Landlock")
    finally:
        os.close(fd)


def _handled(version: int) -> int:
    handled = FIRST
    for right, since in ((REFER, ABI_REFER), (TRUNCATE, ABI_TRUNCATE), (IOCTL_DEV, ABI_IOCTL)):
        handled |= right if version >= since else 0
    return handled
