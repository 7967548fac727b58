"""Data without a file: whether candidates are handed what they were handed when the run began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..records import Json

MOST_CALLS = 200
"""Calls of a pass that are compared, at most: its first."""

SEEDS, TREES = 2, 3
"""Passes of so many seeds, and of so many trees, have to agree before data count as the same in all."""


@dataclass
class Walk:
    """What one pass handed over: a digest for each call.

    The first ``free`` calls came before the candidate had answered anything in this evaluation, the
    first ``unseeded`` ones before the test had read the seed.
    """

    tree: str
    split: int
    seed: int
    calls: list[str] = field(default_factory=list)
    free: int = 0
    unseeded: int = 0
    stage: str = ""

    @property
    def place(self) -> tuple[str, int]:
        """The test and the split: what walks of the same place hand over can be compared."""
        return self.stage, self.split

    @classmethod
    def from_json(cls, line: Mapping[str, Json]) -> Walk:
        """A walk as the journal has it; raises what a line of something else makes it raise."""
        calls = [str(call) for call in line["calls"]]
        counts = int(line["free"]), int(line["unseeded"])
        stage = str(line.get("stage", ""))
        return cls(str(line["tree"]), int(line["split"]), int(line["seed"]), calls, *counts, stage)


class Tables:
    """What the passes of a run handed over.

    Data of one call are the same in all passes over a split when neither the seed nor the candidate has
    a say in them. The first is known where the test had not read the seed, or once two seeds have made
    no difference. The second is known of what is handed over before the candidate has answered
    anything, its first training data; for later data it is taken to hold once three different
    candidates have made no difference, and then of those candidates only: another one's answers may
    differ for the first time.
    """

    def __init__(self, lines: Iterable[Mapping[str, Json]] = ()) -> None:
        self._walks: dict[tuple[str, int], list[Walk]] = {}
        self._fresh: dict[tuple[str, int], bool] = {}
        for line in lines:
            self._add(Walk.from_json(line))

    def differs(self, walk: Walk) -> bool:
        """Whether the last call of a walk was handed other data than it must have been."""
        at = len(walk.calls) - 1
        pool = [one for one in self._walks.get(walk.place, ()) if at < len(one.calls)]
        same = [one for one in pool if one.seed == walk.seed]
        pool = same or pool
        unseeded = at < min([walk.unseeded, *(one.unseeded for one in pool)])
        if not same and not unseeded and len({one.seed for one in pool}) < SEEDS:
            return False
        if not self._alike(walk, pool, at):
            return False
        known = {one.calls[at] for one in pool}
        return len(known) == 1 and walk.calls[at] not in known

    def _alike(self, walk: Walk, pool: Sequence[Walk], at: int) -> bool:
        """Whether no candidate has a say in a call."""
        if at < min([walk.free, *(one.free for one in pool)]):
            return True
        trees = {one.tree for one in pool}
        # Within a session the frozen data are the same objects: a difference is the candidate's doing.
        return self._fresh.get(walk.place, True) and walk.tree in trees and len(trees) >= TREES

    def ended(self, walk: Walk) -> bool:
        """Take in a walk that went well; whether it is worth a line of the journal."""
        self._fresh[walk.place] = False
        walks = self._walks.get(walk.place, [])
        seeds, trees = {one.seed for one in walks}, {one.tree for one in walks}
        news = (walk.seed not in seeds and len(seeds) < SEEDS) or (
            walk.tree not in trees and len(trees) < TREES
        )
        if not walk.calls or not news:
            return False
        self._add(walk)
        return True

    def _add(self, walk: Walk) -> None:
        self._walks.setdefault(walk.place, []).append(walk)
