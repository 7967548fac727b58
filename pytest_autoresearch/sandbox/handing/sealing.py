"""Files for a candidate's process, in memory or without a name: empty ones, and ones that stay as they are."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .payload import Piece, Scattered

ALIGN = 64
SEAL_TRIES = 3
"""So many memory files are filled anew before a file on disk is taken, which needs no seal."""

Placed = Sequence[tuple[int, Piece]]


@dataclass(frozen=True)
class Filled:
    """A descriptor of a file that nobody can change any more, and what it takes where."""

    fd: int
    size: int
    on_disk: bool


def place(sizes: Sequence[int]) -> tuple[list[int], int]:
    """Where pieces of these sizes begin in a file, and where the next would."""
    starts, offset = [], 0
    for size in sizes:
        starts.append(offset)
        offset += -(-size // ALIGN) * ALIGN
    return starts, offset


def filled(placed: Placed, folder: Path, *, on_disk: bool) -> Filled:
    """A file that holds pieces at their places: a memory file, or one in ``folder`` without a name.

    On disk the kernel can take its memory back. Raises `OSError` when there is no room.
    """
    size = max((at + len(piece) for at, piece in placed), default=0)
    fd = None if on_disk else _in_memory(placed, size)
    if fd is not None:
        return Filled(fd, size, on_disk=False)
    return Filled(_on_disk(placed, folder), size, on_disk=True)


def _in_memory(placed: Placed, size: int) -> int | None:
    """A sealed memory file; ``None`` when the kernel has one of its pages in hand and cannot seal it.

    memfd_create(2), F_SEAL_WRITE: EBUSY, which no writer of ours explains; moving pages does.
    """
    for _ in range(SEAL_TRIES):
        fd = memory_file(size)
        try:
            _fill(fd, placed)
            seal(fd, writable=False)
        except OSError as error:
            os.close(fd)
            if error.errno != errno.EBUSY:
                raise
        except BaseException:
            os.close(fd)
            raise
        else:
            return fd
    return None


def _on_disk(placed: Placed, folder: Path) -> int:
    """A descriptor to read from; the file is gone when all of its descriptors are closed."""
    writing, name = tempfile.mkstemp(dir=folder, prefix="arguments-")
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.unlink(name)
    try:
        _fill(writing, placed)
    except BaseException:
        os.close(fd)
        raise
    finally:
        os.close(writing)
    return fd


def _fill(fd: int, placed: Placed) -> None:
    for offset, piece in placed:
        for block in blocks(piece):
            _write(fd, block, offset)
            offset += len(block)


def blocks(piece: Piece) -> Iterator[memoryview]:
    """All bytes of a piece, in order; without a copy unless it has gaps."""
    if isinstance(piece, Scattered):
        yield from piece.blocks()
    else:
        yield piece


def memory_file(size: int) -> int:
    """An unnamed file of ``size`` bytes, all zero."""
    if sys.platform == "linux":
        fd = os.memfd_create("autoresearch", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.ftruncate(fd, size)
    return fd


def seal(fd: int, *, writable: bool) -> None:
    """Fix a memory file's size, and its content unless ``writable`` (Linux)."""
    if sys.platform == "linux":
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals | (0 if writable else fcntl.F_SEAL_WRITE))


def _write(fd: int, data: bytes | memoryview, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view[: 1 << 30], offset)
        view, offset = view[written:], offset + written
