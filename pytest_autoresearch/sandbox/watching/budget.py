"""The meter of one pass: it runs while the candidate's processes run, and only then."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...exceptions import Interrupted, OverBudget


class Meter:
    """Counts seconds of sandbox time against ``budget``; all values are seconds.

    ``deadline`` is the session's end on ``clock``; it counts whether the meter runs or not.
    ``interrupted`` says whether the deadline has stopped something.
    """

    def __init__(
        self,
        budget: float,
        deadline: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget
        self.deadline = deadline
        self.interrupted = False
        self._clock = clock
        self._used = 0.0
        self._since: float | None = None
        self._bound, self._why = math.inf, ""
        self._stopped = clock()

    def restart(self) -> None:
        """Begin a new pass."""
        self._used = 0.0
        if self._since is not None:
            self._since = self._clock()

    @property
    def used(self) -> float:
        """Seconds counted in this pass."""
        running = 0.0 if self._since is None else self._clock() - self._since
        return self._used + running

    @property
    def left(self) -> float:
        """Seconds of this pass that are left, never negative."""
        return max(0.0, self.budget - self.used)

    @property
    def next_limit(self) -> float:
        """Seconds until the budget, its part for this block or the session ends: what comes first."""
        return max(0.0, min(self.left, self._bound - self.used, self.to_deadline))

    @property
    def to_deadline(self) -> float:
        """Seconds until the session ends, infinite without a deadline."""
        return math.inf if self.deadline is None else self.deadline - self._clock()

    @property
    def idle(self) -> float:
        """Seconds since a candidate's process last ran; 0 while one runs."""
        return 0.0 if self._since is not None else self._clock() - self._stopped

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of this block."""
        self._since = self._clock()
        try:
            yield
        finally:
            self._used, self._since = self.used, None
            self._stopped = self._clock()

    @contextmanager
    def at_most(self, seconds: float, why: str) -> Iterator[None]:
        """Give this block so much of the budget and no more; `check` raises `OverBudget` with ``why``."""
        self._bound, self._why = self.used + seconds, why
        try:
            yield
        finally:
            self._bound, self._why = math.inf, ""

    def check(self) -> None:
        """Raise `Interrupted` when the session is over, `OverBudget` when the budget is used up."""
        if self.to_deadline <= 0:
            self.interrupt()
        if self.left <= 0:
            raise OverBudget(f"over budget: stopped after {self.budget:g} s")
        if self.used >= self._bound:
            raise OverBudget(self._why)

    def interrupt(self) -> None:
        """Raise `Interrupted`, and remember it: whatever the test does with it, nothing is judged."""
        self.interrupted = True
        raise Interrupted("stopped at the session's deadline")
