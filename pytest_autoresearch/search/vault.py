"""What a look into the vault says: gains on data that nobody searched on, and how far they fall short."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, variance

from ..records import MOST_LOOKS, Z90, Direction, Effect, Look, Pass
from .gains import effect_of
from .keep import Rule
from .noise import student

SEEDS = 3
"""Passes of the baseline, and of the champion, that a look makes, each with a seed of its own."""
SHRUNK = 0.75
"""A gain that holds on the vault by this share or more is no cause for a warning."""
LOWER = 1.28
"""Standard errors below a gain that leave nine in ten above."""
CLEAR = 2.0
"""Standard errors from which a gain of the search's was a finding."""


def refused(looks: int) -> str:
    """Why the vault stays closed after so many looks; empty while one is left."""
    if looks < MOST_LOOKS:
        return ""
    return f"the vault of this run has been opened {looks} times: it stays closed"


def look(
    baseline: Sequence[Pass],
    champion: Sequence[Pass],
    search: Effect,
    direction: Direction,
    *,
    number: int,
    experiment: int,
    commit: str,
    time: str,
) -> Look:
    """A look, from the passes that baseline and champion made on the vault.

    ``search`` is the champion's gain over the baseline on the search data. Raises ``ValueError`` as
    `vault_gain` does.
    """
    vault = vault_gain(baseline, champion, direction)
    level, words = judged(search, vault)
    return Look(
        number=number,
        experiment=experiment,
        commit=commit,
        time=time,
        baseline=_score(baseline),
        champion=_score(champion),
        search=search,
        vault=vault,
        level=level,
        words=words,
    )


def vault_gain(baseline: Sequence[Pass], champion: Sequence[Pass], direction: Direction) -> Effect:
    """The champion's gain over the baseline on the vault, paired by split, seed and fold.

    The mean over splits of the mean difference of each fold. The error's square is the larger of the
    variance over folds, as in `gains.gain_of`, and the variance of the mean difference from pair to pair,
    divided by their number; both widened by `noise.student`. Raises ``ValueError`` when no two passes
    have the same split, seed and number of folds.
    """
    sign = 1.0 if direction == "maximize" else -1.0
    pairs: dict[int, list[list[float]]] = defaultdict(list)
    others = {(one.split, one.seed): one.scores for one in champion}
    for one in baseline:
        scores = others.get((one.split, one.seed), ())
        if one.scores and len(scores) == len(one.scores):
            row = [sign * (y - x) for x, y in zip(one.scores, scores, strict=True)]
            pairs[one.split].append(row)
    if not pairs:
        raise ValueError("baseline and champion have no pass on the vault in common")
    rows = [[fmean(column) for column in zip(*group, strict=True)] for group in pairs.values()]
    means = [fmean(row) for group in pairs.values() for row in group]
    return effect_of(rows, _spread(means), Rule.persistent)


def judged(search: Effect, vault: Effect) -> tuple[str, str]:
    """The level of a warning, ``warn``, ``red`` or empty, and its words.

    ``warn``: the gap between the gains exceeds 1.645 of its standard errors, and the vault's is less than
    three quarters of the search's. ``red``: the search's gain was clear, two standard errors or more, and
    the lower end of the vault's 80% interval is no gain. Where the vault shows no error there is no level.
    """
    if vault.error <= 0:
        return "", ""
    gap = search.gain - vault.gain
    overfit = search.gain > 0 and vault.gain < SHRUNK * search.gain
    overfit = overfit and gap > Z90 * math.hypot(search.error, vault.error)
    lost = vault.gain - LOWER * vault.error <= 0 and search.gain > CLEAR * search.error
    words = []
    if overfit:
        share = max(0.0, vault.gain / search.gain)
        words.append(
            f"overfitting the evaluation: {share:.0%} of the search's gain is left on the vault"
        )
    if lost:
        words.append("on the vault the gain cannot be told from none")
    return "red" if lost else "warn" if overfit else "", "; ".join(words)


def _score(passes: Sequence[Pass]) -> float:
    return fmean(fmean(one.scores) for one in passes)


def _spread(means: Sequence[float]) -> float:
    """The error of a mean of pairs by how they differ; 0 of one alone."""
    if len(means) < 2:
        return 0.0
    return math.sqrt(variance(means) / len(means)) * student(Z90, len(means) - 1)
