"""The race of a candidate against the champion: dropped early when behind, run again when it leads.

On the first split a candidate is dropped as soon as it is clearly behind; if it leads, it is run again on
another split with another seed, and if it is still promising on a third. It is kept when its mean lead is
`Rule.z_keep` times what noise alone gives, on at least two splits (two seeds, where there is one split).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from ..records import Direction, Pass, Turn
from .keep import Finding, Plan, Rule, Scores, Step
from .noise import LAST_DIGITS, Reference, alike, residual

ENOUGH = 5
"""So many past experiments show the noise where neither seeds nor other splits can."""


def no_noise(lack: str) -> str:
    """Why nothing can be kept where neither seeds nor other splits show the noise."""
    return (
        f"the noise cannot be measured: other seeds change nothing, there is one split, and {lack}; "
        "give race() a callable split -> list"
    )


def race(rule: Rule, reference: Reference, direction: Direction, seeds: Sequence[int]) -> Plan:
    """The race that fits the champion: whether seeds change its scores, and whether splits do."""
    if not reference.deterministic:
        return Race(rule, reference, direction, seeds)
    if len(reference.splits) > 1:
        return SteadyRace(rule, reference, direction, seeds)
    if reference.folds > 1 and reference.residuals >= ENOUGH:
        return Race(rule, reference, direction, seeds)
    return BlindRace(rule, reference, direction, seeds)


class Race:
    """The race of one candidate against a reference.

    ``seeds`` are the candidate's seeds, one for each pass the rule may ask for. Raises ``ValueError``
    when a pass has another number of folds than the champion's.
    """

    def __init__(
        self, rule: Rule, reference: Reference, direction: Direction, seeds: Sequence[int]
    ) -> None:
        self._rule = rule
        self._reference = reference
        self._sign = 1.0 if direction == "maximize" else -1.0
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
        return self._scores.all(self.turn)

    @property
    def finding(self) -> Finding:
        return self._ended or self._found(False, self._z(), "the race was not run to its end")

    def told(self, score: float, *, last: bool) -> Step:
        if self.done:
            raise ValueError("the race is over")
        self._scores.add(score)
        count, folds = len(self._scores.last), self._reference.folds
        if count > folds or (last and count != folds):
            raise ValueError(
                f"the champion was scored on {folds} folds a pass, this is another number"
            )
        if self._at == 0 and self._behind(count):
            return self._stop(
                f"stopped after {count} of {folds} folds"
                if count < folds
                else "no clear lead in its first pass"
            )
        if not last:
            return Step.NEXT_FOLD
        self._scores.close(self.turn)
        self._at += 1
        return self._after_pass()

    def _after_pass(self) -> Step:
        """Decide at the end of a pass whether to go on, stop or keep."""
        z, passes = self._z(), self._at
        if passes > 1 and z >= self._rule.z_keep and fmean(self._leads()) > self._rule.min_effect:
            return self._keep()
        if passes > 1 and z < self._rule.z_go:
            return self._stop(f"did not hold in pass {passes}")
        if passes == len(self._turns):
            return self._stop(f"not enough after {passes} passes")
        return Step.NEXT_SPLIT

    def _order(self) -> tuple[int, ...]:
        """The splits in the order in which they are met; one split is met again and again."""
        splits = self._reference.splits
        return splits if len(splits) > 1 else splits * self._rule.splits

    def _behind(self, count: int) -> bool:
        """Whether the first pass is below the line of early rejection after ``count`` folds."""
        lead = self._lead(self._scores.last, self.turn.split)
        share = count / self._reference.folds
        line = self._rule.start + (self._rule.end - self._rule.start) * share
        return _ratio(lead, self._reference.standard_error(count)) < line

    def _lead(self, scores: Sequence[float], split: int) -> float:
        """Mean paired lead over the champion, positive when better."""
        paired = zip(scores, self._reference.means[split], strict=False)
        return self._sign * fmean(score - champion for score, champion in paired)

    def _leads(self) -> list[float]:
        return [self._lead(one.scores, one.split) for one in self.passes]

    def _z(self) -> float:
        """The pooled lead in standard errors."""
        passes, leads = self.passes, self._leads()
        if not passes:
            return 0.0
        if len(leads) == 1:
            return _ratio(leads[0], self._reference.standard_error(len(passes[0].scores)))
        error = self._reference.standard_error(self._reference.folds)
        return _ratio(fmean(leads), error * self._shrinking(len(leads)))

    def _shrinking(self, passes: int) -> float:
        """By how much the standard error falls with the number of passes."""
        alone = len(self._reference.splits) == 1
        stays = self._rule.persistent_alone if alone else self._rule.persistent
        return math.sqrt(stays + (1 - stays) / passes)

    def _stop(self, why: str) -> Step:
        self._ended = self._found(False, self._z(), why)
        return Step.STOP

    def _keep(self) -> Step:
        self._ended = self._found(True, self._z(), f"held in {self._at} passes")
        return Step.KEEP

    def _found(self, better: bool, z: float, why: str) -> Finding:
        if not self.passes:
            return Finding(False, why=why)
        first = self.passes[0]
        champion = self._reference.means[first.split][: len(first.scores)]
        finite = z if math.isfinite(z) else None
        return Finding(better, fmean(first.scores), fmean(champion), finite, why)


class SteadyRace(Race):
    """The race against a champion whose scores no seed changes, with other splits to turn to.

    A win must hold on a second split. Then the first split is walked again with another seed: if that
    changes nothing for the candidate either, there is no noise, and it is kept; if it does, the noise is
    the spread of its own lead from fold to fold. Leads in the last digits are none: another order of
    summing makes them.
    """

    def _order(self) -> tuple[int, ...]:
        first, second, *_ = self._reference.splits
        return first, second, first

    def _behind(self, count: int) -> bool:
        lead = self._lead(self._scores.last, self.turn.split)
        return count == self._reference.folds and lead <= self._least

    @property
    def _least(self) -> float:
        """The lead that a candidate has to exceed."""
        return max(self._rule.min_effect, self._last_digits)

    @property
    def _last_digits(self) -> float:
        means = self._reference.means[self._reference.splits[0]]
        return LAST_DIGITS * abs(fmean(means))

    def _after_pass(self) -> Step:
        if self._at == 2 and self._leads()[1] < -self._last_digits:
            return self._stop(f"did not hold in pass {self._at}")
        if self._at < len(self._turns):
            return Step.NEXT_SPLIT
        large = fmean(self._leads()) > self._least
        if self._steady or (large and self._z() >= self._rule.z_keep):
            return self._keep()
        return self._stop(f"not enough after {self._at} passes")

    @property
    def _steady(self) -> bool:
        """Whether another seed changed nothing for the candidate either."""
        first, *rest = self.passes
        return all(alike(first.scores, one.scores) for one in rest if one.split == first.split)

    def _z(self) -> float:
        """The pooled lead in standard errors of its own spread; infinite where there is no noise."""
        passes, folds = self.passes, self._reference.folds
        lead = fmean(self._leads()) if passes else 0.0
        if len(passes) < 3 or self._steady:
            return _ratio(lead, 0.0)
        if folds == 1:
            return -math.inf
        spread = fmean(residual(one.scores, self._reference.means[one.split]) for one in passes)
        return _ratio(lead, math.sqrt(spread * (1 / folds + 1 / (folds - 1))) * self._shrinking(3))


class BlindRace(Race):
    """The race that nobody can win: nothing shows the noise yet.

    The first pass is walked whole, because the spread of five candidates' leads will show it.
    """

    def _behind(self, count: int) -> bool:
        return False

    def _after_pass(self) -> Step:
        if self._reference.folds == 1:
            return self._stop(no_noise("one fold"))
        past = f"fewer than {ENOUGH} past experiments"
        return self._stop(no_noise(past))


def _ratio(lead: float, error: float) -> float:
    """``lead / error``, infinite with the lead's sign where there is no error."""
    if error > 0:
        return lead / error
    return math.copysign(math.inf, lead) if lead else 0.0
