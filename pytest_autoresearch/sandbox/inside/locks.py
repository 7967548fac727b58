"""Locks of `multiprocessing` for a process that has no shared memory, and nobody to share a lock with.

In tier ``guarded`` the machine's shared memory is out of reach without ``processes=True``. But pools of
threads (`multiprocessing.pool.ThreadPool`, and so joblib and scikit-learn) make such locks, too.
"""

from __future__ import annotations

import importlib
import threading
from typing import Any

native: Any = importlib.import_module("_multiprocessing")

RECURSIVE = 0
"""``kind`` of a lock that its owner may take again; see `multiprocessing.synchronize`."""


class SemLock:
    """What ``_multiprocessing.SemLock`` is, within one process."""

    SEM_VALUE_MAX: int = native.SemLock.SEM_VALUE_MAX

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        self.kind = kind
        self.maxvalue = maxvalue
        self.name = None
        self.handle = 0
        self._value = value
        self._changed = threading.Condition()
        self._owner = 0
        self._depth = 0

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take one; whether there was one in time."""
        if self.kind == RECURSIVE and self._is_mine():
            self._depth += 1
            return True
        wait = max(0.0, timeout) if timeout is not None else None
        with self._changed:
            if not self._changed.wait_for(lambda: self._value > 0, wait if block else 0):
                return False
            self._value -= 1
        self._owner = threading.get_ident()
        self._depth += 1
        return True

    def release(self) -> None:
        """Give one back; raises what the original raises when there is none to give."""
        if self.kind == RECURSIVE:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self._depth > 1:
                self._depth -= 1
                return
        with self._changed:
            if self._value >= self.maxvalue:
                raise ValueError("semaphore or lock released too many times")
            self._depth -= 1
            self._value += 1
            self._changed.notify()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _count(self) -> int:
        return self._depth

    def _is_mine(self) -> bool:
        return self._depth > 0 and self._owner == threading.get_ident()

    def _get_value(self) -> int:
        return self._value

    def _is_zero(self) -> bool:
        return self._value == 0

    def _after_fork(self) -> None:
        self._depth = 0


def install() -> None:
    """Have `multiprocessing` make such locks."""
    native.SemLock = SemLock
