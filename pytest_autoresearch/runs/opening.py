"""Opens a search: checks the repository, finds or makes the run, and says what is planned."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from ..agents.office import Office
from ..agents.purse import SPENT
from ..datasets import Door, doors_of, require_same
from ..evaluator import Bench
from ..exceptions import UsageProblem
from ..frozen import Frozen
from ..frozen.apart import refuse_loaded
from ..frozen.observer import Observer
from ..frozen.packages import versions
from ..history.ledger import Ledger
from ..history.refs import by_run
from ..history.repository import Repository
from ..history.run import Run
from ..history.view import View
from ..marks import objective as read_objective
from ..options import Settings
from ..project import Files, Project, files_of, import_roots, root_of
from ..readings import Readings
from ..records import MOST_LOOKS, Experiment, Json, Objective, Record, Status
from ..regression.champion import Certificates
from ..regression.conditions import conditions
from ..report import terminal
from ..report.text import count
from ..sandbox.inside.confine import NONE
from ..sandbox.libraries import imports
from ..sandbox.walls.tiers import Tier, opened, require_doors
from ..scratch import sweep
from ..search.keep import Rule
from ..search.looking import Vault
from ..search.loop import Search
from ..search.power import said_of_noise
from ..selection import Selected, Stages, stage_of
from ..signals import shielded
from .hiring import Hiring, hired, isolation_text, said_of
from .past import Past
from .planning import Plan, Times, closing_seconds, passes_ahead, times_of, worst_case
from .resuming import check_resumable, choose, frozen_blobs, rule_of
from .session import Session
from .trial import Trial

PACKAGE = Path(__file__).parent.parent
"""Where the packaged protocol lies; in a clone it lies above, where people look for it."""


class ShieldedRun(Run):
    """A run that a signal never catches in the middle of a line or between a line and its ref."""

    def note(self, kind: str, **fields: Json) -> None:
        """See `Run.note`."""
        with shielded():
            super().note(kind, **fields)

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
    dirty = repository.dirty((*files.visible, *files.frozen, *_known(repository, files)))
    if dirty:
        raise UsageProblem(
            f"uncommitted changes in {', '.join(dirty)}: commit or stash them, or search in a clean "
            "copy made with `git worktree add ../search`"
        )


def _known(repository: Repository, files: Files) -> list[str]:
    """What the evaluation imports, but for files that git is told to ignore: a generated one, say."""
    tracked = repository.tracked(repository.head)
    others = set(files.sources.files) - set(tracked)
    new = others.intersection(repository.untracked()) if others else set()
    return [path for path in files.sources.files if path in tracked or path in new]


def open_run(settings: Settings, project: Project, doors: list[Door], *, vault: bool) -> Run:
    """The run to go on with, or a new one; the journal's first line freezes its settings."""
    objective, repository, files = project.objective, project.repository, project.files
    name, found = choose(settings, objective, repository, vault=vault)
    folder = settings.dir / name
    if found:
        run = ShieldedRun.resume(repository, folder, name)
        try:
            check_resumable(run, settings, objective, repository, files)
            require_same(run.name, run.header, objective, doors)
        except UsageProblem:
            run.release()
            raise
        return run
    header: dict[str, Json] = {
        "rule": rule_of(settings).to_json(),
        "strictness": settings.strictness,
        "isolation": settings.isolation,
        "seed": secrets.randbits(32),
        "frozen": frozen_blobs(repository, files),
        "packages": _packages(project),
        "data": {door.name: door.digest for door in doors},
    }
    header["conditions"] = _conditions(project, settings.isolation, header.get("data", {}))
    return ShieldedRun.create(repository, folder, name, objective, repository.head, header)


def _conditions(project: Project, isolation: str, data: Mapping[str, str]) -> dict[str, Json]:
    """Under what the run's scores are measured, so that later runs know what they may reuse."""
    repository = project.repository
    found = conditions(
        project.objective,
        repository.root,
        project.files.evaluation,
        project.visible(project.tree_of(repository.head)),
        isolation=isolation,
        data=data,
    )
    return asdict(found)


def _packages(project: Project) -> dict[str, str]:
    """Versions of what the evaluation and the untouched project import."""
    visible = project.visible(project.tree_of(project.repository.head))
    return versions((*project.files.sources.names, *imports(visible)))


def protocol_of(settings: Settings, objective_folder: Path, rootdir: Path) -> Path:
    """The instructions to agents: ini, beside the objective, in rootdir, else the packaged ones."""
    if settings.protocol:
        named = rootdir / settings.protocol
        if not named.is_file():
            raise UsageProblem(f"ini autoresearch_protocol = {settings.protocol!r}: no such file")
        return named
    for folder in (objective_folder, rootdir, PACKAGE, PACKAGE.parent):
        if (folder / "protocol.md").is_file():
            return folder / "protocol.md"
    raise UsageProblem("the packaged protocol.md is missing: reinstall pytest-autoresearch")


def open_session(
    config: pytest.Config,
    settings: Settings,
    selected: Selected,
    stages: Stages,
    deadline: float | None,
    tier: Tier,
    tell: Callable[[Mapping[str, Json]], None] = lambda event: None,
) -> tuple[Session, list[str]]:
    """Check everything, then open the run; nothing is written before all checks have passed.

    ``tell`` brings events to a person. Returns the session and the lines that say what is about to be
    searched.
    """
    repository = Repository.discover(selected.item.path.parent)
    objective = read_objective(selected.item, selected.mark, repository.root)
    tracked = repository.tracked(repository.head)
    files = files_of(objective, tracked, repository.root, selected.item)
    refuse_loaded(objective, files.editable, repository.root)
    clean_or_refuse(repository, files)
    require_doors(tier, objective.limits, objective.nodeid)
    protocol = protocol_of(settings, selected.item.path.parent, config.rootpath)
    reading = _reading(config, settings, repository, objective, files, stages)
    project = Project(repository, objective, files, protocol, reading)
    office = Office(disclose=settings.disclose, closed=project.editable.closed)
    hiring = Hiring(settings, objective, repository.root, office)
    warnings: list[str] = []
    hiring.paid = _paid(settings, objective, repository, stages)
    team = hired(config, hiring, warnings.append)
    full = config.get_verbosity() > 1
    agents_plan = team.prepare(project.opening(), full=full)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    doors = doors_of(objective, reporter and reporter.write_line)
    run = open_run(settings, project, doors, vault=stages.vault is not None)
    held = _held(run)
    run.warnings.extend(warnings)
    past = Past(repository, settings.dir, objective.nodeid, run.name)
    sweep(str(line.get("scratch")) for line in run.journal.lines if line["kind"] == "session")
    roots = import_roots(config, repository.root)
    closing = closing_seconds(len(run.records), settings.hours)
    end = None if deadline is None else deadline - closing
    bench = Bench(objective, repository.root, files.entry, roots, end, tier)
    config.pluginmanager.register(bench, "autoresearch-bench")
    run.begin_session(
        agent=", ".join(settings.agents), scratch=str(bench.folder), cap_usd=team.office.purse.cap
    )
    search = Search(
        objective,
        Rule.from_json(run.header["rule"]),
        run,
        project,
        team,
        agent_name=", ".join(settings.agents),
        isolation=isolation_text(settings, hiring),
        seed=int(run.header["seed"]),
        limit=settings.experiments,
        earlier=past.earlier(run.header, project),
        hours=settings.hours,
        stages=[_staged(objective, one, repository.root) for one in stages.confirm],
    )
    search.certify = Certificates(search, project, run.header.get("data", {})).of_winner
    search.preflight = lambda tree: _preflight(bench, project, run, tree)
    frozen = Frozen(repository.root, files.evaluation, doors=doors)
    reading.used = lambda: frozen.used
    session = Session(
        settings,
        objective,
        project,
        run,
        search,
        bench,
        frozen,
        team,
        end,
        closing,
        hide=hiring.hide,
        tell_person=tell,
    )
    session.trial = Trial(
        lambda: Project(Repository.discover(repository.root), objective, files, protocol),
        lambda: _beside(bench),
        run,
        settings.disclose,
    )
    session.staff()
    if stages.vault is not None:
        tested = _staged(objective, stages.vault, repository.root)
        ledger = Ledger(repository, run.folder, run.name)
        session.vault = Vault(tested, ledger, search, project)
    session.observer = Observer(
        objective,
        repository.root,
        run,
        frozen,
        editable=files.editable,
        known=(*files.evaluation, *files.visible),
        current=lambda: session.current,
    )
    bench.handed = session.observer.handed
    config.pluginmanager.register(session.observer, "autoresearch-observer")
    times = times_of(run.records, "the times of this run") or past.times(objective, repository.root)
    notes = [
        *run.warnings,
        *_elsewhere(run, project),
        *_unhidden(objective, tier),
        *opened(tier, objective.limits),
        *(door.line for door in doors),
        *said_of(team, hiring),
        *agents_plan,
        _base_and_rule(run, search.rule),
        *_said_of_noise(search),
        *_said_of_stages(stages, past.looks),
        past.unmerged(project),
    ]
    notes = [note for note in (*notes, session.plan_line(times)) if note]
    return session, terminal.plan(objective, run.name, run.branch, resumed=held, notes=notes)


def _reading(
    config: pytest.Config,
    settings: Settings,
    repository: Repository,
    objective: Objective,
    files: Files,
    stages: Stages,
) -> Readings:
    """What agents may read beside the project; raises `UsageProblem` for what they may not."""
    frozen = [repository.root / path for path in files.evaluation]
    frozen += [one.item.path for one in stages.all]
    limits = objective.limits
    outside = (*limits.hidden, *limits.data.values())
    frozen += [repository.root / os.path.expandvars(os.path.expanduser(path)) for path in outside]
    found = Readings(settings.reading, config.rootpath, [*frozen, settings.dir])
    found.require()
    return found


def _staged(objective: Objective, selected: Selected, root: Path) -> Objective:
    """The objective of a stage's test; the node id's path and function say which file and test."""
    found = read_objective(selected.item, selected.mark, root)
    return replace(found, name=stage_of(selected))


def _said_of_noise(search: Search) -> list[str]:
    """What a run that goes on has measured of its noise; nothing before its calibration is done."""
    if search.baseline is None or search.lacking():
        return []
    return said_of_noise(search.rule, search.reference(), search.objective.metric)


def _said_of_stages(stages: Stages, looks: int) -> list[str]:
    """What a win has to pass, and when the vault is opened, which earlier runs may have done, too."""
    lines = []
    if stages.confirm:
        names = ", then ".join(one.item.name for one in stages.confirm)
        lines.append(f"a win is committed once it holds in {names}")
    if stages.vault is not None:
        lines.append(
            f"the vault {stages.vault.item.name} is opened at the end of a session that kept something, at "
            f"most {MOST_LOOKS} times a run; no agent is told what it says"
        )
        if looks:
            lines.append(
                f"earlier runs have opened the vault {count(looks, 'time')}: the more often, the less it shows"
            )
    return lines


def planned(settings: Settings, selected: Selected, stages: Stages) -> list[str]:
    """The plan of a search that is not started, by the times that an earlier one has left."""
    root, rule = root_of(selected.item), Rule()
    objective = read_objective(selected.item, selected.mark, root)
    with suppress(UsageProblem):
        past = Past(Repository.discover(root), settings.dir, objective.nodeid, "")
        times = past.times(objective, root)
        said = _said_of_stages(stages, past.looks)
        return _planned(settings, objective, rule, times, said)
    said = _said_of_stages(stages, 0)
    return _planned(settings, objective, rule, worst_case(objective), said)


def _planned(
    settings: Settings, objective: Objective, rule: Rule, times: Times, said: Sequence[str]
) -> list[str]:
    hours, closing = settings.hours, closing_seconds(0, settings.hours)
    plan = Plan(
        times,
        passes_ahead(rule, hours, times.one_pass),
        settings.experiments,
        None if hours is None else hours * 3600 - closing,
        closing,
    )
    most = rule.splits * rule.repeats - 1
    win = f"a win takes 2 to {rule.splits} passes and up to {most} more to measure the new champion"
    notes = [plan.line(time.time()), win, *said]
    return terminal.plan(objective, "(none is started)", "autoresearch/NAME", notes=notes)


def _paid(
    settings: Settings, objective: Objective, repository: Repository, stages: Stages
) -> Sequence[Mapping[str, Json]]:
    """What the run to go on with has paid so far: known before the first call, which may be one too many."""
    name, found = choose(settings, objective, repository, vault=stages.vault is not None)
    if not found:
        return ()
    refs = by_run(repository).get(name, {})
    return [one for one in View(repository, settings.dir, name, refs).lines if one["kind"] == SPENT]


def _beside(bench: Bench) -> Bench:
    """A bench for preflights alone; its folder is removed with the other's, after a kill as well."""
    return Bench(
        bench.objective,
        bench.repository,
        bench.entry,
        bench.roots,
        bench.deadline,
        bench.tier,
        apart=True,
        within=bench.folder,
    )


def _preflight(bench: Bench, project: Project, run: Run, tree: str) -> tuple[str, str]:
    """What keeps a tree from being evaluated, and the shape of its code."""
    champion = project.visible(project.tree_of(run.champion))
    found = bench.preflight(project.visible(tree), champion)
    return found.problem, found.shape


def _unhidden(objective: Objective, tier: Tier) -> list[str]:
    """What the marker asks for and tier ``none`` cannot do."""
    if not objective.limits.hidden or tier.name != NONE:
        return []
    return [
        f"not hidden in isolation none, whatever sandbox(hidden=…) says: {', '.join(objective.limits.hidden)}"
    ]


def _held(run: Run) -> str:
    """What a run already holds, empty for a new one."""
    if len(run.journal.lines) == 1:
        return ""
    kept = sum(record.status is Status.KEPT for record in run.records)
    return f"{count(max(0, run.next_number - 1), 'experiment')} done, {kept} kept"


def _elsewhere(run: Run, project: Project) -> list[str]:
    """Whether a run that goes on was begun on another machine, whose scores it goes on with."""
    then = run.header.get("conditions", {}).get("fingerprint", {})
    here = _conditions(project, "", {})["fingerprint"]
    moved = [
        f"{then[name] or 'no GPU'} (here: {here[name] or 'no GPU'})"
        for name in ("device", "gpu")
        if name in then and then[name] != here[name]
    ]
    if not moved:
        return []
    return [
        f"run {run.name} was begun on {', '.join(moved)}: the champion's scores are from there; to have "
        "it measured here, start a new run with --autoresearch-run"
    ]


def _base_and_rule(run: Run, rule: Rule) -> str:
    return (
        f"base {run.base[:7]}; kept when the mean lead is {rule.z_keep:g} standard errors of the noise, "
        "on at least two splits or seeds"
    )
