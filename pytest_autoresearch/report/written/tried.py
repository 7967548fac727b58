"""What was tried: by theme, what came near, where nothing was to be found."""

from __future__ import annotations

from .. import digest
from ..gains import interval
from ..markdown import escape, table
from ..skips import skips
from ..text import count, signed
from .findings import Group, commonest, dead_ends, near_misses, repeated, themes
from .page import Page, about, share, z
from .result import biggest_first

MOST_THEMES, MOST_CAUSES = 12, 6


def by_theme(page: Page) -> list[str]:
    """A row for each theme: how much was tried, what came of it, what it took."""
    found = themes(page.summary)
    if not found:
        return ["## What was tried", " ".join(["No experiment was evaluated.", *_skipped(page)])]
    shown, rest = found[:MOST_THEMES], found[MOST_THEMES:]
    seconds = sum(group.seconds for group in found)
    cost = sum(group.cost for group in found)
    effects = {record.experiment: effect for record, effect in biggest_first(page.summary)}
    head = ["theme", "experiments", "kept", "largest gain", "best z", "time", "cost"]
    body = []
    for group in shown:
        gains = [effects[row.experiment] for row in group.won if row.experiment in effects]
        best = max(gains, key=lambda effect: effect.gain, default=None)
        body.append(
            [
                escape(group.name),
                str(len(group.rows)),
                str(len(group.kept)),
                interval(best, "±") if best else "",
                z(group.best),
                share(group.seconds, seconds),
                share(group.cost, cost),
            ]
        )
    note = f"{count(len(rest), 'smaller theme')} not shown." if rest else ""
    return ["## What was tried", _counts(page), _filled(head, body), note]


def came_near(page: Page) -> list[str]:
    """Experiments that led without winning: worth another look."""
    rows = near_misses(page.summary)
    if not rows:
        return []
    head = ["experiment", "change", "z", "theme", "what it does"]
    body = [
        [page.name(row), signed(row.delta), z(row), escape(row.theme, 40), about(row)]
        for row in rows
    ]
    said = "They led, but not by enough to tell from noise. Some of them are real gains that were too small to be seen."
    return ["## Near misses", said, _filled(head, body)]


def found_nothing(page: Page) -> list[str]:
    """Themes that never won, and what went wrong again and again."""
    groups = dead_ends(page.summary)
    items = [f"- {_dead(group, page)}" for group in groups[:MOST_CAUSES]]
    parts = ["\n".join(items)] if items else []
    if not page.told:
        parts += _reasons(page)
    return ["## Dead ends", *parts] if parts else []


def _counts(page: Page) -> str:
    """How the experiments ended, in a sentence."""
    counts = [("kept", page.summary.kept)] if page.summary.kept else []
    counts += digest.causes(page.summary.records)
    listed = ", ".join(f"{number} {what}" for what, number in counts)
    ended = [f"How they ended: {listed}."] if listed else []
    return " ".join([*ended, *_skipped(page)])


def _skipped(page: Page) -> list[str]:
    """What took no number, by cause; an agent that is told hears no words of errors."""
    found = skips(page.summary.records, kinds_only=page.told)
    listed = ", ".join(f"{number} x {escape(cause, 120)}" for cause, number in found)
    return [f"Skipped, without a number: {listed}."] if found else []


def _dead(group: Group, page: Page) -> str:
    best = f", the best {page.name(group.best)} with z {z(group.best)}" if group.best else ""
    return f"**{escape(group.name)}**: {len(group.rows)} experiments, none kept{best}; {commonest(group.rows)}."


def _reasons(page: Page) -> list[str]:
    """Why experiments were not kept: what happened again and again, and every accident."""
    reasons = repeated(page.summary)[:MOST_CAUSES]
    body = [
        [escape(reason.text, 160), str(len(reason.experiments)), f"#{reason.experiments[0]}"]
        for reason in reasons
    ]
    head = ["why not kept (the first one's numbers)", "times", "first in"]
    return ["Why experiments were not kept:", table(head, body, "lrl")] if body else []


def _filled(head: list[str], body: list[list[str]]) -> str:
    """A table without the columns that are empty all the way down; numbers stand to the right."""
    shown = [n for n in range(len(head)) if any(row[n] for row in body)]
    right = {"experiments", "kept", "largest gain", "best z", "time", "cost", "change", "z"}
    align = "".join("r" if head[n] in right else "l" for n in shown)
    return table([head[n] for n in shown], [[row[n] for n in shown] for row in body], align)
