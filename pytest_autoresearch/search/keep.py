"""The keep rule's settings and its interface: told a score, it answers next fold, split, stop or keep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from statistics import fmean
from typing import Protocol

from ..records import Json, Pass, Turn

STRICTNESS: Mapping[str, float] = {"explore": 1.28, "default": 1.65, "strict": 2.0}
"""How many standard errors a candidate must lead by, for each ``--autoresearch-strictness``."""


class Step(Enum):
    """What to do after a score."""

    NEXT_FOLD = auto()
    NEXT_SPLIT = auto()
    STOP = auto()
    KEEP = auto()


@dataclass(frozen=True)
class Rule:
    """The settings of the race, frozen when a run starts.

    ``repeats`` is how often the champion is measured on each of ``splits`` splits, in no more than
    ``passes`` passes in all, where that is not 0. A candidate is
    dropped in its first pass when z falls below a line from ``start`` (no folds) to ``end`` (all
    folds), and after its second when z is below ``z_go``. ``persistent`` is the share of the noise that
    other splits and seeds do not cure; ``persistent_alone`` where there is one split only, whose luck
    every pass repeats. A simpler candidate needs ``z_tie`` to be kept as a tie. One whose variance from
    fold to fold is more than ``wide`` times the usual needs all passes, and is judged by its own.
    """

    z_keep: float = STRICTNESS["default"]
    z_go: float = 1.1
    start: float = -1.5
    end: float = 0.6
    splits: int = 3
    repeats: int = 2
    passes: int = 0
    persistent: float = 0.1
    persistent_alone: float = 0.25
    min_effect: float = 0.0
    z_tie: float = 1.65
    wide: float = 9.0

    def to_json(self) -> dict[str, Json]:
        """The settings as the journal's first line keeps them."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, settings: Mapping[str, Json]) -> Rule:
        """The inverse of `to_json`; settings that an older line lacks have their defaults."""
        return cls(**settings)

    def to_measure(self, folds: str, done: Sequence[Pass]) -> tuple[int, ...]:
        """The splits that a champion is still to be measured on, one entry a pass.

        ``folds`` is what ``race`` was given; without a callable there is one split, measured twice as
        often because it alone has to show the noise.
        """
        wanted = (
            sorted(list(range(self.splits)) * self.repeats)
            if folds == "callable"
            else [0] * (2 * self.repeats)
        )[: self.passes or None]
        for one in done:
            if one.split in wanted:
                wanted.remove(one.split)
        return tuple(wanted)


@dataclass(frozen=True)
class Finding:
    """What a race found: means over the folds of the first pass, and the pooled z over all passes.

    ``lead`` is the mean lead over all passes, positive when better, where there were several.
    """

    better: bool
    score: float | None = None
    champion: float | None = None
    z: float | None = None
    why: str = ""
    lead: float | None = None

    @property
    def delta(self) -> float | None:
        """Score minus champion, raw."""
        if self.score is None or self.champion is None:
            return None
        return self.score - self.champion


class Plan(Protocol):
    """The passes of one evaluation; what the `experiment` fixture is driven by."""

    @property
    def turn(self) -> Turn:
        """The pass to make now."""
        ...

    def told(self, score: float, *, last: bool) -> Step:
        """Take the next score of the pass; ``last`` when it was the pass's last one."""
        ...

    @property
    def done(self) -> bool:
        """Whether every pass that was asked for has been scored."""
        ...

    @property
    def passes(self) -> tuple[Pass, ...]:
        """All scores so far."""
        ...

    @property
    def finding(self) -> Finding:
        """What the scores say."""
        ...


class Scores:
    """The scores of one evaluation, pass by pass."""

    def __init__(self) -> None:
        self.closed: tuple[Pass, ...] = ()
        self._open: list[float] = []

    def add(self, score: float) -> None:
        self._open.append(score)

    def close(self, turn: Turn) -> None:
        self.closed = self.all(turn)
        self._open = []

    def all(self, turn: Turn) -> tuple[Pass, ...]:
        if not self._open:
            return self.closed
        return (*self.closed, Pass(turn.split, turn.seed, tuple(self._open)))

    @property
    def last(self) -> tuple[float, ...]:
        return tuple(self._open)

    @property
    def count(self) -> int:
        """How many scores the open pass has."""
        return len(self._open)


class Measurement:
    """A plan that judges nothing: the given passes, whole (baseline, calibration, references)."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._at = 0
        self._scores = Scores()

    @property
    def turn(self) -> Turn:
        return self._turns[min(self._at, len(self._turns) - 1)]

    @property
    def done(self) -> bool:
        return self._at == len(self._turns)

    @property
    def passes(self) -> tuple[Pass, ...]:
        return self._scores.all(self.turn)

    @property
    def finding(self) -> Finding:
        first = self.passes[0].scores if self.passes else ()
        return Finding(better=self.done, score=fmean(first) if first else None)

    def told(self, score: float, *, last: bool) -> Step:
        self._scores.add(score)
        if not last:
            return Step.NEXT_FOLD
        self._scores.close(self.turn)
        self._at += 1
        return Step.KEEP if self.done else Step.NEXT_SPLIT


def replayed(plan: Plan, passes: Sequence[Pass], folds: int) -> Finding:
    """Run a plan again over scores from the journal; the same scores give the same finding."""
    for one in passes:
        for index, score in enumerate(one.scores, start=1):
            if plan.done:
                return plan.finding
            plan.told(score, last=index == folds)
    return plan.finding


def explained(finding: Finding, metric: str, needs: float) -> str:
    """One line for a person: ``auc 0.8312 against 0.8330: -0.0018, z -1.1 (needs +1.65)``."""
    if finding.score is None:
        return f"{metric} was not scored"
    if finding.champion is None or finding.delta is None:
        return f"{metric} {finding.score:.4g}"
    digits = digits_of(finding.delta)
    text = f"{metric} {finding.score:.{digits}f} against {finding.champion:.{digits}f}"
    text += f": {finding.delta:+.{digits}f}"
    if finding.z is not None:
        won_otherwise = finding.better and finding.z < needs
        text += f", z {finding.z:+.1f}" + ("" if won_otherwise else f" (needs {needs:+.2f})")
    why = finding.why
    if finding.lead is not None:
        why += f", mean lead {finding.lead:+.{digits_of(finding.lead)}f}"
    return f"{text}; {why}" if why else text


def digits_of(delta: float) -> int:
    """Decimals that show a difference with two significant digits, at least four, at most ten."""
    if not delta or not math.isfinite(delta):
        return 4
    return min(10, max(4, 1 - math.floor(math.log10(abs(delta)))))
