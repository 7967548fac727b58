"""Notices when the evaluation changes under a running search."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from .datasets import Door
from .exceptions import HarnessFault

PATIENCE = 600.0
"""Seconds that a search waits for a changed file to be restored."""


class Frozen:
    """The test, its conftest.py files in the work tree, and its data, as they were when the search began.

    Paths are relative to ``root``; ``patience`` and ``interval`` (between two looks) are seconds.
    """

    def __init__(
        self,
        root: Path,
        paths: Iterable[str],
        patience: float = PATIENCE,
        interval: float = 1.0,
        *,
        doors: Sequence[Door] = (),
    ) -> None:
        self._root = root
        self._doors = doors
        self._patience = patience
        self._interval = interval
        self._before = {path: self._digest(path) for path in paths}

    @property
    def changed(self) -> list[str]:
        """The files, and the paths of data, that are not what they were."""
        files = [path for path, before in self._before.items() if self._digest(path) != before]
        return files + [door.path for door in self._doors if door.changed]

    def wait(self, changed: Sequence[str], since: float) -> None:
        """Pause until the next look; ``since`` (monotonic seconds) is when the waiting began.

        Raises `HarnessFault` when it has lasted long enough.
        """
        if time.monotonic() - since >= self._patience:
            files = [path for path in changed if path in self._before]
            if not files:
                raise HarnessFault(
                    f"data changed while they were in use: {', '.join(changed)}. Put them back as they "
                    "were, and start again: nothing is lost"
                )
            raise HarnessFault(
                f"the evaluation changed while it was in use: {', '.join(changed)}. Restore it, with "
                f"`git checkout -- {shlex.join(files)}`, and start again: nothing is lost"
            )
        time.sleep(self._interval)

    def _digest(self, path: str) -> bytes:
        """A hash of the file; empty when it is gone."""
        try:
            return sha256((self._root / path).read_bytes()).digest()
        except OSError:
            return b""
