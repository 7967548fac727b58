"""Windows of time: nothing of the future trains, every split has other windows, errors name the cut."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pytest_autoresearch.evaluation import Fold, windows
from pytest_autoresearch.evaluation.layout import moved
from pytest_autoresearch.exceptions import UsageProblem

DAYS = 200
day = np.arange(DAYS)
X = np.arange(2.0 * DAYS).reshape(DAYS, 2)
y = day % 2
dates = pd.Series(pd.date_range("2024-01-01", periods=DAYS))


def spans(split: list[Fold]) -> list[tuple[int, int, int, int]]:
    return [(f.train[0], f.train[-1], f.test[0], f.test[-1]) for f in split]


def expanding(times: Any = day, **given: Any) -> Any:
    return windows.expanding(X, y, times, **({"first": 100, "length": 20} | given))


def test_expanding_windows_train_on_all_that_is_before_the_cut() -> None:
    made = expanding()(0)
    assert spans(made) == [
        (0, 99, 100, 119),
        (0, 119, 120, 139),
        (0, 139, 140, 159),
        (0, 159, 160, 179),
    ]
    assert [window.cut for window in made] == [100, 120, 140, 160]
    assert made[0].test_X.tolist() == X[100:120].tolist()


def test_sliding_windows_train_on_the_last_stretch_only() -> None:
    made = windows.sliding(X, y, day, train=50, length=20, gap=10, step=40)(0)
    # Data must reach one length beyond the last window, so that cuts can move.
    assert spans(made) == [(0, 49, 60, 79), (40, 89, 100, 119), (80, 129, 140, 159)]


def test_gap_and_embargo_keep_rows_out_on_both_sides_of_the_cut() -> None:
    made = expanding(gap=7, embargo=3)(0)
    assert spans(made)[0] == (0, 92, 103, 119)
    assert made[0].cut == 100


def test_a_label_that_is_not_known_at_the_cut_does_not_train() -> None:
    made = expanding(ends=np.where(day == 50, 100, day + 5))(0)
    assert made[0].train.tolist() == [*range(50), *range(51, 95)]
    assert 50 in made[1].train


@pytest.mark.parametrize("step", [None, 10, 35])
def test_cuts_move_forward_with_the_split_by_less_than_a_step(step: int | None) -> None:
    made = expanding(step=step)
    nominal = [window.cut for window in made(0)]
    seen = set()
    for split in range(min(step or 20, 20)):
        cuts = [window.cut for window in made(split)]
        (shift,) = {cut - base for cut, base in zip(cuts, nominal, strict=True)}
        assert 0 <= shift < min(step or 20, 20)
        assert all(len(window.test) == 20 for window in made(split))
        seen.add(shift)
    assert len(seen) == min(step or 20, 20)


def test_cuts_between_fractions_move_too() -> None:
    made = expanding(day + 0.5, first=100.25)
    cuts = {split: [window.cut for window in made(split)] for split in range(6)}
    assert cuts[0] == [100.25, 120.25, 140.25]
    assert len({tuple(each) for each in cuts.values()}) == 6
    assert all(len(each) == 3 for each in cuts.values())


@pytest.mark.parametrize("points", [1, 2, 3, 4, 6, 7, 12, 30, 365, 86_400_000_000])
def test_the_first_splits_are_far_from_each_other(points: int) -> None:
    shifts = [moved(points, 1, split) for split in range(min(points, 50))]
    assert len(set(shifts)) == len(shifts)
    assert all(0 <= shift < points for shift in shifts)
    if points > 6:
        ends = np.sort(np.array([*shifts[:3], points]))
        assert np.diff(ends).min() > points / 8


@pytest.mark.parametrize(
    "times",
    [
        dates,
        pd.DatetimeIndex(dates),
        dates.dt.tz_localize("UTC"),
        dates.astype("datetime64[s]"),
        dates.to_numpy(),
        [one.to_pydatetime() for one in dates],
        [one.date() for one in dates],
        pl.Series(dates.to_numpy()),
        pl.Series([one.date() for one in dates]),
        pl.Series(dates.to_numpy()).dt.replace_time_zone("UTC"),
    ],
    ids=[
        *("pandas", "index", "zone", "seconds", "numpy", "datetimes", "dates"),
        *("polars", "polars-dates", "polars-zone"),
    ],
)
@pytest.mark.parametrize("length", ["20D", datetime.timedelta(20), np.timedelta64(480, "h")])
def test_dates_of_all_libraries_make_the_same_windows(times: Any, length: Any) -> None:
    made = expanding(times, first="2024-04-10", length=length)
    assert spans(made(0)) == spans(expanding()(0))
    assert spans(made(1)) == spans(expanding()(1))
    assert made(0)[0].cut == np.datetime64("2024-04-10")


@pytest.mark.parametrize(
    "first",
    [
        datetime.date(2024, 4, 10),
        datetime.datetime(2024, 4, 10),
        datetime.datetime(2024, 4, 10, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        np.datetime64("2024-04-10"),
        pd.Timestamp("2024-04-10"),
    ],
)
def test_the_first_cut_may_be_any_date(first: Any) -> None:
    made = expanding(dates, first=first, length="20D")(0)
    assert made[0].cut == np.datetime64("2024-04-10")


def test_a_zone_is_taken_as_utc() -> None:
    berlin = pd.Series(
        pd.date_range("2024-01-01 01:00", periods=DAYS, freq="24h", tz="Europe/Berlin")
    )
    assert spans(expanding(berlin, first="2024-04-10", length="20D")(0)) == spans(expanding()(0))


def test_moments_before_1970_and_of_nanoseconds_keep_their_order() -> None:
    old = pd.Series(pd.date_range("1960-01-01", periods=DAYS).as_unit("ns") - pd.Timedelta(1, "ns"))
    made = expanding(old, first="1960-04-10", length="20D", count=3)(0)
    # One nanosecond before midnight is still the day before.
    assert spans(made)[0] == (0, 100, 101, 120)


def test_more_windows_than_have_data_to_their_end_can_be_asked_for() -> None:
    assert len(expanding(count=2)(0)) == 2
    assert len(expanding(first=161)(0)) == 1
    made = expanding(count=5)
    assert [len(split[-1].test) for split in map(made, range(3))] == [20, 7, 14]


def test_whole_numbers_that_come_as_floats_are_whole() -> None:
    assert spans(expanding(day * 1.0)(1)) == spans(expanding()(1))


def test_groups_pass_through() -> None:
    window = expanding(groups=day // 10)(0)[0]
    assert window.test_groups.tolist() == [10] * 10 + [11] * 10


def test_a_window_is_no_copy() -> None:
    assert np.shares_memory(expanding()(0)[0].train_X, X)


def test_a_split_that_would_repeat_another_is_refused() -> None:
    made = expanding(day // 20 * 20.0, length=20)
    assert len(made(0)) == 5
    with pytest.raises(UsageProblem, match="split 1 hold the same rows as those of split 0"):
        made(1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gap": -1}, "gap=-1 is negative: training would reach into what is to be predicted"),
        ({"embargo": -1}, "embargo=-1 is negative"),
        ({"embargo": 20}, "embargo=20 leaves nothing of length=20"),
        ({"length": 0}, "length=0 must be longer than 0"),
        ({"length": "20D"}, "length='20D' is no number, as times are"),
        ({"step": 0}, "step=0 must be longer than 0"),
        ({"first": float("nan")}, "first=nan is no number"),
        ({"first": 0}, "window 1 of 9 (split 0, cut 0) has 0 rows to train on and 20 to test"),
        ({"first": 300}, "no window fits: from first=300 to the last row at 199"),
        ({"first": 162}, "no window fits"),
        ({"first": 300, "count": 1}, "(split 0, cut 300) has 200 rows to train on and 0 to test"),
        ({"count": 0}, "count=0 is not a whole number of 1 or more"),
        ({"ends": day - 1}, "the label of row 0 ends (-1) before the row's time (0)"),
        ({"ends": dates}, "of times and ends one holds dates"),
        ({"ends": day[1:]}, "X has 200, ends has 199"),
        ({"times": day[1:]}, "X has 200, times has 199"),
        ({"times": np.where(day == 7, 5, day)}, "row 7 (5) is earlier than row 6 (6); sort X"),
        ({"times": np.where(day == 7, np.nan, day)}, "times has no time in row 7"),
        ({"times": dates.where(day != 7)}, "times has no time in row 7"),
        ({"times": dates.astype(object).where(day != 7, pd.NaT)}, "times has no time in row 7"),
        ({"times": day[:0]}, "times is empty: there are no rows"),
        ({"times": dates.astype(str)}, "pandas.to_datetime reads dates that are texts"),
        ({"times": y == 0}, "times has type bool"),
        ({"times": X}, "times has shape (200, 2)"),
        ({"times": dates, "length": "9D"}, "first=100 is no date"),
        ({"times": dates, "first": "2024-04-10"}, "length=20 is no length of time between dates"),
        ({"times": dates, "first": "May", "length": "9D"}, "first='May' is no date"),
        ({"times": dates, "first": "2024-04-10", "length": "1M"}, "months and years have no fixed"),
        (
            {"times": dates, "first": "2024-01-01", "length": "20D"},
            "window 1 of 9 (split 0, cut 2024-01-01) has 0 rows",
        ),
        (
            {"times": dates[::-1], "first": "2024-04-10", "length": "20D"},
            "row 1 (2024-07-17) is earlier than row 0 (2024-07-18)",
        ),
    ],
)
def test_windows_that_are_empty_leak_or_make_no_sense_are_refused(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageProblem) as caught:
        expanding(**given)
    assert message in str(caught.value)


def test_a_gap_in_the_data_is_found_when_the_windows_are_made() -> None:
    hole = np.where(day < 105, day, day + 60)
    with pytest.raises(UsageProblem, match=r"window 2 of \d+ \(split 0, cut 120\) has 105 rows"):
        expanding(hole)
