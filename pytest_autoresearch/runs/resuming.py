"""Which run a session goes on with, and whether it may."""

from __future__ import annotations

import shlex
from datetime import date

from ..exceptions import UsageProblem
from ..frozen.manifest import require_unchanged, watched
from ..frozen.packages import require_same_versions
from ..history.champion import path_of
from ..history.finding import RunInfo, find
from ..history.repository import Repository
from ..history.run import Run
from ..history.view import View
from ..options import Settings
from ..project import Files
from ..records import MOST_LOOKS, Objective
from ..regression.conditions import blob
from ..search.keep import STRICTNESS, Rule
from ..search.looking import champions_in, look_is_due


def rule_of(settings: Settings) -> Rule:
    """The keep rule that was asked for."""
    return Rule(z_keep=STRICTNESS[settings.strictness], min_effect=settings.min_effect)


def choose(
    settings: Settings, objective: Objective, repository: Repository, *, vault: bool
) -> tuple[str, bool]:
    """The run's name, and whether it exists; ``vault`` says whether the objective has one."""
    runs = {run.name: run for run in find(repository, settings.dir)}
    if settings.run:
        known = runs.get(settings.run)
        if known is None:
            return settings.run, False
        _refuse_unreadable(known)
        if known.nodeid != objective.nodeid:
            raise UsageProblem(
                f"run {known.name} belongs to {known.nodeid}, not to {objective.nodeid}: "
                "choose another --autoresearch-run"
            )
        if not (vault and _owes_a_look(repository, settings, known.name)):
            _refuse_done(known, settings)
        return settings.run, True
    mine = [
        run
        for run in runs.values()
        if _goes_on(run, objective, repository.head)
        and not (settings.experiments == 0 and run.base != repository.head)
        and not _unrecorded(run, objective, repository)
    ]
    if mine:
        latest = max(mine, key=lambda run: run.started)
        _refuse_unreadable(latest)
        if not (vault and _owes_a_look(repository, settings, latest.name)):
            _refuse_done(latest, settings)
        return latest.name, True
    plain = f"{objective.name.strip('_') or 'run'}-{date.today().isoformat()}"
    names = (plain, *(f"{plain}-{n}" for n in range(2, len(runs) + 3)))
    return next(name for name in names if name not in runs), False


def _goes_on(run: RunInfo, objective: Objective, head: str) -> bool:
    """Whether a session without a name goes on with the run.

    Without a good baseline a run holds nothing, and its base is what was wrong: once a person has
    committed something better, a new run begins.
    """
    unfinished = run.nodeid == objective.nodeid and not run.finished
    return unfinished and (run.measured or run.base == head or bool(run.problem))


def _unrecorded(run: RunInfo, objective: Objective, repository: Repository) -> bool:
    """Whether a run without experiments lacks the champion record that HEAD has meanwhile.

    What it kept could not be merged: two records would have been added.
    """
    if run.tried or run.base == repository.head or not repository.has(run.base):
        return False
    path = path_of(objective)
    return repository.files(run.base, [path]) != repository.files(repository.head, [path])


def _owes_a_look(repository: Repository, settings: Settings, name: str) -> bool:
    """Whether a run has a champion that the vault was not shown, for lack of time or by a failure."""
    view = View(repository, settings.dir, name)
    return (
        look_is_due(view.vault, view.champion_number) and len(champions_in(view.vault)) < MOST_LOOKS
    )


def _refuse_unreadable(run: RunInfo) -> None:
    """A run whose journal is damaged can be gone on with by nobody; other runs are not concerned."""
    if run.problem:
        raise UsageProblem(run.problem)


def _refuse_done(run: RunInfo, settings: Settings) -> None:
    """A run that has as many experiments as are asked for has nothing to do."""
    asked = settings.experiments
    if run.finished and (asked or 0) <= run.tried:
        raise UsageProblem(
            f"run {run.name} is finished after {run.tried} experiments: ask for more with "
            f"--autoresearch-experiments {run.tried + 10}, or start another --autoresearch-run"
        )
    if asked and asked <= run.tried:
        raise UsageProblem(
            f"--autoresearch-experiments {asked}: run {run.name} has {run.tried} already: ask for more, "
            f"--autoresearch-experiments {run.tried + 10}, or start another --autoresearch-run"
        )


def check_resumable(
    run: Run, settings: Settings, objective: Objective, repository: Repository, files: Files
) -> None:
    """Raise `UsageProblem` unless a run's conditions are those that it started with."""
    ways = f"or start a new run with --autoresearch-run {objective.name}-new"
    if repository.contains(repository.head, run.base) is False:
        raise UsageProblem(
            f"run {run.name} started at {run.base[:7]}, which HEAD ({repository.head[:7]}) does not "
            f"contain: check out a branch that does, {ways}"
        )
    _same_evaluation(run, frozen_blobs(repository, files), ways)
    require_same_versions(run.name, run.header.get("packages", {}), ways)
    require_unchanged(run.name, watched(run.journal.lines, repository.root), ways)
    _same_budget(run, objective, ways)
    _same(run, "isolation", settings.isolation, ways)
    _same(run, "strictness", settings.strictness, ways)
    if Rule.from_json(run.header["rule"]) != rule_of(settings):
        raise UsageProblem(
            f"run {run.name}: autoresearch_min_effect was {run.header['rule']['min_effect']}, is "
            f"{settings.min_effect}: the keep rule is frozen for a run; set it back, {ways}"
        )


def _same_evaluation(run: Run, now: dict[str, str], ways: str) -> None:
    """The test, every conftest.py and what they import have to be what the run's scores came from."""
    then = run.header.get("frozen", {})
    changed = [path for path in then if now.get(path) != then[path]]
    new = [path for path in now if path not in then]
    if changed:
        raise UsageProblem(
            f"run {run.name}: the evaluation has changed since it started: {', '.join(changed)}; "
            f"restore with `git checkout {run.base[:7]} -- {shlex.join(changed)}`, {ways}"
        )
    if new:
        raise UsageProblem(
            f"run {run.name}: the evaluation has changed since it started: {', '.join(new)} is new; "
            f"remove it with `git rm {shlex.join(new)}`, {ways}"
        )


def _same_budget(run: Run, objective: Objective, ways: str) -> None:
    """All scores of a run were made under one budget."""
    then = run.header["objective"]["budget"]
    if then != objective.budget:
        raise UsageProblem(
            f"run {run.name}: the budget of a pass was {then:g} s, is {objective.budget:g} s (the timeout "
            "of pytest-timeout): scores are compared under one budget; set the timeout back to "
            f"{then:g}, {ways}"
        )


def _same(run: Run, name: str, value: str, ways: str) -> None:
    if run.header.get(name) != value:
        raise UsageProblem(
            f"run {run.name} was started with --autoresearch-{name} {run.header.get(name)}, this "
            f"session asks for {value}: a run never changes it; ask for the same, {ways}"
        )


def frozen_blobs(repository: Repository, files: Files) -> dict[str, str]:
    """git's name of the content of each file of the evaluation: at HEAD, or as it lies there ignored."""
    tracked = repository.tracked(repository.head)
    ignored = [path for path in files.sources.files if path not in tracked]
    return {path: tracked[path] for path in files.evaluation if path in tracked} | {
        path: blob((repository.root / path).read_bytes()) for path in ignored
    }
