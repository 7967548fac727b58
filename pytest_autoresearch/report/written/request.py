"""What an agent is asked to write, and the material that all its numbers have to come from."""

from __future__ import annotations

from ...records import Part, Summary
from .. import digest
from ..markdown import escape, verdict
from ..text import better, human, signed
from .page import Changes, Page, about, z
from .report import SECTIONS
from .result import luck, result

MOST_ROWS = 120
"""Experiments that are listed one by one; of a longer run the latest."""

_ASKED = """\
You have run a series of machine-learning experiments, and write the account of it that a data scientist
reads in the morning. Everything that is known stands below, under MATERIAL.

Write 400 to 800 words of Markdown under these headings:

## What happened
## What won, and why
## Dead ends
## Surprises
## What to try next

- Explain. Tables of the results stand beside your text; do not repeat them. Say what hangs together, what a
  result says about the data, what you believe and what you only suspect.
- Write experiments as #12. Use only numbers of the material, as they stand or rounded. Do not compute new
  ones, not even differences, ratios or percentages: each sentence, item and table row with a number that is
  not in the material is deleted before anybody reads it.
- A lead of less than about two standard errors may be noise: do not call it a gain.
- Plain words. No HTML, no links, no pictures, no code blocks, no praise.

MATERIAL
"""


def material(summary: Summary, changes: Changes | None = None) -> str:
    """All that is known of a run and that an agent may hear: no vault, no words of errors."""
    page = Page(summary, changes or {}).for_agents()
    parts = [
        f"# {escape(summary.objective)}: {verdict(summary)}",
        f"The metric is {escape(summary.metric)}: {better(summary.direction)}.",
        result(page),
        _noise(page),
        luck(page),
        *(part for section in SECTIONS for part in section(page)),
        *_all(page),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def request(material: str) -> str:
    """What an agent is asked, material included."""
    return f"{_ASKED}\n{material}"


def _noise(page: Page) -> str:
    noise = page.summary.noise
    return (
        f"The lead of one whole pass has a standard error of {noise:.2g} by luck alone."
        if noise
        else ""
    )


def _all(page: Page) -> list[str]:
    rows = [row for row in digest.numbered(page.summary.records) if row.part is Part.EXPERIMENT]
    lines = []
    for row in rows[-MOST_ROWS:]:
        words = " | ".join(filter(None, [escape(row.theme, 40), about(row)]))
        scores = (
            f"{human(row.score)}, change {signed(row.delta)}, z {z(row)}"
            if row.z is not None
            else ""
        )
        outcome = digest.CAUSES.get(row.status, "kept")
        lines.append("; ".join(filter(None, [f"#{row.experiment} {outcome}", scores, words])))
    return ["## Every experiment", "\n".join(f"- {line}" for line in lines)] if lines else []
