"""SIGTERM ends a search like Ctrl-C: reports written, nothing lost, exit 2."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def term_as_interrupt() -> Iterator[None]:
    """Turn the first SIGTERM into `KeyboardInterrupt`; later ones, while things close, are ignored.

    SIGINT is given back its handler as well: a background job of a non-interactive shell starts with
    it ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signum: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
