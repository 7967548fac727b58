"""Quantities that are claimed without a number: `halved`, `two thirds`, `an order of magnitude`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from .spelling import VALUES

_WORD = "|".join(sorted([*VALUES, "hundred", "thousand", "million", "billion"], key=len)[::-1])
_PART = "third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|twelfth|twentieth|hundredth|thousandth"
_SHARED = r"(?:of|as|less|more|fewer|better|worse|faster|slower|lower|higher|smaller|larger|shorter|longer)\b"
_MEASURED = (
    r"(?:percent|per\s+cent|percentage|pp|fold|times|points?|USD|EUR|dollars?|euros?|experiments?|trials?|hours?"
    r"|minutes?|seconds?|milliseconds?|tokens?)\b"
)
_CLAIMED = [
    r"\b(?:half|halves|halv(?:e|ed|ing))\b",
    rf"\b(?:a|{_WORD}|\d+)[\s-]+quarters?\b|\bquarters?\s+{_SHARED}",
    rf"\b(?:{_WORD}|a\s+few|several)[\s-]+(?:{_PART})s\b",
    rf"\bone[\s-]+(?:{_PART})\b",
    rf"\ba[\s-]+(?:{_PART})(?=\s+{_SHARED}|\s*(?:[.,;:!?)]|$))|\bby\s+a\s+(?:{_PART})\b",
    r"\b(?:re)?doubl(?:e|es|ed|ing)\b(?![\s-](?:check|precision|descent|count|quot))",
    r"\b(?:trebl|tripl|quadrupl|quintupl)(?:e|es|ed|ing)\b",
    r"\b(?:twice|thrice)(?=\s+(?:as|the|that|than|its|their|this|what|more|less|better|faster|slower)\b)",
    r"\b(?:several|many)[\s-]?fold\b",
    rf"\b(?:an?|one|{_WORD}|several|many|some)?\s*orders?\s+of\s+magnitude\b",
    r"\b(?:dozens|hundreds|thousands|millions|billions)\b",
    rf"\b(?:{_WORD})\s+(?:out\s+of|in(?:\s+every)?)\s+(?:every\s+)?(?:{_WORD})\b",
    r"\b(?:nought|naught|nil|oh|o)\s+point\s+\w+",
    rf"\bpoint\s+(?:{_WORD})(?:(?:\s+(?:{_WORD}))+\b|[\s-]*(?:%|per\s?cent\b|percentage\b))",
]
_PHRASE = re.compile("|".join(_CLAIMED), re.IGNORECASE)
_ROMAN = re.compile(
    r"\b(?=[MDCLXVI])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
    rf"(?:\s?%|(?<!\bI)[\s-]{_MEASURED})"
)
"""With what it counts; *I* is a person."""
_CHINESE = "\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341\u4e24"
"""One to ten, and a couple of: alone they are prose, as `three of them` is."""
_FURTHER = "\u500d\u5272\u6210\u5206\u70b9\u9ede\u6298\u534a%\uff05"
"""Times, tenths, parts, the decimal point, a discount, a half, percent: with one of them they are none."""
_HALF = "\u534a"
_NUMERAL = rf"[{_CHINESE}{_FURTHER}\u3007\u96f6\u767e\u5343\u842c\u4e07\u5104\u4ebf\u5146]"
_PROSE = re.compile(rf"(?<!{_NUMERAL})[{_CHINESE}](?!{_NUMERAL})")


def phrases(text: str) -> Iterator[str]:
    """The quantities that ``text`` claims in words, and the signs that stand for numbers elsewhere.

    Each as it must be known: in small letters, with single spaces.
    """
    for pattern in (_PHRASE, _ROMAN):
        for found in pattern.finditer(text):
            yield " ".join(found[0].replace("-", " ").split()).casefold()
    for letter in _PROSE.sub("", text):
        if not letter.isascii() and (letter == _HALF or _counts(letter)):
            yield letter


def _counts(letter: str) -> bool:
    """Whether a letter stands for a number; digits of all scripts are seen as digits."""
    return unicodedata.category(letter) == "Lo" and unicodedata.numeric(letter, None) is not None
