"""What runs a coding tool's program, as far as an agent has to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol


class Ended(Protocol):
    """How a program ended: ``status`` is ``None``, and ``reason`` says why, where it did not end by itself.

    ``missing`` says that there was no such program where it runs, ``full`` that its folders took too much.
    Output is bounded, its middle left out.
    """

    @property
    def reason(self) -> str: ...
    @property
    def status(self) -> int | None: ...
    @property
    def stdout(self) -> bytes: ...
    @property
    def stderr(self) -> bytes: ...
    @property
    def missing(self) -> bool: ...
    @property
    def full(self) -> bool: ...


class Runner(Protocol):
    """A place for coding tools; `sandbox.outdoors.Outdoors` is one."""

    @property
    def confined(self) -> bool:
        """Whether there are walls around it."""

    def sees(self, path: str, listed: Sequence[str]) -> bool:
        """Whether a program finds this file, where these paths are ``listed``."""

    def run(
        self,
        argv: Sequence[str],
        *,
        work: Path,
        home: Path,
        env: Mapping[str, str],
        paths: Sequence[str] = (),
        seconds: float,
        stopped: Callable[[], bool] = ...,
        heard: Callable[[str, bytes], None] = ...,
    ) -> Ended:
        """Run a program until nothing of it is left; raises `Interrupted` when it was ``stopped``."""

    def discard(self, folder: Path) -> None:
        """Remove a folder, whatever a program has made of it."""
