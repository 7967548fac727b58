"""Opens a search: checks the repository, finds or makes the run, and says what is planned."""

from __future__ import annotations

import secrets
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .evaluator import Bench
from .exceptions import UsageProblem
from .history.repository import Repository
from .history.run import Run, find
from .marks import objective as read_objective
from .options import Settings
from .project import Files, Project, files_of, import_roots
from .records import Json, Objective, Status
from .report import terminal
from .sandbox import discard
from .search.keep import STRICTNESS, Rule
from .search.loop import Search
from .selection import Selected
from .session import Session

if TYPE_CHECKING:
    from .agents.protocol import Agent


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
        run = Run.resume(repository, folder, name)
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
    return Run.create(repository, folder, name, objective, repository.head, header)


def _rule(settings: Settings) -> Rule:
    return Rule(z_keep=STRICTNESS[settings.strictness], min_effect=settings.min_effect)


def _choose(settings: Settings, objective: Objective, repository: Repository) -> tuple[str, bool]:
    """The run's name, and whether it exists."""
    runs = {run.name: run for run in find(repository, settings.dir)}
    if settings.run:
        known = runs.get(settings.run)
        if known is None:
            return settings.run, False
        if known.nodeid != objective.nodeid:
            raise UsageProblem(
                f"run {known.name} belongs to {known.nodeid}, not to {objective.nodeid}: "
                "choose another --autoresearch-run"
            )
        if known.finished and (settings.experiments or 0) <= known.tried:
            raise UsageProblem(
                f"run {known.name} is finished after {known.tried} experiments: ask for more with "
                f"--autoresearch-experiments {known.tried + 10}, or start another --autoresearch-run"
            )
        return settings.run, True
    mine = [run for run in runs.values() if run.nodeid == objective.nodeid and not run.finished]
    if mine:
        return max(mine, key=lambda run: run.started).name, True
    plain = f"{objective.name}-{date.today().isoformat()}"
    names = (plain, *(f"{plain}-{n}" for n in range(2, len(runs) + 3)))
    return next(name for name in names if name not in runs), False


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
    changed = [
        path
        for path, blob in run.header.get("frozen", {}).items()
        if repository.tracked(repository.head).get(path) != blob
    ]
    if changed:
        raise UsageProblem(
            f"run {run.name}: the evaluation has changed since it started: {', '.join(changed)}; "
            f"restore with `git checkout {run.base[:7]} -- {' '.join(changed)}`, {ways}"
        )
    _same(run, "isolation", settings.isolation, ways)
    _same(run, "strictness", settings.strictness, ways)
    if run.header["rule"] != _rule(settings).to_json():
        raise UsageProblem(
            f"run {run.name}: autoresearch_min_effect was {run.header['rule']['min_effect']}, is "
            f"{settings.min_effect}: the keep rule is frozen for a run; set it back, {ways}"
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
    repository = Repository.discover(config.rootpath)
    objective = read_objective(selected.item, selected.mark, repository.root)
    files = files_of(objective, repository.tracked(repository.head), repository.root)
    clean_or_refuse(repository, files)
    protocol = protocol_of(settings, selected.item.path.parent, config.rootpath)
    agent = _agent(config, settings)
    project = Project(repository, objective, files, protocol)
    run = open_run(settings, objective, repository, files)
    held = _held(run)
    sweep(run)
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
        isolation=settings.isolation,
        seed=int(run.header["seed"]),
        limit=settings.experiments,
    )
    session = Session(settings, objective, project, run, search, bench, deadline)
    notes = [*run.warnings, _base_and_rule(run, search.rule)]
    return session, terminal.plan(objective, run.name, run.branch, resumed=held, notes=notes)


def _agent(config: pytest.Config, settings: Settings) -> Agent:
    """The agent that was asked for, trusted or allowed to commit without isolation."""
    name = settings.agents[0]
    agent: Agent | None = config.hook.pytest_autoresearch_make_agent(config=config, spec=name)
    if agent is None:
        raise UsageProblem(
            f"--autoresearch-agent {name}: nobody offers it; this version has tune and replay:DIR, a "
            "plugin or conftest.py adds others by the hook pytest_autoresearch_make_agent"
        )
    trusted = name == "tune" or name.startswith("replay:")
    if not trusted and not settings.allow_untrusted:
        raise UsageProblem(
            f"--autoresearch-agent {name}: in isolation none only tune and replay may commit; type "
            "--autoresearch-allow-untrusted if you trust what this agent writes"
        )
    return agent


def sweep(run: Run) -> None:
    """Remove what killed sessions left in the system's temporary folder."""
    for line in run.journal.lines:
        scratch = Path(str(line.get("scratch", "")))
        if scratch.name.startswith("autoresearch-") and scratch.is_dir():
            discard(scratch)


def _held(run: Run) -> str:
    """What a run already holds, empty for a new one."""
    if not run.records:
        return ""
    kept = sum(record.status is Status.KEPT for record in run.records)
    return f"{max(0, run.next_number - 1)} experiments, {kept} kept"


def _base_and_rule(run: Run, rule: Rule) -> str:
    return (
        f"base {run.base[:7]}; kept when the mean lead is {rule.z_keep:g} standard errors of the noise, "
        "on at least two splits or seeds"
    )


def root_of(config: pytest.Config) -> Path:
    """The repository's root, or rootdir where there is none."""
    try:
        return Repository.discover(config.rootpath).root
    except UsageProblem:
        return config.rootpath
