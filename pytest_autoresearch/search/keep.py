"""The keep rule: told one score at a time, it answers next fold, next split, stop or keep.

The rule of this version is a race. On the first split a candidate is dropped as soon as it is clearly
behind the champion; if it leads, it is run again on another split with another seed, and if it is
still promising on a third. It is kept when its mean lead is `Rule.z_keep` times what noise alone gives,
on at least two splits (two seeds, where there is only one split).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from statistics import fmean
from typing import Protocol

from ..records import Direction, Json, Pass, Turn
from .noise import Reference

STRICTNESS: Mapping[str, float] = {"explore": 1.28, "default": 1.65, "strict": 2.0}
"""How many standard errors a candidate must lead by, for each ``--autoresearch-strictness``."""


class Step(Enum):
    """What to do after a score."""

    NEXT_FOLD = auto()
    NEXT_SPLIT = auto()
    STOP = auto()
    KEEP = auto()


@dataclass(frozen=True)
class Rule:
    """The settings of the race, frozen when a run starts.

    ``repeats`` is how often the champion is measured on each of ``splits`` splits. A candidate is
    dropped in its first pass when z falls below a line from ``start`` (no folds) to ``end`` (all
    folds), and after its second when z is below ``z_go``. ``persistent`` is the share of the noise that
    other splits and seeds do not cure.
    """

    z_keep: float = STRICTNESS["default"]
    z_go: float = 1.1
    start: float = -1.5
    end: float = 0.6
    splits: int = 3
    repeats: int = 2
    persistent: float = 0.1
    min_effect: float = 0.0

    def to_json(self) -> dict[str, Json]:
        """The settings as the journal's first line keeps them."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, settings: Mapping[str, Json]) -> Rule:
        """The inverse of `to_json`."""
        return cls(**settings)

    def to_measure(self, folds: str, done: Sequence[Pass]) -> tuple[int, ...]:
        """The splits that a champion is still to be measured on, one entry a pass.

        ``folds`` is what ``race`` was given; without a callable there is one split, measured twice as
        often because it alone has to show the noise.
        """
        wanted = (
            list(range(self.splits)) * self.repeats
            if folds == "callable"
            else [0] * (2 * self.repeats)
        )
        for one in done:
            if one.split in wanted:
                wanted.remove(one.split)
        return tuple(sorted(wanted))


@dataclass(frozen=True)
class Finding:
    """What a race found: means over the folds of the first pass, and the pooled z over all passes."""

    better: bool
    score: float | None = None
    champion: float | None = None
    z: float | None = None
    why: str = ""

    @property
    def delta(self) -> float | None:
        """Score minus champion, raw."""
        if self.score is None or self.champion is None:
            return None
        return self.score - self.champion


class Plan(Protocol):
    """The passes of one evaluation; what the `experiment` fixture is driven by."""

    @property
    def turn(self) -> Turn:
        """The pass to make now."""
        ...

    def told(self, score: float, *, last: bool) -> Step:
        """Take the next score of the pass; ``last`` when it was the pass's last one."""
        ...

    @property
    def done(self) -> bool:
        """Whether every pass that was asked for has been scored."""
        ...

    @property
    def passes(self) -> tuple[Pass, ...]:
        """All scores so far."""
        ...

    @property
    def finding(self) -> Finding:
        """What the scores say."""
        ...


class Scores:
    """The scores of one evaluation, pass by pass."""

    def __init__(self) -> None:
        self._passes: list[Pass] = []
        self._open: list[float] = []

    def add(self, score: float) -> None:
        self._open.append(score)

    def close(self, turn: Turn) -> None:
        self._passes.append(Pass(turn.split, turn.seed, tuple(self._open)))
        self._open = []

    def all(self, turn: Turn) -> tuple[Pass, ...]:
        if not self._open:
            return tuple(self._passes)
        return (*self._passes, Pass(turn.split, turn.seed, tuple(self._open)))

    @property
    def last(self) -> tuple[float, ...]:
        return tuple(self._open)


class Measurement:
    """A plan that judges nothing: the given passes, whole (baseline, calibration, references)."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._at = 0
        self._scores = Scores()

    @property
    def turn(self) -> Turn:
        return self._turns[min(self._at, len(self._turns) - 1)]

    @property
    def done(self) -> bool:
        return self._at == len(self._turns)

    @property
    def passes(self) -> tuple[Pass, ...]:
        return self._scores.all(self.turn)

    @property
    def finding(self) -> Finding:
        first = self.passes[0].scores if self.passes else ()
        return Finding(better=self.done, score=fmean(first) if first else None)

    def told(self, score: float, *, last: bool) -> Step:
        self._scores.add(score)
        if not last:
            return Step.NEXT_FOLD
        self._scores.close(self.turn)
        self._at += 1
        return Step.KEEP if self.done else Step.NEXT_SPLIT


class Race:
    """The race of one candidate against a reference.

    ``seeds`` are the candidate's seeds, one for each pass the rule may ask for. Raises ``ValueError``
    when a pass has another number of folds than the champion's.
    """

    def __init__(
        self, rule: Rule, reference: Reference, direction: Direction, seeds: Sequence[int]
    ) -> None:
        self._rule = rule
        self._reference = reference
        self._sign = 1.0 if direction == "maximize" else -1.0
        self._turns = [
            Turn(split, seed) for split, seed in zip(_order(rule, reference), seeds, strict=False)
        ]
        self._at = 0
        self._scores = Scores()
        self._ended: Finding | None = None

    @property
    def turn(self) -> Turn:
        return self._turns[min(self._at, len(self._turns) - 1)]

    @property
    def done(self) -> bool:
        return self._ended is not None

    @property
    def passes(self) -> tuple[Pass, ...]:
        return self._scores.all(self.turn)

    @property
    def finding(self) -> Finding:
        return self._ended or self._found(False, self._z(), "the race was not run to its end")

    def told(self, score: float, *, last: bool) -> Step:
        if self.done:
            raise ValueError("the race is over")
        self._scores.add(score)
        count, folds = len(self._scores.last), self._reference.folds
        if count > folds or (last and count != folds):
            raise ValueError(
                f"the champion was scored on {folds} folds a pass, this is another number"
            )
        if self._at == 0 and self._behind(count):
            return self._stop(f"stopped after {count} of {folds} folds")
        if not last:
            return Step.NEXT_FOLD
        self._scores.close(self.turn)
        self._at += 1
        return self._after_pass()

    def _after_pass(self) -> Step:
        """Decide at the end of a pass whether to go on, stop or keep."""
        z, passes = self._z(), self._at
        if passes > 1 and z >= self._rule.z_keep and self._large_enough():
            return self._keep(z)
        if passes > 1 and z < self._rule.z_go:
            return self._stop(f"did not hold in pass {passes}")
        if passes == len(self._turns):
            return self._stop(self._not_enough())
        return Step.NEXT_SPLIT

    def _behind(self, count: int) -> bool:
        """Whether the first pass is below the line of early rejection after ``count`` folds."""
        lead = self._lead(self._scores.last, self.turn.split)
        share = count / self._reference.folds
        if self._reference.deterministic:
            return share == 1.0 and lead <= self._rule.min_effect
        line = self._rule.start + (self._rule.end - self._rule.start) * share
        return _ratio(lead, self._reference.standard_error(count)) < line

    def _lead(self, scores: Sequence[float], split: int) -> float:
        """Mean paired lead over the champion, positive when better."""
        paired = zip(scores, self._reference.means[split], strict=False)
        return self._sign * fmean(score - champion for score, champion in paired)

    def _leads(self) -> list[float]:
        return [self._lead(one.scores, one.split) for one in self.passes]

    def _z(self) -> float:
        """The pooled lead in standard errors; infinite where other seeds change nothing."""
        passes = self.passes
        if not passes:
            return 0.0
        leads = self._leads()
        if self._reference.deterministic:
            return math.inf if min(leads) > self._rule.min_effect else -math.inf
        share = self._rule.persistent + (1 - self._rule.persistent) / len(leads)
        if len(leads) == 1:
            return _ratio(leads[0], self._reference.standard_error(len(passes[0].scores)))
        error = self._reference.standard_error(self._reference.folds) * math.sqrt(share)
        return _ratio(fmean(leads), error)

    def _large_enough(self) -> bool:
        """Whether the lead clears the floor, and on other data too where seeds change nothing."""
        if self._reference.deterministic and len(self._reference.splits) == 1:
            return False
        return fmean(self._leads()) > self._rule.min_effect

    def _not_enough(self) -> str:
        if self._reference.deterministic and len(self._reference.splits) == 1:
            return (
                "the noise cannot be measured: other seeds change nothing and there is one split; "
                "give race() a callable split -> list"
            )
        return f"not enough after {self._at} passes"

    def _stop(self, why: str) -> Step:
        self._ended = self._found(False, self._z(), why)
        return Step.STOP

    def _keep(self, z: float) -> Step:
        self._ended = self._found(True, z, f"held in {self._at} passes")
        return Step.KEEP

    def _found(self, better: bool, z: float, why: str) -> Finding:
        if not self.passes:
            return Finding(False, why=why)
        first = self.passes[0]
        champion = self._reference.means[first.split][: len(first.scores)]
        finite = z if math.isfinite(z) else None
        return Finding(better, fmean(first.scores), fmean(champion), finite, why)


def _order(rule: Rule, reference: Reference) -> tuple[int, ...]:
    """The splits in the order in which a candidate meets them; one split is met again and again."""
    splits = reference.splits
    return splits if len(splits) > 1 else splits * rule.splits


def _ratio(lead: float, error: float) -> float:
    """``lead / error``, infinite with the lead's sign where there is no error."""
    if error > 0:
        return lead / error
    return math.copysign(math.inf, lead) if lead else 0.0


def replayed(plan: Plan, passes: Sequence[Pass], folds: int) -> Finding:
    """Run a plan again over scores from the journal; the same scores give the same finding."""
    for one in passes:
        for index, score in enumerate(one.scores, start=1):
            if plan.done:
                return plan.finding
            plan.told(score, last=index == folds)
    return plan.finding


def explained(finding: Finding, metric: str, needs: float) -> str:
    """One line for a person: ``auc 0.8312 against 0.8330: -0.0018, z -1.1 (needs +1.65)``."""
    if finding.score is None:
        return f"{metric} was not scored"
    if finding.champion is None or finding.delta is None:
        return f"{metric} {finding.score:.4g}"
    digits = _digits(finding.delta)
    text = f"{metric} {finding.score:.{digits}f} against {finding.champion:.{digits}f}"
    text += f": {finding.delta:+.{digits}f}"
    if finding.z is not None:
        text += f", z {finding.z:+.1f} (needs {needs:+.2f})"
    return f"{text}; {finding.why}" if finding.why else text


def _digits(delta: float) -> int:
    """Decimals that show a difference with two significant digits, at least four, at most ten."""
    if not delta or not math.isfinite(delta):
        return 4
    return min(10, max(4, 1 - math.floor(math.log10(abs(delta)))))
