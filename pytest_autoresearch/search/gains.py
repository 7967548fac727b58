"""How much better: gains by paired scores that played no part in choosing what they measure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from ..records import Z90, Direction, Effect, Pass, Record
from .keep import Rule
from .noise import Reference, alike, by_split, residual, student
from .standing import Standing, passes_of, references

Row = Sequence[float]
"""Paired differences of one split, by fold, positive when better."""


def effects(standing: Standing, noise: Reference) -> dict[int, Effect]:
    """Each kept experiment's gain over the champion of its time, by its number.

    The mean lead of its confirming passes: the first pass made it go on, and is selected for being
    high. The error is the one that the keep rule counted with, by the noise as it was known then:
    `Reference.standard_error` of a pass, and its persistent share; but no less than the spread of its
    own leads over the folds says, as in `effect_of`, which alone counts where seeds change nothing.
    ``noise`` is the run's reference as it stands, for a keep before which there was none.
    """
    own = defaultdict(list)
    for record in standing.records:
        own[record.experiment].append(record)
    known = references(standing.records)
    champion, found = passes_of(own[0], 0), {}
    for record in standing.kept:
        number = record.experiment
        if number is None:
            continue
        effect = _effect(standing.rule, known.get(number, noise), champion, record)
        champion = passes_of(own[number], number)
        if effect is not None:
            found[number] = effect
    return found


def gain(standing: Standing, noise: Reference, number: int | None = None) -> Effect | None:
    """An experiment's gain over the baseline on the search data; the champion's without ``number``.

    See `gain_of`. ``None`` for the baseline itself, and where no pass of both walked the same split.
    """
    number = standing.history.champion_number if number is None else number
    first = next((r.passes[0] for r in standing.kept if r.experiment == number and r.passes), None)
    baseline = standing.baseline
    if not number or first is None or baseline is None:
        return None
    champion = apart(standing.passes_of(number), first)
    return gain_of(standing.passes_of(0), champion, baseline.direction, noise, standing.rule)


def gain_of(
    before: Sequence[Pass],
    after: Sequence[Pass],
    direction: Direction,
    noise: Reference,
    rule: Rule,
) -> Effect | None:
    """The gain of one tree over another by passes of both: its mean over splits of paired fold means.

    On each split that both walked, a fold's difference is that of its mean scores. The error's square
    is the larger of

    - ``(1/k + 1/(k-1)) v (p + (1-p)/S)``: ``v`` the variance of these differences over the ``k`` folds,
      mean over the ``S`` splits, with the factor of Nadeau and Bengio (2003) for folds that share
      training data, and the share ``p`` of the noise that other splits do not cure
      (`Rule.persistent`), widened by `noise.student`;
    - ``a/S^2 sum(1/m + 1/n)`` over the splits: ``a`` the variance of a pass's mean under another seed,
      ``m`` and ``n`` the numbers of passes.

    The first is 0 with one fold, the second where seeds change nothing. ``None`` without a common split.
    """
    sign = _sign(direction)
    befores, afters = by_split(_sound(before)), by_split(_sound(after))
    rows, runs = [], []
    for split in sorted(befores.keys() & afters.keys()):
        row = _paired(_columns(befores[split]), _columns(afters[split]), sign)
        if row:
            rows.append(row)
            runs.append(1 / len(befores[split]) + 1 / len(afters[split]))
    if not rows:
        return None
    seeds = noise.seed_variance * math.fsum(runs) / len(rows) ** 2
    return effect_of(rows, math.sqrt(seeds), rule.persistent)


def effect_of(rows: Sequence[Row], least: float, persistent: float) -> Effect:
    """The mean of paired differences, one row a split, and its error as in `gain_of`.

    ``least`` is the error that seeds alone account for.
    """
    found = fmean(fmean(row) for row in rows)
    wide = [row for row in rows if len(row) > 1]
    if not wide:
        return Effect(found, least)
    k = min(len(row) for row in wide)
    shrinking = persistent + (1 - persistent) / len(rows)
    folds = math.sqrt(spread_of(wide) * (1 / k + 1 / (k - 1)) * shrinking)
    return Effect(found, max(least, folds * student(Z90, sum(len(row) - 1 for row in wide))))


def spread_of(rows: Sequence[Row]) -> float:
    """The variance of paired differences over the folds, mean over the rows; 0 with one fold."""
    wide = [residual(row, [0.0] * len(row)) for row in rows if len(row) > 1]
    return fmean(wide) if wide else 0.0


def apart(passes: Sequence[Pass], first: Pass) -> list[Pass]:
    """The passes that do not repeat the first one, which was selected; all, where none is left.

    Where seeds change nothing another walk over the same split yields the same scores.
    """
    left = [
        one
        for one in passes
        if one.split != first.split
        or len(one.scores) != len(first.scores)
        or not alike(one.scores, first.scores)
    ]
    return left or list(passes)


def _effect(
    rule: Rule, noise: Reference, champion: Sequence[Pass], record: Record
) -> Effect | None:
    """The mean lead of a kept experiment's confirming passes over the champion of its time."""
    passes = _sound(record.passes)
    if not passes:
        return None
    groups = by_split(_sound(champion))
    means = {split: _columns(group) for split, group in groups.items()}
    sign = _sign(record.direction)
    confirming = by_split(one for one in apart(passes[1:], passes[0]) if one.split in means)
    rows = [_paired(means[split], _columns(group), sign) for split, group in confirming.items()]
    rows = [row for row in rows if row]
    if not rows:
        return None
    alone = len(means) == 1
    stays = rule.persistent_alone if alone else rule.persistent
    own = effect_of(rows, 0.0, stays)
    if noise.deterministic:
        return own
    runs = min(len(group) for group in groups.values())
    error = replace(noise, runs=runs).standard_error(noise.folds)
    error *= math.sqrt(stays + (1 - stays) / len(rows))
    return Effect(own.gain, max(error, own.error))


def _sign(direction: Direction) -> float:
    return 1.0 if direction == "maximize" else -1.0


def _sound(passes: Sequence[Pass]) -> list[Pass]:
    """The passes that hold scores, finite ones only: journals are read that others wrote."""
    return [one for one in passes if one.scores and all(map(math.isfinite, one.scores))]


def _columns(group: Sequence[Pass]) -> Row:
    """The mean score of each fold, over passes of one split that have as many folds as the first."""
    folds = len(group[0].scores)
    whole = [one.scores for one in group if len(one.scores) == folds]
    return [fmean(column) for column in zip(*whole, strict=True)]


def _paired(before: Row, after: Row, sign: float) -> Row:
    """Differences by fold, positive when better; none when the numbers of folds differ."""
    if len(before) != len(after):
        return ()
    return [sign * (y - x) for x, y in zip(before, after, strict=True)]
