"""What may cross to candidate code: plain data, without index, names of rows, or what lies beside it."""

from __future__ import annotations

import datetime
import decimal
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...exceptions import UsageProblem

ELEMENTS: frozenset[type] = frozenset(
    {
        *(str, bytes, int, float, complex, bool, type(None), decimal.Decimal),
        *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta),
    }
)
"""Python types that a column of objects may hold, beside NumPy's and pandas' own scalars."""

ALLOWED = (
    "NumPy arrays, pandas or polars frames and series, SciPy sparse matrices, lists of str or bytes, "
    "numbers, and dicts of these"
)


def admit(value: object, where: str) -> Any:
    """The value as candidate code gets it.

    ``where`` names the argument in the error. Raises `UsageProblem` for a type that may not cross.
    """
    kind = type(value)
    if kind in (bool, int, float, complex) or isinstance(value, np.number | np.bool_):
        return value
    if isinstance(value, np.ndarray):
        return _array(value, where)
    if kind is dict:
        return _dict(value, where)  # type: ignore[arg-type]
    if kind is list:
        return _list(value, where)  # type: ignore[arg-type]
    convert = _converter(kind)
    if convert is None:
        raise _refused(where, f"a {kind.__module__}.{kind.__qualname__}".replace("builtins.", ""))
    return convert(value, where)


def _refused(where: str, what: str) -> UsageProblem:
    return UsageProblem(f"{where} is {what}, which cannot cross to candidate code; pass {ALLOWED}")


def _dict(value: Mapping[object, object], where: str) -> dict[Any, Any]:
    for key in value:
        if type(key) not in (str, int):
            raise _refused(where, f"a dict with a key of type {type(key).__name__}")
    return {key: admit(one, f"{where}[{key!r}]") for key, one in value.items()}


def _list(value: list[object], where: str) -> list[object]:
    kinds = set(map(type, value))
    if len(kinds) > 1 or not kinds <= {str, bytes}:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise _refused(where, f"a list of {names}")
    return value


def _array(value: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """A plain array: a memory map shows its own window only; other subclasses mean something."""
    if type(value) not in (np.ndarray, np.memmap):
        raise _refused(where, f"a {type(value).__module__}.{type(value).__qualname__}")
    if value.dtype.kind == "O":
        _check_elements(value.ravel().tolist(), where)
    elif value.dtype.hasobject:
        raise _refused(where, f"an array of {value.dtype}")
    return np.asarray(value)


def _check_elements(values: list[object], where: str) -> None:
    for kind in set(map(type, values)) - ELEMENTS:
        if not issubclass(kind, np.generic) and kind.__module__ not in PANDAS_SCALARS:
            raise _refused(where, f"an array that holds a {kind.__module__}.{kind.__qualname__}")


PANDAS_SCALARS = frozenset(
    {
        "pandas",
        "pandas.api.typing",
        "pandas._libs.missing",
        "pandas._libs.tslibs.nattype",
        "pandas._libs.tslibs.timestamps",
        "pandas._libs.tslibs.timedeltas",
        "pandas._libs.tslibs.period",
        "pandas._libs.interval",
    }
)


def _converter(kind: type) -> Callable[[Any, str], Any] | None:
    """How to make a library's value plain; the library is imported already, the value is its own."""
    top = kind.__module__.partition(".")[0]
    if top == "pandas":
        pandas = sys.modules["pandas"]
        known = {pandas.DataFrame: _frame, pandas.Series: _series}
        return known.get(kind)
    if top == "polars":
        polars = sys.modules["polars"]
        return _polars if kind in (polars.DataFrame, polars.Series) else None
    if top == "scipy" and ".sparse" in kind.__module__:
        return _sparse
    return None


def _frame(value: Any, where: str) -> Any:
    """A pandas frame: columns stay, the index and ``attrs`` go."""
    frame = _without_index(value)
    for position in range(frame.shape[1]):
        old = frame.iloc[:, position]
        new = _column(old, f"{where}.iloc[:, {position}]")
        if new is not old:
            frame.isetitem(position, new)
    frame.attrs = {}
    return frame


def _without_index(value: Any) -> Any:
    """A view: `reset_index` may copy all of it."""
    view = value.copy(deep=False)
    view.index = sys.modules["pandas"].RangeIndex(len(value))
    return view


def _series(value: Any, where: str) -> Any:
    """A pandas series: its name stays, the index and ``attrs`` go."""
    series = _column(_without_index(value), where)
    series.attrs = {}
    return series


def _column(series: Any, where: str) -> Any:
    """A column without what its array holds beside its values; the same object if there is nothing."""
    dtype = series.dtype
    if "Arrow" in type(dtype).__name__ or "pyarrow" in str(getattr(dtype, "storage", "")):
        # A slice of Arrow's buffers carries the whole along.
        return series.take(np.arange(len(series)))
    if dtype.kind == "O" and isinstance(dtype, np.dtype):
        _check_elements(series.tolist(), where)
    elif not isinstance(dtype, np.dtype) and dtype.kind in "iufb":
        # Under a missing value of a nullable column lies what stood there before.
        return series.fillna(dtype.type(0)).mask(series.isna())
    return series


def _polars(value: Any, where: str) -> Any:
    dtypes = value.dtypes if hasattr(value, "dtypes") else [value.dtype]
    if any(str(dtype) == "Object" for dtype in dtypes):
        raise _refused(where, "a polars value with a column of Python objects")
    return value


def _sparse(value: Any, where: str) -> Any:
    if value.dtype.kind == "O":
        raise _refused(where, "a sparse matrix of Python objects")
    return value.copy()


def row_count(value: Any, where: str) -> int:
    """Rows of an admitted value; all parts of a dict have the same number of rows.

    Raises `UsageProblem` when there is no such number.
    """
    if isinstance(value, dict):
        counts = {key: row_count(one, f"{where}[{key!r}]") for key, one in value.items()}
        if len(set(counts.values())) != 1:
            raise UsageProblem(f"{where} has parts of different lengths: {counts}")
        return next(iter(counts.values()))
    if hasattr(value, "shape"):
        if len(value.shape) > 0:
            return int(value.shape[0])
    elif isinstance(value, list):
        return len(value)
    raise UsageProblem(f"{where} has no rows: it is the number {value!r}")


def take(value: Any, rows: npt.NDArray[np.intp]) -> Any:
    """These rows of an admitted value, in this order, copied."""
    if isinstance(value, dict):
        return {key: take(one, rows) for key, one in value.items()}
    if isinstance(value, list):
        return [value[row] for row in rows]
    top = type(value).__module__.partition(".")[0]
    if top == "pandas":
        return value.take(rows).reset_index(drop=True)
    if top == "scipy":
        return _take_sparse(value, rows)
    return value[rows]


def _take_sparse(value: Any, rows: npt.NDArray[np.intp]) -> Any:
    """Row by row access needs a compressed format; the matrix keeps the one it came in."""
    return value.tocsr()[rows].asformat(value.format)
