"""Large buffers that were handed over before: each lies in a file that is handed over again."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .payload import Piece, Scattered
from .sealing import ALIGN, Filled, blocks, filled, place

MOST_KEPT = 128
"""Files that are kept; each takes two descriptors of the judge's."""

MOST_MEMORY = 4 << 30
"""Bytes of memory that all kept files may take, and no more than an eighth of the machine's."""

DISK_SHARE = 0.25
"""Share of the free disk that kept files may take."""

MOST_SEEN = 1024
SPOTS, SPOT = 16, 4096
"""A content is looked up by so many samples of so many bytes, before it is compared as a whole."""

STEP = 1 << 20
Key = tuple[tuple[int, ...], bytes]


@dataclass
class Kept:
    """A file and where the pieces in it begin; mapped once something is compared with it."""

    file: Filled
    starts: Sequence[int]
    _mapping: mmap.mmap | None = field(default=None, init=False)

    def holds(self, pieces: Sequence[Piece]) -> bool:
        """Whether all bytes are the same. An array may have been written to since it lay here."""
        if self._mapping is None:
            flags = {"flags": mmap.MAP_PRIVATE, "prot": mmap.PROT_READ}
            self._mapping = mmap.mmap(self.file.fd, self.file.size, **flags)
        view = memoryview(self._mapping)
        return all(
            _same(piece, view[start:]) for start, piece in zip(self.starts, pieces, strict=True)
        )

    def close(self) -> None:
        """Whoever was handed the file keeps it."""
        self._mapping = None
        os.close(self.file.fd)


def _same(piece: Piece, there: memoryview) -> bool:
    """Compare a piece with the bytes that begin at ``there``."""
    start = 0
    for block in blocks(piece):
        if not _equal(block, there[start : start + len(block)]):
            return False
        start += len(block)
    return True


def _equal(one: memoryview, other: memoryview) -> bool:
    """Compare bytes, eight at a time, in steps that stay in the processor's cache."""
    whole = len(one) // 8 * 8
    if bytes(one[whole:]) != bytes(other[whole:]):
        return False
    ours, theirs = (np.frombuffer(x[:whole], np.uint64) for x in (one, other))
    step = STEP // 8
    return all(
        np.array_equal(ours[at : at + step], theirs[at : at + step])
        for at in range(0, whole // 8, step)
    )


class Stock:
    """Files by content, the least recently used first.

    A file is kept from the first time on, or from the second where nobody says that the same content
    will come again. The content decides, every byte of it, never which object holds it. ``written``
    counts the files that had to be filled.
    """

    def __init__(self) -> None:
        self.written = 0
        self._kept: dict[Key, Kept] = {}
        self._seen: dict[Key, None] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, pieces: Sequence[Piece], folder: Path, *, on_disk: bool, again: bool) -> Filled:
        """A file with these pieces at the places that `place` gives; the caller closes it.

        ``again`` says that the same content will be asked for again. Raises `OSError` when there is no
        room for a new file.
        """
        key = _key(pieces)
        if key in self._kept:
            if self._kept[key].holds(pieces):
                self._kept[key] = self._kept.pop(key)
                return _copy(self._kept[key].file)
            self._drop(key)
        starts, _ = place([len(piece) for piece in pieces])
        file = filled(list(zip(starts, pieces, strict=True)), folder, on_disk=on_disk)
        self.written += 1
        if (again or self._again(key)) and self._make_room(file, folder):
            self._kept[key] = Kept(_copy(file), starts)
        return file

    def clear(self) -> None:
        """Close all files."""
        while self._kept:
            self._drop(next(iter(self._kept)))

    def _again(self, key: Key) -> bool:
        """Whether the content seems to have been there before."""
        before = key in self._seen
        self._seen[key] = None
        if len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        return before

    def _make_room(self, file: Filled, folder: Path) -> bool:
        """Drop others until the file fits in; false when it never would."""
        peers = [key for key, kept in self._kept.items() if kept.file.on_disk == file.on_disk]
        held = sum(self._kept[key].file.size for key in peers)
        most = _most_on_disk(folder, held) if file.on_disk else _most_in_memory()
        if file.size > most:
            return False
        for key in peers:
            if held + file.size <= most:
                break
            held -= self._kept[key].file.size
            self._drop(key)
        while len(self._kept) >= MOST_KEPT:
            self._drop(next(iter(self._kept)))
        return True

    def _drop(self, key: Key) -> None:
        self._kept.pop(key).close()


def _copy(file: Filled) -> Filled:
    return Filled(os.dup(file.fd), file.size, file.on_disk)


def _most_in_memory() -> int:
    return min(MOST_MEMORY, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 8)


def _most_on_disk(folder: Path, held: int) -> int:
    found = os.statvfs(folder)
    return int((found.f_bavail * found.f_frsize + held) * DISK_SHARE)


def _key(pieces: Sequence[Piece]) -> Key:
    """The sizes, and a digest of samples: equal for equal contents, and mostly different for others."""
    state = hashlib.blake2b(digest_size=16)
    for piece in pieces:
        for spot in range(SPOTS):
            at = max(0, spot * (len(piece) - SPOT) // (SPOTS - 1))
            state.update(_part(piece, at // ALIGN * ALIGN, SPOT))
    return tuple(len(piece) for piece in pieces), state.digest()


def _part(piece: Piece, start: int, size: int) -> memoryview:
    if isinstance(piece, Scattered):
        return piece.part(start, size)
    return piece[start : start + size]
