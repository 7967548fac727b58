"""A frozen test that computes for ten minutes without any candidate process is a harness fault."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from .exceptions import HarnessFault

PATIENCE = 600.0
"""Seconds that the frozen test's own code may take between two candidate processes."""


class Idle(Protocol):
    """Knows for how many seconds no candidate process has run."""

    @property
    def idle(self) -> float: ...


@contextmanager
def watched(meter: Idle, patience: float = PATIENCE) -> Iterator[None]:
    """Raise `HarnessFault` with a stack dump once the meter was idle for ``patience`` seconds.

    SIGALRM is free for this: the
    item's own timer is ours. Without a main thread or SIGALRM nothing is watched.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def look(_signum: int, frame: FrameType | None) -> None:
        left = patience - meter.idle
        if left > 0:
            signal.setitimer(signal.ITIMER_REAL, left)
            return
        stack = "".join(traceback.format_stack(frame))
        sys.stderr.write(stack)
        raise HarnessFault(
            f"the frozen test ran {patience:g} s on its own, with no candidate process:\n{stack}"
        )

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, patience)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
