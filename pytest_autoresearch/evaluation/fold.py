"""A fold: which rows to train on, which to score, and the data behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..exceptions import UsageProblem
from .rows import Positions, agree, column, take


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Examples: row ``i`` of ``X``, ``y`` and, where there are any, ``groups`` belong together."""

    X: Any
    y: Any
    groups: Any
    rows: int


@dataclass(frozen=True, eq=False, repr=False)
class Fold:
    """One training set and one test set.

    ``train`` and ``test`` are ascending positions of rows; ``cut`` is the time of prediction, in
    windows, else ``None``. The rows themselves are selected anew each time they are asked for, in the
    kind that was given and as ``X.iloc[fold.train]`` would: give what you mean to change a name of its
    own. NumPy arrays are read-only.
    """

    train: Positions
    test: Positions
    table: Table
    cut: Any = None

    @property
    def train_X(self) -> Any:
        return take(self.table.X, self.train)

    @property
    def train_y(self) -> Any:
        return take(self.table.y, self.train)

    @property
    def test_X(self) -> Any:
        return take(self.table.X, self.test)

    @property
    def test_y(self) -> Any:
        return take(self.table.y, self.test)

    @property
    def train_groups(self) -> Any:
        """The groups of the training rows; ``None`` where no groups were given."""
        return None if self.table.groups is None else take(self.table.groups, self.train)

    @property
    def test_groups(self) -> Any:
        """The groups of the test rows; ``None`` where no groups were given."""
        return None if self.table.groups is None else take(self.table.groups, self.test)

    def __repr__(self) -> str:
        at = "" if self.cut is None else f", cut {self.cut}"
        return f"Fold({len(self.train)} training rows, {len(self.test)} test rows{at})"


Splits: TypeAlias = Callable[[int], list[Fold]]
"""What ``experiment.race`` takes: another split of the same data for every number from 0."""


def examples(X: Any, y: Any, groups: Any = None) -> Table:
    """The examples, checked for equal length. Raises `UsageProblem` where they differ."""
    y = column(y, "y")
    if groups is None:
        return Table(X, y, None, agree(X=X, y=y))
    groups = column(groups, "groups")
    return Table(X, y, groups, agree(X=X, y=y, groups=groups))


def lacking(what: str, error: ImportError) -> UsageProblem:
    """What to say where a helper cannot import scikit-learn."""
    return UsageProblem(
        f"evaluation.{what} needs scikit-learn ({error}): pip install 'pytest-autoresearch[tabular]'"
    )


def whole(value: object, name: str, least: int) -> int:
    """A whole number, ``least`` or more. Raises `UsageProblem` with its name for anything else."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < least:
        raise UsageProblem(f"{name}={value!r} is not a whole number of {least} or more")
    return int(value.__index__())
