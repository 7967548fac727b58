"""What crosses to candidate code arrives equal, without index, names of rows, or what lies beside it."""

from __future__ import annotations

import datetime
import itertools
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.sandbox.handing.arguments import admit, row_count, take
from pytest_autoresearch.sandbox.handing.payload import Scattered, pack

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Make

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
sparse = pytest.importorskip("scipy.sparse")

SECRET = "THE-LABELS-ARE-HERE-AND-NOBODY-MAY-SEE-THEM"

ECHO = """
import os
def fit(value, y, *, seed):
    return repr(type(value)) + chr(10) + text(value)
def text(value):
    if isinstance(value, dict):
        return repr({key: text(one) for key, one in value.items()})
    if hasattr(value, "toarray"):
        value = value.toarray()
    if hasattr(value, "to_dict") and hasattr(value, "index"):
        return repr(value.to_dict("list") if value.ndim == 2 else value.tolist()) + repr(value.index) + repr(value.attrs)
    if hasattr(value, "to_dict"):
        return repr(value.to_dict(as_series=False))
    if hasattr(value, "to_list"):
        return repr(value.to_list())
    return repr(value.tolist() if hasattr(value, "tolist") else value)
def save(state, folder):
    (folder / "echo").write_text(state)
"""

FRAME = pd.DataFrame(
    {"a": [1.5, 2.5], "b": ["x", None], "c": pd.Categorical(["u", "v"]), "d": [1, "z"]},
    index=["id-1", "id-2"],
)
FRAME.attrs["secret"] = SECRET
VALUES: dict[str, Any] = {
    "float64": np.arange(6.0).reshape(2, 3),
    "float32": np.arange(6, dtype="float32"),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "strided": np.arange(12)[::2],
    "empty": np.zeros((0, 3)),
    "bool": np.array([True, False]),
    "text": np.array(["a", "b"]),
    "dates": np.array(["2024-01-01"], dtype="datetime64[D]"),
    "dates with gaps": np.arange("2024-01-01", "2024-01-07", dtype="datetime64[s]")[::2],
    "lengths of time": np.arange(6, dtype="timedelta64[h]").reshape(2, 3).T,
    "records of dates": np.zeros(6, [("day", "datetime64[D]"), ("price", "f8")])[::2],
    "objects": np.array(["a", None, 1.5, b"x"], dtype=object),
    "frame": FRAME,
    "series": pd.Series([3, 1], index=["p", "q"], name="s"),
    "polars frame": pl.DataFrame({"a": [1, 2], "b": ["x", None]}),
    "polars series": pl.Series("s", ["x", "y"]),
    "nullable": pd.DataFrame({"a": pd.Series([1, None], dtype="Int64")}),
    "csr": sparse.random(5, 4, 0.5, format="csr", random_state=0),
    "coo": sparse.random(5, 4, 0.5, format="coo", random_state=0),
    "csc array": sparse.csc_array(np.eye(3)),
    "words": ["a", "b"],
    "bytes": [b"a", b"b"],
    "no words": [],
    "int": 3,
    "float": 0.1,
    "flag": True,
    "scalar": np.float32(0.5),
    "dict": {"x": np.arange(3), "more": {"y": ["a"], 3: 2}},
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_arrives_equal(make: Make, name: str) -> None:
    value = VALUES[name]
    here: dict[str, Any] = {}
    exec(ECHO, here)
    model = make(ECHO).candidate.fit(value, np.zeros(1))
    plain = value
    if isinstance(value, pd.DataFrame | pd.Series):
        plain = value.reset_index(drop=True)
        plain.attrs = {}
    assert (model.artifact / "echo").read_text() == here["fit"](plain, None, seed=0)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1, 2}, "is a set"),
        ("text", "is a str"),
        (None, "is a NoneType"),
        (object(), "is a object"),
        ([1.0, 2.0], "is a list of float"),
        (["a", b"b"], "is a list of bytes, str"),
        (np.array([object()]), "is an array that holds a builtins.object"),
        (np.ma.masked_array([1.0], [True]), "is a numpy.ma.MaskedArray"),
        (pl.LazyFrame({"a": [1]}), "LazyFrame"),
        (pl.Series([object()], dtype=pl.Object), "column of Python objects"),
        (pd.Index([1]), "Index"),
        (
            pd.DataFrame({"a": [1], "b": [{1}]}),
            r"argument 1.iloc\[:, 1\] is an array that holds a ",
        ),
        ({"x": {"y": [1]}}, r"argument 1\['x'\]\['y'\] is a list of int"),
        ({(1, 2): 3}, "is a dict with a key of type tuple"),
    ],
)
def test_any_other_type_is_a_usage_error_that_names_it(make: Make, value: Any, words: str) -> None:
    case = make(ECHO)
    with pytest.raises(UsageProblem, match=words) as caught:
        case.candidate.fit(value, np.zeros(1))
    assert "fit(): argument 1" in str(caught.value)
    assert "pass NumPy arrays, pandas or polars frames" in str(caught.value)
    assert case.ledger.failures == []


def test_a_named_argument_is_named(make: Make) -> None:
    with pytest.raises(UsageProblem, match=r"fit\(weights=…\) is a set"):
        make(ECHO).candidate.fit(np.zeros(1), np.zeros(1), weights={1})
    model = make(ECHO).candidate.fit(np.zeros(1), np.zeros(1))
    with pytest.raises(UsageProblem, match=r"predict\(X\) is a set"):
        model.predict({1})


def sent(value: Any) -> bytes:
    """All bytes that would cross."""
    payload = pack("fit", (admit(value, "X"),), {})
    parts = [one.blocks() if isinstance(one, Scattered) else [one] for one in payload.buffers]
    return b"".join([payload.head, *itertools.chain.from_iterable(parts)])


@pytest.mark.parametrize("step", [1, 2])
def test_dates_lie_beside_the_pickle(step: int) -> None:
    days = np.arange(10_000).astype("datetime64[D]")[::step]
    payload = pack("fit", (admit(pd.DataFrame({"day": days}), "X"), admit(days, "y")), {})
    assert len(payload.head) < 5000


def test_what_lies_beside_a_slice_does_not_cross(tmp_path: Path) -> None:
    texts = ["plain text of some length " * 2] * 20 + [SECRET] * 20
    frame = pd.DataFrame({"a": texts, "b": range(40)})
    mapped = np.memmap(tmp_path / "map", mode="w+", shape=(40, 64), dtype="S64")
    mapped[20:] = SECRET.encode()
    slices = [
        frame.iloc[:20],
        frame["a"].iloc[:20],
        frame.astype({"a": object}).iloc[:20],
        frame.set_index("a")[["b"]],
        frame.assign(b=1).groupby("a").sum(),
        pl.DataFrame({"a": texts})[:20],
        pl.Series(texts)[:20],
        pl.DataFrame({"a": [[text, text] for text in texts]})[:20],
        np.array(texts)[:20],
        mapped[:20],
        np.array(texts).reshape(2, 20).T[:, 0],
    ]
    for one in slices:
        assert SECRET.encode() not in sent(one)
        assert SECRET.encode("utf-32-le") not in sent(one)
    assert SECRET.encode() in sent(frame.iloc[20:])


def test_what_lies_under_a_missing_value_does_not_cross() -> None:
    for dtype, plain in (("Int64", "int64"), ("boolean", "bool"), ("Float32", "float32")):
        column = pd.Series([1, 0, 1], dtype=dtype)
        column[2] = pd.NA
        for one in (column, pd.DataFrame({"a": column})):
            admitted = admit(one, "X")
            assert admitted.equals(one)
            array = admitted.array if one is column else admitted["a"].array
            assert array._data.tolist() == np.array([1, 0, 0], dtype=plain).tolist()


def test_what_a_candidate_writes_does_not_come_back(make: Make) -> None:
    source = "def fit(X, y, *, seed):\n    X[:] = 5\n    y['a'][:] = 6\n"
    X, y = np.zeros(100), {"a": np.zeros(3)}
    make(source).candidate.fit(X, y)
    assert not X.any()
    assert not y["a"].any()


def test_nobody_can_reach_the_sent_arguments_or_change_the_size_of_the_answer(make: Make) -> None:
    source = """
import os
import numpy as np
def refused(attempt, *args):
    try:
        attempt(*args)
    except PermissionError:
        return 1
    return 0
def attack(X):
    found = []
    for fd in range(3, 200):
        if os.path.exists(f"/proc/self/fd/{fd}") and "memfd" in os.readlink(f"/proc/self/fd/{fd}"):
            found.append(fd)
    answer = found[0]
    return [len(found), refused(os.ftruncate, answer, 1), 4096 > os.fstat(answer).st_size]
"""
    found = make(source).candidate.call("model.py:attack", np.zeros(1 << 20), shape=(3,))
    assert found.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "name",
    ["float64", "text", "frame", "series", "polars frame", "polars series", "csr", "coo", "words"],
)
def test_rows_are_taken_from_every_type(name: str) -> None:
    value = admit(VALUES[name], "X")
    rows = np.array([1, 0, 1])
    part = take(value, rows)
    assert row_count(part, "X") == 3
    dense = [
        v.toarray() if hasattr(v, "toarray") else np.asarray(v, dtype=object) for v in (value, part)
    ]
    assert str(dense[1].tolist()) == str(dense[0][rows].tolist())
    pickle.dumps(part)


def test_a_dict_of_columns_is_cut_row_by_row() -> None:
    value = {"a": np.arange(4), "b": list("wxyz")}
    assert row_count(value, "X") == 4
    assert take(value, np.array([2]))["b"] == ["y"]
    with pytest.raises(UsageProblem, match="parts of different lengths"):
        row_count({"a": np.arange(4), "b": ["x"]}, "X")
    with pytest.raises(UsageProblem, match="X has no rows: it is the number 3"):
        row_count(3, "X")


def test_dates_may_stand_in_a_column_of_objects() -> None:
    array = np.array([datetime.date(2024, 1, 1), pd.NaT, pd.NA, pd.Timestamp("2024")], dtype=object)
    assert admit(array, "X") is array
