"""What the judge hands to a candidate's process: memory files, filled or of a fixed size."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import operator
import os
import pickle
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..exceptions import UsageProblem
from ..records import Json

ALIGN = 64
SAMPLE = 1 << 16


@dataclass(frozen=True)
class Payload:
    """Pickled arguments, with large buffers beside the pickle instead of inside it."""

    head: bytes
    buffers: list[memoryview] = field(default_factory=list)

    def digest(self) -> int:
        """A number that depends on the content (of long buffers: on both ends and the length)."""
        state = hashlib.blake2b(digest_size=16)
        for piece in (memoryview(self.head), *self.buffers):
            state.update(len(piece).to_bytes(8, "little"))
            state.update(piece[:SAMPLE])
            state.update(piece[-SAMPLE:])
        return int.from_bytes(state.digest(), "little")


def pack(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Payload:
    """Pickle arguments of ``name`` that `arguments.admit` has let through.

    Raises `UsageProblem` for what cannot be pickled after all (a column of a foreign type, say).
    """
    buffers: list[pickle.PickleBuffer] = []
    head = io.BytesIO()
    try:
        _Pickler(head, protocol=5, buffer_callback=buffers.append).dump((args, dict(kwargs)))
    except Exception as error:
        raise UsageProblem(
            f"the arguments of {name} cannot be sent to a process: {type(error).__name__}: {error}"
        ) from error
    return Payload(head.getvalue(), [buffer.raw() for buffer in buffers])


class _Pickler(pickle.Pickler):
    """Sends polars values as Parquet.

    A slice of polars strings shares the whole column's buffer, and its own pickle takes all of that
    along, rows that were cut off included.
    """

    def reducer_override(self, value: Any) -> Any:
        if not type(value).__module__.startswith("polars."):
            return NotImplemented
        polars = sys.modules["polars"]
        if type(value) is polars.Series:
            return operator.methodcaller("to_series"), (value.to_frame(),)
        if type(value) is not polars.DataFrame:
            return NotImplemented
        file = io.BytesIO()
        value.write_parquet(file, compression="uncompressed", statistics=False)
        return polars.read_parquet, (file.getvalue(),)


@dataclass(frozen=True)
class Parcel:
    """A filled memory file: where in it the order lies, and how long file and order are."""

    fd: int
    start: int
    length: int
    size: int


def parcel(order: Mapping[str, Json], payload: Payload) -> Parcel:
    """Write arguments and order into a memory file that nobody can change any more."""
    contents = [memoryview(payload.head), *payload.buffers]
    pieces: list[tuple[int, int]] = []
    offset = 0
    for piece in contents:
        pieces.append((offset, len(piece)))
        offset += -(-len(piece) // ALIGN) * ALIGN
    text = json.dumps({**order, "pieces": pieces}).encode()
    size = offset + len(text)
    fd = memory_file(size)
    for (at, _), piece in zip(pieces, contents, strict=True):
        _write(fd, piece, at)
    _write(fd, text, offset)
    seal(fd, writable=False)
    return Parcel(fd, offset, len(text), size)


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
