"""Whether one pass scores worse than a champion did: the rule of plain ``pytest``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from ..records import Direction, Pass, Record
from .keep import digits_of
from .noise import LAST_DIGITS, reference
from .standing import Standing

WORSE = -1.65
"""Standard errors below the champion at which a score is worse by more than its noise."""


@dataclass(frozen=True)
class Level:
    """What one pass of a champion over the first split should score, and its standard error."""

    score: float
    noise: float


@dataclass(frozen=True)
class Comparison:
    """One pass over the first split against a champion's level.

    ``delta`` is raw, ``lead`` positive when better; ``z`` is the lead in standard errors, ``None``
    where there is no noise. ``reproduced`` means that the champion's own scores came out again.
    """

    score: float
    champion: Level
    direction: Direction
    reproduced: bool

    @property
    def delta(self) -> float:
        return self.score - self.champion.score

    @property
    def lead(self) -> float:
        return self.delta if self.direction == "maximize" else -self.delta

    @property
    def z(self) -> float | None:
        return self.lead / self.champion.noise if self.champion.noise else None

    @property
    def worse(self) -> bool:
        if self.reproduced:
            return False
        if self.z is not None:
            return self.z <= WORSE
        return self.lead < -LAST_DIGITS * abs(self.champion.score)

    def explained(self, metric: str, record: str) -> str:
        """A sentence for a person: both scores, their difference, and the noise."""
        digits = digits_of(self.delta)
        noise = "and other seeds never changed it"
        if self.z is not None:
            times = f"{-self.z:.1f} times its noise of {self.champion.noise:.2g}"
            noise = f"{times} (up to {-WORSE} times is luck)"
        return (
            f"{metric} {self.score:.{digits}f} is worse than the {self.champion.score:.{digits}f} in "
            f"{record} by {abs(self.delta):.{digits}f}, {noise}"
        )


def compared(
    scores: Sequence[float], recorded: Pass, champion: Level, direction: Direction
) -> Comparison:
    """Compare a pass with a champion whose pass with the same seed is ``recorded``."""
    same = len(scores) == len(recorded.scores) and all(
        math.isclose(a, b, rel_tol=LAST_DIGITS)
        for a, b in zip(scores, recorded.scores, strict=True)
    )
    return Comparison(fmean(scores), champion, direction, same)


def baseline_level(standing: Standing) -> Level:
    """The level of a run's untouched project, from its baseline and calibration."""
    passes = standing.passes_of(0)
    known = reference(passes, [passes], standing.residuals())
    noise = 0.0 if known.deterministic else known.standard_error(known.folds)
    return Level(fmean(known.means[0]), noise)


def winner_level(standing: Standing, record: Record) -> Level:
    """The level of an experiment that was just kept, the standing being the one before.

    Its first pass was selected for being high: where no other pass walked the first split, the level is
    the old champion's plus the mean lead over the other passes. The noise is that of a champion measured
    once.
    """
    old = standing.reference()
    others = record.passes[1:] or record.passes
    leads = [fmean(one.scores) - fmean(old.means[one.split]) for one in others]
    again = [fmean(one.scores) for one in record.passes[1:] if one.split == 0]
    score = fmean(again) if again else fmean(old.means[0]) + fmean(leads)
    families = [*standing.families(), record.passes]
    known = reference(record.passes, families, standing.residuals())
    alone = replace(known, runs=1)
    return Level(score, 0.0 if alone.deterministic else alone.standard_error(alone.folds))
