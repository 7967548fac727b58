"""Every byte that was sent to an agent or came from it, in a folder for each thing it handed in."""

from __future__ import annotations

import contextlib
from pathlib import Path

DRAFT, PROBE = "draft", "probe"


class Transcripts:
    """Folders below ``agents/`` of a run: ``draft-SESSION-N`` while an agent thinks, then the item's name.

    Without a folder (before the run is open) nothing is kept in memory but what is needed to write it once
    there is one: see `attach`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._session = 0
        self._count = 0
        self._name = ""
        self._files = 0
        self._early: list[tuple[str, bytes]] = []

    def attach(self, folder: Path, session: int) -> None:
        """Have a run's folder in its nth session; what was said before goes to ``probe/``, ``probe-2/``, …"""
        self.folder, self._session = folder, session
        early, self._early = self._early, []
        for name, content in early:
            self._write(self._probe, name, content)

    def begin(self) -> str:
        """A new draft's name, the run's only one; what is written next belongs to it."""
        self._count += 1
        self._name, self._files = f"{DRAFT}-{self._session}-{self._count}", 0
        return self._name

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the draft in hand: ``write("request.json", …)`` makes ``03-request.json``."""
        self._files += 1
        numbered = f"{self._files:02d}-{name}"
        if self.folder is None:
            self._early.append((numbered, content))
        else:
            self._write(self._name or self._probe, numbered, content)

    @property
    def path(self) -> Path | None:
        """The folder of the draft in hand, for what writes its own files."""
        if self.folder is None or not self._name:
            return None
        path = self.folder / self._name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def settle(self, draft: str, item: str) -> None:
        """A draft has become an item."""
        if self.folder is None or not draft:
            return
        with contextlib.suppress(OSError):
            (self.folder / draft).rename(self._free(item))

    @property
    def _probe(self) -> str:
        """The folder of what is said before the first draft, each session's own."""
        return PROBE if self._session < 2 else f"{PROBE}-{self._session}"

    def _free(self, item: str) -> Path:
        assert self.folder is not None
        path, n = self.folder / item, 2
        while path.exists():
            path, n = self.folder / f"{item}-{n}", n + 1
        return path

    def _write(self, folder: str, name: str, content: bytes) -> None:
        assert self.folder is not None
        path = self.folder / folder
        with contextlib.suppress(OSError):
            path.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
