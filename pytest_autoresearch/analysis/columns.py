"""Whatever holds columns, taken apart: arrays, pandas and polars frames, sparse matrices, dicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MOST_DENSE = 50_000_000
"""Numbers of a sparse matrix that are written out."""


@dataclass(frozen=True)
class Column:
    """One column of n rows: ``numbers`` (n,) with NaN for what is missing, or ``labels`` (n,) with None.

    Dates are numbers: days since 1970. Truth values are 0 and 1.
    """

    name: str
    numbers: Floats | None = None
    labels: npt.NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.missing)

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Where there is no value, (n,)."""
        if self.numbers is not None:
            return np.isnan(self.numbers)
        assert self.labels is not None
        return np.array([one is None for one in self.labels], dtype=bool)

    def codes(self) -> Floats:
        """The numbers, or for labels their places in sorted order; NaN for what is missing."""
        if self.numbers is not None:
            return self.numbers
        assert self.labels is not None
        found = np.full(len(self.labels), np.nan)
        there = ~self.missing
        if there.any():
            _, places = np.unique(self.labels[there].astype(str), return_inverse=True)
            found[there] = places
        return found


def columns(X: Any) -> list[Column]:
    """The columns of a table of n rows: names are its own, else ``x0``, ``x1``, ...

    Takes arrays of one or two dimensions, pandas or polars frames and series, SciPy sparse matrices, dicts
    of one-dimensional columns, and lists. Raises ``ValueError`` for anything else, and for columns of
    different lengths.
    """
    found = [column(name, values) for name, values in _parts(X)]
    if len({len(one) for one in found}) > 1:
        sizes = ", ".join(f"{one.name}: {len(one)}" for one in found[:10])
        raise ValueError(f"the columns have different lengths: {sizes}")
    return found


def _parts(X: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(X, Mapping):
        yield from ((str(name), values) for name, values in X.items())
    elif hasattr(X, "iloc") and hasattr(X, "columns"):
        yield from ((str(name), X.iloc[:, place]) for place, name in enumerate(X.columns))
    elif hasattr(X, "get_columns"):
        yield from ((str(one.name), one) for one in X.get_columns())
    elif hasattr(X, "tocsc"):
        if X.shape[0] * X.shape[1] > MOST_DENSE:
            raise ValueError(f"a sparse matrix of shape {X.shape} is too large: take fewer columns")
        yield from _of_array(X.toarray())
    elif hasattr(X, "iloc") or hasattr(X, "to_numpy"):
        yield str(getattr(X, "name", None) or "x0"), X
    else:
        yield from _of_array(np.asarray(X))


def _of_array(array: npt.NDArray[Any]) -> Iterator[tuple[str, Any]]:
    if array.dtype.names:
        yield from ((name, array[name]) for name in array.dtype.names)
    elif array.ndim == 1:
        yield "x0", array
    elif array.ndim == 2:
        yield from ((f"x{place}", array[:, place]) for place in range(array.shape[1]))
    else:
        raise ValueError(f"a table has one or two dimensions, this has {array.ndim}")


def column(name: str, values: Any) -> Column:
    """One column from anything that holds n values."""
    array = _plain(values)
    if array.ndim != 1:
        raise ValueError(f"column {name} has {array.ndim} dimensions, not one")
    if array.dtype.kind in "biuf":
        return Column(name, numbers=array.astype(np.float64))
    if array.dtype.kind in "mM":
        return Column(name, numbers=_days(array))
    labels = np.empty(len(array), dtype=object)
    labels[:] = [None if _is_missing(one) else one for one in array.tolist()]
    known = [one for one in labels if one is not None]
    if known and all(isinstance(one, int | float | np.number) for one in known):
        numbers = [np.nan if one is None else float(one) for one in labels]
        return Column(name, numbers=np.array(numbers))
    return Column(name, labels=labels)


def _plain(values: Any) -> npt.NDArray[Any]:
    """An array of NumPy's own types; pandas' nullable numbers as floats."""
    dtype = getattr(values, "dtype", None)
    kind = getattr(dtype, "kind", "")
    if not isinstance(dtype, np.dtype) and kind in tuple("biuf") and hasattr(values, "isna"):
        found: npt.NDArray[Any] = values.to_numpy(dtype="float64", na_value=np.nan)
        return found
    if hasattr(values, "dt") and hasattr(values, "astype") and "datetime64" in str(dtype):
        # One with a time zone is an array of objects else.
        return np.asarray(values.to_numpy(dtype="datetime64[ns]"))
    return np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)


def _days(array: npt.NDArray[Any]) -> Floats:
    unit = "datetime64[s]" if array.dtype.kind == "M" else "timedelta64[s]"
    seconds = array.astype(unit)
    return np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64) / 86_400.0)


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT and pandas' NA; none of the last three is equal to itself."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def target(y: Any) -> Column:
    """What is to be predicted, n values; raises ``ValueError`` when one is missing."""
    found = columns(y)
    if len(found) != 1:
        raise ValueError(f"the target has {len(found)} columns, not one")
    if found[0].missing.any():
        raise ValueError(f"{int(found[0].missing.sum())} values of the target are missing")
    return found[0]


def same_rows(X: list[Column], y: Column, what: str = "the target") -> None:
    """Raises ``ValueError`` when a table has not as many rows as the target."""
    if X and len(X[0]) != len(y):
        raise ValueError(f"the table has {len(X[0])} rows, {what} has {len(y)}")
