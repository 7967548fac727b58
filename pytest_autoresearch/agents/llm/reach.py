"""How long a call may take, and who may end it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ...exceptions import Interrupted

LOOK = 0.05
"""Seconds between two looks at whether the search has ended."""


@dataclass(frozen=True)
class Reach:
    """How long a call may take, and who may end it: ``stopped`` says so, ``seconds`` are left (``None``: no end)."""

    stopped: Callable[[], bool]
    seconds: Callable[[], float | None]
    tries: int


def within(limit: float, reach: Reach) -> float:
    """Seconds that a call may take; raises `Interrupted` where none are left."""
    if reach.stopped():
        raise Interrupted("the search has ended")
    left = reach.seconds()
    if left is not None and left <= 0:
        raise Interrupted("no time is left to think")
    return limit if left is None else min(limit, left)


def sleep(seconds: float, reach: Reach) -> None:
    """Wait; raises `Interrupted` as soon as the search ends."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        within(0.0, reach)
        time.sleep(min(LOOK, left))
