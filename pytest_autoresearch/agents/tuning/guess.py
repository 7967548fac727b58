"""What a literal may become by its name and value alone, and why it is left alone."""

from __future__ import annotations

import math

from .dimension import Dimension
from .known import names
from .known.knobs import Value
from .known.names import plain
from .source import Literal

SMALLEST, LARGEST = 1e-12, 1e9
SMALL = 16
"""Whole numbers below this are changed by steps, from here on by factors."""


def guess(literal: Literal, key: str) -> Dimension | None:
    """The values that one literal may take; None when it is not for tuning."""
    if why_not(literal):
        return None
    name = plain(literal.name)
    choices = _choices(literal, name)
    if choices:
        return Dimension(key, literal, "choice", rank(literal, name), choices=choices)
    if literal.kind == "int" and not names.REALS.fullmatch(name):
        return _whole(literal, name, key)
    return _real(literal, name, key)


def why_not(literal: Literal) -> str:
    """Why a literal is left alone, in a few words; empty when it is for tuning."""
    name = plain(literal.name)
    if names.SEEDS.fullmatch(name):
        return "seed"
    if names.IGNORED.fullmatch(name):
        return "plumbing"
    if literal.role == "keyword" and names.IGNORED_CALLS.fullmatch(call_of(literal.where)):
        return "plumbing"
    if literal.role == "local" and _is_incidental(literal, name):
        return "start value"
    if _choices(literal, name):
        return ""
    if literal.kind == "str":
        return "text without known alternatives"
    if literal.kind not in ("int", "float"):
        return f"{literal.value} without known alternatives"
    if not _is_usual(literal.value):
        return "unusual size"
    return "-1" if literal.value == -1 and literal.kind == "int" else ""


def call_of(where: str) -> str:
    """The call at the end of a place, without module and number: of ``fit.sk.Ridge#2`` Ridge."""
    return where.rpartition(".")[2].partition("#")[0]


def _is_usual(value: Value) -> bool:
    """Whether a number is of a size that settings have."""
    assert isinstance(value, int | float)
    return value == 0 or SMALLEST <= abs(value) <= LARGEST


def _is_incidental(literal: Literal, name: str) -> bool:
    """Whether a local variable's value is rather where a computation starts than a setting."""
    if rank(literal, name) <= len(names.FIRST):
        return False
    if literal.kind == "bool":
        return not names.SWITCHES.fullmatch(name)
    return literal.value in (0, 1, -1)


def rank(literal: Literal, name: str) -> float:
    """Small for what a person would change first."""
    if name in names.FIRST:
        return names.FIRST.index(name)
    tables = (names.REALS, names.COUNTS)
    if name in names.FRACTIONS or any(table.fullmatch(name) for table in tables):
        return len(names.FIRST)
    return len(names.FIRST) + (1 if literal.role in ("keyword", "entry") else 2)


def _choices(literal: Literal, name: str) -> tuple[Value, ...]:
    """The values that may stand in for the literal's, its own among them; empty when unknown."""
    call = call_of(literal.where)
    groups = names.CHOICES.get(name, ())
    if (call, name) in names.CHOICES_OF:
        groups = (names.CHOICES_OF[call, name],)
    elif literal.kind == "bool":
        groups = (*groups, (True, False))
    elif name == "max_depth" and literal.value == -1:
        groups = ((-1, 4, 6, 8, 12),)
    for group in groups:
        if repr(literal.value) in map(repr, group):
            return group
    return ()


def _whole(literal: Literal, name: str, key: str) -> Dimension:
    assert isinstance(literal.value, int)
    size, place = abs(literal.value), rank(literal, name)
    sign = -1 if literal.value < 0 else 1
    least = 2 if names.AT_LEAST_TWO.fullmatch(name) else 1
    if size == 0:
        return Dimension(key, literal, "whole", place, 0, 3)
    if size >= SMALL or names.COUNTS.fullmatch(name):
        low, high = max(least, size // 4), max(size * 4, least)
        return Dimension(key, literal, "whole", place, low, high, log=True, sign=sign)
    low, high = max(least, size // 2), max(2 * size + 1, least)
    return Dimension(key, literal, "whole", place, low, high, sign=sign)


def _real(literal: Literal, name: str, key: str) -> Dimension:
    assert isinstance(literal.value, int | float)
    low, high, log = _bounds(abs(literal.value), name)
    sign = -1 if literal.value < 0 else 1
    digits = digits_of(abs(literal.value))
    place = rank(literal, name)
    return Dimension(key, literal, "real", place, low, high, log, sign=sign, digits=digits)


def _bounds(size: float, name: str) -> tuple[float, float, bool]:
    """The lowest and highest magnitude, and whether between them factors count."""
    if name in names.FRACTIONS and size <= 1:
        low, high = names.FRACTIONS[name]
        return min(low, size), max(high, size), False
    if size == 0:
        return (1e-8, 1.0, True) if names.PENALTIES.fullmatch(name) else (0.0, 1.0, False)
    if 0.9 <= size < 1:  # decays and the like: what counts is the distance to 1
        return max(0.0, 1 - 5 * (1 - size)), 1 - (1 - size) / 5, False
    high = size * 10
    if name in names.RATES and size <= 1:
        high = min(high, 1.0)
    return size / 10, high, True


def digits_of(size: float) -> int:
    """How many significant digits a number of that size is written with."""
    return 2 - math.floor(math.log10(1 - size)) if 0.9 <= size < 1 else 3
