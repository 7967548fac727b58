"""How a prediction is cut into chunks that say nothing about the order of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..exceptions import UsageProblem
from .arguments import admit, row_count, take
from .payload import Payload, pack


class Prediction:
    """What one ``predict`` asks, and how it is cut."""

    def __init__(
        self, X: Any, columns: int, groups: Any, context: Any, chunks: int, seed: int
    ) -> None:
        self.X = admit(X, "predict(X)")
        self.columns = columns
        self._groups = None if groups is None else admit(groups, "predict(groups=…)")
        self._extra = {} if context is None else {"context": admit(context, "predict(context=…)")}
        self._chunks = chunks
        self._seed = seed
        if type(chunks) is not int or chunks < 1:
            raise UsageProblem(f"predict(chunks={chunks!r}): a number of chunks, at least 1")

    def chunks(self, count: int) -> list[npt.NDArray[np.intp]]:
        """Row numbers of each chunk, shuffled.

        The order depends on the seed and on all of X, so that it is the same next time, and no process
        that sees a part of X can work out where its rows stood.
        """
        if count == 0:
            return []
        digest = pack("predict", (self.X,), {}).digest()
        random = np.random.default_rng([self._seed, digest])
        if self._groups is None:
            rows = random.permutation(count)
            return np.array_split(rows, min(self._chunks, count))
        return self._whole_groups(count, random)

    def _whole_groups(self, count: int, random: np.random.Generator) -> list[npt.NDArray[np.intp]]:
        if row_count(self._groups, "groups") != count:
            raise UsageProblem(
                f"predict(groups=…) has {row_count(self._groups, 'groups')} ids for {count} rows: "
                "give one group id for each row"
            )
        _, ids = np.unique(np.asarray(self._groups), return_inverse=True)
        number = int(ids.max()) + 1
        place = random.permutation(number)[ids]
        rows = np.lexsort((random.random(count), place))
        chunks = min(self._chunks, number)
        return [rows[place[rows] * chunks // number == chunk] for chunk in range(chunks)]

    def part(self, rows: npt.NDArray[np.intp]) -> Payload:
        """The arguments for one chunk."""
        extra = dict(self._extra)
        if self._groups is not None:
            extra["groups"] = take(self._groups, rows)
        return pack("predict", (take(self.X, rows),), extra)
