"""What a coding tool prints, written down as it comes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..redacting import Redactor

MOST_STREAMED = 8 << 20
LONGEST_LINE = 1 << 20
"""Bytes that wait for the end of their line."""


class Streams:
    """Writes what a program prints line by line, so that it is there when the judge is killed meanwhile.

    A line is written as a whole, without what the ``redactor`` takes out: half of a key would not be known.
    """

    def __init__(self, folder: Path | None, redactor: Redactor) -> None:
        self._folder = folder
        self._redactor = redactor
        self._left = MOST_STREAMED
        self._files: dict[str, int] = {}
        self._waiting: dict[str, bytes] = {}

    def heard(self, name: str, more: bytes) -> None:
        """Append the lines that have come, as far as there is room."""
        if self._folder is None or self._left <= 0:
            return
        waiting = self._waiting.get(name, b"") + more
        end = waiting.rfind(b"\n") + 1
        if not end and len(waiting) > LONGEST_LINE:
            end = max(waiting.rfind(b" "), waiting.rfind(b'"')) + 1 or len(waiting)
        self._waiting[name] = waiting[end:]
        if end:
            self._write(self._folder, name, waiting[:end])

    def _write(self, folder: Path, name: str, content: bytes) -> None:
        content = self._redactor.data(content)[: max(0, self._left)]
        with contextlib.suppress(OSError):
            if name not in self._files:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._files[name] = os.open(folder / f"{name}.part", flags, 0o644)
            os.write(self._files[name], content)
        self._left -= len(content)

    def close(self) -> None:
        """Write what waits, too."""
        for name, content in self._waiting.items():
            if content and self._folder is not None:
                self._write(self._folder, name, content)
        for fd in self._files.values():
            os.close(fd)

    def remove(self) -> None:
        """The whole is written elsewhere."""
        for name in self._files:
            with contextlib.suppress(OSError):
                os.unlink(f"{self._folder}/{name}.part")
