"""Arguments as what they mean: equal frames give equal bytes, however a library keeps them in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .payload import Payload, pack


def taken_apart(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Payload | None:
    """The admitted arguments with pandas frames as columns and sparse matrices in one format.

    pandas joins a frame's columns to blocks when it likes, and SciPy sorts a matrix in place and notes
    that in it. ``None`` where there is neither: then the arguments' own payload will do.
    """
    if not any(map(_changes, (*args, *kwargs.values()))):
        return None
    return pack(name, tuple(map(_plain, args)), {key: _plain(one) for key, one in kwargs.items()})


def _kind(value: Any) -> str:
    """``frame``, ``sparse``, or empty for all else; the library need not be installed."""
    kind = type(value)
    if kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame":
        return "frame"
    return "sparse" if ".sparse" in kind.__module__ and hasattr(value, "tocsr") else ""


def _changes(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_changes, value.values()))
    return bool(_kind(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    match _kind(value):
        case "frame":
            return "frame", value.shape, [_column(value, at) for at in range(value.shape[1])]
        case "sparse":
            rows = value.tocsr(copy=True)
            rows.sum_duplicates()
            return value.format, value.shape, rows.data, rows.indices, rows.indptr
    return value


def _column(frame: Any, at: int) -> tuple[Any, ...]:
    """A column's name, type and values: an array, or whatever the library holds in place of one."""
    series = frame.iloc[:, at]
    plain = series.dtype.kind in "biufcmM" and type(series.dtype).__module__.startswith("numpy")
    return series.name, str(series.dtype), series.to_numpy() if plain else series.array
