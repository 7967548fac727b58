"""What the champion scored, and how much of it is luck: the reference a candidate is raced against."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, variance

from ..records import Pass

LAST_DIGITS = 1e-6
"""Share of a score that other threads, versions or another order of summing may change."""


@dataclass(frozen=True)
class Reference:
    """A frozen snapshot of the champion's scores and of the noise, enough to judge alone.

    ``means[split][fold]`` is the champion's mean score over ``runs`` passes with different seeds.
    ``seed_variance`` is the variance of the mean of one pass under a change of seed (A/A runs), and
    ``fold_variance`` the variance of a paired difference from fold to fold within a pass; ``residuals``
    counts the past experiments that went into it.
    """

    means: Mapping[int, tuple[float, ...]]
    runs: int
    seed_variance: float
    fold_variance: float
    residuals: int = 0

    @property
    def folds(self) -> int:
        """How many scores a pass has."""
        return len(next(iter(self.means.values())))

    @property
    def splits(self) -> tuple[int, ...]:
        """The splits that the champion was measured on, in order."""
        return tuple(sorted(self.means))

    @property
    def deterministic(self) -> bool:
        """Whether other seeds never changed a score, for this champion or an earlier one."""
        return self.seed_variance == 0.0

    def standard_error(self, folds: int) -> float:
        """Standard error of the mean paired difference over the first ``folds`` scores of a pass.

        The fold term is Nadeau and Bengio (2003), for k-fold cross-validation: the variance of the
        mean difference is ``(1/j + 1/(k-1)) * fold_variance``. It is never taken for smaller than what
        the A/A runs show.
        """
        k = self.folds
        measured = self.seed_variance * (1 + 1 / self.runs)
        if k == 1:
            return math.sqrt(measured)
        overlap = 1 / (k - 1)
        share = 1 / folds + overlap
        return math.sqrt(max(self.fold_variance * share, measured * share / (1 / k + overlap)))


def by_split(passes: Iterable[Pass]) -> dict[int, list[Pass]]:
    """The passes grouped by the split they walked."""
    groups: dict[int, list[Pass]] = defaultdict(list)
    for one in passes:
        groups[one.split].append(one)
    return dict(groups)


def alike(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two passes gave the same scores, up to what threads do to the last digits of a sum."""
    return all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(one, other, strict=True))


def repeats(families: Iterable[Sequence[Pass]]) -> list[list[Pass]]:
    """Passes of one tree on one split that differ in their seed, and in their scores.

    Where seeds change nothing there is no noise to be seen, which says nothing of other trees: a
    candidate may draw random numbers where the champion does not.
    """
    groups = [group for passes in families for group in by_split(passes).values()]
    return [
        group
        for group in groups
        if any(not alike(group[0].scores, one.scores) for one in group[1:])
    ]


def seed_variance(families: Iterable[Sequence[Pass]]) -> float:
    """Pooled variance of the mean of one pass, from passes of one tree that differ in seed only."""
    found = [variance([fmean(one.scores) for one in group]) for group in repeats(families)]
    return fmean(found) if found else 0.0


def repeat_residuals(families: Iterable[Sequence[Pass]]) -> list[float]:
    """Variance over folds of the difference between two passes of one tree on one split."""
    return [
        residual(a.scores, b.scores)
        for group in repeats(families)
        for a, b in zip(group[::2], group[1::2], strict=False)
        if len(a.scores) > 1
    ]


def residual(one: Sequence[float], other: Sequence[float]) -> float:
    """Variance over folds of the paired differences of two passes."""
    differences = [a - b for a, b in zip(one, other, strict=True)]
    # The library's variance computes in fractions: slow, and a long run asks thousands of times.
    mean = fmean(differences)
    return math.fsum((d - mean) ** 2 for d in differences) / (len(differences) - 1)


def pooled(residuals: Sequence[float], folds: int) -> float:
    """The typical fold residual: a median, robust to a few odd patches, corrected to the mean.

    The median of a chi-squared variable with m degrees of freedom is about ``m (1 - 2/(9m))^3``
    (Wilson and Hilferty, 1931).
    """
    if not residuals:
        return 0.0
    return median(residuals) / (1 - 2 / (9 * (folds - 1))) ** 3


def reference(
    champion: Sequence[Pass],
    families: Iterable[Sequence[Pass]],
    residuals: Sequence[float] = (),
) -> Reference:
    """Build the reference from the champion's passes.

    ``families`` are all groups of passes of one tree, this champion's included; ``residuals`` are the
    fold residuals of earlier candidates' first passes.
    """
    kept = list(families)
    groups = by_split(champion)
    folds = len(champion[0].scores)
    return Reference(
        means={
            split: tuple(fmean(column) for column in zip(*(p.scores for p in group), strict=True))
            for split, group in groups.items()
        },
        runs=min(len(group) for group in groups.values()),
        seed_variance=seed_variance(kept),
        fold_variance=pooled([*repeat_residuals(kept), *residuals], folds) if folds > 1 else 0.0,
        residuals=len(residuals),
    )
