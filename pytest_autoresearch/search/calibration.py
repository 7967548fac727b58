"""How often champions are measured: less often, and said so, where that would take too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..records import Json, Record
from .earlier import Stored
from .keep import Rule

SHARE = 0.1
"""The part of a session's hours that the baseline and its calibration may take."""


def smaller(rule: Rule, kind: str, folds: int) -> Iterator[Rule]:
    """The rule, then the rule with ever fewer measurements, as few as still show the noise.

    ``kind`` is what ``race`` was given. There stay two splits, where there are any, for a lead to be
    confirmed on, and two passes that differ in the seed only. With one fold the noise is known from
    such pairs alone, so that two of them stay.
    """
    yield rule
    whole = len(rule.to_measure(kind, ()))
    if kind == "callable":
        yield replace(rule, passes=whole - 1)
        yield replace(rule, splits=2, passes=4)
        if folds > 1:
            yield replace(rule, splits=2, passes=3)
    elif folds > 1:
        yield from (replace(rule, passes=passes) for passes in range(whole - 1, 1, -1))


def affordable(rule: Rule, kind: str, folds: int, seconds: float, hours: float) -> Rule:
    """The largest of the `smaller` plans that takes no more than `SHARE` of the hours, else the last.

    ``seconds`` is what a pass takes.
    """
    plans = list(smaller(rule, kind, folds))
    allowed = SHARE * hours * 3600
    fits = [plan for plan in plans if len(plan.to_measure(kind, ())) * seconds <= allowed]
    return fits[0] if fits else plans[-1]


def shrunk(rule: Rule, baseline: Record, hours: float | None) -> dict[str, Json] | None:
    """What the baseline's record notes of a plan that was made smaller; ``None`` when it was not."""
    if hours is None or not baseline.passes:
        return None
    seconds = baseline.seconds / len(baseline.passes)
    plan = affordable(rule, baseline.folds, len(baseline.passes[0].scores), seconds, hours)
    if plan == rule:
        return None
    return {
        "splits": plan.splits,
        "passes": len(plan.to_measure(baseline.folds, ())),
        "instead_of": len(rule.to_measure(baseline.folds, ())),
        "pass_seconds": round(seconds, 3),
        "hours": hours,
    }


def noted(
    rule: Rule, baseline: Record, stored: Stored | None, hours: float | None
) -> dict[str, Json]:
    """What a good baseline's record notes of its calibration: scores to reuse, or a smaller plan."""
    if stored is not None:
        found: dict[str, Json] = {"run": stored.run, "experiment": stored.experiment}
        why = stored.disagreement(baseline)
        if not why:
            return {"stored": found}
        found["differs"] = why
    plan = shrunk(rule, baseline, hours)
    notes: dict[str, Json] = {"stored": found} if stored is not None else {}
    return notes | ({"calibration": plan} if plan else {})
