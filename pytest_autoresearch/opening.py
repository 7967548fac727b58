"""Opens a search: checks the repository, finds or makes the run, and says what is planned."""

from __future__ import annotations

import secrets
import shlex
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .evaluator import Bench
from .exceptions import AutoresearchError, UsageProblem
from .frozen import Frozen
from .history.repository import Repository
from .history.run import Run, RunInfo, find
from .marks import objective as read_objective
from .options import Settings
from .project import Files, Project, files_of, import_roots, root_of
from .records import Experiment, Json, Objective, Record, Status
from .report import terminal
from .report.text import count
from .scratch import sweep
from .search.keep import STRICTNESS, Rule
from .search.loop import Search
from .selection import Selected
from .session import Session
from .signals import shielded

if TYPE_CHECKING:
    from .agents.protocol import Agent


class ShieldedRun(Run):
    """A run that a signal never catches in the middle of a line or between a line and its ref."""

    def opened(self, experiment: Experiment) -> None:
        """See `Run.opened`."""
        with shielded():
            super().opened(experiment)

    def finished(self, experiment: Experiment, record: Record) -> Record:
        """See `Run.finished`."""
        with shielded():
            return super().finished(experiment, record)


def clean_or_refuse(repository: Repository, files: Files) -> None:
    """A search reads these files from the work tree until it ends: they must be committed."""
    dirty = repository.dirty((*files.visible, *files.frozen))
    if dirty:
        raise UsageProblem(
            f"uncommitted changes in {', '.join(dirty)}: commit or stash them, or search in a clean "
            "copy made with `git worktree add ../search`"
        )


def open_run(settings: Settings, objective: Objective, repository: Repository, files: Files) -> Run:
    """The run to go on with, or a new one; the journal's first line freezes its settings."""
    name, found = _choose(settings, objective, repository)
    folder = settings.dir / name
    if found:
        run = ShieldedRun.resume(repository, folder, name)
        try:
            _check_resumable(run, settings, objective, repository, files)
        except UsageProblem:
            run.release()
            raise
        return run
    header: dict[str, Json] = {
        "rule": _rule(settings).to_json(),
        "strictness": settings.strictness,
        "isolation": settings.isolation,
        "seed": secrets.randbits(32),
        "frozen": _frozen_blobs(repository, files),
    }
    return ShieldedRun.create(repository, folder, name, objective, repository.head, header)


def _rule(settings: Settings) -> Rule:
    return Rule(z_keep=STRICTNESS[settings.strictness], min_effect=settings.min_effect)


def _choose(settings: Settings, objective: Objective, repository: Repository) -> tuple[str, bool]:
    """The run's name, and whether it exists."""
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
        _refuse_done(known, settings)
        return settings.run, True
    mine = [run for run in runs.values() if _goes_on(run, objective, repository.head)]
    if mine:
        latest = max(mine, key=lambda run: run.started)
        _refuse_unreadable(latest)
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


def _check_resumable(
    run: Run, settings: Settings, objective: Objective, repository: Repository, files: Files
) -> None:
    """A run goes on only under the conditions that it started with."""
    ways = f"or start a new run with --autoresearch-run {objective.name}-new"
    if repository.contains(repository.head, run.base) is False:
        raise UsageProblem(
            f"run {run.name} started at {run.base[:7]}, which HEAD ({repository.head[:7]}) does not "
            f"contain: check out a branch that does, {ways}"
        )
    _same_evaluation(run, _frozen_blobs(repository, files), ways)
    _same(run, "isolation", settings.isolation, ways)
    _same(run, "strictness", settings.strictness, ways)
    if run.header["rule"] != _rule(settings).to_json():
        raise UsageProblem(
            f"run {run.name}: autoresearch_min_effect was {run.header['rule']['min_effect']}, is "
            f"{settings.min_effect}: the keep rule is frozen for a run; set it back, {ways}"
        )


def _same_evaluation(run: Run, now: dict[str, str], ways: str) -> None:
    """The test and every conftest.py have to be those that the run's scores came from."""
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


def _same(run: Run, name: str, value: str, ways: str) -> None:
    if run.header.get(name) != value:
        raise UsageProblem(
            f"run {run.name} was started with --autoresearch-{name} {run.header.get(name)}, this "
            f"session asks for {value}: a run never changes it; ask for the same, {ways}"
        )


def _frozen_blobs(repository: Repository, files: Files) -> dict[str, str]:
    tracked = repository.tracked(repository.head)
    return {path: tracked[path] for path in files.frozen if path in tracked}


def protocol_of(settings: Settings, objective_folder: Path, rootdir: Path) -> Path:
    """The instructions to agents: ini, beside the objective, in rootdir, else the packaged ones."""
    if settings.protocol:
        named = rootdir / settings.protocol
        if not named.is_file():
            raise UsageProblem(f"ini autoresearch_protocol = {settings.protocol!r}: no such file")
        return named
    for folder in (objective_folder, rootdir, Path(__file__).parent, Path(__file__).parent.parent):
        if (folder / "protocol.md").is_file():
            return folder / "protocol.md"
    raise UsageProblem("the packaged protocol.md is missing: reinstall pytest-autoresearch")


def open_session(
    config: pytest.Config, settings: Settings, selected: Selected, deadline: float | None
) -> tuple[Session, list[str]]:
    """Check everything, then open the run; nothing is written before all checks have passed.

    Returns the session and the lines that say what is about to be searched.
    """
    repository = Repository.discover(selected.item.path.parent)
    objective = read_objective(selected.item, selected.mark, repository.root)
    files = files_of(objective, repository.tracked(repository.head), repository.root)
    clean_or_refuse(repository, files)
    protocol = protocol_of(settings, selected.item.path.parent, config.rootpath)
    agent = _agent(config, settings)
    project = Project(repository, objective, files, protocol)
    run = open_run(settings, objective, repository, files)
    held = _held(run)
    sweep(str(line.get("scratch")) for line in run.journal.lines if line["kind"] == "session")
    roots = import_roots(config, repository.root, files.entry)
    bench = Bench(objective, repository.root, files.entry, roots, deadline)
    config.pluginmanager.register(bench, "autoresearch-bench")
    run.begin_session(agent=settings.agents[0], scratch=str(bench.folder))
    search = Search(
        objective,
        Rule.from_json(run.header["rule"]),
        run,
        project,
        agent,
        agent_name=settings.agents[0],
        isolation=_isolation(settings),
        seed=int(run.header["seed"]),
        limit=settings.experiments,
    )
    frozen = Frozen(repository.root, files.frozen)
    session = Session(settings, objective, project, run, search, bench, frozen, deadline)
    notes = [*run.warnings, _base_and_rule(run, search.rule)]
    return session, terminal.plan(objective, run.name, run.branch, resumed=held, notes=notes)


def _isolation(settings: Settings) -> str:
    """What every record says of the tier, and of a person's leave to do without one."""
    untrusted = settings.allow_untrusted and not _trusted(settings.agents[0])
    return f"{settings.isolation}, untrusted agent" if untrusted else settings.isolation


def _trusted(agent: str) -> bool:
    """Whether an agent writes only what a person's own files hold."""
    return agent == "tune" or agent.startswith("replay:")


def planned(selected: Selected) -> list[str]:
    """The plan of an objective that nothing is known of yet: its budget is the worst case."""
    objective, rule = read_objective(selected.item, selected.mark, root_of(selected.item)), Rule()
    passes = rule.splits * rule.repeats
    worst = passes * objective.budget / 60
    note = (
        f"calibration takes {passes} passes, {worst:.3g} min at the worst (by the budget); a win takes 2 "
        f"to {rule.splits} passes and up to {passes - 1} more to measure the new champion"
    )
    return terminal.plan(objective, "(none is started)", "autoresearch/NAME", notes=[note])


def _agent(config: pytest.Config, settings: Settings) -> Agent:
    """The agent that was asked for, trusted or allowed to commit without isolation."""
    name = settings.agents[0]
    agent = _made(config, name)
    if agent is None:
        raise UsageProblem(
            f"--autoresearch-agent {name}: nobody offers it; this version has tune and replay:DIR, a "
            "plugin or conftest.py adds others by the hook pytest_autoresearch_make_agent"
        )
    if not _trusted(name) and not settings.allow_untrusted:
        raise UsageProblem(
            f"--autoresearch-agent {name}: in isolation none only tune and replay may commit; type "
            "--autoresearch-allow-untrusted if you trust what this agent writes"
        )
    return agent


def _made(config: pytest.Config, name: str) -> Agent | None:
    """What the hook answers; an agent that cannot be made is for a person to mend."""
    try:
        agent: Agent | None = config.hook.pytest_autoresearch_make_agent(config=config, spec=name)
    except AutoresearchError:
        raise
    except Exception as error:
        raise UsageProblem(
            f"--autoresearch-agent {name}: it could not be made: {type(error).__name__}: {error}"
        ) from error
    return agent


def _held(run: Run) -> str:
    """What a run already holds, empty for a new one."""
    if not run.records:
        return ""
    kept = sum(record.status is Status.KEPT for record in run.records)
    return f"{count(max(0, run.next_number - 1), 'experiment')}, {kept} kept"


def _base_and_rule(run: Run, rule: Rule) -> str:
    return (
        f"base {run.base[:7]}; kept when the mean lead is {rule.z_keep:g} standard errors of the noise, "
        "on at least two splits or seeds"
    )
