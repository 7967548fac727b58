"""Numbers that are written in words: `thirty-seven percent` is a number as much as 37% is."""

from __future__ import annotations

import re

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
VALUES = (
    {word: value for value, word in enumerate(_SMALL)}
    | {word: 10 * tens for tens, word in enumerate(_TENS, 2)}
    | {"dozen": 12}
    | {
        tens + _SMALL[ones]: 10 * value + ones
        for value, tens in enumerate(_TENS, 2)
        for ones in range(1, 10)
    }
)
FREE = 12
"""Words up to this number are prose: *three of them*, *one more*."""
MOST = 10**18
"""Words for more than this stand for it: a loop of them would make a number of any length."""

_WORD = "|".join(sorted([*VALUES, *_SCALES], key=len, reverse=True))
_SPELLED = re.compile(
    r"(?<!\d[\s-])\b(?P<sign>(?:minus|negative)[\s-]+)?"
    rf"(?P<whole>(?:{_WORD})(?:(?:\s+and\s+|[\s-]+)(?:{_WORD}))*)"
    rf"(?P<point>\s+point(?:\s+(?:{'|'.join(_SMALL[:10])}))+)?"
    r"(?=(?P<unit>fold\b|\b[\s-]*(?:%|per\s?cent|percentage|pp\b|fold|times\s+(?:as|better|worse|faster|more)))|\b)",
    re.IGNORECASE,
)


def in_digits(text: str) -> str:
    """``text`` with digits for the words that claim a number; up to twelve, without a unit, stay words."""
    return _SPELLED.sub(_digits, text)


def _digits(found: re.Match[str]) -> str:
    words = re.findall(r"[a-z]+", found["whole"].lower())
    value = _value([word for word in words if word != "and"])
    sign = "minus " if found["sign"] else ""
    if not found["point"]:
        free = value <= FREE and not found["unit"] and not sign
        return found[0] if free else f"{sign}{value}"
    decimals = [str(VALUES[word]) for word in found["point"].lower().split()[1:]]
    return f"{sign}{value}.{''.join(decimals)}"


def _value(words: list[str]) -> int:
    total = part = 0
    for word in words:
        if word in VALUES:
            part += VALUES[word]
        elif word == "hundred":
            part = (part or 1) * 100
        else:
            total, part = total + (part or 1) * _SCALES[word], 0
        if total + part > MOST:
            return MOST
    return total + part
