"""The numbers that come back from a candidate: shape and type are the judge's choice."""

from __future__ import annotations

import math
import mmap
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...exceptions import ProtocolError, UsageProblem
from ..inside.entry import DIMS
from .files import used_by_file

KINDS = "biuf"
MIB = 1 << 20


@dataclass(frozen=True)
class Answer:
    """What is expected: a dimension is a size, or ``None`` for at most ``most`` of that place."""

    shape: tuple[int | None, ...]
    most: tuple[int, ...]
    dtype: str = "float64"

    @property
    def capacity(self) -> int:
        """Bytes of the largest answer, its shape included."""
        return self._bytes(self.most)

    def require_room(self, limit: int, name: str) -> None:
        """Raise `UsageProblem` when no answer of this shape fits into ``limit`` bytes.

        A dimension that the candidate chooses may still be 1; what it may be at most is no promise.
        """
        least = self._bytes([1 if size is None else size for size in self.shape])
        if least > limit:
            raise UsageProblem(
                f"{name}: an answer of shape {self.shape} takes {least / MIB:.0f} MiB, more than the "
                f"memory of the sandbox marker, {limit / MIB:.0f} MiB: ask for less at once, or raise it"
            )

    def _bytes(self, sizes: Sequence[int]) -> int:
        return DIMS.size + math.prod(sizes) * np.dtype(self.dtype).itemsize

    def read(self, fd: int, name: str) -> npt.NDArray[Any]:
        """The array, once the process is dead. Raises `ProtocolError` for any other shape."""
        shape = self._shape(fd, name)
        dtype = np.dtype(self.dtype)
        # Holes in the file read as zeros: they would cost the candidate nothing, and us the memory.
        if sys.platform == "linux" and used_by_file(fd) < self._bytes(shape) - mmap.PAGESIZE:
            raise ProtocolError(f"{name} gave a shorter answer than it announced")
        array = np.empty(shape, dtype="uint8" if dtype.kind == "b" else dtype)
        if array.size:
            _read(fd, array.reshape(-1).view("uint8").data, DIMS.size, name)
        # A bool that is neither 0 nor 1 would be neither true nor false.
        return array != 0 if dtype.kind == "b" else array

    def read_file(self, path: Path, name: str) -> npt.NDArray[Any]:
        """The array from a file of raw numbers that a script wrote, all of the shape known."""
        size = self.capacity - DIMS.size
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise ProtocolError(f"{name} wrote no {path.name} ({error.strerror})") from None
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_size != size:
                raise ProtocolError(
                    f"{name} wrote {found.st_size} bytes to {path.name}, expected {size}: "
                    f"{self.dtype} numbers of shape {self.shape}"
                )
            array = np.empty([int(one or 0) for one in self.shape], np.dtype(self.dtype))
            if array.size:
                _read(fd, array.reshape(-1).view("uint8").data, 0, name)
        finally:
            os.close(fd)
        return array

    def _shape(self, fd: int, name: str) -> tuple[int, ...]:
        raw = bytearray(DIMS.size)
        _read(fd, memoryview(raw), 0, name)
        shape = DIMS.unpack(raw)[: len(self.shape)]
        for size, wanted, most in zip(shape, self.shape, self.most, strict=True):
            if not 0 <= size <= most or wanted not in (None, size):
                raise ProtocolError(
                    f"{name} answered with shape {shape}, expected {self.shape}, at most {self.most}"
                )
        return shape


def announced(
    where: str, shape: Sequence[int | None], dtype: str, rows: int, columns: int
) -> Answer:
    """An answer of this shape; a ``None`` is at most ``rows``, or ``columns``. Raises `UsageProblem`."""
    sizes = tuple(shape)
    if len(sizes) > 8 or any(
        one is not None and (type(one) is not int or one < 0) for one in sizes
    ):
        raise UsageProblem(f"{where}: shape={shape!r} must be up to 8 whole numbers, or None")
    kind = np.dtype(dtype)
    if kind.kind not in KINDS:
        raise UsageProblem(f"{where}: dtype={dtype!r} is not a type of real numbers")
    bounds = [rows, *[columns] * (len(sizes) - 1)][: len(sizes)]
    most = tuple(bound if one is None else one for one, bound in zip(sizes, bounds, strict=True))
    return Answer(sizes, most, kind.name)


def _read(fd: int, view: memoryview, offset: int, name: str) -> None:
    while view:
        got = os.preadv(fd, [view[: 1 << 30]], offset)
        if not got:
            raise ProtocolError(f"{name} gave a shorter answer than it announced")
        view, offset = view[got:], offset + got


def require_finite(array: npt.NDArray[Any], name: str) -> None:
    """Raise `ProtocolError` that counts what is not finite and names the first row."""
    bad = ~np.isfinite(array)
    count = int(bad.sum())
    if count:
        row = int(np.argwhere(bad)[0][0]) if array.ndim else 0
        what = "1 value that is" if count == 1 else f"{count} values that are"
        first = "in row" if count == 1 else "the first in row"
        raise ProtocolError(f"{name} returned {what} not finite, {first} {row}")
