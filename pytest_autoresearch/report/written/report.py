"""`report.md`: a run as somebody reads it who was asleep while it ran."""

from __future__ import annotations

from pathlib import Path

from ...records import Summary
from ..account.writeup import Writeup
from ..markdown import escape, facts, verdict
from ..text import count
from .ahead import learnt, taking, what_next
from .cost import by_protocol, what_it_cost
from .page import Changes, Page
from .result import how_much, result
from .surprises import surprises
from .tried import by_theme, came_near, found_nothing
from .won import confirmations, what_won

SECTIONS = (
    what_won,
    by_theme,
    surprises,
    came_near,
    found_nothing,
    confirmations,
    learnt,
    by_protocol,
    what_it_cost,
    what_next,
)
"""What is told in this order, also to an agent that is to write about it."""


def report_md(
    summary: Summary, writeup: Writeup | None = None, changes: Changes | None = None
) -> str:
    """The report of a run in Markdown, as `report.md` in its folder.

    ``writeup`` is what an agent wrote about it, checked. ``changes`` are the lines that kept
    experiments added and removed.
    """
    page = Page(summary, changes or {})
    parts = [
        f"# {escape(summary.objective)}: {verdict(summary)}",
        result(page),
        facts(summary, kept=False),
        f"**Needs a person: {escape(summary.attention, 600)}.**" if summary.attention else "",
        _picture(summary),
        *_account(writeup),
        *how_much(page),
        *(part for section in SECTIONS for part in section(page)),
        *taking(page),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _picture(summary: Summary) -> str:
    drawn = (Path(summary.folder) / "progress.png").exists()
    return "![The score of every experiment](progress.png)" if drawn else ""


def _account(writeup: Writeup | None) -> list[str]:
    """What an agent wrote, with who it was and how much of it is not printed."""
    if writeup is None or not (writeup.text or writeup.left_out):
        return []
    after = f", after experiment {writeup.experiments}" if writeup.experiments else ""
    said = f"Written by {escape(writeup.agent)}{after}; every figure in it stands in the journal."
    if writeup.left_out:
        left = count(writeup.left_out, "sentence")
        verb = "was" if writeup.left_out == 1 else "were"
        said += f" {left} {verb} left out, for one that does not."
    if writeup.cut:
        said += " Its end is cut off."
    return ["## The agent's account", f"*{said}*", writeup.text]
