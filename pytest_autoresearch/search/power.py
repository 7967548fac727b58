"""What the measured noise means: how large a gain has to be for the keep rule to find it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .keep import Rule, Step
from .noise import Reference
from .race import ENOUGH, Race, no_noise
from .racing import race

CANDIDATES = 200
"""Simulated candidates for each gain that is tried."""
HALVINGS = 7
"""How often the interval is halved in which a gain is looked for."""
FOLDS = 8
"""Most folds of a simulated pass: more are taken for so many, with the same noise of their mean."""
LARGEST = 8.0
"""The largest gain that is tried, in standard errors of one pass's lead."""
SEED = 8

Noise = Sequence[Sequence[float]]
"""What luck adds to each fold of each pass of one candidate."""


@dataclass(frozen=True)
class Power:
    """Gains in the metric's units that are kept four times in five and every second time.

    ``passes`` is what a win of the larger one takes, the new champion's measurements included.
    """

    often: float
    half: float
    passes: float

    def said(self, metric: str) -> str:
        """One sentence for a person."""
        return (
            f"a gain of {self.often:.2g} {metric} is found four times in five, one of {self.half:.2g} "
            f"every second time; a win takes about {self.passes:.0f} passes, measuring the new "
            "champion included"
        )


def power(rule: Rule, reference: Reference) -> Power | None:
    """What the rule keeps, by racing simulated candidates whose noise is normal and as measured.

    ``None`` where no noise is measured that they could have.
    """
    scale = reference.standard_error(reference.folds)
    plain = _plain(reference)
    if not scale or type(race(rule, plain, "maximize", ())) is not Race:
        return None
    luck = list(_luck(rule, plain))
    often = _gain(rule, plain, luck, 0.8, LARGEST * scale + rule.min_effect)
    half = _gain(rule, plain, luck, 0.5, often)
    wins = [won for noise in luck if (won := _passes_of_win(rule, plain, often, noise))]
    return Power(often, half, sum(wins) / max(1, len(wins)))


def said_of_noise(rule: Rule, reference: Reference, metric: str) -> list[str]:
    """What the calibration has shown, in sentences for a person."""
    if reference.deterministic and len(reference.splits) > 1:
        return [
            "other seeds change nothing: a lead that holds on a second split is kept, "
            "whatever its size"
        ]
    found = power(rule, reference)
    if found is None:
        few = f"fewer than {ENOUGH} past experiments"
        return [no_noise("one fold" if reference.folds == 1 else few)]
    lines = [_measured(reference, metric), found.said(metric)]
    if reference.folds == 1:
        lines.append(
            "one score a pass: experiment.score([…]) with the scores of several shards would show the "
            "noise within a pass, and drop bad candidates early"
        )
    return lines


def _measured(reference: Reference, metric: str) -> str:
    whole = reference.standard_error(reference.folds)
    seeds = math.sqrt(reference.seed_variance * (1 + 1 / reference.runs))
    parts = f"seeds {seeds:.2g}"
    if reference.folds > 1:
        spread = math.sqrt(reference.fold_variance * reference.share(reference.folds))
        parts += f", folds {spread:.2g}"
    return f"noise of one pass's lead over the champion: {whole:.2g} {metric} ({parts})"


def _plain(reference: Reference) -> Reference:
    """A champion that scores 0 on everything, of the same noise."""
    folds = min(FOLDS, reference.folds)
    plain = replace(reference, means=dict.fromkeys(reference.splits, (0.0,) * folds), anchor=None)
    if folds == reference.folds:
        return plain
    spread = reference.fold_variance * reference.share(reference.folds) / plain.share(folds)
    return replace(plain, fold_variance=spread)


def _luck(rule: Rule, reference: Reference) -> Iterator[Noise]:
    """The luck of each candidate: a part that stays, a part of each pass, a part of each fold.

    Where seeds change nothing each pass repeats the first one.
    """
    draw = random.Random(SEED).gauss
    alone = len(reference.splits) == 1
    stays = rule.persistent_alone if alone else rule.persistent
    whole = reference.standard_error(reference.folds) ** 2
    own = reference.fold_variance
    passing = (1 - stays) * whole - own / reference.folds
    common, each = math.sqrt(stays * whole), math.sqrt(max(0.0, passing))
    for _ in range(CANDIDATES):
        always, noise = draw(0, common), []
        for _ in range(max(rule.splits, len(reference.splits))):
            now = always + draw(0, each)
            noise.append([now + draw(0, math.sqrt(own)) for _ in range(reference.folds)])
        yield [noise[0]] * len(noise) if reference.deterministic else noise


def _gain(
    rule: Rule, reference: Reference, luck: Sequence[Noise], share: float, high: float
) -> float:
    """The gain up to ``high`` with which this share is kept; more gain never keeps fewer."""
    low = 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = _kept_by(rule, reference, luck, share, middle)
        low, high = (low, middle) if enough else (middle, high)
    return high


def _kept_by(
    rule: Rule, reference: Reference, luck: Sequence[Noise], share: float, gain: float
) -> bool:
    """Whether this share of the candidates that gain so much is kept; no more of them race than decide it."""
    wanted, left = share * len(luck), len(luck)
    for noise in luck:
        if not 0 < wanted <= left:
            break
        wanted -= _passes_of_win(rule, reference, gain, noise) > 0
        left -= 1
    return wanted <= 0


def _passes_of_win(rule: Rule, reference: Reference, gain: float, noise: Noise) -> int:
    """What a candidate that gains so much takes to be kept, in passes; 0: it is not."""
    plan = race(rule, reference, "maximize", range(len(noise)))
    at, step = 0, Step.NEXT_SPLIT
    while step is Step.NEXT_SPLIT:
        for fold, luck in enumerate(noise[at], start=1):
            step = plan.told(gain + luck, last=fold == reference.folds)
            if step is not Step.NEXT_FOLD:
                break
        at += 1
    if not plan.finding.better:
        return 0
    kind = "callable" if len(reference.splits) > 1 else "list"
    return at + len(rule.to_measure(kind, plan.passes[1:]))
