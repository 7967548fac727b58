"""How often champions are measured: less often, and said so, where that would take too long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..records import Json, Pass, Record
from .earlier import Stored
from .keep import Rule

SHARE = 0.1
"""The part of a session's hours that the baseline and its calibration may take."""


def smaller(rule: Rule, kind: str, folds: int) -> Iterator[Rule]:
    """The rule, then the rule with ever fewer measurements, as few as still show the noise.

    ``kind`` is what ``race`` was given. There stay two splits, where there are any, for a lead to be
    confirmed on, and two passes that differ in the seed only. With one fold the noise is known from
    such pairs alone, so that no more than one pass is given up, and none with one split: with fewer,
    more of what is kept would be luck.
    """
    yield rule
    whole = len(rule.to_measure(kind, ()))
    if kind == "callable":
        yield replace(rule, passes=whole - 1)
        if folds > 1:
            yield replace(rule, splits=2, passes=4)
            yield replace(rule, splits=2, passes=3)
    elif folds > 1:
        yield from (replace(rule, passes=passes) for passes in range(whole - 1, 1, -1))


def affordable(
    rule: Rule, kind: str, folds: int, seconds: float, hours: float, known: Sequence[Pass] = ()
) -> Rule:
    """The largest of the `smaller` plans that takes no more than `SHARE` of the hours, else the last.

    ``seconds`` is what a pass takes; ``known`` passes an earlier run has measured: they cost nothing.
    """
    plans = list(smaller(rule, kind, folds))
    allowed = SHARE * hours * 3600
    return next((p for p in plans if _ahead(p, kind, known) * seconds <= allowed), plans[-1])


def _ahead(plan: Rule, kind: str, known: Sequence[Pass]) -> int:
    """The passes that a plan takes, the baseline's included; 0 where all but that are known."""
    whole = len(plan.to_measure(kind, ()))
    if not known:
        return whole
    left = len(plan.to_measure(kind, [Pass(0, 0, ()), *known]))
    return left + 1 if left else 0


def shrunk(
    rule: Rule, baseline: Record, hours: float | None, known: Sequence[Pass] = ()
) -> dict[str, Json] | None:
    """What the baseline's record notes of a plan that was made smaller; ``None`` when it was not."""
    if hours is None or not baseline.passes:
        return None
    seconds = baseline.seconds / len(baseline.passes)
    kind, folds = baseline.folds, len(baseline.passes[0].scores)
    plan = affordable(rule, kind, folds, seconds, hours, known)
    if plan == rule:
        return None
    whole = len(rule.to_measure(kind, ()))
    taken = {"taken_over": whole - _ahead(rule, kind, known)} if known else {}
    return taken | {
        "splits": plan.splits,
        "passes": len(plan.to_measure(kind, ())),
        "instead_of": whole,
        "pass_seconds": round(seconds, 3),
        "hours": hours,
    }


def noted(
    rule: Rule, baseline: Record, stored: Stored | None, hours: float | None
) -> dict[str, Json]:
    """What a good baseline's record notes of its calibration: scores to reuse, or a smaller plan."""
    notes: dict[str, Json] = {}
    known: Sequence[Pass] = ()
    if stored is not None:
        notes["stored"] = {"run": stored.run, "experiment": stored.experiment}
        if why := stored.disagreement(baseline):
            notes["stored"]["differs"] = why
        else:
            known = stored.passes
    plan = shrunk(rule, baseline, hours, known)
    return notes | ({"calibration": plan} if plan else {})
