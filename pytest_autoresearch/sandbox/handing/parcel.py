"""What the judge hands to a candidate's process: an order, and the arguments in files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ...exceptions import HarnessFault
from ...records import Json
from .payload import Payload, Piece
from .sealing import Filled, filled, place
from .stock import Stock

LARGE = 1 << 30
"""Bytes above which arguments lie in a file, not in memory."""

OWN = 1 << 20
"""Bytes from which a buffer lies in a file of its own, which is kept for the next job."""

MOST_FILES = 64
"""Files of one job; the kernel hands over at most 253 descriptors at once (unix(7), SCM_RIGHTS)."""


@dataclass(frozen=True)
class Parcel:
    """Filled files: where in the first the order lies, and how long the order is."""

    files: Sequence[Filled]
    start: int
    length: int

    @property
    def fds(self) -> list[int]:
        """The files' descriptors."""
        return [file.fd for file in self.files]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def close(self) -> None:
        """Give the descriptors back."""
        for fd in self.fds:
            os.close(fd)


def parcel(order: Mapping[str, Json], payload: Payload, stock: Stock, folder: Path) -> Parcel:
    """Write arguments and order into files that nobody can change any more.

    They are memory files, or, above `LARGE` in all, files in ``folder`` without a name. Large buffers
    that ``stock`` has are not written again. Raises `HarnessFault` when there is no room.
    """
    contents: list[Piece] = [memoryview(payload.head), *payload.buffers]
    size = sum(len(piece) for piece in contents)
    for attempt in (1, 2):
        try:
            return _wrapped(order, contents, stock, folder, on_disk=size > LARGE)
        except OSError as error:
            if attempt == 1 and len(stock):
                stock.clear()
                continue
            raise HarnessFault(
                f"there is no room for {size / 2**20:.0f} MiB of arguments in "
                f"{folder if size > LARGE else 'memory'}: {error.strerror}; make room, or set TMPDIR "
                "to a folder that has it"
            ) from error
    raise AssertionError


def _wrapped(
    order: Mapping[str, Json],
    contents: Sequence[Piece],
    stock: Stock,
    folder: Path,
    *,
    on_disk: bool,
) -> Parcel:
    groups = list(_groups(contents))
    # A model is fitted on the same tables many times; rows to predict are shuffled anew each time.
    again = order.get("op") == "fit"
    with ExitStack() as stack:
        files = []
        for group in groups:
            pieces = [contents[number] for number in group]
            files.append(stock.take(pieces, folder, on_disk=on_disk, again=again))
            stack.callback(os.close, files[-1].fd)
        large = {number for group in groups for number in group}
        small = [number for number in range(len(contents)) if number not in large]
        pieces_at = _places(contents, [small, *groups])
        text = json.dumps({**order, "pieces": pieces_at}).encode()
        starts, start = place([len(contents[number]) for number in small])
        placed = [(at, contents[number]) for at, number in zip(starts, small, strict=True)]
        first = filled([*placed, (start, memoryview(text))], folder, on_disk=_is_large(start))
        stack.pop_all()
    return Parcel([first, *files], start, len(text))


def _is_large(size: int) -> bool:
    return size > LARGE


def _groups(contents: Sequence[Piece]) -> Iterator[list[int]]:
    """Which large pieces share a file: none, unless there are too many of them."""
    large = [number for number, piece in enumerate(contents) if number and len(piece) >= OWN]
    each = -(-len(large) // (MOST_FILES - 1)) or 1
    for start in range(0, len(large), each):
        yield large[start : start + each]


def _places(
    contents: Sequence[Piece], files: Sequence[Sequence[int]]
) -> list[tuple[int, int, int]]:
    """For each piece the number of its file, where it begins there, and its length."""
    found: dict[int, tuple[int, int, int]] = {}
    for number, group in enumerate(files):
        starts, _ = place([len(contents[piece]) for piece in group])
        for at, piece in zip(starts, group, strict=True):
            found[piece] = number, at, len(contents[piece])
    return [found[piece] for piece in range(len(contents))]
