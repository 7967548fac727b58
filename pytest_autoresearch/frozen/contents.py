"""What a single file holds, as a digest; its contents are read again only when its stamp differs."""

from __future__ import annotations

import os
import time
from hashlib import blake2b
from pathlib import Path

from .. import digests
from ..exceptions import UsageProblem

SMALL = 1 << 20
"""Bytes up to which a file is simply read; the digest of a larger one is kept in the cache folder."""


class Watched:
    """A file as it was; ``name`` is what people are told."""

    def __init__(self, name: str, path: Path, digest: str | None = None) -> None:
        self.name = name
        self.path = path
        self._stamp: digests.Stamp | None = None
        found = self._looked()
        self.digest = found if digest is None else digest
        self._changed = found != self.digest

    @property
    def changed(self) -> bool:
        """Whether it is not what it was: gone, or with other contents."""
        if self._stamp is None or _stamp(self.path) != self._stamp:
            self._changed = self._looked() != self.digest
        return self._changed

    def _looked(self) -> str:
        """The present digest, empty for no file; the stamp is kept once it can be relied on."""
        before, now = _stamp(self.path), time.time_ns()
        found = digest(self.path)
        settled = before is not None and before[1] < now - digests.SETTLED
        self._stamp = before if settled and before == _stamp(self.path) else None
        return found


def digest(path: Path) -> str:
    """A digest (BLAKE2b, hexadecimal) of a file's contents; empty when it cannot be read as a file."""
    try:
        if not path.is_file():
            return ""
        if path.stat().st_size > SMALL:
            return digests.digest(path, digests.look(path))
        return blake2b(path.read_bytes(), digest_size=32).hexdigest()
    except (OSError, UsageProblem):
        return ""


def _stamp(path: Path) -> digests.Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
