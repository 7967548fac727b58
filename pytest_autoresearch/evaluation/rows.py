"""Rows by position: how many a value has, and some of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..exceptions import UsageProblem

Positions = npt.NDArray[np.intp]


def count(value: Any, where: str) -> int:
    """Rows of a value; ``where`` names it in the error.

    Raises `UsageProblem` for an unknown kind, and for a dict whose parts differ in length.
    """
    if isinstance(value, dict) and value:
        counts = {key: count(part, f"{where}[{key!r}]") for key, part in value.items()}
        if len(set(counts.values())) > 1:
            raise UsageProblem(f"{where} has parts of different lengths: {counts}")
        return next(iter(counts.values()))
    if isinstance(value, list | tuple):
        return len(value)
    if _is_table(value) and value.shape:
        return int(value.shape[0])
    raise UsageProblem(
        f"{where} is a {_named(value)}, which has no rows; give a NumPy array, a pandas or polars frame "
        "or series, a SciPy sparse matrix, a list, or a dict of these"
    )


def take(value: Any, at: Positions) -> Any:
    """These rows of a value that `count` knows; ``at`` ascends.

    NumPy arrays come read-only, and a run of neighbours without being copied.
    """
    if isinstance(value, dict):
        return {key: take(part, at) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [value[position] for position in at]
    if isinstance(value, np.ndarray):
        rows = value[_slice(at)].view()
        rows.flags.writeable = False
        return rows
    if hasattr(value, "iloc"):
        return value.iloc[at]
    if _library(value) == "scipy":
        return value.tocsr()[at].asformat(value.format)
    return value[_slice(at)]


def column(value: Any, where: str) -> Any:
    """A value with one entry for each row; a list becomes an array, as metrics want it."""
    if isinstance(value, list | tuple):
        value = np.asarray(value)
    count(value, where)
    return value


def labels(value: Any, where: str) -> npt.NDArray[np.intp]:
    """A number from 0 for each row's label, in the order in which labels first appear.

    Equal labels get equal numbers, whatever their type. Raises `UsageProblem` for more than one
    label a row, for a missing one, and for one that cannot be compared by its hash.
    """
    entries = np.asarray(column(value, where))
    if entries.ndim != 1:
        raise UsageProblem(f"{where} has shape {entries.shape}; give one label for each row")
    known: dict[Any, int] = {}
    try:
        codes = np.array([known.setdefault(one, len(known)) for one in entries.tolist()], np.intp)
    except TypeError as error:
        raise UsageProblem(f"{where} holds something that is no label: {error}") from None
    for label, code in known.items():
        if label is None or type(label).__name__ in ("NAType", "NaTType") or label != label:
            raise UsageProblem(f"{where} has no label in row {int((codes == code).argmax())}")
    return codes


def agree(**values: Any) -> int:
    """The number of rows that all named values have. Raises `UsageProblem` when they differ."""
    counts = {name: count(value, name) for name, value in values.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} has {rows}" for name, rows in counts.items())
        raise UsageProblem(f"the numbers of rows differ: {listed}; row i of each is one example")
    return next(iter(counts.values()))


def _slice(at: Positions) -> Positions | slice:
    if len(at) and at[-1] - at[0] + 1 == len(at):
        return slice(int(at[0]), int(at[-1]) + 1)
    return at


def _is_table(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return True
    library, name = _library(value), type(value).__name__
    if library in ("pandas", "polars"):
        return name in ("DataFrame", "Series") or name.endswith("Index")
    return library == "scipy" and hasattr(value, "tocsr")


def _library(value: object) -> str:
    return type(value).__module__.partition(".")[0]


def _named(value: object) -> str:
    kind = type(value)
    known = kind.__module__ == "builtins"
    return kind.__name__ if known else f"{kind.__module__}.{kind.__qualname__}"
