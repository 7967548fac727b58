"""What each column tells about the target on its own."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .columns import Column, Floats, column, columns, same_rows, target
from .ranks import area, area_error, pearson, spearman
from .table import Cell, Table

MOST_CLASSES = 50
FEW = 2
"""Classes for which one AUC says all."""


def auc(y: Any, values: Any) -> float | None:
    """The area under the ROC curve of (n,) ``values`` for (n,) ``y`` of two classes, the larger positive.

    Ties count half; rows without a value are left out. ``None`` when only one class is left. Raises
    ``ValueError`` for more than two classes, and for values that are no numbers.
    """
    goal, found = target(y), column("values", values)
    same_rows([found], goal)
    classes = np.unique(goal.codes())
    if len(classes) > FEW:
        raise ValueError(f"auc() is for two classes, these are {len(classes)}")
    if found.numbers is None:
        raise ValueError("auc() is for numbers; univariate() takes labels too")
    there = ~found.missing
    positive = goal.codes() == classes[-1]
    return area(found.numbers[there], positive[there]) if len(classes) == FEW else None


def univariate(X: Any, y: Any, *, task: Literal["classes", "numbers"] | None = None) -> Table:
    """The columns of a table of n rows by what they tell about ``y`` (n,), most first.

    With ``task="classes"`` (the default for two classes, and for labels) that is the AUC of the column
    alone and its standard error; of more than two classes the one that it tells best from the others. Above
    0.5 larger values go with the class (of two, the larger). With ``task="numbers"`` it is Pearson's and Spearman's correlation.
    Of labels, each row counts as the mean of ``y`` over the rows of the other half of the table that have
    its label, so that rare labels cannot tell their own row's target. Rows without a value are left out.

    Raises ``ValueError`` for a target with missing values, of one class, or of more than 50.
    """
    found, goal = columns(X), target(y)
    same_rows(found, goal)
    values = goal.codes()
    classes = np.unique(values)
    if len(classes) < FEW:
        raise ValueError("the target has one value only: there is nothing to tell")
    few = len(classes) == FEW or goal.labels is not None
    if (task or ("classes" if few else "numbers")) == "numbers":
        return _numbers(found, values)
    if len(classes) > MOST_CLASSES:
        raise ValueError(f"the target has {len(classes)} classes, more than {MOST_CLASSES}")
    names = [_label(goal, values, one) for one in classes]
    return _classes(found, values, dict(zip(classes.tolist(), names, strict=True)))


def _label(goal: Column, values: Floats, code: float) -> str:
    if goal.labels is None:
        return f"{code:g}"
    return str(goal.labels[int(np.argmax(values == code))])


def _numbers(found: list[Column], values: Floats) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        there = ~one.missing
        known = _as_numbers(one, values)[there]
        goal = values[there]
        rows.append((one.name, pearson(known, goal), spearman(known, goal), int(there.sum())))
    rows.sort(key=lambda row: -max(_size(row[1]), _size(row[2])))
    names = "column", "pearson", "spearman", "rows"
    return Table("each column alone, correlation with the target", names, tuple(rows))


def _classes(found: list[Column], values: Floats, names: dict[float, str]) -> Table:
    codes = list(names)
    asked = codes[1:] if len(codes) == FEW else codes
    rows: list[tuple[Cell, ...]] = [_best(one, values, asked, names) for one in found]
    rows.sort(key=lambda row: -_size(None if row[1] is None else float(row[1]) - 0.5))
    heads = "column", "auc", "error", "class", "rows"
    return Table("each column alone, AUC", heads, tuple(rows))


def _best(
    one: Column, values: Floats, asked: list[float], names: dict[float, str]
) -> tuple[Cell, ...]:
    """The class that a column tells best from the others."""
    there = ~one.missing
    best: tuple[Cell, ...] = (one.name, None, None, None, int(there.sum()))
    for code in asked:
        positive = values == code
        known = _as_numbers(one, positive.astype(np.float64))
        found = area(known[there], positive[there])
        if found is not None and (
            best[1] is None or abs(found - 0.5) > _size(float(best[1]) - 0.5)
        ):
            ones = int(positive[there].sum())
            error = area_error(found, ones, int(there.sum()) - ones)
            best = (one.name, found, error, names[code], int(there.sum()))
    return best


def _as_numbers(one: Column, goal: Floats) -> Floats:
    """A column's numbers; for labels the target's mean in the other half of the rows."""
    if one.numbers is not None:
        return one.numbers
    there = ~one.missing
    codes = np.where(there, one.codes(), 0).astype(np.intp)
    half: npt.NDArray[np.bool_] = np.random.default_rng(0).random(len(codes)) < 0.5
    found = np.full(len(codes), float(goal.mean()) if len(goal) else 0.0)
    for side in (half & there, ~half & there):
        other = there & ~side
        counts = np.bincount(codes[other], minlength=codes.max(initial=0) + 1)
        sums = np.bincount(codes[other], weights=goal[other], minlength=len(counts))
        known = side & (counts[codes] > 0)
        found[known] = sums[codes[known]] / counts[codes[known]]
    return found


def _size(value: Cell) -> float:
    return abs(float(value)) if value is not None else -1.0
