"""Passes walked one score at a time: what every comparison with a champion shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from ..records import Pass, Turn
from .keep import Finding, Scores, Step
from .noise import Reference


class Walk:
    """The passes of one candidate over the champion's splits; what follows from them is decided elsewhere.

    ``seeds`` are the candidate's seeds, one for each pass that may be asked for.
    """

    def __init__(self, reference: Reference, seeds: Sequence[int]) -> None:
        self._reference = reference
        self._turns = [Turn(s, seed) for s, seed in zip(self._order(), seeds, strict=False)]
        self._at = 0
        self._scores = Scores()
        self._ended: Finding | None = None

    @property
    def turn(self) -> Turn:
        return self._turns[min(self._at, len(self._turns) - 1)]

    @property
    def done(self) -> bool:
        return self._ended is not None

    @property
    def passes(self) -> tuple[Pass, ...]:
        return self._scores.all(self.turn) if self._scores.count else self._scores.closed

    @property
    def finding(self) -> Finding:
        return self._ended or self._found(False, "the race was not run to its end")

    def told(self, score: float, *, last: bool) -> Step:
        """Take the next score; raises ``ValueError`` for one too many, too few, or not finite."""
        if self.done:
            raise ValueError("the race is over")
        if not math.isfinite(score):
            raise ValueError(f"a score is a finite number, this is {score}")
        count, folds = self._scores.count, self._reference.folds
        if count == folds or (last and count + 1 != folds):
            raise ValueError(
                f"the champion was scored on {folds} folds a pass, this is another number"
            )
        self._scores.add(score)
        if not last:
            return self._after_fold(count, score)
        self._scores.close(self.turn)
        self._at += 1
        return self._after_pass()

    def _order(self) -> Sequence[int]:
        """The splits in the order in which they are met."""
        raise NotImplementedError

    def _after_fold(self, fold: int, score: float) -> Step:
        """Decide within a pass, after its fold of this index, from 0."""
        return Step.NEXT_FOLD

    def _after_pass(self) -> Step:
        """Decide at the end of a pass."""
        raise NotImplementedError

    def _z(self) -> float:
        """The pooled lead in standard errors."""
        raise NotImplementedError

    def _leads(self) -> list[float]:
        """The mean lead of each pass, positive when better."""
        raise NotImplementedError

    def _stop(self, why: str) -> Step:
        self._ended = self._found(False, why)
        return Step.STOP

    def _keep(self, why: str) -> Step:
        self._ended = self._found(True, why)
        return Step.KEEP

    def _found(self, better: bool, why: str) -> Finding:
        passes = self.passes
        if not passes:
            return Finding(False, why=why)
        first, z = passes[0], self._z()
        champion = self._reference.means[first.split][: len(first.scores)]
        finite, leads = z if math.isfinite(z) else None, self._leads()
        lead = fmean(leads) if len(leads) > 1 else None
        return Finding(better, fmean(first.scores), fmean(champion), finite, why, lead)
