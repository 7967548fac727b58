"""Odd tables get an answer or a sentence: gaps, constants, one class, few rows, any kind of frame."""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import pytest_autoresearch
from pytest_autoresearch.analysis import (
    Table,
    auc,
    correlated_pairs,
    describe,
    drift,
    errors_by_segment,
    importance,
    null_rates,
    univariate,
)
from pytest_autoresearch.analysis.columns import columns
from pytest_autoresearch.analysis.table import MOST_ROWS

pytestmark = pytest.mark.filterwarnings("error")

GAPS = {"all missing": np.full(6, np.nan), "none": [None] * 6, "constant": np.ones(6)}
ODD = {**GAPS, "infinite": [1.0, np.inf, -np.inf, 2.0, 3.0, 4.0], "text": list("abcabc")}
Y = np.array([0, 1, 0, 1, 1, 0])


def test_every_table_of_odd_columns_gets_an_answer() -> None:
    assert len(describe(ODD)) == len(null_rates(ODD, Y)) == len(univariate(ODD, Y)) == 5
    assert len(univariate(ODD, Y * 1.5 + np.arange(6))) == 5
    assert len(correlated_pairs(ODD)) == len(correlated_pairs(ODD, method="spearman")) == 0
    assert len(drift(ODD, ODD)) == 5
    assert errors_by_segment(Y, Y * 0.5, ODD).column("segment")
    for table in (describe(ODD), univariate(ODD, Y), drift(ODD, ODD)):
        assert "nan" not in str(table)


def test_a_column_without_values_tells_nothing_and_does_not_fail() -> None:
    found = univariate(GAPS, Y)
    assert found.row("all missing")["auc"] is None
    assert found.row("constant")["auc"] == 0.5
    assert univariate(GAPS, np.arange(6.0)).row("constant")["pearson"] is None
    assert drift({"x": [np.nan] * 3}, {"x": [1.0, 2.0, 3.0]}).row("x")["auc"] is None


def test_few_rows_are_enough_or_refused_in_words() -> None:
    assert auc([0, 1], [1.0, 2.0]) == 1.0
    assert auc([1, 1], [1.0, 2.0]) is None
    assert len(describe(np.empty((0, 3)))) == 3
    assert len(correlated_pairs([[1.0, 2.0]])) == 0
    assert errors_by_segment([1.0], [0.5], {"a": ["x"]}).rows[0][6] is None
    with pytest.raises(ValueError, match="one of the tables has no rows"):
        drift(np.empty((0, 1)), [[1.0]])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: univariate([[1.0], [2.0]], [1, 1]), "one value only"),
        (lambda: importance([[1.0], [2.0]], [1, 1]), "one value only"),
        (lambda: univariate([[1.0]], [1, 0]), "the table has 1 rows, the target has 2"),
        (lambda: univariate([[1.0]], [np.nan]), "1 values of the target are missing"),
        (lambda: univariate([[1.0]] * 51, np.arange(51), task="classes"), "51 classes"),
        (lambda: auc([0, 1, 2], [1.0, 2.0, 3.0]), "auc.. is for two classes, these are 3"),
        (lambda: auc([0, 1], ["a", "b"]), "auc.. is for numbers"),
        (lambda: correlated_pairs([[1.0]], method="kendall"), "neither 'pearson' nor 'spearman'"),  # type: ignore[arg-type]
        (lambda: drift([[1.0]], [[1.0, 2.0]]), "different columns"),
        (lambda: drift([[1.0]], [[1.0]], bins=1), "bins=1"),
        (lambda: errors_by_segment([1.0], [1.0], [[1.0]], loss="cubed"), "loss='cubed'"),  # type: ignore[arg-type]
        (lambda: columns(np.zeros((2, 2, 2))), "one or two dimensions, this has 3"),
        (lambda: columns({"a": [1, 2], "b": [1]}), "different lengths: a: 2, b: 1"),
        (lambda: describe([1]).row("y"), "begins no row"),
        (lambda: describe([1]).column("y"), "the columns are column, kind"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(
    call: Callable[[], object], sentence: str
) -> None:
    with pytest.raises((ValueError, KeyError), match=sentence):
        call()


def test_every_kind_of_table_has_the_same_columns() -> None:
    numbers = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])
    frame = pd.DataFrame(numbers, columns=["x0", "x1"])
    tables: list[Any] = [
        numbers,
        numbers.tolist(),
        frame,
        frame.astype("Float64"),
        frame.astype("int64"),
        {"x0": numbers[:, 0], "x1": frame["x1"]},
        scipy.sparse.csr_matrix(numbers),
        np.array([tuple(row) for row in numbers], dtype=[("x0", "f8"), ("x1", "f8")]),
    ]
    tables += [frame.set_index(pd.Index(["r", "s", "t"]))]
    for table in tables:
        found = columns(table)
        assert [one.name for one in found] == ["x0", "x1"], type(table)
        assert [list(one.codes()) for one in found] == numbers.T.tolist(), type(table)


def test_polars_frames_are_tables() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, None, 3], "b": ["x", None, "y"]})
    first, second = columns(frame)
    assert first.codes().tolist()[::2] == [1.0, 3.0]
    assert first.missing.tolist() == second.missing.tolist() == [False, True, False]


def test_gaps_of_every_kind_are_gaps() -> None:
    frame = pd.DataFrame(
        {
            "float": [1.0, np.nan],
            "Int64": pd.array([1, None], dtype="Int64"),
            "boolean": pd.array([True, None], dtype="boolean"),
            "string": pd.array(["a", None], dtype="string"),
            "category": pd.Categorical(["a", None]),
            "object": np.array([1, None], dtype=object),
            "date": pd.to_datetime(["2026-01-02", None]),
            "zoned": pd.to_datetime(["2026-01-02", None], utc=True),
            "span": pd.to_timedelta(["1 day", None]),
        }
    )
    for one in columns(frame):
        assert one.missing.tolist() == [False, True], one.name
    days = datetime.date(2026, 1, 2).toordinal() - datetime.date(1970, 1, 1).toordinal()
    by_name = {one.name: one.codes()[0] for one in columns(frame)}
    assert by_name["date"] == by_name["zoned"] == days
    assert (by_name["span"], by_name["boolean"], by_name["object"]) == (1.0, 1.0, 1.0)


def test_text_is_aligned_and_bounded() -> None:
    rows = tuple((f"row {n}", n * 1.5, None) for n in range(MOST_ROWS + 9))
    wide = ("a\x0bvery\nlong name " * 20, 1e-9, 3)
    lines = str(Table("title", ("name", "number", "count"), (wide, *rows))).split("\n")
    assert len(lines) == MOST_ROWS + 3
    assert lines[-1] == "... and 10 more"
    assert {len(line) for line in lines[1:-1]} == {len(lines[1])}
    assert "..." in lines[2]
    assert lines[3].endswith("-")
    assert str(Table("nothing", ("a", "b"), ())) == "nothing\na  b"


def test_no_other_part_of_the_package_is_needed(tmp_path: Path) -> None:
    source = Path(pytest_autoresearch.__file__).parent / "analysis"
    package = tmp_path / "pytest_autoresearch"
    (package / "analysis").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for path in source.glob("*.py"):
        (package / "analysis" / path.name).write_bytes(path.read_bytes())
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "class No:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name in ('pandas', 'sklearn', 'scipy', 'polars'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, No())\n"
        "import numpy as np\n"
        "from pytest_autoresearch.analysis import importance, univariate\n"
        "print(univariate(np.eye(4), [0, 0, 1, 1]))\n"
        "try: importance(np.eye(4), [0, 0, 1, 1])\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "each column alone, AUC" in done.stdout
    assert "with scikit-learn, which is not installed: pass predict=" in done.stdout
