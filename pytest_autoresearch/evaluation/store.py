"""Plain data as a folder of ``.npy`` files and a small JSON, without any pickle."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..exceptions import UsageProblem

SPEC = "entry.json"
NUMBERS = "biufcmMSUV"
"""Kinds of NumPy's types that hold no Python objects."""


def save(value: Any, folder: Path, note: str) -> None:
    """Write a value into an empty folder, on disk when this returns; ``note`` is for people.

    Raises `UsageProblem` for data of other types, ``OSError`` when writing fails.
    """
    spec = {"note": note, "tree": Writer(folder).node(value, "build()")}
    with (folder / SPEC).open("x", encoding="utf-8") as file:
        json.dump(spec, file)
        _settle(file)


def load(folder: Path) -> Any:
    """The value, its arrays mapped read-only. Raises all sorts of errors where a file is damaged."""
    spec = json.loads((folder / SPEC).read_text(encoding="utf-8"))
    return Reader(folder).value(spec["tree"])


class Writer:
    """Turns values into nodes, ``[kind, …]`` in JSON, and puts their arrays into files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0

    def node(self, value: Any, where: str) -> list[Any]:
        """The node of a value; ``where`` names it in the error."""
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return ["plain", value]
        if kind in (list, tuple):
            parts = [self.node(part, f"{where}[{at}]") for at, part in enumerate(value)]
            return [kind.__name__, parts]
        if kind is dict:
            return ["dict", [self._pair(key, part, where) for key, part in value.items()]]
        if isinstance(value, np.generic) and value.dtype.kind in NUMBERS:
            return ["scalar", self.array(np.asarray(value))]
        if (
            kind in (np.ndarray, np.memmap)
            and value.dtype.kind in NUMBERS
            and not value.dtype.hasobject
        ):
            return ["array", self.array(value)]
        if kind.__module__.partition(".")[0] == "pandas":
            from . import frames

            if (found := frames.node(self, value, where)) is not None:
                return found
        what = f"an array of {value.dtype}" if kind is np.ndarray else f"a {kind.__qualname__}"
        raise UsageProblem(
            f"evaluation.shared: {where} is {what}, which cannot be stored; give NumPy arrays without "
            "objects, pandas frames and series, text, numbers, None, and dicts, lists and tuples of these"
        )

    def _pair(self, key: Any, part: Any, where: str) -> list[Any]:
        if type(key) not in (str, int):
            raise UsageProblem(
                f"evaluation.shared: {where} has the key {key!r}; texts and whole numbers can be keys"
            )
        return [key, self.node(part, f"{where}[{key!r}]")]

    def array(self, values: npt.NDArray[Any]) -> int:
        """Write an array; the number of its file."""
        number = self._written
        self._written += 1
        with (self._folder / f"{number}.npy").open("xb") as file:
            np.save(file, values, allow_pickle=False)
            _settle(file)
        return number


class Reader:
    """Turns nodes into values again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def value(self, node: list[Any]) -> Any:
        kind, *rest = node
        if kind == "plain":
            return rest[0]
        if kind in ("list", "tuple"):
            parts = [self.value(part) for part in rest[0]]
            return parts if kind == "list" else tuple(parts)
        if kind == "dict":
            return {key: self.value(part) for key, part in rest[0]}
        if kind == "array":
            return self.array(rest[0])
        if kind == "scalar":
            return self.array(rest[0])[()]
        from . import frames

        return frames.value(self, kind, rest)

    def array(self, number: int) -> npt.NDArray[Any]:
        """The array of a file, mapped; an empty one, which no system maps, is read."""
        path = self._folder / f"{int(number)}.npy"
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
        except ValueError:
            found: npt.NDArray[Any] = np.load(path, allow_pickle=False)
            if found.size:
                raise
            found.flags.writeable = False
            return found


def _settle(file: Any) -> None:
    """On disk, so that no power cut leaves a file of the right length with nothing in it."""
    file.flush()
    os.fsync(file.fileno())
