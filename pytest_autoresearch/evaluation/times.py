"""Moments and lengths of time, as numbers that can be compared and added exactly."""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..exceptions import UsageProblem
from .rows import count

Ticks = npt.NDArray[np.int64] | npt.NDArray[np.float64]

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, without their whole part, spread over [0, 1) evenly, however many there are."""

UNITS = {
    "W": 604_800_000_000,
    "D": 86_400_000_000,
    "h": 3_600_000_000,
    "min": 60_000_000,
    "s": 1_000_000,
    "ms": 1000,
    "us": 1,
}
"""Microseconds in the units that a length may be written in."""

LENGTH = re.compile(rf"\s*(\d+(?:\.\d+)?)\s*({'|'.join(UNITS)})\s*")


@dataclass(frozen=True)
class Axis:
    """A column of moments.

    ``ticks``: microseconds since 1970 (UTC) for dates, whole numbers where all are whole, else floats.
    """

    ticks: Ticks
    dates: bool

    def moment(self, value: Any, name: str) -> int | float:
        """A moment of this axis in ticks. Raises `UsageProblem` for one of another kind."""
        if not self.dates:
            return _number(value, name)
        try:
            date = np.datetime64(_naive(value), "us")
        except (TypeError, ValueError):
            date = np.datetime64("NaT")
        if isinstance(value, int | float | np.number) or np.isnat(date):
            raise UsageProblem(
                f"{name}={value!r} is no date, as times are; give one like '2024-05-01'"
            )
        return int(date.astype(np.int64))

    def length(self, value: Any, name: str, least: int = 0) -> int | float:
        """A length of time in ticks, ``least`` (0 or 1: anything above 0) or more.

        Raises `UsageProblem` for one of another kind, and for one that is too short.
        """
        ticks = _duration(value, name) if self.dates else _number(value, name)
        if ticks < 0 and not least:
            raise UsageProblem(
                f"{name}={value!r} is negative: training would reach into what is to be predicted; "
                "give 0 or more"
            )
        if least and ticks <= 0:
            raise UsageProblem(f"{name}={value!r} must be longer than 0")
        return ticks

    def at(self, tick: int | float) -> Any:
        """The moment, as a NumPy date or a plain number."""
        return np.datetime64(int(tick), "us") if self.dates else tick

    def shown(self, tick: int | float) -> str:
        """The moment as people write it; midnight without its hour."""
        if not self.dates:
            return f"{tick:g}" if isinstance(tick, float) else str(tick)
        return str(np.datetime64(int(tick), "us").item()).removesuffix(" 00:00:00")

    def long(self, ticks: int | float) -> str:
        """The length as people write it."""
        if not self.dates:
            return f"{ticks:g}" if isinstance(ticks, float) else str(ticks)
        return str(datetime.timedelta(microseconds=int(ticks))).removesuffix(", 0:00:00")


def axis(values: Any, name: str) -> Axis:
    """The column as an axis. Raises `UsageProblem` for unknown kinds, missing moments, and none."""
    found = moments(values, name)
    if not len(found):
        raise UsageProblem(f"{name} is empty: there are no rows")
    missing = np.isnat(found) if found.dtype.kind == "M" else ~np.isfinite(found)
    if missing.any():
        raise UsageProblem(
            f"{name} has no time in row {int(missing.argmax())}; leave such rows out"
        )
    if found.dtype.kind == "M":
        return Axis(found.astype(np.int64), dates=True)
    if found.dtype.kind == "f" and (found == np.floor(found)).all() and (abs(found) < 2**53).all():
        found = found.astype(np.int64)
    return Axis(found, dates=False)


def moments(values: Any, name: str) -> npt.NDArray[Any]:
    """The column as int64, float64 or datetime64[us] of shape (n,); missing ones stay missing."""
    count(values, name)
    found = np.asarray(_without_zone(values))
    if found.ndim == 1 and found.dtype.kind == "O":
        found = _of_objects(found)
    if found.ndim == 1 and found.dtype.kind in "iu":
        return found.astype(np.int64)
    if found.ndim == 1 and found.dtype.kind == "f":
        return found.astype(np.float64)
    if found.ndim == 1 and found.dtype.kind == "M":
        return found.astype("datetime64[us]")
    what = f"shape {found.shape}" if found.ndim != 1 else f"type {_type(values, found)}"
    raise UsageProblem(
        f"{name} has {what}; give numbers, NumPy dates, or a pandas or polars series of dates "
        "(pandas.to_datetime reads dates that are texts)"
    )


def _type(values: Any, found: npt.NDArray[Any]) -> str:
    return str(getattr(values, "dtype", found.dtype))


def _without_zone(values: Any) -> Any:
    """A pandas series or index with a time zone in UTC, without it; anything else as it is."""
    if getattr(getattr(values, "dtype", None), "tz", None) is None:
        return values
    dates = getattr(values, "dt", values)
    return getattr(dates.tz_convert("UTC"), "dt", dates.tz_convert("UTC")).tz_localize(None)


def _of_objects(found: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Python's own dates as NumPy's; anything else as it is."""
    dates = [None if one != one else one for one in found]
    if all(isinstance(one, datetime.date) or one is None for one in dates):
        return np.array([_naive(one) for one in dates], "datetime64[us]")
    return found


def _naive(value: Any) -> Any:
    """A date with a time zone in UTC, without it; anything else as it is."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value


def _number(value: Any, name: str) -> int | float:
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not real or not math.isfinite(value):
        raise UsageProblem(f"{name}={value!r} is no number, as times are")
    return int(value) if value == int(value) else float(value)


def _duration(value: Any, name: str) -> int:
    """Microseconds of a length; the number 0 is one too."""
    if isinstance(value, str) and (match := LENGTH.fullmatch(value)):
        return round(float(match[1]) * UNITS[match[2]])
    if isinstance(value, datetime.timedelta) and value == value:
        return value // datetime.timedelta(microseconds=1)
    if isinstance(value, np.timedelta64) and np.datetime_data(value.dtype)[0] not in "YMgeneric":
        if not np.isnat(value):
            return int(value.astype("timedelta64[us]").astype(np.int64))
    elif isinstance(value, int) and value == 0:
        return 0
    raise UsageProblem(
        f"{name}={value!r} is no length of time between dates: write '30D', '12h' or '90min', or give "
        "a timedelta (months and years have no fixed length)"
    )
