"""What the judge hands to a candidate's process: files in memory or without a name, filled or empty."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import operator
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..exceptions import HarnessFault, UsageProblem
from ..records import Json

ALIGN = 64
SAMPLE = 1 << 16
LARGE = 1 << 30
"""Bytes above which arguments lie in a file, not in memory."""

BLOCK = 16 << 20
"""Bytes of an array with gaps that are copied at once."""


class Scattered:
    """The numbers of an array that has gaps: one that is never copied whole."""

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self._array = array

    def __len__(self) -> int:
        return self._array.nbytes

    def ends(self, size: int) -> list[memoryview]:
        """About ``size`` bytes from the beginning and from the end."""
        count = max(1, size // self._array.itemsize)
        return [_bytes(self._array.flat[:count]), _bytes(self._array.flat[-count:])]

    def blocks(self) -> Iterator[memoryview]:
        """All bytes, in the order of a C array."""
        flat = self._array.flat
        step = max(1, BLOCK // self._array.itemsize)
        for start in range(0, self._array.size, step):
            yield _bytes(flat[start : start + step])


def _bytes(array: npt.NDArray[Any]) -> memoryview:
    return array.reshape(-1).view("uint8").data


Piece = memoryview | Scattered


@dataclass(frozen=True)
class Payload:
    """Pickled arguments, with large buffers beside the pickle instead of inside it."""

    head: bytes
    buffers: Sequence[Piece] = field(default_factory=list)

    def digest(self) -> int:
        """A number that depends on the content (of long buffers: on both ends and the length)."""
        state = hashlib.blake2b(digest_size=16)
        for piece in (memoryview(self.head), *self.buffers):
            state.update(len(piece).to_bytes(8, "little"))
            for end in _ends(piece):
                state.update(end)
        return int.from_bytes(state.digest(), "little")


def _ends(piece: Piece) -> Sequence[memoryview]:
    if isinstance(piece, Scattered):
        return piece.ends(SAMPLE)
    return piece[:SAMPLE], piece[-SAMPLE:]


def pack(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Payload:
    """Pickle arguments of ``name`` that `arguments.admit` has let through.

    Raises `UsageProblem` for what cannot be pickled after all (a column of a foreign type, say).
    """
    head = io.BytesIO()
    pickler = _Pickler(head)
    try:
        pickler.dump((args, dict(kwargs)))
    except Exception as error:
        raise UsageProblem(
            f"the arguments of {name} cannot be sent to a process: {type(error).__name__}: {error}"
        ) from error
    return Payload(head.getvalue(), pickler.pieces)


def _reduced(array: npt.NDArray[Any]) -> tuple[Any, Any]:
    """What NumPy pickles: a function, and the buffer, type, shape and order that it takes."""
    reduced: Any = array.__reduce_ex__(5)
    return reduced[0], reduced[1]


class _Contents:
    """Pickled as a file in memory with the same bytes."""

    def __init__(self, file: io.BytesIO) -> None:
        self._buffer = pickle.PickleBuffer(file.getbuffer())

    def __reduce__(self) -> tuple[Any, ...]:
        return io.BytesIO, (self._buffer,)


class _Pickler(pickle.Pickler):
    """Leaves the bytes of large values out of the pickle, in ``pieces``."""

    def __init__(self, head: io.BytesIO) -> None:
        super().__init__(head, protocol=5, buffer_callback=self._leave_out)
        self.pieces: list[Piece] = []
        self._scattered: dict[int, Scattered] = {}

    def _leave_out(self, buffer: pickle.PickleBuffer) -> None:
        scattered = self._scattered.pop(id(buffer), None)
        self.pieces.append(buffer.raw() if scattered is None else scattered)

    def reducer_override(self, value: Any) -> Any:
        if type(value) is np.ndarray:
            return self._array(value)
        if type(value).__module__.startswith("polars."):
            return self._polars(value)
        return NotImplemented

    def _array(self, value: npt.NDArray[Any]) -> Any:
        """Dates, and a part of an array: NumPy's own pickle would copy them into the pickle."""
        if value.dtype.kind in "mM":
            return operator.methodcaller("view", value.dtype), (value.view(np.int64),)
        if value.flags.forc or value.dtype.hasobject or not value.size:
            return NotImplemented
        rebuild, whole = _reduced(np.empty(0, value.dtype))
        if len(whole) != 4:
            return NotImplemented
        placeholder = pickle.PickleBuffer(b"")
        self._scattered[id(placeholder)] = Scattered(value)
        return rebuild, (placeholder, whole[1], value.shape, whole[3])

    def _polars(self, value: Any) -> Any:
        """As Parquet.

        A slice of polars strings shares the whole column's buffer, and its own pickle takes all of
        that along, rows that were cut off included.
        """
        polars = sys.modules["polars"]
        if type(value) is polars.Series:
            return operator.methodcaller("to_series"), (value.to_frame(),)
        if type(value) is not polars.DataFrame:
            return NotImplemented
        file = io.BytesIO()
        value.write_parquet(file, compression="uncompressed", statistics=False)
        return polars.read_parquet, (_Contents(file),)


@dataclass(frozen=True)
class Parcel:
    """A filled file: where in it the order lies, and how long file and order are."""

    fd: int
    start: int
    length: int
    size: int


def parcel(order: Mapping[str, Json], payload: Payload, folder: Path) -> Parcel:
    """Write arguments and order into a file that nobody can change any more.

    It is a memory file, or, above `LARGE`, a file in ``folder`` without a name: memory that the kernel
    can take back. Raises `HarnessFault` when there is no room for it.
    """
    contents: list[Piece] = [memoryview(payload.head), *payload.buffers]
    pieces: list[tuple[int, int]] = []
    offset = 0
    for piece in contents:
        pieces.append((offset, len(piece)))
        offset += -(-len(piece) // ALIGN) * ALIGN
    text = json.dumps({**order, "pieces": pieces}).encode()
    size = offset + len(text)
    placed = [*zip((at for at, _ in pieces), contents, strict=True), (offset, memoryview(text))]
    try:
        fd = None if size > LARGE else _in_memory(placed, size)
        if fd is None:
            fd = _on_disk(placed, folder)
    except OSError as error:
        raise HarnessFault(
            f"there is no room for {size / 2**20:.0f} MiB of arguments in "
            f"{folder if size > LARGE else 'memory'}: {error.strerror}; make room, or set TMPDIR to a "
            "folder that has it"
        ) from error
    return Parcel(fd, offset, len(text), size)


Placed = Sequence[tuple[int, Piece]]
SEAL_TRIES = 3
"""So many memory files are filled anew before a file on disk is taken, which needs no seal."""


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
        for block in piece.blocks() if isinstance(piece, Scattered) else [piece]:
            _write(fd, block, offset)
            offset += len(block)


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
