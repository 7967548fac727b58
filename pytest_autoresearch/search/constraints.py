"""Constraints on logged and measured values: ``{"ece": "<= 1.1 * baseline"}``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..exceptions import UsageProblem
from ..records import Outcome

_FORM = re.compile(r"\s*(<=|>=|<|>)\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*(\*\s*baseline)?\s*")
_TESTS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
MEASURED = ("fit_seconds", "predict_seconds", "peak_memory_mb", "peak_gpu_memory_mb")
"""Names that the harness measures itself."""


@dataclass(frozen=True)
class Constraint:
    """A bound on one value, absolute or a multiple of the baseline's."""

    name: str
    sign: str
    number: float
    relative: bool

    def bound(self, baseline: Mapping[str, float]) -> float:
        """The number that a value is compared with."""
        return self.number * baseline[self.name] if self.relative else self.number

    def broken(self, values: Mapping[str, float], baseline: Mapping[str, float]) -> str:
        """Why the constraint is broken, empty when it holds."""
        if self.name not in values:
            return f"constraint {self.name}: the value was not logged"
        value, bound = values[self.name], self.bound(baseline)
        if _TESTS[self.sign](value, bound):
            return ""
        return f"constraint {self.name} {self.sign} {bound:.6g} broken: {value:.6g}"


def parse(name: str, text: str) -> Constraint:
    """Read ``"<= 1.1 * baseline"``; raises `UsageProblem` when the text has another form."""
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise UsageProblem(
            f"constraints: {name!r}: {text!r} is not a bound; write one like '<= 0.8', "
            "'> 10' or '<= 1.1 * baseline'"
        )
    return Constraint(name, found[1], float(found[2]), found[3] is not None)


def values(outcome: Outcome) -> dict[str, float]:
    """Everything that a constraint may name, as one evaluation logged and measured it."""
    measured = {name: getattr(outcome.usage, name) for name in MEASURED}
    return {**outcome.log, **{name: value for name, value in measured.items() if value is not None}}


def first_broken(
    constraints: Mapping[str, str], outcome: Outcome, baseline: Mapping[str, float]
) -> str:
    """The first broken constraint's reason, empty when all hold."""
    found = values(outcome)
    for name, text in constraints.items():
        if reason := parse(name, text).broken(found, baseline):
            return reason
    return ""


def unlogged(constraints: Mapping[str, str], outcome: Outcome) -> list[str]:
    """Names under constraint that the baseline neither logged nor measured."""
    return [name for name in constraints if name not in values(outcome)]
