"""How a prediction is cut into chunks that say nothing about the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...exceptions import UsageProblem
from ..handing.arguments import admit, row_count, take
from ..handing.columns import taken_apart
from ..handing.payload import Payload, pack
from .leaning import leaning
from .strangers import alike, among, ends

TWICE_ROWS = 64
"""Rows that a process predicts once more for another one, at least (where there are so many)."""
TWICE_SHARE = 0.02
"""The same as a share of its own rows: what a larger chunk takes on."""
STRANGERS = 4
"""One row in so many, at most, is not a stranger where rows are predicted among such."""
FAR_MORE = 256
"""Rows, or groups, of a chunk beside which the small process is another company."""

Rows = npt.NDArray[np.intp]
NONE = np.empty(0, np.intp)


@dataclass(frozen=True)
class Chunk:
    """The rows of one process in the order that it gets them.

    ``own`` marks those whose predictions count. The others are own rows of another process, too: the
    two predictions of such a row must agree.
    """

    rows: Rows
    own: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Strangers:
    """A process's arguments with ``count`` rows, and which ``rows`` of X stand at which ``places``."""

    payload: Payload
    count: int
    rows: Rows
    places: Rows


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

    def chunks(self, *, probed: bool = False, apart: bool = False) -> list[Chunk]:
        """The chunks, shuffled; ``probed`` has some rows of each predicted in two of them.

        Each chunk takes on rows of the next one, no row twice and not so many that two chunks come to
        hold the same rows. Where there is one chunk only, or with ``apart`` where chunks are large,
        rows of all are predicted once more in a small process of their own. A single row, or group,
        has no other company, and is predicted once.

        What is alike in a way that nobody can know beforehand comes into one chunk: what a process could
        average over its rows differs from chunk to chunk.

        The order depends on the seed and on all of X, so that it is the same next time, and no process
        that sees a part of X can work out where its rows stood. The small process's rows are drawn
        anew each time: a process that sees all of X must not know them.
        """
        count = row_count(self.X, "X")
        if count == 0:
            return []
        digest = pack("predict", (self.X,), {}).digest()
        random = np.random.default_rng([self._seed, digest])
        units = Units(self._ids(count), count)
        number = len(units.sizes)
        order = units.ordered(leaning(self.X, random), random)
        parts = np.array_split(order, min(self._chunks, number))
        apart = apart and number >= FAR_MORE * len(parts)
        if probed and len(parts) > 1 and not apart:
            shared = units.shared(parts, random)
            return [units.chunk(one, more, random) for one, more in zip(parts, shared, strict=True)]
        chunks = [units.chunk(part, NONE, random) for part in parts]
        if probed:
            secret = np.random.default_rng()
            few = units.some(secret.permutation(number), count)
            chunks += [units.chunk(NONE, few, secret)] if len(few) else []
        return chunks

    def _ids(self, count: int) -> Rows | None:
        """The number of each row's group; ``None`` without groups."""
        if self._groups is None:
            return None
        if row_count(self._groups, "groups") != count:
            raise UsageProblem(
                f"predict(groups=…) has {row_count(self._groups, 'groups')} ids for {count} rows: "
                "give one group id for each row"
            )
        _, ids = np.unique(np.asarray(self._groups), return_inverse=True)
        return ids

    def whole(self) -> Payload:
        """All that is asked, in the order that the frozen test gave it in."""
        groups = {} if self._groups is None else {"groups": self._groups}
        extra = {**self._extra, **groups}
        return taken_apart("predict", (self.X,), extra) or pack("predict", (self.X,), extra)

    def part(self, rows: Rows) -> Payload:
        """The arguments for one chunk."""
        extra = dict(self._extra)
        if self._groups is not None:
            extra["groups"] = take(self._groups, rows)
        return pack("predict", (take(self.X, rows),), extra)

    def among_strangers(self, known: Any) -> list[Strangers]:
        """Some rows among rows of ``known``, the table that the model was fitted on: two companies.

        None where rows of the two cannot stand in one table, or rows belong to groups.
        """
        count = row_count(self.X, "X")
        if self._groups is not None or not count or not alike(self.X, known):
            return []
        secret = np.random.default_rng()
        size = max(2, count // self._chunks)
        most = min(max(TWICE_ROWS, int(TWICE_SHARE * size)), max(1, size // STRANGERS))
        rows = secret.permutation(count)[:most]
        found = []
        for others in ends(known, size - len(rows), secret):
            table, places = among(self.X, rows, known, others, secret)
            payload = pack("predict", (table,), dict(self._extra))
            found.append(Strangers(payload, len(rows) + len(others), rows, places))
        return found


class Units:
    """What stays together: groups of rows, or each row for itself where ``ids`` is ``None``."""

    def __init__(self, ids: Rows | None, count: int) -> None:
        self._ids = ids
        self._rows = None if ids is None else np.argsort(ids, kind="stable")
        self.sizes = np.ones(count, np.intp) if ids is None else np.bincount(ids)
        self._starts = np.cumsum(self.sizes) - self.sizes

    def ordered(self, numbers: npt.NDArray[np.float64], random: np.random.Generator) -> Rows:
        """The units by the mean of their rows' numbers, equal ones shuffled."""
        if self._ids is not None:
            numbers = np.bincount(self._ids, weights=numbers) / self.sizes
        found: Rows = np.lexsort((random.random(len(numbers)), numbers))
        return found

    def shared(self, parts: Sequence[Rows], random: np.random.Generator) -> Iterator[Rows]:
        """For each chunk the units of the next one that it takes on."""
        pair = len(parts) == 2 and all(len(part) == 1 for part in parts)
        for place, part in enumerate(parts):
            following = parts[(place + 1) % len(parts)]
            if len(following) > 1:
                yield self.some(random.permutation(following), self.sizes[part].sum())
            else:
                # Of two chunks only one may hold the rows of both: else the company is the same.
                yield following[: int(len(parts) > 2 or (pair and place == 0))]

    def some(self, shuffled: Rows, count: int) -> Rows:
        """The first of ``shuffled`` that have rows enough for ``count`` own ones; at most half."""
        half = shuffled[: len(shuffled) // 2]
        before = np.cumsum(self.sizes[half]) - self.sizes[half]
        return half[before < max(TWICE_ROWS, TWICE_SHARE * count)]

    def chunk(self, own: Rows, more: Rows, random: np.random.Generator) -> Chunk:
        """Own and other units in one shuffled order, the rows of each shuffled, too."""
        order = random.permutation(len(own) + len(more))
        numbers, mine = np.concatenate([own, more])[order], order < len(own)
        if self._rows is None:
            return Chunk(numbers, mine)
        sizes = self.sizes[numbers]
        rows = np.arange(sizes.sum()) + np.repeat(
            self._starts[numbers] - np.cumsum(sizes) + sizes, sizes
        )
        within = np.lexsort((random.random(len(rows)), np.repeat(np.arange(len(sizes)), sizes)))
        return Chunk(self._rows[rows][within], np.repeat(mine, sizes))
