"""What was learnt, what to try next, and how to take what was found."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Status
from .. import digest
from ..markdown import escape
from ..terminal import going_on
from ..text import short
from .findings import dead_ends, lessons, near_misses, themes, tried, untried
from .page import Page, about, z

LATE = 0.4
"""Share of the experiments after the last keep from which on a search is called dry."""
OFTEN = 0.25
"""Share of experiments that broke from which on that is worth mending first."""
_BROKEN = (Status.CRASH, Status.TIMEOUT, Status.OOM, Status.REFUSED, Status.AUDIT)


def learnt(page: Page) -> list[str]:
    """The agents' lessons, each with the experiment that brought it."""
    items = []
    for record, text in lessons(page.summary):
        source = f" ({page.name(record)})" if record.experiment is not None else ""
        items.append(f"- {escape(text, 300)}{source}")
    return ["## Lessons", "\n".join(items)] if items else []


def what_next(page: Page) -> list[str]:
    """Suggestions that follow from the records by rule."""
    kinds = (_near, _combine, _go_on, _leave, _dry, _mend, _noise, _vault)
    items = [f"- {text}" for kind in kinds for text in kind(page)]
    if not items:
        return []
    said = "By rule, from the records alone; what the data mean is for you to judge."
    return ["## What to try next", said, "\n".join(items)]


def taking(page: Page) -> list[str]:
    """The commands that show and take what was kept, and go on with the run."""
    summary = page.summary
    parts = []
    if summary.kept:
        base = short(digest.run_base(summary.records))
        since = f"{base}..{summary.branch}" if base else summary.branch
        commands = [f"git log --oneline {since}", f"git merge {summary.branch}"]
        if base:
            commands.insert(1, f"git diff {since}")
        parts += ["## How to take it", "```\n" + "\n".join(commands) + "\n```"]
        parts.append(
            "Plain `pytest` then checks the merged champion against its record. Every other experiment's "
            f"commit is `refs/autoresearch/{summary.run}/NNNN`, its diff in `pytest "
            f"--autoresearch-show={summary.run}:N`."
        )
    if summary.finished:
        parts.append(f"To go on: `{going_on(summary)}`.")
    return parts


def _near(page: Page) -> Iterator[str]:
    for row in near_misses(page.summary, 2):
        yield f"{page.name(row)} once more, or a stronger version of it: {about(row)} led with z {z(row)}."


def _combine(page: Page) -> Iterator[str]:
    for one, other in untried(page.summary, 2):
        yield (
            f"{page.name(one)} and {page.name(other)} together: each came near on its own, they are of "
            "different themes, and nobody has combined them."
        )


def _go_on(page: Page) -> Iterator[str]:
    won = [group for group in themes(page.summary) if group.themed and group.won]
    best = max(won, key=lambda group: len(group.won) / len(group.rows), default=None)
    if best is not None and len(best.rows) > 1:
        said = f"{len(best.won)} of its {len(best.rows)} experiments won"
        yield f"More of **{escape(best.name)}**: {said}, the largest part of all themes."


def _leave(page: Page) -> Iterator[str]:
    groups = dead_ends(page.summary)[:3]
    if groups:
        names = ", ".join(f"**{escape(group.name)}**" for group in groups)
        number = sum(len(group.rows) for group in groups)
        yield f"Less of {names}: {number} experiments, and none came near."


def _dry(page: Page) -> Iterator[str]:
    rows = tried(page.summary)
    last = max((n for n, row in enumerate(rows, 1) if row.status is Status.KEPT), default=0)
    dry = len(rows) - last
    if len(rows) >= 10 and dry >= LATE * len(rows):
        yield f"Another direction: the last {dry} experiments kept nothing."


def _mend(page: Page) -> Iterator[str]:
    rows = tried(page.summary)
    broken = [row for row in rows if row.status in _BROKEN]
    if len(rows) >= 8 and len(broken) >= OFTEN * len(rows):
        yield f"Fewer accidents: {len(broken)} of {len(rows)} experiments broke before they were scored."


def _noise(page: Page) -> Iterator[str]:
    noise = page.summary.noise
    if noise and near_misses(page.summary):
        yield (
            f"More folds, or more rows in them: the noise of one pass is {noise:.2g}, and gains smaller "
            "than that are mostly missed."
        )


def _vault(page: Page) -> Iterator[str]:
    if page.summary.looks and page.summary.looks[-1].level:
        yield "Other data before more experiments: the vault shows less of the gain than the search does."
