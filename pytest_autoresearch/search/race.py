"""The race of a candidate against the champion: dropped early when behind, run again when it leads.

On the first split a candidate is dropped as soon as it is clearly behind; if it leads, it is run again on
another split with another seed, and if it is still promising on a third. It is kept when its mean lead is
`Rule.z_keep` times what noise alone gives, on at least two splits (two seeds, where there is one split).

A candidate that cannot win but is simpler may still be kept as a tie: when it is shown not to lie more than
one standard error of a pass behind the *anchor*, the last champion that won by its score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from statistics import fmean

from ..records import Direction, Pass
from .keep import Rule, Step
from .noise import Means, Reference, residual, same
from .walk import Walk

NO_LEAD = "no clear lead in its first pass"
ENOUGH = 5
"""So many past experiments show the noise where neither seeds nor other splits can."""


def no_noise(lack: str) -> str:
    """Why nothing can be kept where neither seeds nor other splits show the noise."""
    return (
        f"the noise cannot be measured: other seeds change nothing, there is one split, and {lack}; "
        "give race() a callable split -> list"
    )


def not_simpler() -> str:
    """The answer where nobody knows of a candidate that it is simpler."""
    return ""


class Race(Walk):
    """The race of one candidate against a reference.

    ``seeds`` are the candidate's seeds, one for each pass the rule may ask for. ``simpler`` says in what
    the candidate is simpler than the champion, empty when it is not, ``None`` while that is not known; it is asked
    until it is, when a tie is all that is left to reach and still within reach. Raises ``ValueError`` when a pass has
    another number of folds than the champion's, or a score is not finite.
    """

    def __init__(
        self,
        rule: Rule,
        reference: Reference,
        direction: Direction,
        seeds: Sequence[int],
        simpler: Callable[[], str | None] = not_simpler,
    ) -> None:
        self._rule = rule
        super().__init__(reference, seeds)
        self._anchor: Means = {**reference.means, **(reference.anchor or {})}
        self._caution = reference.caution(rule.z_keep, rule.persistent_alone)
        self._sign = 1.0 if direction == "maximize" else -1.0
        self._lost = ""
        self._ahead = self._ahead_of_anchor = 0.0
        self._ask = simpler
        self._answer: str | None = None

    def _after_fold(self, fold: int, score: float) -> Step:
        if self._at == 0 and self._hopeless(fold, score):
            return self._stop(f"stopped after {fold + 1} of {self._reference.folds} folds")
        return Step.NEXT_FOLD

    def _hopeless(self, fold: int, score: float) -> bool:
        """Whether the first pass can be left after a fold: it will not win, and not tie either."""
        split = self._turns[0].split
        self._ahead += self._sign * (score - self._reference.means[split][fold])
        self._ahead_of_anchor += self._sign * (score - self._anchor[split][fold])
        if not self._lost and self._behind(self._ahead / (fold + 1), fold + 1):
            self._lost = NO_LEAD
        if not self._lost:
            return False
        near = not self._behind(self._ahead_of_anchor / (fold + 1) + self._margin, fold + 1)
        return not (near and self._may_be_simpler())

    def _after_pass(self) -> Step:
        """Decide at the end of a pass: a win, more passes, a tie, or the end."""
        if not self._lost:
            if self._wins():
                return self._keep(f"held in {self._at} passes")
            self._lost = self._why_lost()
            if not self._lost:
                return Step.NEXT_SPLIT
        if self._ties() and self._simpler():
            return self._keep(f"as good, with {self._answer}; held in {self._at} passes")
        if self._may_tie() and self._simpler():
            return Step.NEXT_SPLIT
        return self._stop(self._lost)

    # A win

    def _wins(self) -> bool:
        """Whether the mean lead is beyond what noise gives, on enough passes."""
        if self._at < self._least_passes:
            return False
        return self._z() >= self._rule.z_keep and fmean(self._leads()) > self._rule.min_effect

    def _why_lost(self) -> str:
        """Why it cannot win any more; empty while it can."""
        if self._at == 1:
            return self._lost_at_first()
        if self._z() < self._rule.z_go:
            return f"did not hold in pass {self._at}"
        return f"not enough after {self._at} passes" if self._last else ""

    def _lost_at_first(self) -> str:
        """Why the first pass ends its chance to win; empty where it does not."""
        scores, folds = self.passes[0].scores, self._reference.folds
        equal = sum(map(same, scores, self._reference.means[self.passes[0].split]))
        if 2 * equal > folds:
            return f"{equal} of {folds} folds score exactly as the champion's"
        return NO_LEAD if self._behind(self._leads()[0], folds) else ""

    def _behind(self, lead: float, folds: int) -> bool:
        """Whether a mean lead over the first folds is below the line of early rejection there."""
        share = folds / self._reference.folds
        line = self._rule.start + (self._rule.end - self._rule.start) * share
        return ratio(lead, self._known_error(folds)) < line

    @property
    def _last(self) -> bool:
        return self._at == len(self._turns)

    @property
    def _least_passes(self) -> int:
        """Passes without which nothing is kept: two, or all where the candidate swings widely."""
        return len(self._turns) if self._wide else 2

    # A tie

    def _may_be_simpler(self) -> bool:
        """Whether the candidate is simpler, or that is not known yet."""
        if self._answer is None:
            self._answer = self._ask()
        return self._answer != ""

    def _simpler(self) -> bool:
        return self._may_be_simpler() and bool(self._answer)

    def _ties(self) -> bool:
        """Whether it is shown to lie no more than a pass's noise behind the anchor."""
        return self._at >= self._least_passes and self._tie_z() >= self._rule.z_tie

    def _may_tie(self) -> bool:
        """Whether further passes may show that."""
        line = self._rule.end if self._at == 1 else self._rule.z_go
        return not self._last and self._tie_z() > line

    def _tie_z(self) -> float:
        """The mean lead over the anchor plus one pass's noise, in standard errors."""
        lead = fmean(self._leads_over_anchor()) + self._margin
        return ratio(lead, self._error() * self._shrinking(self._at))

    @property
    def _margin(self) -> float:
        """What a tie may lie behind: the noise as measured, however much the candidate itself swings."""
        return self._reference.standard_error(self._reference.folds)

    # Leads and their noise

    def _order(self) -> tuple[int, ...]:
        """The splits in the order in which they are met; one split is met again and again."""
        splits = self._reference.splits
        return splits if len(splits) > 1 else splits * self._rule.splits

    def _lead(self, scores: Sequence[float], split: int, means: Means) -> float:
        """Mean paired lead over the champion or the anchor, positive when better."""
        paired = zip(scores, means[split], strict=False)
        return self._sign * fmean([score - other for score, other in paired])

    def _leads(self) -> list[float]:
        means = self._reference.means
        return [self._lead(one.scores, one.split, means) for one in self.passes]

    def _leads_over_anchor(self) -> list[float]:
        return [self._lead(one.scores, one.split, self._anchor) for one in self.passes]

    def _z(self) -> float:
        """The pooled lead in standard errors."""
        passes, leads = self.passes, self._leads()
        if not passes:
            return 0.0
        if len(leads) == 1:
            return ratio(leads[0], self._known_error(len(passes[0].scores)))
        return ratio(fmean(leads), self._error() * self._shrinking(len(leads)))

    def _error(self) -> float:
        """Standard error of one pass's lead; by the candidate's own spread where that is far wider."""
        known = self._known_error(self._reference.folds)
        return max(known, self._own_error()) if self._wide else known

    def _known_error(self, folds: int) -> float:
        """Standard error of the mean lead over the first folds of a pass, by the noise as measured."""
        return self._reference.standard_error(folds) * self._caution

    @cached_property
    def _wide(self) -> bool:
        """Whether the first pass swings far more from fold to fold than others do."""
        if self._reference.folds == 1:
            return False
        spread = self._residual(self.passes[0])
        return spread > self._rule.wide * self._reference.fold_variance

    def _own_error(self) -> float:
        """Standard error of one pass's lead by the candidate's own spread from fold to fold."""
        spread = fmean(self._residual(one) for one in self.passes[: self._at])
        return math.sqrt(spread * self._reference.share(self._reference.folds))

    def _residual(self, one: Pass) -> float:
        return residual(one.scores, self._reference.means[one.split])

    def _shrinking(self, passes: int) -> float:
        """By how much the standard error falls with the number of passes."""
        stays = self._persistent
        return math.sqrt(stays + (1 - stays) / passes)

    @property
    def _persistent(self) -> float:
        """The share of the noise that further passes do not cure: all, where each repeats the first."""
        if len(self._reference.splits) > 1:
            return self._rule.persistent
        return 1.0 if self._reference.deterministic else self._rule.persistent_alone


def ratio(lead: float, error: float) -> float:
    """``lead / error``; infinite with the lead's sign where there is no error.

    Where the error is not known, which is infinite, nothing is shown: minus infinity.
    """
    if error > 0:
        return lead / error if math.isfinite(error) else -math.inf
    return math.copysign(math.inf, lead) if lead else 0.0
