"""Files from the judge, as memory: once they are mapped nothing of them is open any more."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys

NORESERVE = 0x4000 if sys.platform == "linux" else 0
"""Linux's ``MAP_NORESERVE``, which Python knows by name from 3.13 on."""

FAILED = ctypes.c_void_p(-1).value


def take(fd: int) -> memoryview:
    """Map a file privately, to read and to write, until the process ends; ``fd`` is closed.

    Python's own mapping keeps a descriptor (before 3.13). The judge gives the same file to other
    processes, and who holds it open can leave them marks on it: its mode, its times.
    """
    size = os.fstat(fd).st_size
    if not size:
        os.close(fd)
        return memoryview(b"")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    # Without the flag the kernel refuses what would not fit into memory if it were all written to.
    flags = mmap.MAP_PRIVATE | NORESERVE
    address = libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, 0)
    error = ctypes.get_errno()
    os.close(fd)
    if address == FAILED:
        raise OSError(error, os.strerror(error))
    return memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")
