"""Simulated searches: the shipped keep rule, or a greedy one, against patches whose worth is known.

Scores are in units of the noise: 1 is the standard deviation of the lead of one candidate over another in
one pass, averaged over its folds. All numbers of a world are assumptions.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from pytest_autoresearch.records import Pass
from pytest_autoresearch.search.evidence import Evidence
from pytest_autoresearch.search.keep import Rule, Step
from pytest_autoresearch.search.racing import race

EFFECTS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0)
"""What patches gain that gain at all, and how many of them do so:"""
OF_THEM = (0.20, 0.20, 0.25, 0.20, 0.10, 0.05)
PASSES = 3
"""The most passes of a candidate."""


@dataclass(frozen=True)
class World:
    """What agents propose, and how much luck there is.

    Of the patches a share of ``gains`` is better than the champion, ``nulls`` change nothing, ``harmful``
    lose about 1, the rest 3 and more; ``leaks`` gain 1.5 on the searched data only. ``rho`` is the
    correlation of the luck of two folds; ``phi`` the share of the luck that belongs to the data, so that
    other seeds do not cure it, ``kappa`` the part of that which all folds of all splits have in common.
    Scores are rounded to multiples of ``rounded``, where it is not 0. ``kind`` is what the test gives
    ``race``: with ``list`` there is one split.
    """

    folds: int = 5
    experiments: int = 300
    gains: float = 0.14
    nulls: float = 0.36
    harmful: float = 0.40
    leaks: float = 0.0
    rho: float = 0.2
    phi: float = 0.25
    kappa: float = 0.3
    rounded: float = 0.0
    kind: str = "callable"


@dataclass(frozen=True)
class Found:
    """What one search came to.

    ``false`` of the ``kept`` patches gain nothing. ``gain`` is what the last champion is truly worth,
    ``reported`` what its measurements say. ``evaluations`` counts whole passes for each experiment, all
    measurements of champions included. ``tried`` and ``found`` count the patches of each of `EFFECTS`.
    """

    false: int
    kept: int
    gain: float
    reported: float
    evaluations: float
    tried: tuple[int, ...]
    found: tuple[int, ...]


class Luck:
    """The random numbers of one search, drawn at once."""

    def __init__(self, world: World, seed: int) -> None:
        self._rng = rng = np.random.default_rng(seed)
        self._world = world
        n, k = world.experiments, world.folds
        whole = 1 / (world.rho + (1 - world.rho) / k)
        lasting, passing = world.phi * whole, (1 - world.phi) * whole / 2
        self._common = math.sqrt(passing * world.rho)
        self._own = math.sqrt(passing * (1 - world.rho))
        common = math.sqrt(lasting * world.rho)
        of_data = (
            common * math.sqrt(world.kappa) * rng.standard_normal((n, 1, 1))
            + common * math.sqrt(1 - world.kappa) * rng.standard_normal((n, PASSES, 1))
            + math.sqrt(lasting * (1 - world.rho)) * rng.standard_normal((n, PASSES, k))
        )
        of_data += 1.5 * (rng.random((n, 1, 1)) < world.leaks)
        self.of_data: list[list[list[float]]] = of_data.tolist()
        self.of_seed: list[list[list[float]]] = self._seeds(n, PASSES).tolist()
        self.effects = list(self._effects(n))

    def _seeds(self, *shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """What a seed does to each fold of so many passes."""
        common = self._common * self._rng.standard_normal((*shape, 1))
        return common + self._own * self._rng.standard_normal((*shape, self._world.folds))

    def fresh(self) -> list[float]:
        """What a further seed does."""
        found: list[float] = self._seeds(1)[0].tolist()
        return found

    def _effects(self, count: int) -> Iterator[tuple[float, int | None]]:
        """What each patch is worth, and which of `EFFECTS` that is."""
        world, ladder = self._world, list(accumulate(OF_THEM))
        nothing, harm = world.gains + world.nulls, world.gains + world.nulls + world.harmful
        for u, which, loss in zip(
            *self._rng.random((2, count)).tolist(), self._rng.exponential(size=count), strict=True
        ):
            at = min(bisect(ladder, which), len(EFFECTS) - 1)
            if u < world.gains:
                yield EFFECTS[at], at
            elif u < nothing:
                yield 0.0, None
            else:
                yield (-float(loss) if u < harm else -3 - 3 * float(loss)), None


class Project:
    """A project that patches change: its true worth, and its luck with the data."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.luck = Luck(world, seed)
        self.worth = 0.0
        self._lasting = [[0.0] * world.folds for _ in range(PASSES)]
        self.scored = 0

    def scores(self, split: int, seeds: Sequence[float], patch: int | None = None) -> list[float]:
        """The scores of a pass with or without a patch that is not kept yet; ``seeds`` is the luck."""
        worth, extra = self.worth, [0.0] * self.world.folds
        if patch is not None:
            worth, extra = worth + self.luck.effects[patch][0], self.luck.of_data[patch][split]
        rows = zip(self._lasting[split], extra, seeds, strict=True)
        found = [worth + a + b + c for a, b, c in rows]
        step = self.world.rounded
        return [round(x / step) * step for x in found] if step else found

    def measured(self, split: int) -> Pass:
        """A pass of the project as it is."""
        self.scored += self.world.folds
        return Pass(split, 0, tuple(self.scores(split, self.luck.fresh())))

    def keep(self, patch: int) -> None:
        self.worth += self.luck.effects[patch][0]
        for mine, its in zip(self._lasting, self.luck.of_data[patch], strict=True):
            mine[:] = [a + b for a, b in zip(mine, its, strict=True)]

    def summed(self, kept: Sequence[int], reported: float) -> Found:
        """What a search that kept these patches came to."""
        effects = self.luck.effects
        classes = range(len(EFFECTS))
        own = [effects[patch][1] for patch in kept]
        everyone = [which for _, which in effects]
        return Found(
            false=sum(effects[patch][0] <= 0 for patch in kept),
            kept=len(kept),
            gain=self.worth,
            reported=reported,
            evaluations=self.scored / (self.world.folds * self.world.experiments),
            tried=tuple(everyone.count(which) for which in classes),
            found=tuple(own.count(which) for which in classes),
        )


def searched(rule: Rule, world: World, seed: int) -> Found:
    """A search by the shipped keep rule."""
    project, evidence, kept = Project(world, seed), Evidence(), list[int]()
    evidence.measured(0, [project.measured(split) for split in rule.to_measure(world.kind, ())])
    before = _level(evidence)
    for patch in range(world.experiments):
        passes, better = _raced(rule, evidence, project, patch)
        evidence.tried(passes[0])
        if better:
            kept.append(patch)
            project.keep(patch)
            evidence.kept(patch + 1, passes, tie=False)
            missing = rule.to_measure(world.kind, passes[1:])
            evidence.measured(patch + 1, [project.measured(split) for split in missing])
    return project.summed(kept, _level(evidence) - before)


def simplified(rule: Rule, world: World, change: float, seed: int) -> int:
    """How many of a world's patches are kept, all simpler and worth ``change``, against the baseline."""
    project, evidence, kept = Project(world, seed), Evidence(), 0
    project.luck.effects = [(change, None)] * world.experiments
    evidence.measured(0, [project.measured(split) for split in rule.to_measure(world.kind, ())])
    for patch in range(world.experiments):
        passes, better = _raced(rule, evidence, project, patch, simpler="fewer lines of code")
        evidence.tried(passes[0])
        kept += better
    return kept


def _raced(
    rule: Rule, evidence: Evidence, project: Project, patch: int, simpler: str = ""
) -> tuple[Sequence[Pass], bool]:
    """A patch's passes, and whether they keep it."""
    plan = race(rule, evidence.reference(), "maximize", range(PASSES), lambda: simpler)
    while not plan.done:
        turn, step = plan.turn, Step.NEXT_FOLD
        scores = iter(project.scores(turn.split, project.luck.of_seed[patch][turn.seed], patch))
        for fold in range(1, project.world.folds + 1):
            step = plan.told(next(scores), last=fold == project.world.folds)
            project.scored += 1
            if step is not Step.NEXT_FOLD:
                break
    return plan.passes, plan.finding.better


def _level(evidence: Evidence) -> float:
    """The champion's mean score over all that it was measured on."""
    rows = evidence.reference().means.values()
    return sum(map(sum, rows)) / sum(map(len, rows))


def greedy(world: World, seed: int) -> Found:
    """A search that keeps what scored better than the last that was kept, in one pass each."""
    project, kept = Project(world, seed), list[int]()
    best = first = sum(project.measured(0).scores) / world.folds
    for patch in range(world.experiments):
        scores = project.scores(0, project.luck.of_seed[patch][0], patch)
        project.scored += world.folds
        score = sum(scores) / world.folds
        if score > best:
            best = score
            kept.append(patch)
            project.keep(patch)
    return project.summed(kept, best - first)


Search = Callable[[World, int], Found]
"""A way to search: the world and a seed give what was found."""
