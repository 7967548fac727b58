"""Run a command as an ordinary user, when we are root: `python as_user.py UID COMMAND …`.

The interpreter may lie where only root may look, in ``/root`` for instance. In a mount namespace of
the command's own such folders are replaced by empty ones that hold nothing but what is needed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

NEW_MOUNTS = 0x20000
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000
LIBC = ctypes.CDLL(None, use_errno=True)


def become(user: int) -> None:
    """Give up being root; what Python and this project need stays reachable. Raises `OSError`."""
    closed = _closed(_needed())
    if closed:
        _called(LIBC.unshare(NEW_MOUNTS), "unshare")
        _mount("none", "/", flags=RECURSIVE | PRIVATE)
        for folder, inside in closed.items():
            _open(folder, inside)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def _needed() -> list[Path]:
    """Folders that the command reads: interpreter, environment, this repository."""
    found = {sys.prefix, sys.base_prefix, os.path.realpath(sys.executable), *sys.path[1:]}
    found |= {os.path.realpath(path) for path in found} | {str(Path(__file__).parents[2])}
    return [Path(path) for path in sorted(found) if os.path.exists(path)]


def _closed(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Folders that others may not enter, with what is needed below each."""
    found: dict[Path, list[Path]] = {}
    for path in paths:
        for parent in reversed(path.parents):
            if not parent.stat().st_mode & stat.S_IXOTH:
                found.setdefault(parent, []).append(path if path.is_dir() else path.parent)
                break
    return found


def _open(folder: Path, inside: list[Path]) -> None:
    """Replace a folder by an empty one in which only some of what it held is seen."""
    aside = Path(tempfile.mkdtemp(prefix="aside-"))
    _mount(str(folder), str(aside), flags=BIND | RECURSIVE)
    _mount("tmpfs", str(folder), kind="tmpfs", options="mode=755")
    for path in inside:
        if not path.exists():
            path.mkdir(parents=True)
            _mount(str(aside / path.relative_to(folder)), str(path), flags=BIND | RECURSIVE)
    _called(LIBC.umount2(str(aside).encode(), 2), "umount2")
    with contextlib.suppress(OSError):
        aside.rmdir()


def _mount(source: str, target: str, *, kind: str = "", flags: int = 0, options: str = "") -> None:
    texts = [text.encode() if text else None for text in (source, target, kind)]
    found = LIBC.mount(*texts, ctypes.c_ulong(flags), options.encode() if options else None)
    _called(found, f"mount {target}")


def _called(found: int, what: str) -> None:
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    become(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
