"""Makes champion records: for the commits of a search, and for the file beside the test."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..exceptions import HarnessFault
from ..history.champion import LARGEST, Champion, decode, encode, path_of
from ..project import Project
from ..records import Fingerprint, Json, Objective, Pass, Record
from ..report.files import write_atomically
from ..search.loop import Search
from ..search.regression import Level, baseline_level, winner_level
from .conditions import conditions
from .unrecorded import command


@dataclass(frozen=True)
class Certificates:
    """The champion records of one search; ``data`` are digests by name of the sandbox's data."""

    search: Search
    project: Project
    data: Mapping[str, str]

    def of_winner(self, record: Record) -> dict[str, Json]:
        """The record of an experiment that is about to be kept, for its line in the journal."""
        level = winner_level(self.search, record)
        return self._made(level, record, record.passes).to_json()

    def of_base(self) -> Champion | None:
        """The record of the untouched project; ``None`` before it is measured as often as planned."""
        search, baseline = self.search, self.search.baseline
        passes = search.passes_of(0)
        if baseline is None or search.rule.to_measure(baseline.folds, passes):
            return None
        tree = self.project.tree_of(search.history.base)
        return self._made(baseline_level(search), replace(baseline, tree=tree), passes)

    def _made(self, level: Level, record: Record, passes: Sequence[Pass]) -> Champion:
        project, objective = self.project, self.project.objective
        return Champion(
            objective=objective.name,
            metric=objective.metric,
            direction=objective.direction,
            score=level.score,
            noise=level.noise,
            passes=tuple(passes),
            seconds=round(record.seconds / max(1, len(record.passes)), 3),
            conditions=conditions(
                objective,
                project.repository.root,
                project.files.evaluation,
                project.visible(record.tree),
                isolation=self.search.isolation,
                data=self.data,
            ),
        )


def publish(search: Search, project: Project, header: Mapping[str, Json]) -> str:
    """Write the untouched project's record beside the test, in one step; returns a line about it.

    ``header`` is the journal's first line. The line is empty before the project has been measured as
    often as planned. Raises `HarnessFault` when the record cannot be written.
    """
    champion = Certificates(search, project, header.get("data", {})).of_base()
    if champion is None:
        return ""
    _require_same_machine(champion.conditions.fingerprint, header)
    path = path_of(project.objective)
    try:
        write_atomically(project.repository.root / path, encode(champion.to_json()))
    except OSError as error:
        raise HarnessFault(f"the champion record {path} cannot be written: {error}") from error
    return (
        f"champion record written to {path} ({champion.metric} {champion.score:.4g}, noise "
        f"{champion.noise:.2g}): commit it, and plain pytest fails when the score gets worse"
    )


def _require_same_machine(here: Fingerprint, header: Mapping[str, Json]) -> None:
    """A run that was measured on one machine says nothing of another one that goes on with it."""
    then = header.get("conditions", {}).get("fingerprint", {})
    was, now = (then.get("device"), then.get("gpu")), (here.device, here.gpu)
    if then and was != now:
        raise HarnessFault(
            f"no champion record is written: run {header['name']} was measured on {' '.join(was)}, this "
            f"is {' '.join(now)}: measure here with --autoresearch-run {header['name']}-here"
        )


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe in its place is empty, where nobody writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def read(objective: Objective, root: Path) -> Champion | None:
    """The record beside the test; raises `UsageProblem` when it cannot be read."""
    path = path_of(objective)
    try:
        with open(root / path, "rb", opener=_without_waiting) as file:
            content = file.read(LARGEST + 1) or b""
    except FileNotFoundError:
        return None
    except OSError:
        content = b""
    return decode(content, path, command(objective.nodeid))
