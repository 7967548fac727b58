"""The kind of a preflight's complaint: all that is told of it where no message may leave the building."""

from __future__ import annotations

import re

PREFLIGHT = "preflight: "
_PARSES = re.compile(r"[^\n:]+:\d+: (?:(?:Syntax|Indentation|Tab)Error: |it cannot be compiled: )")
_NAMES = re.compile(r"[^\n:]+:\d+: (?:undefined name |local variable )")
_CALLS = re.compile(
    r"[^\n:]+ (?:is gone, in which|no longer defines|defines no function) "
    r"|[^\n:]+:\d+: (?:\w+\(.*\) (?:takes (?:no \w|fewer arguments)|needs \w+, which nobody)|fit\(X, y, \*, seed\) must)"
)
KINDS = (
    (_PARSES, "a file does not parse"),
    (_NAMES, "it uses a name that is not defined"),
    (_CALLS, "a function that the harness calls is missing or takes other arguments"),
)
IMPORTS = "it cannot be imported"
"""What is said of whatever else a preflight finds; these words are the candidate's own."""


def kind_of(text: str) -> str:
    """One of a handful of sentences; ``text`` chooses which, and none of it is in there."""
    text = text.removeprefix(PREFLIGHT)
    found = next((words for pattern, words in KINDS if pattern.match(text)), IMPORTS)
    return f"{PREFLIGHT}{found}"
