"""What an agent expected of its change, as far as its words can be read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...records import Direction
from ..text import one_line

_NUMBER = re.compile(
    r"(?<![\w.])([-+\u2212]?)(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\d+)(\s?%)?(?![\w.]*\d)"
)
_NONE = re.compile(
    r"\b(?:no (?:change|loss|effect|difference)|neutral|same|equal|unchanged|not worse|tie)\b"
)
_BETTER = re.compile(r"\b(?:better|gains?|improv\w*|help\w*|win\w*)\b")
_UP = re.compile(r"\b(?:higher|rais\w+|ris\w+|increas\w+|up|more)\b")
_DOWN = re.compile(r"\b(?:lower\w*|less|drop\w*|decreas\w*|reduc\w*|fall\w*|down)\b")


@dataclass(frozen=True)
class Expected:
    """``sign`` is 1 for better, 0 for no change, -1 for worse; ``size`` in the metric's units, if said."""

    sign: int
    size: float | None = None


def expected_of(text: str, direction: Direction) -> Expected | None:
    """What ``text`` expects; ``None`` where that cannot be told."""
    words = one_line(text, 300).lower()
    towards = 1 if direction == "maximize" else -1
    found = [match for match in _NUMBER.finditer(words) if float(match[2])]
    if _NONE.search(words):
        return Expected(0)
    better = bool(_BETTER.search(words))
    signs = {match[1] for match in found} - {""}
    if better or (found and not signs and not _DOWN.search(words)):
        sign = 1
    elif len(signs) == 1:
        sign = towards * (1 if signs == {"+"} else -1)
    elif len(signs) > 1:
        return None
    elif _UP.search(words) or _DOWN.search(words):
        sign = towards * (1 if _UP.search(words) else -1)
    else:
        return None
    sizes = [float(match[2]) for match in found if not match[3]]
    return Expected(sign, sum(sizes) / len(sizes) if len(sizes) in (1, 2) else None)
