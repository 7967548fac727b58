"""In what a candidate is simpler than the champion, in words: what keeps one that is only as good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from .records import Experiment, Record, Status
from .report.text import count
from .sandbox.lines import Lines

if TYPE_CHECKING:
    from .project import Project
    from .search.standing import Standing

LESS_MEMORY = 0.1
"""The least share of the champion's peak memory that counts as less."""
LEAST_SAVED = 16.0
"""The least MiB that count as less: the peaks of two runs of the same files differ by a few."""

MEASURED = (Status.BASELINE, Status.MEASURED, Status.KEPT)


def against_champion(
    project: Project, standing: Standing, experiment: Experiment, lines: Lines
) -> Callable[[float], str]:
    """What `objective.Evaluation` asks for by its candidate's peak: `simpler`, against the champion."""

    def compared(peak_mb: float) -> str:
        champion = project.visible(project.tree_of(experiment.base))
        candidate = project.visible(experiment.tree)
        least = least_peak(standing.records, standing.history.champion_number)
        return simpler(champion, candidate, least, peak_mb, lines)

    return compared


def simpler(
    champion: Mapping[str, bytes],
    candidate: Mapping[str, bytes],
    champion_mb: float | None,
    candidate_mb: float | None,
    lines: Lines,
) -> str:
    """``12 fewer lines of code and 18% less peak memory``; empty when neither, or nobody can tell.

    Files are given by path from the repository's root, peaks in MiB.
    """
    found = [_fewer(champion, candidate, lines), _less(champion_mb, candidate_mb)]
    return " and ".join(words for words in found if words)


def least_peak(records: Iterable[Record], number: int) -> float | None:
    """The smallest peak, in MiB, of all measurements of an experiment's tree; None without any."""
    peaks = (
        record.peak_memory_mb
        for record in records
        if record.experiment == number and record.status in MEASURED
    )
    return min((peak for peak in peaks if peak is not None), default=None)


def _fewer(champion: Mapping[str, bytes], candidate: Mapping[str, bytes], lines: Lines) -> str:
    fewer = lines.fewer(champion, candidate)
    return f"{count(fewer, 'fewer line')} of code" if fewer else ""


def _less(champion: float | None, candidate: float | None) -> str:
    if not champion or not candidate:
        return ""
    saved = champion - candidate
    if saved < LEAST_SAVED or saved < LESS_MEMORY * champion:
        return ""
    return f"{saved / champion:.0%} less peak memory"
