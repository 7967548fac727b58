"""`--autoresearch-show`: looks at runs, also at one that a search is writing to."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from ..exceptions import AutoresearchError, UsageProblem
from ..history.finding import RunInfo, find
from ..history.refs import by_run
from ..history.repository import Repository
from ..history.view import View
from ..options import runs_folder
from ..records import Record, Summary, concluded
from ..report import show
from ..report.unnumbered import Unnumbered, item_page
from ..search.keep import Rule
from ..search.looking import looks_in
from ..search.standing import Standing
from ..search.stuck import stuck
from . import written
from .derived import tolerated, write_reports, write_table
from .lookout import attention, spending_in
from .past import UNKNOWN
from .summing import summary_of

RUNNING = "not yet, a search is on"
KILLED = "its session was killed"


def show_runs(config: pytest.Config, what: str) -> int:
    """Print what was asked for, ``""``, ``RUN``, ``RUN:N`` or ``RUN:ITEM``; raises `pytest.UsageError`."""
    try:
        repository = Repository.discover(config.rootpath)
        lines = _page(repository, runs_folder(config), what)
    except (UsageProblem, AutoresearchError) as problem:
        raise pytest.UsageError(str(problem)) from None
    with suppress(BrokenPipeError):
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    return int(pytest.ExitCode.OK)


def _page(repository: Repository, parent: Path, what: str) -> list[str]:
    if not what:
        refs = by_run(repository)
        runs = [
            _line(repository, parent, info, refs.get(info.name, {}))
            for info in find(repository, parent)
        ]
        return show.runs_page(runs, str(parent))
    name, item = _asked(repository, parent, what)
    view = View(repository, parent, name)
    if item is not None:
        return _shown(repository, view, item)
    summary = _summary(view)
    warnings = [] if view.is_running else _derive(repository, view, summary)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    return [*show.run_page(summary, width), *warnings]


def _derive(repository: Repository, view: View, summary: Summary) -> list[str]:
    """Make the derived files anew, in a folder of their own where only the refs are left."""
    warnings: list[str] = []
    with tolerated("a file", warnings):
        Path(summary.folder).mkdir(parents=True, exist_ok=True)
        write_table(summary, warnings)
        sizes = written.changes(repository, summary.records)
        write_reports(summary, warnings, written.latest(view.lines), sizes)
    return warnings


def _asked(repository: Repository, parent: Path, what: str) -> tuple[str, str | None]:
    """The run's name and what stands behind the colon; a run that does not exist is a usage error."""
    name, colon, item = what.partition(":")
    known = [info.name for info in find(repository, parent)]
    if name not in known:
        raise UsageProblem(
            f"--autoresearch-show={what}: there is no run called {name!r} in {parent} or its refs; "
            f"there are: {', '.join(known) or 'none'}. Write --autoresearch-show=RUN or =RUN:N"
        )
    return name, item if colon else None


def _line(
    repository: Repository, parent: Path, info: RunInfo, refs: Mapping[str, str]
) -> show.RunLine:
    if info.problem:
        return show.RunLine(info.name, f"unreadable: {info.problem}", info.objective)
    view = View(repository, parent, info.name, refs)
    try:
        summary = _summary(view)
    except (*UNKNOWN, UsageProblem) as error:
        problem = f"unreadable: {type(error).__name__}: {error}"
        return show.RunLine(info.name, problem, info.objective)
    state = "running" if view.is_running else "finished" if view.is_finished else "unfinished"
    return show.RunLine(
        name=info.name,
        state=state,
        objective=summary.objective,
        tried=summary.tried,
        kept=summary.kept,
        scores=show.scores(summary.baseline, summary.champion, summary.metric),
        started=info.started,
    )


def _summary(view: View) -> Summary:
    objective = view.header["objective"]
    standing = Standing(Rule.from_json(view.header["rule"]), view)
    return summary_of(
        view,
        standing,
        objective=objective["name"],
        metric=objective["metric"],
        direction=objective["direction"],
        isolation=view.header["isolation"],
        ended=RUNNING if view.is_running else view.ended or KILLED,
        # While agents run nothing is written that holds what the vault says.
        looks=() if view.is_running else looks_in(view.vault, objective["direction"]),
        spending=spending_in(view.lines, view.records),
        attention=attention(stuck(standing.records)),
    )


def _shown(repository: Repository, view: View, item: str) -> list[str]:
    """The page of an experiment, by its number or an item of it, or of another item by its name."""
    if item.isdecimal():
        return _experiment(repository, view, int(item))
    named = (one for one in view.records if one.item == item)
    own = min(named, key=lambda one: bool(one.stage), default=None)
    if own is None:
        raise UsageProblem(
            f"--autoresearch-show={view.name}:{item}: {item!r} is neither an experiment's number nor an item "
            f"of the run that has ended; --autoresearch-show={view.name} lists them"
        )
    if own.experiment is not None:
        return _experiment(repository, view, own.experiment)
    return item_page(Unnumbered(own, _handed_in(view, item), _words(view, item)))


def _handed_in(view: View, item: str) -> str:
    """The code of an analysis, or a proposal's patch, as the item was opened."""
    own = (one for one in reversed(view.lines) if one["kind"] == "opened" and one["item"] == item)
    line = next(own, {})
    asked, proposed = line.get("analysis") or {}, line.get("proposal") or {}
    return str(asked.get("code") or proposed.get("patch") or "")


def _words(view: View, item: str) -> str:
    """The folder with every word to and from the agent, if it is there."""
    folder = view.folder / "agents" / item
    return str(folder) if folder.is_dir() else ""


def _experiment(repository: Repository, view: View, number: int) -> list[str]:
    mine = [record for record in view.records if record.experiment == number]
    concluding = concluded(mine)
    own = next((record for record in concluding if record.item == f"{number:04d}"), None)
    if own is None:
        raise _nothing_to_show(view, number)
    detail = show.Detail(
        record=own,
        again=[record for record in mine if record.stage or record.item != own.item],
        diff=_diff(repository, view, own),
        words=_words(view, own.item),
    )
    return show.experiment_page(detail, view.header["objective"]["metric"])


def _nothing_to_show(view: View, number: int) -> UsageProblem:
    if any(one.number == number for one in view.under_way):
        return UsageProblem(f"experiment {number} of run {view.name} is under way: ask again later")
    return UsageProblem(
        f"run {view.name} has no experiment {number}: it has 0 to {view.next_number - 1}"
    )


def _diff(repository: Repository, view: View, record: Record) -> str:
    """What the patch changed; of a refused one, the patch as it was proposed."""
    assert record.experiment is not None
    changed = _unless_gone(lambda: repository.patch(record.base, record.commit or record.tree))
    return changed or view.proposal_patch(record.experiment)


def _unless_gone(made: Callable[[], str]) -> str:
    """Empty when git has lost an object: the journal may outlive a repository's history."""
    try:
        return made()
    except (AutoresearchError, KeyError, ValueError):
        return ""
