"""Ends what runs in the judge itself: at the session's deadline, or when it computes for ten minutes."""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from .exceptions import HarnessFault, Interrupted

PATIENCE = 600.0
"""Seconds that the frozen test's own code may take between two candidate processes."""
AGAIN = 2.0
"""Seconds after which what went on in spite of an exception gets it again."""


class Meter(Protocol):
    """Knows for how many seconds no candidate process has run, and when the session ends."""

    @property
    def idle(self) -> float: ...
    @property
    def to_deadline(self) -> float: ...
    def interrupt(self) -> None: ...


@contextmanager
def watched(meter: Meter, patience: float = PATIENCE) -> Iterator[None]:
    """Raise `Interrupted` at the deadline, `HarnessFault` once the meter was idle for ``patience`` seconds.

    Nothing is raised while a candidate process runs: the sandbox ends that in time. The fault comes
    with a stack dump.
    """

    def look(frame: FrameType | None) -> float:
        if meter.to_deadline <= 0:
            if meter.idle > 0:
                meter.interrupt()
            return AGAIN
        left = patience - meter.idle
        if left > 0:
            return min(left, meter.to_deadline)
        stack = "".join(traceback.format_stack(frame))
        sys.stderr.write(stack)
        raise HarnessFault(
            f"the frozen test ran {patience:g} s on its own, with no candidate process:\n{stack}"
        )

    with _alarm(look, min(patience, meter.to_deadline)):
        yield


@contextmanager
def stopped_at(deadline: float | None) -> Iterator[None]:
    """Raise `Interrupted` when a moment (monotonic seconds) has come and the block still runs."""

    def look(_frame: FrameType | None) -> float:
        left = deadline - time.monotonic() if deadline is not None else math.inf
        if left > 0:
            return left
        raise Interrupted("stopped at the session's deadline")

    with _alarm(look, look(None) if deadline is not None else math.inf):
        yield


@contextmanager
def _alarm(look: Callable[[FrameType | None], float], seconds: float) -> Iterator[None]:
    """Call ``look`` after so many seconds, and again after as many as it returns.

    SIGALRM is free for this: the item's own timer is ours. Without a main thread or SIGALRM nothing
    rings. An exception may be lost, in a ``__del__`` say: it comes again. Blocks may be nested: the
    outer one's timer goes on where it was.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(_signum: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        _set(look(frame))

    before = signal.signal(signal.SIGALRM, ring)
    outer = _set(seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:
            _set(outer)


def _set(seconds: float) -> float:
    """Set the timer, return what was left of it; 0 would be never, a week is as good as for ever."""
    return signal.setitimer(signal.ITIMER_REAL, min(max(seconds, 0.001), 604800.0))[0]
