"""Arguments turned into bytes: a pickle, and the large buffers beside it, none of them copied."""

from __future__ import annotations

import hashlib
import io
import operator
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...exceptions import UsageProblem

SAMPLE = 1 << 16
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

    def part(self, start: int, size: int) -> memoryview:
        """Some ``size`` bytes from about the byte ``start`` on."""
        width = self._array.itemsize
        first = start // width
        return _bytes(self._array.flat[first : first + max(1, size // width)])

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
