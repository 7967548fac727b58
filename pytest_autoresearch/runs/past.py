"""Earlier runs of the same objective: what they found out, and what of it HEAD lacks."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from ..exceptions import AutoresearchError, UsageProblem
from ..frozen.manifest import watched
from ..history.finding import find
from ..history.refs import by_run
from ..history.repository import Repository
from ..history.view import View
from ..project import Project
from ..records import Json, Objective, concluded
from ..regression.champion import read
from ..report.text import human
from ..search.earlier import MOST, Earlier, EarlierRun
from ..search.keep import Rule
from ..search.looking import champions_in
from ..search.standing import Standing
from .planning import Times, times_of, worst_case

EVALUATION = ("budget", "files", "arguments", "data")
"""What has to be equal for scores of two runs to be comparable."""
MACHINE = ("device", "gpu", "packages")
"""What of a fingerprint has to be equal, too, for scores to stand for new ones."""

UNKNOWN = (LookupError, TypeError, ValueError, AttributeError)
"""What is raised where a journal holds something else than this version writes."""


class Past:
    """The readable earlier runs of an objective, oldest first; ``current`` is not among them.

    One that holds something else than this version writes is passed over: it blocks no search.
    """

    def __init__(self, repository: Repository, parent: Path, nodeid: str, current: str) -> None:
        self._repository = repository
        self.views: list[View] = []
        refs = by_run(repository)
        for info in find(repository, parent):
            if info.nodeid == nodeid and info.name != current and not info.problem:
                try:
                    self.views.append(View(repository, parent, info.name, refs.get(info.name, {})))
                except AutoresearchError:
                    continue  # it changed while it was read: another search may have begun it

    def earlier(self, header: Mapping[str, Json], project: Project) -> Earlier:
        """What runs of the same evaluation found out, for the run whose journal begins so."""
        runs: list[EarlierRun] = []
        count = 0
        for view in reversed(self.views):
            if count >= MOST:
                break
            with suppress(*UNKNOWN):
                if not _same_evaluation(view.header, header) or self._reads_others(view):
                    continue
                run = EarlierRun(
                    view.name,
                    Rule.from_json(view.header["rule"]),
                    concluded(view.records),
                    _same_machine(view.header, header),
                )
                runs.append(run)
                count += len(run.experiments)
        sight = Sight(project)
        return Earlier(runs[::-1], Rule.from_json(header["rule"]), sight.of)

    def _reads_others(self, view: View) -> bool:
        """Whether files that the run's fixtures have read hold something else by now."""
        return any(file.changed for file in watched(view.lines, self._repository.root))

    def times(self, objective: Objective, root: Path) -> Times:
        """How long things take, by the latest run that knows, the champion record, or the budget."""
        for view in reversed(self.views):
            with suppress(*UNKNOWN):
                if times := times_of(view.records, f"the times of run {view.name}"):
                    return times
        with suppress(UsageProblem):
            if record := read(objective, root):
                return Times(record.seconds, record.seconds, "the champion record's times")
        return worst_case(objective)

    @property
    def looks(self) -> int:
        """How often earlier runs have opened the objective's vault."""
        count = 0
        for view in self.views:
            with suppress(UsageProblem, *UNKNOWN):
                count += len(champions_in(view.vault))
        return count

    def unmerged(self, project: Project) -> str:
        """What to do about the latest winners of earlier runs, when HEAD lacks them; else empty."""
        for view in reversed(self.views):
            with suppress(*UNKNOWN):
                standing = Standing(Rule.from_json(view.header["rule"]), view)
                if standing.kept:
                    return "" if self._contained(view, project) else _to_merge(view, standing)
        return ""

    def _contained(self, view: View, project: Project) -> bool:
        """Whether HEAD has the champion: its commit, or the very same files."""
        head = self._repository.head
        if self._repository.contains(head, view.champion) is not False:
            return True
        sight = Sight(project)
        return sight.of(head) == sight.of(view.champion)


def _to_merge(view: View, standing: Standing) -> str:
    kept, metric = len(standing.kept), view.header["objective"]["metric"]
    them = "it" if kept == 1 else "them"
    return (
        f"run {view.name} kept {kept} ({metric} {human(standing.champion_score)}); HEAD does not "
        f"contain {them}: `git merge {shlex.quote(view.branch)}`, or search on from here"
    )


class Sight:
    """Names what candidate code sees of a tree: equal for trees that differ elsewhere only."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, tree: str) -> str:
        """The name; empty when git has the tree no more."""
        try:
            blobs = sorted(self._blobs(tree).items())
        except (AutoresearchError, KeyError, ValueError):
            return ""
        return blake2b(repr(blobs).encode(), digest_size=16).hexdigest()

    def _blobs(self, tree: str) -> dict[str, str]:
        project, repository = self._project, self._project.repository
        # Only what differs from HEAD is looked at: a large repository is not walked for each tree.
        new = filter(project.editable.reaches, repository.changes(repository.head, tree))
        return repository.blobs(tree, {*project.files.visible, *new})


def _same_evaluation(then: Mapping[str, Json], now: Mapping[str, Json]) -> bool:
    """Whether scores of two runs are comparable; a run of a version that did not say is not."""
    was, here = then.get("conditions"), now.get("conditions")
    if not was or not here:
        return False
    return all(was.get(name) == here.get(name) for name in EVALUATION)


def _same_machine(then: Mapping[str, Json], now: Mapping[str, Json]) -> bool:
    was, here = then["conditions"], now["conditions"]
    if was.get("isolation") != here.get("isolation"):
        return False
    pairs = [(was["fingerprint"].get(name), here["fingerprint"].get(name)) for name in MACHINE]
    return all(one == other for one, other in pairs)
