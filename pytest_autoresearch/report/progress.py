"""Where a running search stands: `status.json` for machines, one line for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..records import Json
from .costs import of_cap, usd
from .files import write_atomically
from .text import human, one_line


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a search stands now.

    ``experiment`` is what stands in the item's brackets, ``phase`` a word such as ``proposing`` or
    ``evaluating``, empty between items. Times are ISO 8601; ``hours_left`` is ``None`` without a
    deadline. ``cost_usd`` and ``tokens`` are what the run's agents cost so far, ``projected_usd`` what they
    will have cost at the end, as things go, ``None`` where no end is known. ``waiting`` is the share of the
    time in which the search waited for agents. ``stuck`` says how it gets nowhere: ``level`` (1 to 3),
    ``kind``, ``what``, ``since`` (an experiment's number), ``experiments``, ``cost_usd``, ``seconds``,
    ``theme`` and ``agent``; ``needs_person`` that a person has to look.
    """

    run: str
    objective: str
    metric: str = ""
    experiment: str = ""
    phase: str = ""
    kept: int = 0
    tried: int = 0
    baseline: float | None = None
    champion: float | None = None
    started: str = ""
    updated: str = ""
    hours_left: float | None = None
    cost_usd: float = 0.0
    tokens: int = 0
    cap_usd: float | None = None
    projected_usd: float | None = None
    waiting: float | None = None
    needs_person: bool = False
    stuck: Mapping[str, Json] | None = None


def write_status(path: Path, progress: Progress) -> None:
    """Write ``progress`` as JSON; numbers that JSON cannot hold become null."""
    values = {key: _finite(value) for key, value in asdict(progress).items()}
    write_atomically(path, json.dumps(values, indent=1, allow_nan=False) + "\n")


def status_line(progress: Progress) -> str:
    """``autoresearch: 0012 evaluating, 3 kept of 11 tried, auc 0.83 (baseline 0.81), 5.2 h left``."""
    doing = f"{progress.experiment} {progress.phase}".strip()
    parts = [
        doing,
        f"{progress.kept} kept of {progress.tried} tried",
        _scores(progress),
        _left(progress.hours_left),
        _spent(progress),
        "needs a person" * progress.needs_person,
    ]
    return "autoresearch: " + one_line(", ".join(part for part in parts if part))


def _scores(progress: Progress) -> str:
    if progress.champion is None:
        return ""
    best = f"{progress.metric} {human(progress.champion)}".strip()
    moved = progress.baseline is not None and progress.baseline != progress.champion
    return f"{best} (baseline {human(progress.baseline)})" if moved else best


def _spent(progress: Progress) -> str:
    """``0.42 of 10 USD, 3.10 by the end``; empty for agents that cost nothing."""
    if not progress.cost_usd:
        return ""
    spent = of_cap(progress.cost_usd, progress.cap_usd)
    end = progress.projected_usd
    return spent if end is None else f"{spent}, {usd(end)} by the end"


def _left(hours: float | None) -> str:
    if hours is None:
        return ""
    seconds = max(0.0, hours * 3600)
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h left"
    return f"{seconds / 60:.0f} min left" if seconds >= 90 else f"{seconds:.0f} s left"


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
