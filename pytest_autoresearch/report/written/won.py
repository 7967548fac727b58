"""What was kept, and why it is believed to have won."""

from __future__ import annotations

from ...records import Record
from .. import digest
from ..gains import confirmation_lines, interval
from ..markdown import escape, table
from ..text import count, human, short, signed
from .page import Page, about
from .result import biggest_first

MOST_ROWS, MOST_REASONS = 15, 8


def what_won(page: Page) -> list[str]:
    """The kept experiments as a table, and below it why each should have worked."""
    rows = digest.kept(page.summary.records)
    if not rows:
        return ["## What won, and why", "Nothing: the champion is what it was."]
    ranked = [record for record, _ in biggest_first(page.summary)]
    chosen = rows if len(rows) <= MOST_ROWS else _first(ranked or rows[::-1], MOST_ROWS)
    left_out = len(rows) - len(chosen)
    note = (
        f"{count(left_out, 'smaller keep')} not shown, they are in `results.tsv`."
        if left_out
        else ""
    )
    return [
        "## What won, and why",
        _table(page, chosen),
        note,
        _champion(page, rows[-1]),
        _why(page, chosen),
    ]


def confirmations(page: Page) -> list[str]:
    """What the confirmations of wins measured: scores of other tests, comparable to no other table's."""
    summary = page.summary
    if not summary.confirmations:
        return []
    head = ["experiment", "test", "score", "champion", "change", "z", "outcome"]
    body = [
        [
            page.name(record),
            escape(record.stage),
            human(record.score),
            human(record.champion),
            signed(record.delta),
            "" if record.z is None else f"{record.z:+.1f}",
            escape(record.status.word.lower()),
        ]
        for record in summary.confirmations[-MOST_ROWS:]
    ]
    said = "; ".join(escape(line) for line in confirmation_lines(summary))
    return ["## Confirmations", f"{said}." if said else "", table(head, body, "llrrrrl")]


def _first(ranked: list[Record], most: int) -> list[Record]:
    return sorted(ranked[:most], key=lambda record: record.experiment or 0)


def _table(page: Page, rows: list[Record]) -> str:
    summary = page.summary
    columns = {
        "experiment": "l",
        f"{escape(summary.metric)} when it won": "r",
        "change": "r",
        "expected": "l",
        "confirmed gain": "r",
        "lines": "r",
        "commit": "l",
        "what it does": "l",
    }
    body = [dict(zip(columns, _cells(page, row), strict=True)) for row in rows]
    shown = [name for name in columns if any(row[name] for row in body)]
    cells = [[row[name] for name in shown] for row in body]
    return table(shown, cells, "".join(columns[name] for name in shown))


def _cells(page: Page, record: Record) -> list[str]:
    effect = page.summary.effects.get(record.experiment or 0)
    words = about(record)
    if record.simpler:
        words = f"{words} (as good, with {escape(record.simpler)})"
    return [
        page.name(record),
        human(record.score),
        signed(record.delta),
        escape(record.expected, 30),
        interval(effect, "±") if effect else "",
        lines(page, record),
        f"`{short(record.commit)}`" if record.commit and not page.told else "",
        words,
    ]


def lines(page: Page, record: Record) -> str:
    """``+12/-3``: lines that a kept experiment added and removed; empty where nobody counted."""
    found = page.changes.get(record.experiment or 0)
    return f"+{found[0]}/-{found[1]}" if found else ""


def _champion(page: Page, last: Record) -> str:
    score = f"{escape(page.summary.metric)} {human(page.summary.champion)}, measured afresh"
    return f"The champion is {page.name(last)}, {about(last)} ({score})."


def _why(page: Page, rows: list[Record]) -> str:
    """Why its agent thought that it would work, for those that gained most."""
    reasoned = [row for row in rows if row.hypothesis and row.hypothesis != row.description]
    known = {row.experiment: effect.gain for row, effect in biggest_first(page.summary)}
    best = sorted(reasoned, key=lambda row: -known.get(row.experiment, 0.0))[:MOST_REASONS]
    chosen = sorted(best, key=lambda row: row.experiment or 0)
    items = [
        f"- {page.item(row)} {escape(row.theme, 40)}{': ' if row.theme else ''}{escape(row.hypothesis, 300)}"
        for row in chosen
    ]
    if not items:
        return ""
    return "\n".join(
        ["Why they should have worked, in their agents' words before they ran:", "", *items]
    )
