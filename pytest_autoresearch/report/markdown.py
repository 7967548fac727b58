"""Markdown for people: the CI step's summary, and what it shares with the written report."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from ..records import Look, Record, Summary
from . import digest
from .costs import cost_line, usd, waiting_line
from .gains import interval, look_line, search_gain
from .terminal import tier, trust
from .text import better, change, count, human, one_line, short, signed

_SPECIAL = re.compile(r"([\\`*\[\]<|~#&$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
"""What Markdown gives a meaning inside a line; an underscore within a word has none."""

_MOST = 30


def escape(text: str, width: int = 120) -> str:
    """``text`` from an agent as one harmless line of Markdown, at most ``width`` characters of it."""
    return _SPECIAL.sub(r"\\\1", one_line(text, width))


def step_summary(summary: Summary) -> str:
    """A short summary for a CI page: one sentence, what was kept, what was not."""
    parts = [
        f"### {escape(summary.objective)}: {verdict(summary)}",
        facts(summary),
        _gained(summary),
        _paid(summary),
        _kept_table(summary),
        _causes(summary),
        _take(summary),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def append_step_summary(summary: Summary, environ: Mapping[str, str] = os.environ) -> bool:
    """Append to the file that ``$GITHUB_STEP_SUMMARY`` names; False where there is none.

    A file that cannot be written is no reason to fail a search: it counts as none.
    """
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return False
    try:
        with open(path, "a", encoding="utf-8", errors="replace") as file:
            file.write(step_summary(summary) + "\n")
    except OSError:
        return False
    return True


def verdict(summary: Summary) -> str:
    """The score before and after, in a heading."""
    return f"{escape(summary.metric)} {change(summary.baseline, summary.champion)}"


def facts(summary: Summary, *, kept: bool = True) -> str:
    """Which run it was, how it ended, what its scores deserve less trust for; and what was ``kept``."""
    tried = f"{digest.kept_of(summary)}; " * (kept and summary.tried > 0)
    stated = [text for text in (tier(summary.isolation), trust(summary)) if text]
    said = " ".join(f"{text[:1].upper()}{text[1:]}." for text in stated)
    goal = f"{tried}{better(summary.direction)}"
    return (
        f"{goal[:1].upper()}{goal[1:]}. Run `{summary.run}`, branch `{summary.branch}`, "
        f"ended: {escape(summary.ended)}. {said}"
    )


def _kept_table(summary: Summary) -> str:
    rows = digest.kept(summary.records)
    if not rows:
        return ""
    head = [
        "experiment",
        f"{escape(summary.metric)} when it won",
        "change",
        *(["confirmed gain"] if summary.effects else []),
        *(["USD"] if summary.spending.usd else []),
        "commit",
        "what it does",
    ]
    body = [_cells(row, summary) for row in rows[-_MOST:]]
    left_out = len(rows) - len(body)
    note = f"\n\n{count(left_out, 'earlier keep')} not shown." if left_out > 0 else ""
    return table(head, body, "r" * (len(head) - 2) + "ll") + note


def _cells(record: Record, summary: Summary) -> list[str]:
    words = escape(record.description or record.hypothesis)
    commit = f"`{short(record.commit)}`" if record.commit else ""
    if record.simpler:
        words = f"{words} (as good, with {escape(record.simpler)})".strip()
    effect = summary.effects.get(record.experiment or 0)
    confirmed = [interval(effect, "±") if effect else ""] if summary.effects else []
    scores = [human(record.score), signed(record.delta), *confirmed]
    cost = "" if record.cost_usd is None else usd(record.cost_usd)
    paid = [cost] if summary.spending.usd else []
    return [str(record.experiment), *scores, *paid, commit, words]


def _paid(summary: Summary) -> str:
    """What agents cost, what they held up, and whether a person has to look."""
    lines = [line for line in (cost_line(summary), waiting_line(summary)) if line]
    said = " ".join(f"{escape(line[:1].upper() + line[1:], 300)}." for line in lines)
    asked = f"**Needs a person: {escape(summary.attention, 600)}.**" if summary.attention else ""
    return "\n\n".join(filter(None, [said, asked]))


def _gained(summary: Summary) -> str:
    """The gains in one line: the search's, the vault's, and what they say together."""
    parts = []
    if summary.gain is not None:
        parts.append(f"Search gain {search_gain(summary, '±')} (90% interval).")
    if summary.looks:
        last = summary.looks[-1]
        line = look_line(last, summary.records, "±")
        parts.append(f"{line[:1].upper()}{line[1:]}.")
        parts.append(warning(last))
    return " ".join(filter(None, parts))


def warning(look: Look) -> str:
    """What a look into the vault warns of, in bold; empty when it does not."""
    words = escape(look.words, 300)
    return f"**{words[:1].upper()}{words[1:]}.**" if words else ""


def _causes(summary: Summary) -> str:
    counts = digest.causes(summary.records)
    listed = ", ".join(f"{number} {cause}" for cause, number in counts)
    return f"Not kept: {listed}." if listed else ""


def _take(summary: Summary) -> str:
    return f"Take it with `git merge {summary.branch}`." if summary.kept else ""


def table(head: Sequence[str], body: Sequence[Sequence[str]], align: str) -> str:
    """A table of cells that are Markdown already; ``align`` has ``l`` or ``r`` for each column."""
    rule = ["---:" if side == "r" else ":---" for side in align]
    rows = [head, rule, *body]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
