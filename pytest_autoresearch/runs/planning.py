"""What a session has time for: closing work is reserved first, the rest is said in clock times."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..records import Json, Objective, Record
from ..report.text import count
from ..search.calibration import affordable
from ..search.keep import Rule
from ..search.timing import expected_seconds, experiment_seconds

CLOSING = 4.0
"""Seconds that the journal's end, the picture and the report take on a busy machine."""
CLOSING_EACH = 0.001
"""Further seconds for each record."""
CLOSING_SHARE = 0.25
"""Closing work gets no more than this part of very short hours."""
RESERVED_SHARE = 0.5
"""Confirmations and the vault get no more than this part of the hours."""
FOLDS = 2
"""What is assumed before a baseline: that there is more than one fold, and other splits."""


def closing_seconds(records: int, hours: float | None) -> float:
    """Seconds to reserve at the end of a session for what is written then."""
    needed = CLOSING + CLOSING_EACH * records
    return needed if hours is None else min(needed, CLOSING_SHARE * hours * 3600)


def reserved(needed: float, hours: float | None) -> float:
    """Seconds to keep free for confirmations and the vault, where they need so many."""
    return needed if hours is None else min(needed, RESERVED_SHARE * hours * 3600)


@dataclass(frozen=True)
class Times:
    """How long things take, in seconds, and ``source``: who says so."""

    one_pass: float
    experiment: float
    source: str


def times_of(records: Sequence[Record], source: str) -> Times | None:
    """What records show; ``None`` before a good baseline."""
    one_pass = expected_seconds(records)
    return Times(one_pass, experiment_seconds(records), source) if one_pass else None


def worst_case(objective: Objective) -> Times:
    """The times where nothing was measured: the budget."""
    budget = objective.budget
    return Times(budget, budget, f"the budget of {budget:g} s a pass, the worst case")


@dataclass(frozen=True)
class Plan:
    """What is to be done: ``passes`` of calibration, then at most ``experiments``.

    ``seconds`` is what is left until experiments end, ``closing`` what comes after; ``None``: no end.
    """

    times: Times
    passes: int
    experiments: int | None = None
    seconds: float | None = None
    closing: float = 0.0

    def line(self, now: float) -> str:
        """The plan in clock times, empty where nothing is left; ``now`` is seconds since 1970."""
        parts = [*self._calibration(now), *self._experiments(now)]
        if not parts:
            return ""
        if self.seconds is not None:
            parts.append(f"closing {duration(self.closing)}")
        return f"plan by {self.times.source}: {', '.join(parts)}"

    @property
    def _measuring(self) -> float:
        return self.passes * self.times.one_pass

    def _calibration(self, now: float) -> list[str]:
        if not self.passes:
            return []
        end = clock(now + self._measuring, now)
        return [f"calibration in {self.passes} passes until about {end}"]

    def _experiments(self, now: float) -> list[str]:
        if self.experiments == 0:
            return []
        then = "then " if self.passes else ""
        left = None if self.seconds is None else self.seconds - self._measuring
        fit = None if left is None else int(max(0.0, left) / max(self.times.experiment, 0.01))
        if fit == 0:
            return ["which leaves no time for an experiment"]
        if fit is None and self.experiments is None:
            return [f"{then}an experiment about every {duration(self.times.experiment)}"]
        number = min(n for n in (fit, self.experiments) if n is not None)
        end = now + self._measuring + number * self.times.experiment
        if number == fit and self.seconds is not None:
            end = now + self.seconds
        about = "" if number == self.experiments else "about "
        experiments = count(number, "experiment")
        return [f"{then}{about}{experiments} until {'about ' * (not about)}{clock(end, now)}"]


def passes_ahead(rule: Rule, hours: float | None, one_pass: float) -> int:
    """How many passes a calibration that has not begun will take, the baseline's included."""
    plan = rule if hours is None else affordable(rule, "callable", FOLDS, one_pass, hours)
    return len(plan.to_measure("callable", ()))


def said_of_baseline(notes: Mapping[str, Json]) -> list[str]:
    """What a baseline's record decides of its calibration, in words."""
    lines = []
    if stored := notes.get("stored"):
        run = f"run {stored['run']}, experiment {stored['experiment']}"
        lines.append(
            f"the scores that {run} measured of this tree are not used: {stored['differs']}"
            if "differs" in stored
            else f"calibration is taken over from {run}, on this device: it agrees with the baseline"
        )
    if plan := notes.get("calibration"):
        passes = plan["instead_of"] - plan.get("taken_over", 0)
        share = passes * plan["pass_seconds"] / (plan["hours"] * 3600)
        lines.append(
            f"calibration shrunk from {plan['instead_of']} to {plan['passes']} passes: it would take "
            f"{share:.0%} of {plan['hours']:g} h"
        )
    return lines


def clock(moment: float, now: float) -> str:
    """The time of day, with the weekday where it is not today's, and seconds when it is near."""
    local = time.localtime(moment)
    seconds = ":%S" if moment - now < 600 else ""
    day = "" if local[:3] == time.localtime(now)[:3] else "%a "
    return time.strftime(f"{day}%H:%M{seconds}", local)


def duration(seconds: float) -> str:
    """``12 s``, ``2 min`` or ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1g} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
