"""Which columns a model needs: what its score loses when one of them is shuffled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .columns import Column, Floats, columns, same_rows, target
from .ranks import area
from .table import Table

Predict = Callable[[Any], Any]

MOST_ROWS = 20_000
"""Rows that a small model is fitted on, and scored on, at most."""
FEW = 2


def importance(
    X: Any,
    y: Any,
    *,
    predict: Predict | None = None,
    repeats: int = 3,
    seed: int = 0,
) -> Table:
    """The columns of a table of n rows by how much worse ``y`` (n,) is predicted without them, most first.

    Permutation importance (Breiman, Random Forests, 2001): the ``loss`` of score when a column is
    shuffled, mean and standard deviation over ``repeats``. The score is the AUC for two classes, the share of
    right answers for more than two labels, else R2.
    ``predict`` maps a table like ``X`` (an array or a pandas frame) to (n,) numbers, and had better be
    fitted on other rows. Without it small boosted trees of scikit-learn are fitted on one half of the rows and scored on the
    other, labels as their places in sorted order.

    Columns that say the same share their importance: see `correlated_pairs`. Raises ``ImportError`` where
    scikit-learn is needed and missing, ``ValueError`` for a target of one value.
    """
    found, goal = columns(X), target(y)
    same_rows(found, goal)
    values = goal.codes()
    if len(np.unique(values)) < FEW:
        raise ValueError("the target has one value only: there is nothing to predict")
    kind, rng = _kind(goal), np.random.default_rng(seed)
    if predict is not None:
        return _table(found, _Given(X, predict), values, kind, repeats, rng)
    table = np.column_stack([one.codes() for one in found])
    rows = rng.permutation(len(values))[: 2 * MOST_ROWS]
    half = len(rows) // 2
    model = _fitted(table[rows[:half]], values[rows[:half]], kind, seed)
    given = _Given(table[rows[half:]], model)
    return _table(found, given, values[rows[half:]], kind, repeats, rng)


class _Given:
    """A table whose columns can be shuffled one at a time, and who predicts from it."""

    def __init__(self, table: Any, predict: Predict) -> None:
        self._table, self._predict = table, predict

    def predicted(
        self, place: int | None = None, order: npt.NDArray[np.intp] | None = None
    ) -> Floats:
        """Predictions (n,), with one column's rows in another order."""
        table = self._table
        if place is not None and order is not None:
            table = table.copy()
            if hasattr(table, "iloc"):
                column = table.iloc[order, place]
                table.isetitem(place, column.set_axis(table.index))
            elif table.ndim == 1:
                table[:] = table[order]
            else:
                table[:, place] = table[order, place]
        found = np.asarray(self._predict(table), dtype=np.float64)
        return found[:, -1] if found.ndim == FEW else found


def _kind(goal: Column) -> str:
    """The score that is for such a target."""
    if len(np.unique(goal.codes())) == FEW:
        return "AUC"
    return "R2" if goal.labels is None else "share of right answers"


def _fitted(table: Floats, values: Floats, kind: str, seed: int) -> Predict:
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise ImportError(
            "importance() fits a small model with scikit-learn, which is not installed: pass predict="
        ) from None
    settings = {"max_iter": 60, "max_leaf_nodes": 15, "random_state": seed}
    make = HistGradientBoostingRegressor if kind == "R2" else HistGradientBoostingClassifier
    # So small a model gains nothing from threads, which wait for each other where others compute.
    with threadpool_limits(1):
        model = make(**settings).fit(table, values)

    def predict(rows: Any) -> Any:
        with threadpool_limits(1):
            return model.predict_proba(rows)[:, -1] if kind == "AUC" else model.predict(rows)

    return predict


def _table(
    found: list[Column],
    given: _Given,
    values: Floats,
    kind: str,
    repeats: int,
    rng: np.random.Generator,
) -> Table:
    whole = _score(kind, values, given.predicted())
    rows = []
    for place, one in enumerate(found):
        losses = [
            whole - _score(kind, values, given.predicted(place, rng.permutation(len(values))))
            for _ in range(max(1, repeats))
        ]
        rows.append((one.name, float(np.mean(losses)), float(np.std(losses))))
    rows.sort(key=lambda row: -row[1])
    title = f"what the {kind} loses when a column is shuffled, {whole:.4g} with all of them"
    return Table(title, ("column", "loss", "sd"), tuple(rows))


def _score(kind: str, values: Floats, predicted: Floats) -> float:
    if kind == "AUC":
        found = area(predicted, values == values.max())
        return 0.5 if found is None else found
    if kind != "R2":
        return float((values == predicted).mean())
    spread = float(((values - values.mean()) ** 2).sum())
    return 1 - float(((values - predicted) ** 2).sum()) / spread if spread else 0.0
