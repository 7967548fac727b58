"""SIGTERM ends a search like Ctrl-C: reports written, nothing lost, exit 2."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Turns the first SIGTERM into `KeyboardInterrupt`; ignores those that come while things close.

    A job that is cancelled gets SIGINT, then SIGTERM, then SIGKILL within seconds: what is written
    between must not be cut short by the second. Ctrl-C always gets through. SIGINT is given back its
    handler: a background job of a non-interactive shell starts with it ignored.
    """

    def __init__(self) -> None:
        self.closing = False
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
        if self.closing and number == signal.SIGTERM:
            return
        self.closing = True
        raise KeyboardInterrupt


@contextmanager
def shielded() -> Iterator[None]:
    """Hold back SIGINT and SIGTERM until the block is done: half a line of a journal helps nobody."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in ENDING
        if signal.getsignal(number) is not None
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
