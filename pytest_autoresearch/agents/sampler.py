"""Optuna's tree-structured Parzen estimator over the dimensions of one champion, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..records import Direction
from .literals import Value
from .space import Dimension

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


class Sampler:
    """Learns results and draws promising values; see Bergstra et al., NeurIPS 2011.

    Every dimension is drawn by itself, so that some can be changed while the others keep the
    champion's values. Optuna is imported here, not before.
    """

    def __init__(self, dimensions: Sequence[Dimension], direction: Direction) -> None:
        import optuna

        self._optuna = optuna
        self._dimensions = {one.key: one for one in dimensions}
        self._spaces = {one.key: self._space(one) for one in dimensions}
        loudness = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            self._study = optuna.create_study(direction=direction)
        finally:
            optuna.logging.set_verbosity(loudness)

    def _space(self, one: Dimension) -> BaseDistribution:
        from optuna import distributions

        if one.kind == "choice":
            return distributions.CategoricalDistribution([repr(choice) for choice in one.choices])
        if one.kind == "whole":
            return distributions.IntDistribution(int(one.low), int(one.high), log=one.log)
        return distributions.FloatDistribution(one.low, one.high, log=one.log)

    def learn(self, values: Mapping[str, Value], score: float | None) -> None:
        """Hears that `values`, by the dimensions' keys, yielded `score`, or failed (None).

        Values of dimensions that this sampler does not have are left out. A failure counts as worse
        than every score (Optuna: a pruned trial without intermediate values).
        """
        places = {
            key: place
            for key, one in self._dimensions.items()
            if key in values and (place := one.coordinate(values[key])) is not None
        }
        state = self._optuna.trial.TrialState
        self._study.add_trial(
            self._optuna.trial.create_trial(
                state=state.PRUNED if score is None else state.COMPLETE,
                value=score,
                params=places,
                distributions={key: self._spaces[key] for key in places},
            )
        )

    def draw(self, subset: Sequence[Dimension], seed: int) -> dict[str, Value]:
        """Values for `subset` that what was learnt makes promising; the same for the same seed."""
        self._study.sampler = self._optuna.samplers.TPESampler(seed=seed, n_startup_trials=1)
        trial = self._study.ask({one.key: self._spaces[one.key] for one in subset})
        # What is evaluated is learnt as a trial of its own; this one must not count.
        self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        return {one.key: one.value(trial.params[one.key]) for one in subset}
