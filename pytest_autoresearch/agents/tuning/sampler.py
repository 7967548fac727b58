"""Optuna's tree-structured Parzen estimator over the dimensions of one champion, in memory."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...records import Direction
from .dimension import Dimension
from .known.knobs import Value

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler


class Sampler:
    """Learns results and draws promising values; see Bergstra et al., NeurIPS 2011.

    What is drawn together is modelled together (Optuna's ``multivariate``), over what the results
    say of these dimensions; the others keep the champion's values. Optuna is imported here, not
    before.
    """

    def __init__(self, dimensions: Sequence[Dimension], direction: Direction) -> None:
        import optuna

        self._optuna = optuna
        self._dimensions = {one.key: one for one in dimensions}
        self._spaces = {one.key: _space(one) for one in dimensions}
        loudness = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            self._study = optuna.create_study(direction=direction)
        finally:
            optuna.logging.set_verbosity(loudness)

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
        spaces = {one.key: self._spaces[one.key] for one in subset}
        self._study.sampler = _together(seed, spaces)
        trial = self._study.ask(spaces)
        # What is evaluated is learnt as a trial of its own; this one must not count.
        self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        return {one.key: one.value(trial.params[one.key]) for one in subset}


def _space(one: Dimension) -> BaseDistribution:
    from optuna import distributions

    if one.kind == "choice":
        return distributions.CategoricalDistribution([repr(choice) for choice in one.choices])
    if one.kind == "whole":
        return distributions.IntDistribution(int(one.low), int(one.high), log=one.log)
    return distributions.FloatDistribution(one.low, one.high, log=one.log)


def _together(seed: int, spaces: Mapping[str, BaseDistribution]) -> BaseSampler:
    """A sampler that models `spaces`, and nothing else that the trials have, as one space."""
    from optuna.samplers import TPESampler

    class Together(TPESampler):
        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return dict(spaces)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # multivariate is called experimental in some versions
        return Together(seed=seed, n_startup_trials=1, multivariate=True)
