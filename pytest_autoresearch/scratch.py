"""A session's temporary folder: held while it is in use, removed later when its session was killed."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .sandbox import discard

PREFIX = "autoresearch-"
LOCK = "lock"


class Scratch:
    """A new folder in the system's temporary one; the kernel lets go of its lock when we die.

    With ``within`` it lies in another one, and is swept with that.
    """

    def __init__(self, within: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=within))
        self._lock: int | None = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove it."""
        discard(self.folder)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def sweep(folders: Iterable[str]) -> None:
    """Remove what killed sessions left behind.

    The names come from a journal, which may have come from elsewhere: only a folder that looks like ours,
    lies where ours lie, belongs to us and is held by nobody is removed.
    """
    for name in folders:
        folder = Path(name)
        if _is_ours(folder) and _is_free(folder):
            discard(folder)


def _is_ours(folder: Path) -> bool:
    there = folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith(PREFIX)
    return (
        there
        and folder.is_dir()
        and not folder.is_symlink()
        and folder.stat().st_uid == os.getuid()
        and (folder / LOCK).is_file()
    )


def _is_free(folder: Path) -> bool:
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
