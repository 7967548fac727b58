"""What a search has seen of its champions and of the noise, told one event at a time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from ..records import Pass
from .noise import (
    Luck,
    Means,
    Reference,
    alike,
    luck,
    means_of,
    noise,
    residual,
    runs_of,
    spreads,
)


class Evidence:
    """The state of the keep rule between two candidates.

    Told in the order of the journal what was measured, tried and kept, it gives the reference that the
    next candidate is raced against. The same events give the same reference.
    """

    def __init__(self) -> None:
        self._folds = 0
        self._champion = 0
        self._anchor = 0
        self._passes: dict[int, list[Pass]] = {}
        self._means: dict[int, Means] = {}
        self._lucks: dict[int, Luck] = {}
        self._spread: list[float] = []
        self.residuals: list[float] = []

    @property
    def ready(self) -> bool:
        """Whether the champion has been measured at all."""
        return self._champion in self._passes

    def measured(self, number: int, passes: Sequence[Pass]) -> None:
        """Passes of a champion's tree, none of which made it win; those that are not whole are left out."""
        if passes and not self._folds:
            self._folds = len(passes[0].scores)
        whole = [one for one in passes if len(one.scores) == self._folds]
        if whole:
            own = self._passes.setdefault(number, [])
            own.extend(whole)
            self._means[number] = means_of(own)
            self._lucks[number] = luck(own)
            self._spread = sorted(spreads(self._lucks.values(), self.residuals))

    def tried(self, first: Pass) -> None:
        """A candidate's first pass: its spread from fold to fold is noise, whatever it is worth.

        One that is not whole says nothing of that, nor does one that scores as the champion does.
        """
        means = self._means.get(self._champion, {}).get(first.split, ())
        if len(means) < 2 or len(means) != len(first.scores) or alike(first.scores, means):
            return
        spread = residual(first.scores, means)
        self.residuals.append(spread)
        insort(self._spread, spread)

    def kept(self, number: int, passes: Sequence[Pass], *, tie: bool) -> None:
        """A candidate is the champion now; its first pass was selected for being high, and is no measure.

        One that was kept as a ``tie`` is no anchor: the next tie is compared with what it was.
        """
        self._champion = number
        if not tie:
            self._anchor = number
        self.measured(number, passes[1:])

    def reference(self) -> Reference:
        """The champion's scores and the noise. Raises ``KeyError`` before `ready`."""
        found = noise(self._lucks.values(), self._spread, self._folds)
        return Reference(
            means=self._means[self._champion],
            runs=runs_of(self._passes[self._champion]),
            seed_variance=found.seed_variance,
            fold_variance=found.fold_variance,
            residuals=len(self.residuals),
            freedom=found.freedom,
            anchor=None if self._anchor == self._champion else self._means.get(self._anchor),
        )
