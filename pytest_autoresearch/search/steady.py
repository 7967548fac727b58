"""The races against a champion whose scores no seed changes."""

from __future__ import annotations

import math
from statistics import fmean

from .noise import LAST_DIGITS, alike
from .race import ENOUGH, Race, no_noise, ratio


class SteadyRace(Race):
    """The race where there are other splits to turn to.

    A win must hold on a second split. Then the first split is walked again with another seed: if that
    changes nothing for the candidate either, there is no noise, and it is kept; if it does, the noise is
    the spread of its own lead from fold to fold. Leads in the last digits are none: another order of
    summing makes them. A tie is no worse than the anchor in any pass.
    """

    def _order(self) -> tuple[int, ...]:
        first, second, *_ = self._reference.splits
        return first, second, first

    def _behind(self, lead: float, folds: int) -> bool:
        return folds == self._reference.folds and lead <= self._least

    def _wins(self) -> bool:
        if not self._last:
            return False
        large = fmean(self._leads()) > self._least
        return large and (self._steady or self._z() >= self._rule.z_keep)

    def _why_lost(self) -> str:
        if self._at == 1:
            return self._lost_at_first()
        if self._at == 2 and self._leads()[1] < -self._last_digits:
            return f"did not hold in pass {self._at}"
        return f"not enough after {self._at} passes" if self._last else ""

    def _ties(self) -> bool:
        if not self._last or not self._may_tie():
            return False
        return self._steady or self._tie_z() >= self._rule.z_tie

    def _may_tie(self) -> bool:
        return min(self._leads_over_anchor()) >= -self._last_digits

    @property
    def _margin(self) -> float:
        """The candidate's own noise: no other is known. It is not behind in any pass besides."""
        return self._error()

    @property
    def _least(self) -> float:
        """The lead that a candidate has to exceed."""
        return max(self._rule.min_effect, self._last_digits)

    @property
    def _last_digits(self) -> float:
        means = self._reference.means[self._reference.splits[0]]
        return LAST_DIGITS * abs(fmean(means))

    @property
    def _steady(self) -> bool:
        """Whether another seed changed nothing for the candidate either."""
        first, *rest = self.passes[: self._at]
        return all(alike(first.scores, one.scores) for one in rest if one.split == first.split)

    def _z(self) -> float:
        """The pooled lead in standard errors of its own spread; infinite where there is no noise."""
        lead = fmean(self._leads()) if self.passes else 0.0
        return ratio(lead, self._error() * self._shrinking(3))

    def _error(self) -> float:
        """The candidate's own noise: none before its first split was walked again, or where it is steady."""
        if not self._last or self._steady:
            return 0.0
        return self._own_error() if self._reference.folds > 1 else math.inf


class BlindRace(Race):
    """The race that nobody can win: nothing shows the noise yet.

    The first pass is walked whole, because the spread of five candidates' leads will show it.
    """

    def _behind(self, lead: float, folds: int) -> bool:
        return False

    def _why_lost(self) -> str:
        if self._reference.folds == 1:
            return no_noise("one fold")
        return no_noise(f"fewer than {ENOUGH} past experiments")

    def _ties(self) -> bool:
        return False

    def _may_tie(self) -> bool:
        return False
