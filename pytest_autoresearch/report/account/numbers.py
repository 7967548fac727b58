"""The numbers in a text, and whether another text has them, up to rounding."""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .phrases import phrases
from .spelling import in_digits

Kind = Literal["plain", "percent", "times", "experiment", "word"]
LEAST_DIGITS = 2
"""Significant digits that a rounded number must have left; a percentage needs one."""
MOST_DIGITS = 300
"""Digits of a number before its point, and its largest exponent: a larger one is a word."""

_SCALES = {
    **dict.fromkeys(("k", "K", "thousand"), 1e3),
    **dict.fromkeys(("M", "mn", "million"), 1e6),
    **dict.fromkeys(("B", "bn", "billion"), 1e9),
    **dict.fromkeys(("dozen",), 12.0),
    **dict.fromkeys(("hundred",), 100.0),
}
_UNITS = [
    "st",
    "nd",
    "rd",
    "th",
    "s",
    "ms",
    "us",
    "min",
    "h",
    "d",
    "kB",
    "KB",
    "MB",
    "GB",
    "MiB",
    "GiB",
    "KiB",
    "TB",
    "USD",
    "EUR",
]

_LITERAL = r"""
    \d{4}-\d{1,2}(?:-\d{1,2})?(?:T[\d:.]+Z?)?(?![\d-])  # a date
  | \d+(?::\d+)+                                        # a time
  | \d+(?:\.\d+){2,}\w*                                 # a version
  | \d++(?:\.\d++)?/\d++(?:\.\d++)?                      # a fraction
  | \d+,\d+(?:,\d+)*(?:\.\d+)?                          # 0,71 or 3,7 means what?
  | (?<!\w)[^\W\d]\w*\d(?:[\w.]*\w)?                   # a name
"""
_GROUPED = r"[1-9]\d{0,2}(?:[,'\s]\d{3})+(?!\d|,\d)"
_TOKEN = re.compile(
    rf"""
    (?P<sign>(?<![\w.%)\]])[+-]|\b(?:minus|negative)\s+)?
    (?:
      (?P<grouped>{_GROUPED})(?P<grouped_decimals>\.\d+)?
    | (?P<literal>{_LITERAL})
    | (?P<whole>\d+)?(?P<decimals>\.\d+)?(?(whole)|(?(decimals)|(?!)))
    )
    (?P<exponent>(?:[eE]|\s?[x\u00d7]\s?10\s?\^\s?)[+-]?\d+(?!\w))?
    (?P<unit>
        \s?(?:%|per\s?cent\b|percentage\s+points?\b|pp\b|pct\b)
      | \s?(?:[x\u00d7](?!\w)|times\s+(?:as|better|worse|faster|slower|more|less|larger|smaller|higher|lower)\b)
      | [\s-]?fold\b
      | \s(?:hundred|thousand|million|billion|dozen)s?\b
      | \s?\u2030
      | [^\W\d]\w*
    )?
    """,
    re.VERBOSE,
)
_ID = r"\#?\d+(?!\w|[.,:/]\d|\s?%)"
_EXPERIMENTS = re.compile(
    rf"(?:\bexperiments\s+{_ID}(?:\s*(?:,\s*and|,|and|or|to|through|-|&)\s*{_ID})*"
    rf"|\bexperiment\s+{_ID}|\#\d+(?!\w|[.,:/]\d))",
    re.IGNORECASE,
)
_DASHES = str.maketrans(
    {
        "\u2010": "-",
        "\u2011": "-",
        "\u2212": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\ufe63": "-",
        "\uff0d": "-",
    }
)
_SUPERSCRIPT = re.compile(r"(?<=[^\W\d_])[\u00b2\u00b3](?!\w)")


@dataclass(frozen=True)
class Number:
    """A number as a text has it: ``step`` is that of its last digit, ``word`` the text where it is no number.

    ``signed`` is the sign that was written, 0 without one; ``value`` has it.
    """

    kind: Kind
    word: str
    value: float = 0.0
    step: float = 1.0
    signed: int = 0
    digits: int = 0


def numbers(text: str) -> Iterator[Number]:
    """All numbers of a text; what has digits and is none counts as a word that must be known as it stands."""
    line = plain(text)
    for found in _EXPERIMENTS.finditer(line):
        for digits in re.findall(r"\d+", found[0]):
            yield Number("experiment", found[0], float(digits))
    rest = _EXPERIMENTS.sub(lambda found: " . ", line)
    for found in _TOKEN.finditer(rest):
        yield _number(found)
    for phrase in phrases(rest):
        yield Number("word", phrase)
    for letter in _SUPERSCRIPT.sub("", rest):
        if not letter.isascii() and unicodedata.category(letter) in ("Nd", "Nl", "No"):
            yield Number("word", letter)


def plain(text: str) -> str:
    """``text`` as a reader sees its numbers: without marks inside them, every minus the same."""
    seen = "".join(
        c for c in text if unicodedata.category(c) not in ("Cf", "Mn", "Me", "Cc") or c == "\n"
    )
    seen = re.sub(r"[*_~`\\]", "", seen)
    seen = re.sub(r"\u2212\s+(?=[\d.])", "-", seen).replace("\u2014", " , ").translate(_DASHES)
    return in_digits(re.sub(r"\+\s?/\s?-|\u00b1", " ", seen))


def _number(found: re.Match[str]) -> Number:
    word = " ".join(found[0].split()).casefold()
    unit = " ".join((found["unit"] or "").split()).lstrip("-")
    kind = _kind(unit)
    if found["literal"] or kind == "word":
        return Number("word", word)
    whole = re.sub(r"[,'\s]", "", found["grouped"] or found["whole"] or "0")
    decimals = (found["grouped_decimals"] or found["decimals"] or ".")[1:]
    if found["whole"] and re.fullmatch(r"0\d{3}", whole) and not decimals and not unit:
        return Number("experiment", word, float(whole))
    exponent = _exponent(found["exponent"] or "0")
    if abs(exponent) > MOST_DIGITS or len(whole) > MOST_DIGITS:
        return Number("word", word)
    scale = 10.0**exponent * _SCALES.get(unit.removesuffix("s"), _SCALES.get(unit, 1.0))
    sign = (found["sign"] or "").strip()
    signed = 0 if not sign else 1 if sign == "+" else -1
    value = float(f"{whole}.{decimals or 0}") * scale * (signed or 1)
    step = 10.0 ** -len(decimals) * scale
    if not math.isfinite(value):
        return Number("word", word)
    return Number(kind, word, value, step, signed, len((whole + decimals).lstrip("0")))


def _exponent(text: str) -> int:
    """The number at the end of ``text``; one of many digits is as good as too large."""
    digits = re.findall(r"[+-]?\d+", text)[-1]
    return int(digits) if len(digits) < 10 else MOST_DIGITS + 1


def _kind(unit: str) -> Kind:
    if re.fullmatch(r"%|per ?cent|percentage points?|pp|pct", unit):
        return "percent"
    if unit in ("x", "\u00d7", "fold") or unit.startswith("times "):
        return "times"
    known = not unit or unit in _UNITS or unit in _SCALES or unit.removesuffix("s") in _SCALES
    return "plain" if known else "word"


@dataclass
class Known:
    """The numbers of a text that others are looked up in."""

    text: str
    _words: set[str] = field(default_factory=set)
    _experiments: set[float] = field(default_factory=set)
    _values: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = list(numbers(self.text))
        self._words = {number.word for number in found}
        self._experiments = {one.value for one in found if one.kind == "experiment"}
        for kind in ("plain", "percent", "times"):
            self._values[kind] = sorted({one.value for one in found if one.kind == kind})

    def lacks(self, text: str) -> list[str]:
        """The numbers of ``text`` that are not known, as it writes them."""
        return [number.word for number in numbers(text) if not self.has(number)]

    def has(self, number: Number) -> bool:
        """Whether a number is known: as it stands, or as what is left of a longer one by rounding."""
        if number.kind == "word":
            return number.word in self._words
        if number.kind == "experiment":
            return number.value in self._experiments
        if self._near(number.kind, number):
            return True
        if number.kind == "percent":
            return self._near("plain", number, 100.0, counts=False)
        return number.kind == "plain" and number.digits > 1 and self._near("percent", number, 0.01)

    def _near(
        self, kind: Kind, number: Number, factor: float = 1.0, *, counts: bool = True
    ) -> bool:
        """Whether a known number of a kind, times ``factor``, rounds to this one.

        Without ``counts`` no whole number does: that 2 were kept is no 200%.
        """
        least = 1 if number.kind == "percent" else LEAST_DIGITS
        half = 0.5 * number.step if number.digits >= least else 0.0
        reach = (half + 1e-9 * max(abs(number.value), number.step)) / factor
        at = number.value / factor
        values = self._values[kind]
        near = [
            value
            for side in ((at,) if number.signed else (at, -at))
            for value in values[
                bisect_left(values, side - reach) : bisect_right(values, side + reach)
            ]
        ]
        return any(counts or value != math.floor(value) for value in near)
