"""What the champion scored, and how much of it is luck: the reference a candidate is raced against."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import fmean, median

from ..records import Pass

LAST_DIGITS = 1e-6
"""Share of a score that other threads, versions or another order of summing may change."""


SAME = 1e-9
"""Share of a score by which equal ones may differ: what threads do to the last digits of a sum."""

Means = Mapping[int, tuple[float, ...]]
"""A tree's mean score of each fold, by split."""


@dataclass(frozen=True)
class Reference:
    """A frozen snapshot of the champion's scores and of the noise, enough to judge alone.

    ``means[split][fold]`` is the champion's mean score over ``runs`` passes with different seeds.
    ``seed_variance`` is the variance of the mean of one pass under a change of seed (A/A runs), and
    ``fold_variance`` the variance of a paired difference from fold to fold within a pass; ``residuals``
    counts the past experiments that went into it. ``freedom`` counts the degrees of freedom that the noise
    is known with, 0 where that is not asked. ``anchor`` holds the means of the last champion that won by
    its score, the baseline included, where that is another one.
    """

    means: Means
    runs: int
    seed_variance: float
    fold_variance: float
    residuals: int = 0
    freedom: int = 0
    anchor: Means | None = None

    @cached_property
    def folds(self) -> int:
        """How many scores a pass has."""
        return len(next(iter(self.means.values())))

    @cached_property
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
        if folds not in self._errors:
            self._errors[folds] = self._error(folds)
        return self._errors[folds]

    @cached_property
    def _errors(self) -> dict[int, float]:
        """The standard errors that were asked for; a race asks for the same few again and again."""
        return {}

    def _error(self, folds: int) -> float:
        measured = self.seed_variance * (1 + 1 / self.runs)
        if self.folds == 1:
            return math.sqrt(measured)
        share = self.share(folds)
        return math.sqrt(max(self.fold_variance * share, measured * share / self.share(self.folds)))

    def share(self, folds: int) -> float:
        """The variance of a mean over the first ``folds`` scores, for a fold variance of 1."""
        return 1 / folds + 1 / (self.folds - 1)

    def caution(self, z: float, unseen: float) -> float:
        """By how much the standard error is taken for larger in a race that asks for ``z`` of them.

        The noise is only estimated, so that a lead has to be as unlikely by Student's distribution as
        ``z`` is by the normal one. With one fold a pass the noise is that of seeds alone; the luck that
        belongs to the data, which no seed shows, is taken for a share ``unseen`` of the whole.
        """
        found = student(z, self.freedom) if self.freedom else 1.0
        return found / math.sqrt(1 - unseen) if self.folds == 1 else found


def student(z: float, freedom: int) -> float:
    """The quantile of Student's distribution as unlikely as ``z``, divided by ``z``.

    By the expansion in powers of 1 / ``freedom`` (Abramowitz and Stegun, 26.7.5); two in a hundred too
    small for 2 degrees of freedom, a tenth for 1.
    """
    s, v = z * z, freedom
    first = (s + 1) / (4 * v)
    second = (5 * s * s + 16 * s + 3) / (96 * v**2)
    third = (3 * s**3 + 19 * s * s + 17 * s - 15) / (384 * v**3)
    return 1 + first + second + third


def by_split(passes: Iterable[Pass]) -> dict[int, list[Pass]]:
    """The passes grouped by the split they walked."""
    groups: dict[int, list[Pass]] = defaultdict(list)
    for one in passes:
        groups[one.split].append(one)
    return dict(groups)


def same(one: float, other: float) -> bool:
    """Whether two scores are equal, up to what threads do to the last digits of a sum."""
    return math.isclose(one, other, rel_tol=SAME)


def alike(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two passes gave the `same` scores."""
    return all(same(a, b) for a, b in zip(one, other, strict=True))


@dataclass(frozen=True)
class Luck:
    """What passes of one tree that differ in their seed, and in their scores, show of the noise.

    ``squares`` is the sum of squared deviations of the means of a pass from that of their split,
    ``freedom`` its degrees of freedom. ``residuals`` are variances over folds of the difference between
    two passes; ``resolution`` is the smallest difference between two scores of a fold that is not zero.
    """

    squares: float = 0.0
    freedom: int = 0
    residuals: tuple[float, ...] = ()
    resolution: float = math.inf


def luck(passes: Iterable[Pass]) -> Luck:
    """The luck of a tree's passes, by split.

    Where seeds change nothing on any of them there is none to be seen, which says nothing of other trees:
    a candidate may draw random numbers where the champion does not.
    """
    groups = [group for group in by_split(passes).values() if len(group) > 1]
    if all(alike(group[0].scores, one.scores) for group in groups for one in group[1:]):
        return Luck()
    pairs = [p for group in groups for p in zip(group[::2], group[1::2], strict=False)]
    steps = [
        abs(a - b)
        for group in groups
        for one, other in pairwise(group)
        for a, b in zip(one.scores, other.scores, strict=True)
        if not same(a, b)
    ]
    return Luck(
        squares=math.fsum(_squares([fmean(one.scores) for one in group]) for group in groups),
        freedom=sum(len(group) - 1 for group in groups),
        residuals=tuple(residual(a.scores, b.scores) for a, b in pairs if len(a.scores) > 1),
        resolution=min(steps, default=math.inf),
    )


def _squares(values: Sequence[float]) -> float:
    """The sum of squared deviations from the mean."""
    # The library's variance computes in fractions: slow, and a long run asks thousands of times.
    mean = fmean(values)
    return math.fsum((value - mean) ** 2 for value in values)


def residual(one: Sequence[float], other: Sequence[float]) -> float:
    """Variance over folds of the paired differences of two passes."""
    differences = [a - b for a, b in zip(one, other, strict=True)]
    return _squares(differences) / (len(differences) - 1)


def pooled(residuals: Sequence[float], folds: int) -> float:
    """The typical fold residual: a median, robust to a few odd patches, corrected to the mean.

    The median of a chi-squared variable with m degrees of freedom is about ``m (1 - 2/(9m))^3``
    (Wilson and Hilferty, 1931).
    """
    if not residuals or folds < 2:
        return 0.0
    return median(residuals) / (1 - 2 / (9 * (folds - 1))) ** 3


def means_of(passes: Iterable[Pass]) -> Means:
    """The mean score of each fold of each split that the passes walked."""
    return {
        split: tuple(fmean(column) for column in zip(*(one.scores for one in group), strict=True))
        for split, group in by_split(passes).items()
    }


def runs_of(passes: Iterable[Pass]) -> int:
    """How often every split was walked, at least."""
    return min(len(group) for group in by_split(passes).values())


def spreads(lucks: Iterable[Luck], residuals: Sequence[float]) -> list[float]:
    """What shows the variance from fold to fold: ``residuals`` of candidates, and repeats of champions.

    Repeats of one tree lack the luck that two trees have with the data. Those of the first one help as
    long as candidates are few; those of later ones count only where there are no candidates at all.
    """
    found = [one.residuals for one in lucks if one.residuals]
    return [*(value for own in found[: 1 if residuals else None] for value in own), *residuals]


@dataclass(frozen=True)
class Noise:
    """The noise that several trees showed, as in `Reference`."""

    seed_variance: float
    fold_variance: float
    freedom: int


def noise(lucks: Iterable[Luck], spread: Sequence[float], folds: int) -> Noise:
    """Pool what several trees show; ``spread`` is what `spreads` gives.

    A score that is rounded to steps of ``r`` has at least a variance of ``r**2 / 12`` (Sheppard), its
    mean over k folds a k-th of it: no less is believed.
    """
    known = [one for one in lucks if one.freedom]
    typical, freedom = pooled(spread, folds), len(spread) * (folds - 1)
    if not known:
        return Noise(0.0, typical, freedom)
    pairs = sum(one.freedom for one in known)
    seeds = math.fsum(one.squares for one in known) / pairs
    rounding = min(one.resolution for one in known) ** 2 / 12
    if folds == 1:
        return Noise(max(seeds, rounding), 0.0, pairs)
    return Noise(max(seeds, rounding / folds), max(typical, rounding), freedom)


def reference(
    champion: Sequence[Pass],
    families: Iterable[Sequence[Pass]],
    residuals: Sequence[float] = (),
) -> Reference:
    """Build the reference from the champion's passes.

    ``families`` are all groups of passes of one tree, this champion's included; ``residuals`` are the
    fold residuals of earlier candidates' first passes.
    """
    lucks = [luck(passes) for passes in families]
    found = noise(lucks, spreads(lucks, residuals), len(champion[0].scores))
    return Reference(
        means=means_of(champion),
        runs=runs_of(champion),
        seed_variance=found.seed_variance,
        fold_variance=found.fold_variance,
        residuals=len(residuals),
        freedom=found.freedom,
    )
