"""What was learnt, what to try next, and how to take what was found."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Status
from .. import digest
from ..markdown import escape
from ..terminal import going_on
from ..text import short
from .findings import Group, dead_ends, lessons, near_misses, repeated, themes, tried, untried
from .page import Page, about, z

LATE = 0.4
"""Share of the experiments after the last keep from which on a search is called dry."""
OFTEN = 3
"""Times that the same accident has to happen to be worth a word to the agents."""
SPENT = 3
"""Experiments of a theme without a win, after its last one, from which on more of it is not advised."""


def learnt(page: Page) -> list[str]:
    """The agents' lessons, each with the experiment that brought it."""
    items = []
    for record, text in lessons(page.summary):
        source = f" ({page.name(record)})" if record.experiment is not None else ""
        items.append(f"- {escape(text, 300)}{source}")
    return ["## Lessons", "As the agents noted them.", "\n".join(items)] if items else []


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
    rows = near_misses(page.summary, 2)
    closest = digest.closest_miss(page.summary)
    if not rows and closest is not None:
        said = "Of the rest, nothing" if page.summary.kept else "Nothing"
        yield f"{said} came near; the closest was {page.name(closest)}, {about(closest)}, with z {z(closest)}."
    for row in rows:
        yield f"{page.item(row)} once more, or a stronger version of it: {about(row)} led with z {z(row)}."


def _combine(page: Page) -> Iterator[str]:
    for one, other in untried(page.summary, 2):
        yield (
            f"{page.item(one)} and {page.item(other)} together: each came near on its own, they are of "
            "different themes, and nobody has combined them."
        )


def _go_on(page: Page) -> Iterator[str]:
    fresh = (group for group in themes(page.summary) if group.themed and _since(group) < SPENT)
    won = [group for group in fresh if group.won]
    best = max(won, key=lambda group: len(group.won) / len(group.rows), default=None)
    if best is not None and len(best.rows) > 1:
        said = f"{len(best.won)} of its {len(best.rows)} experiments won"
        yield f"More of **{escape(best.name)}**: {said}, the largest part of all themes."


def _since(group: Group) -> int:
    """Experiments of a theme since its last win."""
    last = max((n for n, row in enumerate(group.rows, 1) if row in group.won), default=0)
    return len(group.rows) - last


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
    for reason in repeated(page.summary, accidents=True):
        times = len(reason.experiments)
        if times >= OFTEN and not page.told:
            yield f"A word in the protocol: {times} experiments broke alike, by {escape(reason.text, 120)}."


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
