"""Side tables cut at the time of prediction: strictly before, and the last state of each key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pytest_autoresearch.evaluation import windows
from pytest_autoresearch.exceptions import UsageProblem

COLUMNS = {
    "since": [1, 5, 3, 5, 9, 5],
    "product": ["a", "a", "b", "b", "a", "b"],
    "shop": [1, 1, 1, 1, 1, 2],
    "price": [10, 11, 12, 13, 14, 15],
}
KINDS: list[Any] = [
    pd.DataFrame(COLUMNS),
    pl.DataFrame(COLUMNS),
    {name: np.array(values) for name, values in COLUMNS.items()},
]
kinds = pytest.mark.parametrize("table", KINDS, ids=["pandas", "polars", "dict"])


def prices(table: Any) -> list[int]:
    return list(map(int, table["price"]))


@kinds
def test_rows_known_strictly_before_the_cut_stay_in_order(table: Any) -> None:
    found = windows.as_of(table, 5, on="since")
    assert prices(found) == [10, 12]
    assert type(found) is type(table)
    assert prices(windows.as_of(table, 5.5, on="since")) == [10, 11, 12, 13, 15]
    assert prices(windows.as_of(table, 0, on="since")) == []


@kinds
def test_only_the_last_row_of_each_key_stays(table: Any) -> None:
    assert prices(windows.as_of(table, 6, on="since", by="product")) == [11, 15]
    assert prices(windows.as_of(table, 6, on="since", by=["product", "shop"])) == [11, 13, 15]
    assert prices(windows.as_of(table, 99, on="since", by="product")) == [14, 15]
    assert prices(windows.as_of(table, 0, on="since", by="product")) == []


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_row_without_a_time_is_never_known(library: str) -> None:
    dates = pd.Series(pd.to_datetime(["2024-01-01", None, "2024-02-01", "2024-03-01"]))
    made = {"on": dates, "price": [1, 2, 3, 4]}
    table = (
        pd.DataFrame(made)
        if library == "pandas"
        else pl.DataFrame({**made, "on": dates.to_numpy()})
    )
    cut = np.datetime64("2024-03-01")
    assert prices(windows.as_of(table, cut, on="on")) == [1, 3]
    assert prices(windows.as_of(table, "2024-02-01", on="on")) == [1]


def test_the_cut_of_a_window_is_a_cut_of_a_table() -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=60))
    made = windows.expanding(days.to_frame(), np.zeros(60), days, first="2024-01-31", length="10D")
    for split in range(3):
        for window in made(split):
            known = windows.as_of(pd.DataFrame({"day": days}), window.cut, on="day")
            assert len(known) == len(window.train)


def test_times_with_a_zone_are_compared_in_utc() -> None:
    since = pd.Series(pd.to_datetime(["2024-01-01 00:30", "2024-01-01 01:30"]))
    table = pd.DataFrame({"since": since.dt.tz_localize("Europe/Berlin"), "price": [1, 2]})
    assert prices(windows.as_of(table, "2024-01-01", on="since")) == [1]


def test_no_columns_to_go_by_leave_all_that_was_known() -> None:
    assert prices(windows.as_of(KINDS[0], 5, on="since", by=[])) == prices(
        windows.as_of(KINDS[0], 5, on="since")
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: windows.as_of(KINDS[0], 5, on="day"), "no column 'day' among ['since', 'product'"),
        (lambda: windows.as_of(KINDS[1], 5, on="since", by="x"), "no column 'x'"),
        (
            lambda: windows.as_of(KINDS[0], "2024-01-01", on="since"),
            "cut='2024-01-01' is no number",
        ),
        (lambda: windows.as_of(KINDS[0], 5, on="product"), "column 'product' has type"),
        (lambda: windows.as_of([1, 2], 5, on="since"), "the table is a list"),
        (lambda: windows.as_of({"a": [1, 2], "b": [1]}, 5, on="a"), "a has 2, b has 1"),
    ],
)
def test_what_cannot_be_cut_is_refused(call: Any, message: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        call()
    assert message in str(caught.value)
