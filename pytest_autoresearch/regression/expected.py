"""The champion record that the one pass of plain ``pytest`` is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..datasets import doors_of
from ..history.champion import Champion, Conditions, path_of
from ..project import Files
from ..records import Direction, Objective
from ..search.regression import Comparison, Level, compared
from .champion import read
from .conditions import conditions, differences, incomparable
from .unrecorded import command

ISOLATION = "none"
"""The best tier that there is for a person's own code."""


@dataclass(frozen=True)
class Expected:
    """A champion record, the file that it is in, and the conditions of the pass to compare.

    ``direction`` is the marker's: the record is a file that a hand may have changed.
    """

    champion: Champion
    direction: Direction
    path: str
    now: Conditions

    @property
    def seed(self) -> int:
        """The seed of the pass: with it the champion's own scores come out again."""
        return self.champion.passes[0].seed

    def compared(self, scores: Sequence[float]) -> Comparison:
        """The pass's scores against the record's."""
        known = self.champion
        return compared(scores, known.passes[0], Level(known.score, known.noise), self.direction)

    def properties(self, found: Comparison) -> list[tuple[str, object]]:
        """What the XML says of a comparison."""
        known = [("champion", found.champion.score), ("delta", found.delta), ("z", found.z)]
        return [(f"autoresearch.{name}", repr(value)) for name, value in known if value is not None]

    def explained(self, found: Comparison) -> str:
        """Why a worse pass fails the test, in a sentence."""
        others = differences(self.champion.conditions, self.now)
        hint = f"; not as in the record: {', '.join(others)}" if others else ""
        return f"{found.explained(self.champion.metric, self.path)}{hint}"


def expected(
    objective: Objective, files: Files, root: Path, visible: Mapping[str, bytes]
) -> Expected | None:
    """The record beside the test; skips the test when this run cannot be compared with it.

    Raises `UsageProblem` when it is damaged.
    """
    champion, path = read(objective, root), path_of(objective)
    if champion is None:
        return None
    data = {door.name: door.digest for door in doors_of(objective)}
    now = conditions(objective, root, files.evaluation, visible, isolation=ISOLATION, data=data)
    reason = incomparable(champion.conditions, now)
    if reason:
        pytest.skip(f"{path}: {reason}; `{command(objective.nodeid)}` writes a new record")
    return Expected(champion, objective.direction, path, now)
