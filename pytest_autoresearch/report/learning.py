"""`LEARNING.md`: what a run has taught, in lines that people read and that agents were briefed with."""

from __future__ import annotations

from collections.abc import Sequence

from ..records import Part, Record, Summary
from . import digest
from .markdown import escape
from .text import count, human, one_line, signed
from .written.findings import dead_ends, lessons, near_misses, themes

MOST_LESSONS = 200
MOST_NEAR = 20
MOST_REASONS = 15
MOST_IDEAS = 40
"""Ideas of one theme that are named."""
WIDTH = 400
"""Characters of a lesson."""


def learning_md(summary: Summary) -> str:
    """Lessons, what worked, near misses, ideas by theme, errors and questions asked of the data."""
    parts = [
        f"# {escape(summary.objective)}: what was learnt",
        f"Run `{summary.run}`: {digest.kept_of(summary)}. Made from the journal; what is written here by hand is "
        "lost: write it into the protocol instead, which agents read before every proposal.",
        *_section("Lessons, latest first", _lessons(summary)),
        *_section("What worked", [_line(one) for one in reversed(digest.kept(summary.records))]),
        *_section(
            "Near misses, closest first", [_line(one) for one in near_misses(summary, MOST_NEAR)]
        ),
        *_section("Ideas tried, by theme", _ideas(summary)),
        *_section(
            "Dead ends",
            [
                f"- {escape(group.name)}: {count(len(group.rows), 'experiment')}, none kept, none near"
                for group in dead_ends(summary)
            ],
        ),
        *_section("Why experiments were not kept", _reasons(summary)),
        *_section("Questions asked of the training data", _questions(summary)),
    ]
    if len(parts) == 2:
        parts.append("Nothing yet.")
    return "\n\n".join(parts) + "\n"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "\n".join(lines)] if lines else []


def _lessons(summary: Summary) -> list[str]:
    found = lessons(summary, MOST_LESSONS)
    return [f"- {escape(text, WIDTH)} ({_source(record)})" for record, text in reversed(found)]


def _source(record: Record) -> str:
    """Which experiment or analysis a lesson came with, and whose it is."""
    what = f"#{record.experiment}" if record.experiment is not None else escape(record.item, 40)
    return f"{what}, {escape(record.agent, 40)}" if record.agent else what


def _line(record: Record) -> str:
    words = escape(record.description or record.hypothesis or "no description", 200)
    scores = [human(record.score), signed(record.delta)]
    scores += [f"z {record.z:+.1f}"] if record.z is not None else []
    theme = f"{escape(record.theme, 40)}: " if record.theme.strip() else ""
    return f"- #{record.experiment} {theme}{words} ({', '.join(filter(None, scores))})"


def _ideas(summary: Summary) -> list[str]:
    lines = []
    for group in themes(summary):
        said: dict[str, list[str]] = {}
        for row in group.rows:
            words = escape(row.description or row.hypothesis or "no description", 80)
            said.setdefault(words, []).append(f"#{row.experiment}")
        shown = [f"{words} ({', '.join(numbers[:6])})" for words, numbers in said.items()]
        more = f"; {len(shown) - MOST_IDEAS} more" if len(shown) > MOST_IDEAS else ""
        head = f"- {escape(group.name)} ({len(group.rows)} tried, {len(group.kept)} kept): "
        lines.append(head + "; ".join(shown[-MOST_IDEAS:]) + more)
    return lines


def _reasons(summary: Summary) -> list[str]:
    found = digest.common_reasons(summary.records, MOST_REASONS)
    return [
        f"- {escape(reason.text, 200)} ({len(reason.experiments)}, first in #{reason.experiments[0]})"
        for reason in found
    ]


def _questions(summary: Summary) -> list[str]:
    """Their answers stand in the journal: they may be long."""
    asked = [record for record in summary.records if record.part is Part.ANALYSIS]
    return [
        f"- {escape(one_line(record.description) or 'no question', 300)} ({escape(record.item, 40)})"
        for record in reversed(asked)
    ]
