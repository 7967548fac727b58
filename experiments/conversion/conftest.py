"""The frozen data of the conversion example: a simulated table, or a bank's own file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from pytest_autoresearch.evaluation.fold import Splits

HELD_OUT = 6
"""The last months, which no search ever sees."""

LENGTH, WINDOWS = 2, 5
"""Months in a window, and windows in a pass."""

NUMBERS = [
    *("age", "campaign", "pdays", "previous"),
    *("emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed"),
]
CATEGORIES = ["job", "marital", "education", "default", "housing", "loan"]
NEVER = 999
"""What the file has in `pdays` for a customer who was never called before."""


@dataclass(frozen=True)
class Calls:
    """A bank's calls to sell a deposit, in the order in which they were made.

    ``X`` holds numbers and categories, with missing values; ``y`` is 1 for a sale; ``time`` counts months
    from the first call, with fractions.
    """

    X: pd.DataFrame
    y: NDArray[np.int64]
    time: NDArray[np.float64]

    @property
    def months(self) -> int:
        return int(self.time[-1]) + 1

    def before(self, month: int) -> Calls:
        kept = self.time < month
        return Calls(self.X[kept], self.y[kept], self.time[kept])


@dataclass(frozen=True)
class Conversion:
    """``windows(split)``: windows of months, each with all the calls before it to learn from."""

    calls: Calls
    windows: Splits


def first_month(calls: Calls) -> int:
    """The month in which the first window of any split begins, or later."""
    return calls.months - HELD_OUT - LENGTH * (WINDOWS + 1)


def searched(calls: Calls) -> Conversion:
    """Five windows of two months; another split begins all of them later, by less than a window."""
    from pytest_autoresearch.evaluation import windows

    past = calls.before(calls.months - HELD_OUT)
    first = first_month(calls)
    return Conversion(
        past,
        windows.expanding(past.X, past.y, past.time, first=first, length=LENGTH, count=WINDOWS),
    )


def held_out(calls: Calls) -> Conversion:
    """The last six months, one by one."""
    from pytest_autoresearch.evaluation import windows

    first = calls.months - HELD_OUT
    return Conversion(
        calls,
        windows.expanding(calls.X, calls.y, calls.time, first=first, length=1, count=HELD_OUT),
    )


@pytest.fixture(scope="session")
def calls(pytestconfig: pytest.Config) -> Calls:
    """The file that environment ``CONVERSION_DATA`` or ini ``conversion_data`` names, else simulated."""
    name = os.environ.get("CONVERSION_DATA") or pytestconfig.getini("conversion_data")
    if not name:
        return simulate()
    try:
        return read(pytestconfig.rootpath / Path(name).expanduser())
    except (OSError, ValueError) as error:
        pytest.fail(f"CONVERSION_DATA, or ini conversion_data: {error}", pytrace=False)


@pytest.fixture(scope="session")
def conversion(calls: Calls) -> Conversion:
    return searched(calls)


@pytest.fixture(scope="session")
def conversion_past(calls: Calls) -> dict[str, Any]:
    """What agents may look at: the calls before every window that anything is ever scored on."""
    past = calls.before(first_month(calls))
    return {"X": past.X, "y": past.y, "time": past.time}


@pytest.fixture(scope="session")
def conversion_vault(calls: Calls) -> Conversion:
    return held_out(calls)


def read(path: Path) -> Calls:
    """The UCI "Bank Marketing" table (bank-additional-full.csv), whose rows are in order of time.

    ``duration`` is known only after a call and is left out. Raises `ValueError` for another table.
    """
    import numpy as np
    import pandas as pd

    columns = [*NUMBERS, *CATEGORIES]
    table = pd.read_csv(path, sep=";", na_values={name: ["unknown"] for name in CATEGORIES})
    missing = [name for name in [*columns, "y"] if name not in table]
    if missing:
        raise ValueError(
            f"{path} has no column {', '.join(missing)}; it should be the UCI bank marketing table, "
            "bank-additional-full.csv, with ; between its columns"
        )
    strange = set(table["y"]) - {"yes", "no", 0, 1}
    if strange:
        raise ValueError(f"{path}: column y holds {strange.pop()!r}; it should be yes or no")
    table["pdays"] = table["pdays"].mask(table["pdays"] == NEVER)
    return Calls(
        _table({name: table[name] for name in columns}),
        table["y"].isin(["yes", 1]).to_numpy(np.int64),
        _time(table["cons.price.idx"].to_numpy(), path),
    )


def _time(prices: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    """Months from the first row; ``cons.price.idx`` is published once a month, and changes each time."""
    import numpy as np

    begins = np.flatnonzero(np.diff(prices, prepend=np.nan) != 0)
    values = len(np.unique(prices))
    if len(begins) != values:
        raise ValueError(
            f"{path}: its rows are not in order of time: cons.price.idx has {values} values and changes "
            f"{len(begins) - 1} times"
        )
    needed = LENGTH * (WINDOWS + 1) + HELD_OUT + 1
    if values < needed:
        raise ValueError(f"{path} spans {values} months, by cons.price.idx; {needed} are needed")
    return _spread(np.diff(begins, append=len(prices)))


def _spread(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Times of rows of which there are so many in each month."""
    import numpy as np

    return np.concatenate([month + np.arange(size) / size for month, size in enumerate(sizes)])


def _table(columns: dict[str, Any]) -> pd.DataFrame:
    """Numbers as float64, the rest as categories in alphabetical order."""
    import pandas as pd

    kinds = {name: "float64" if name in NUMBERS else "category" for name in columns}
    return pd.DataFrame(columns).astype(kinds)


def simulate(months: int = 26, calls: int = 1000, seed: int = 20) -> Calls:
    """A table with the same columns, about so many calls a month, and known relations.

    Sales depend on the season, the interest rate, the job (ever more), the age (old and young, ever
    more), education (the other way round in the end), an earlier contact and, only together, on
    `housing` and `loan`. Customers grow older and other jobs more frequent; the rest is noise.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    season = np.cos(2 * np.pi * (np.arange(months) - 2) / 12)
    sizes = rng.poisson(calls * (1 + 0.3 * season))
    month = np.repeat(np.arange(months), sizes)
    late = month / months
    n = len(month)

    def some(early: list[float], then: list[float]) -> Any:
        """A number below the length of the lists, by odds that move from the first to the second."""
        odds = np.cumsum(np.outer(1 - late, early) + np.outer(late, then), axis=1)
        return (rng.random((n, 1)) * odds[:, -1:] > odds).sum(axis=1)

    def monthly(values: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
        return (values + rng.normal(0, noise, months))[month]

    job = some([25, 25, 10, 4, 12, 2, 22], [28, 12, 14, 9, 9, 6, 22])
    retired, student = job == 3, job == 5
    age = np.clip(rng.normal(36 + 6 * late + 22 * retired - 12 * student, 9), 18, 90).round()
    education = some([1, 2, 3, 3], [1, 2, 3, 5])
    housing, loan = rng.random(n) < 0.5, rng.random(n) < 0.3
    previous = rng.poisson(0.15 + 0.5 * late)
    pdays = np.where(previous > 0, rng.geometric(0.12, n), np.nan)
    campaign = rng.geometric(0.4, n)
    rate = monthly(np.linspace(5, 1, months), 0.3)
    logit = (
        -2.6
        + 0.5 * season[month]
        + 0.25 * (4 - rate)
        + np.array([0.1, -0.2, 0.1, 0.5, -0.2, 0.6, 0.0])[job] * (0.3 + 1.4 * late)
        + ((age - 42) / 15) ** 2 * (0.15 + 0.35 * late)
        + 0.25 * (education - 1.5) * (1 - 1.6 * late)
        + 1.1 * (housing ^ loan)
        + 1.6 * np.exp(-np.nan_to_num(pdays, nan=np.inf) / 8)
        - 0.25 * np.minimum(campaign - 1, 6)
    )
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int64)

    def names(words: str, codes: NDArray[Any], unknown: float = 0.0) -> Any:
        found = np.array(words.split(), object)[codes.astype(int)]
        return np.where(rng.random(n) < unknown, None, found)

    jobs = "admin. blue-collar management retired services student technician"
    columns = {
        "age": np.where(rng.random(n) < 0.03, np.nan, age),
        "campaign": campaign,
        "pdays": pdays,
        "previous": previous,
        "emp.var.rate": (rate - 3).round(),
        "cons.price.idx": 93 + rng.permutation(months)[month] / 40,
        "cons.conf.idx": monthly(5 * season - 42, 2),
        "euribor3m": rate + rng.normal(0, 0.05, n),
        "nr.employed": monthly(np.full(months, 5000.0), 100),
        "job": names(jobs, job),
        "marital": names("divorced married single", some([1, 6, 3], [1, 5, 4])),
        "education": names("basic high.school professional university", education, 0.05),
        "default": names("no yes", rng.random(n) < 0.01, 0.2),
        "housing": names("no yes", housing),
        "loan": names("no yes", loan),
    }
    return Calls(_table(columns), y, _spread(sizes))
