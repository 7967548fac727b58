"""What a run cost, who did what, and under which instructions."""

from __future__ import annotations

from collections.abc import Sequence

from ...records import Part
from ..costs import cost_line, usd
from ..markdown import escape, table
from ..text import count
from .findings import Group, agents, protocols, seconds
from .page import Page, duration, upper, z


def what_it_cost(page: Page) -> list[str]:
    """Time, money and tokens: of the whole run, per experiment, per kept gain, and by agent."""
    summary = page.summary
    found = agents(summary)
    if not summary.tried and not found:
        return []
    paid = any(group.cost for group in found) or summary.spending.usd
    rows = _agents(page, found) if len(found) > 1 or paid else ""
    parts = [" ".join(filter(None, [_time(page), _money(page)])), rows]
    return ["## What it cost", *parts] if any(parts) else []


def by_protocol(page: Page) -> list[str]:
    """The versions of the protocol beside each other, where a person changed it during the run."""
    groups = protocols(page.summary)
    if not groups:
        return []
    head = ["version", "experiments", "from", "to", "kept", "best z"]
    body = [
        [
            f"`{group.name[:7]}`",
            str(len(group.rows)),
            page.name(group.rows[0]),
            page.name(group.rows[-1]),
            str(len(group.kept)),
            z(group.best),
        ]
        for group in groups
    ]
    said = "Each under what the other had left to find, so that the later one has it harder."
    return ["## Versions of the protocol", said, table(head, body, "lrllrr")]


def _time(page: Page) -> str:
    summary, spent = page.summary, page.summary.spending
    took = seconds(summary)
    if not took:
        return ""
    each = f", {duration(took / summary.tried)} for each experiment" if summary.tried else ""
    text = f"Evaluating took {duration(took)}{each}, all measurements of champions included."
    if spent.thinking_seconds >= 1:
        waited = f", of which nothing else ran for {duration(spent.waited_seconds)}" * (
            spent.waited_seconds >= 1
        )
        text += f" Agents thought for {duration(spent.thinking_seconds)}{waited}."
    looked = sum(record.part is Part.ANALYSIS for record in summary.records)
    return f"{text} They asked for {count(looked, 'analysis', 'analyses')}." if looked else text


def _money(page: Page) -> str:
    said = escape(cost_line(page.summary), 400)
    return f"{upper(said)}." if said else ""


def _agents(page: Page, groups: Sequence[Group]) -> str:
    head = ["agent", "experiments", "kept", "best z", "thought for", "tokens", "cost"]
    body = [
        [
            escape(group.name),
            str(len(group.rows)),
            str(len(group.kept)),
            z(group.best),
            duration(group.thinking) if group.thinking else "",
            f"{group.tokens:,}" if group.tokens else "",
            _paid(page, group),
        ]
        for group in groups
    ]
    return table(head, body, "lrrrrrr")


def _paid(page: Page, group: Group) -> str:
    """An agent's dollars, those of all its calls, as far as somebody knows them."""
    if group.agent not in page.summary.spending.unpriced:
        return f"{usd(group.cost)} USD"
    return f"{usd(group.cost)} USD and more" if group.cost else "not known"
