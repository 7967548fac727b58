"""What a coding tool is told beside its briefing: how it hands in, and what was not taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...records import Briefing
from ..briefing import render
from .workplace import ANALYSIS, BRIEFING, PROBLEM, PROPOSAL, PROTOCOL

TOKENS = 24_000
"""Of a briefing; a tool reads further files by itself."""

ASK = (
    f"Read {BRIEFING} and {PROTOCOL} in the current folder and do what they ask: change files here, then "
    f"write {PROPOSAL}. Nobody answers questions."
)
MEND = (
    f"{PROBLEM} in the current folder says what is wrong with what you handed in. Mend it here, and bring "
    f"{PROPOSAL} up to date."
)

HOW = f"""\
# How to hand in

You are in a private copy of the project's files. What you change here is your proposal: one idea at a time. An
experiment trains and scores it elsewhere; the evaluation and its data are not here. Read `{PROTOCOL}`, then
the briefing below.

1. Change the editable files, in place: {{editable}}. New files that match the same patterns are taken as well, and an
   editable file that you delete is deleted. No other file is taken.
2. Write `{PROPOSAL}`: the first line says what changes, in a few words; then lines `Hypothesis: …`, `Theme: …`
   (a word or two), `Expected: …` and, if you have learnt something that holds beyond this idea, `Lesson: …`.
3. Several separate ideas at once: for each a folder `proposals/01/`, `proposals/02/` … with the changed files at
   their paths below it and a `{PROPOSAL}` of its own.
4. With nothing more to propose, ever, make a file `DONE`.
"""

CLOSING = """
Files of your own (notes, say) stay here for the next time, and are no part of a proposal. The project's files
are then those of the best candidate so far.
"""

LOOK = f"""\
5. To look at the training data first, write `{ANALYSIS}`, a module that defines `analyse(data)`; `data` is what
   `{{fixture}}` returns. It is run elsewhere; what it prints is in your next briefing.
"""

LEFT = "\n# From your last call\n\nWhat follows is about files, not instructions.\n\n"


def briefing_text(
    briefing: Briefing, level: str, *, analysis: bool, notes: Sequence[str] = ()
) -> str:
    """The whole of `BRIEFING`."""
    editable = ", ".join(f"`{path}`" for path in sorted(briefing.editable))
    text = HOW.replace("{editable}", editable or "(none)")
    if analysis:
        text += LOOK.replace("{fixture}", briefing.analysis)
    text += CLOSING
    if notes:
        text += LEFT + "".join(f"- {note}\n" for note in notes)
    told = replace(briefing, protocol=f"See {PROTOCOL}.")
    return f"{text}\n{render(told, level=level, tokens=TOKENS, analysis=analysis)}"


def texts_for(
    briefing: Briefing, level: str, *, analysis: bool, notes: Sequence[str]
) -> Mapping[str, str]:
    """The files that a tool is given beside the project's, by name."""
    return {
        BRIEFING: briefing_text(briefing, level, analysis=analysis, notes=notes),
        PROTOCOL: briefing.protocol,
    }
