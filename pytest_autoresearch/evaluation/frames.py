"""pandas frames and series for `store`, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..exceptions import UsageProblem

if TYPE_CHECKING:
    from .store import Reader, Writer

PRESENT, NONE, NAN = range(3)
"""What stands at an entry of a column of texts."""


def node(writer: Writer, value: Any, where: str) -> list[Any] | None:
    """The node of a pandas frame or series; ``None`` for anything else of pandas."""
    import pandas

    if type(value) is pandas.Series:
        column = _column(writer, value, where)
        return ["series", _label(value.name, where), column, _index(writer, value.index, where)]
    if type(value) is not pandas.DataFrame:
        return None
    columns = [
        [_label(name, where), _column(writer, value.iloc[:, at], f"{where}[{name!r}]")]
        for at, name in enumerate(value.columns)
    ]
    return ["frame", columns, _index(writer, value.index, where)]


def value(reader: Reader, kind: str, rest: list[Any]) -> Any:
    """The frame or series of a node."""
    import pandas

    if kind == "series":
        name, column, index = rest
        index = _read_index(reader, index)
        return pandas.Series(_read(reader, column), name=name, index=index, copy=False)
    if kind != "frame":
        raise ValueError(kind)
    columns, index = rest
    parts = {at: _read(reader, column) for at, (_, column) in enumerate(columns)}
    frame = pandas.DataFrame(parts, index=_read_index(reader, index), copy=False)
    frame.columns = pandas.Index([name for name, _ in columns])
    return frame


def _label(name: Any, where: str) -> Any:
    if name is None or type(name) in (str, int):
        return name
    raise UsageProblem(
        f"evaluation.shared: {where} has the label {name!r}; texts and whole numbers can be labels"
    )


def _index(writer: Writer, index: Any, where: str) -> list[Any]:
    """Rows numbered from 0 are a number of rows; any other index is a column."""
    import pandas

    if type(index) is pandas.RangeIndex and index.start == 0 and index.step == 1:
        return [_label(index.name, where), len(index)]
    if isinstance(index, pandas.MultiIndex):
        raise UsageProblem(
            f"evaluation.shared: {where} has an index of several levels; reset_index() it"
        )
    return [_label(index.name, where), _column(writer, index.to_series(), f"{where}.index")]


def _read_index(reader: Reader, node: list[Any]) -> Any:
    import pandas

    name, column = node
    if isinstance(column, int):
        return pandas.RangeIndex(column, name=name)
    return pandas.Index(_read(reader, column), name=name)


def _column(writer: Writer, series: Any, where: str) -> list[Any]:
    """The node of a column, by its type."""
    import pandas

    dtype = series.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        categories = _column(writer, dtype.categories.to_series(), f"{where}.categories")
        codes = writer.array(series.cat.codes.to_numpy())
        return ["categories", codes, categories, bool(dtype.ordered)]
    if isinstance(dtype, pandas.DatetimeTZDtype) and _has_name(dtype.tz):
        plain = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return ["zone", writer.array(plain.to_numpy()), str(dtype.tz)]
    if isinstance(dtype, pandas.StringDtype) or (dtype.kind == "O" and isinstance(dtype, np.dtype)):
        return ["texts", *_texts(writer, series, where), str(dtype)]
    if isinstance(dtype, np.dtype):
        return ["array", writer.array(series.to_numpy())]
    if getattr(dtype, "numpy_dtype", None) is not None and type(dtype).__name__ != "ArrowDtype":
        filled = series.to_numpy(dtype=dtype.numpy_dtype, na_value=0)
        return ["masked", writer.array(filled), writer.array(series.isna().to_numpy())]
    raise UsageProblem(
        f"evaluation.shared: {where} is a column of {dtype}, which cannot be stored; convert it with "
        "astype() to numbers, texts, dates or categories"
    )


def _has_name(zone: Any) -> bool:
    """Whether a time zone can be made again from its text."""
    import pandas

    try:
        pandas.DatetimeTZDtype(tz=str(zone))
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _read(reader: Reader, node: list[Any]) -> Any:
    """A column's values."""
    import pandas

    kind, *rest = node
    if kind == "array":
        return np.asarray(reader.array(rest[0]))
    if kind == "masked":
        values, missing = (np.asarray(reader.array(number)) for number in rest)
        arrays = pandas.arrays
        kinds = {"b": arrays.BooleanArray, "f": arrays.FloatingArray}
        return kinds.get(values.dtype.kind, arrays.IntegerArray)(values, missing)
    if kind == "zone":
        dates = pandas.DatetimeIndex(np.asarray(reader.array(rest[0])))
        return dates.tz_localize("UTC").tz_convert(rest[1])
    if kind == "categories":
        codes, categories, ordered = rest
        dtype = pandas.CategoricalDtype(pandas.Index(_read(reader, categories)), ordered)
        return pandas.Categorical.from_codes(np.asarray(reader.array(codes)), dtype=dtype)
    *parts, dtype = rest
    texts = _read_texts(*map(reader.array, parts))
    return pandas.Index(texts, dtype=dtype)


def _texts(writer: Writer, series: Any, where: str) -> list[int]:
    """Texts as one run of bytes, where each ends, and which are missing."""
    entries = series.tolist()
    states = [_state(entry, where) for entry in entries]
    present = zip(entries, states, strict=True)
    coded = [
        entry.encode("utf-8", "surrogatepass") if state == PRESENT else b""
        for entry, state in present
    ]
    ends = np.cumsum(np.fromiter(map(len, coded), np.int64, len(coded)))
    parts = (np.frombuffer(b"".join(coded), np.uint8), ends, np.array(states, np.uint8))
    return [writer.array(part) for part in parts]


def _state(entry: Any, where: str) -> int:
    if type(entry) is str:
        return PRESENT
    if entry is None:
        return NONE
    if type(entry).__name__ == "NAType" or (isinstance(entry, float) and entry != entry):
        return NAN
    raise UsageProblem(
        f"evaluation.shared: {where} holds {entry!r} among texts; convert the column with astype()"
    )


def _read_texts(
    data: npt.NDArray[Any], ends: npt.NDArray[Any], states: npt.NDArray[Any]
) -> npt.NDArray[np.object_]:
    text = data.tobytes()
    limits = [0, *ends.tolist()]
    missing = {NONE: None, NAN: np.nan}
    found = np.empty(len(ends), object)
    for at, state in enumerate(states.tolist()):
        piece = text[limits[at] : limits[at + 1]]
        found[at] = missing[state] if state else piece.decode("utf-8", "surrogatepass")
    return found
