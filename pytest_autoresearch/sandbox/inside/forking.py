"""Whether a process that has imported libraries can still fork children that compute in parallel.

OpenMP's threads do not survive a fork. Where a library ran a parallel region while it was imported, the
next region of every child waits for ever for threads that it does not have.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys

SECONDS = 5
THREADS = 2
OPENMP = re.compile(r"/\S*/lib(?:gomp|omp|iomp5)[^/\s]*\.so[^/\s]*")
"""An OpenMP library in ``/proc/self/maps``; wheels bring copies of their own."""


def trouble(seconds: int = SECONDS) -> str:
    """What is wrong with this process's children, empty when nothing is; takes milliseconds then."""
    for path in _openmp():
        pid = os.fork()
        if pid == 0:
            _try(path, seconds)
        if os.waitpid(pid, 0)[1] != 0:
            name = os.path.basename(path)
            return f"after the imports a parallel region of {name} does not end in a forked process"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "the imports started CUDA, which no forked process can use"
    return ""


def _openmp() -> list[str]:
    """The OpenMP libraries that are loaded."""
    try:
        with open("/proc/self/maps") as file:
            return sorted(set(OPENMP.findall(file.read())))
    except OSError:
        return []


def _try(path: str, seconds: int) -> None:
    """In a child: run a parallel region in which each thread does nothing, then exit."""
    status = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        # All of them have GNU's entry; free(NULL) is a function that does nothing.
        nothing = ctypes.cast(ctypes.CDLL(None).free, ctypes.c_void_p)
        run = getattr(ctypes.CDLL(path), "GOMP_parallel", None)
        if run is not None:
            run(nothing, None, ctypes.c_uint(THREADS), ctypes.c_uint(0))
        status = 0
    finally:
        os._exit(status)
