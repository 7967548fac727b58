"""Notices when the evaluation changes under a running search."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..datasets import Door
from ..exceptions import HarnessFault
from .contents import Watched

PATIENCE = 600.0
"""Seconds that a search waits for a changed file to be restored."""


class Frozen:
    """The files of the evaluation in the work tree, and its data, as they were when the search began.

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
        self._doors = doors
        self._patience = patience
        self._interval = interval
        self._files = [Watched(path, root / path) for path in paths]
        self._read: list[Watched] = []

    def watch(self, files: Iterable[Watched]) -> None:
        """Watch the files that fixtures have read, too."""
        self._read = list(files)

    @property
    def doors(self) -> list[str]:
        """The paths of the data."""
        return [door.path for door in self._doors]

    @property
    def used(self) -> list[Path]:
        """The files that the evaluation was seen to read."""
        return [file.path for file in self._read]

    @property
    def changed(self) -> list[str]:
        """The files, and the paths of data, that are not what they were."""
        found = [file.name for file in (*self._files, *self._read) if file.changed]
        return found + [door.path for door in self._doors if door.changed]

    def wait(self, changed: Sequence[str], since: float) -> None:
        """Pause until the next look; ``since`` (monotonic seconds) is when the waiting began.

        Raises `HarnessFault` when it has lasted long enough.
        """
        if time.monotonic() - since >= self._patience:
            own = {file.name for file in self._files}
            files = [path for path in changed if path in own]
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
