"""SIGTERM ends a search like Ctrl-C: reports written, nothing lost, exit 2."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)
HELD = (*ENDING, signal.SIGALRM) if hasattr(signal, "SIGALRM") else ENDING
"""What may raise in the main thread: a person, and the timer of a deadline."""
AGAIN = 5.0
"""Seconds after which a further SIGTERM means that the first was lost."""


class Signals:
    """Turns the first SIGTERM into `KeyboardInterrupt`; ignores those that come while things close.

    A job that is cancelled gets SIGINT, then SIGTERM, then SIGKILL within seconds: what is written
    between must not be cut short by the second. Ctrl-C always gets through. SIGINT is given back its
    handler: a background job of a non-interactive shell starts with it ignored.

    Python drops an exception that is raised in a ``__del__``, so ``asked`` says that a signal came, for
    whoever looks between two evaluations; and a SIGTERM `AGAIN` seconds later raises again, unless
    things are ``closing`` by then.
    """

    def __init__(self) -> None:
        self.asked = False
        self.closing = False
        self._first = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def install(self) -> None:
        """Take the signals; nothing happens outside the main thread, where nobody may."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in ENDING}

    def remove(self) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        lately = self.asked and now - self._first < AGAIN
        if not self.asked:
            self.asked, self._first = True, now
        if number == signal.SIGTERM and (self.closing or lately):
            return
        raise KeyboardInterrupt


@contextmanager
def shielded() -> Iterator[None]:
    """Hold signals back until the block is done: half a line of a journal helps nobody."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in HELD
        if signal.getsignal(number) is not None
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
