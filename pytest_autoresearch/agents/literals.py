"""A literal in a candidate's file: what is known of it, and how another takes its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..records import Json

Grammar = Callable[[Mapping[str, bytes]], Sequence[Mapping[str, Json]]]
"""Finds the literals in files given by path: for each a mapping with the fields of `Literal`."""

Value = bool | int | float | str | None


@dataclass(frozen=True)
class Literal:
    """A number, boolean, string or None that has a name.

    ``start`` and ``end`` are byte offsets of ``text`` in the file at ``path``. ``name`` is the
    keyword, default parameter, dict key or variable whose value it is (or is part of), ``where``
    the functions and the call or variable around it, ``role`` one of keyword, default, entry,
    variable, local (a variable in a function). ``kind`` is int, float, bool, str or none.
    """

    path: str
    start: int
    end: int
    kind: str
    text: str
    value: Value
    name: str
    where: str
    role: str


def round_to(value: float, digits: int) -> float:
    """`value` with so many significant digits."""
    return float(f"{value:.{digits}g}")


def write(value: Value, like: str) -> str:
    """`value` as Python source with the exponents, underscores and quotes of `like`."""
    if isinstance(value, str):
        quote = like[0] if like[0] in "'\"" else '"'
        return f"{quote}{value}{quote}"
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return f"{value:_}" if "_" in like else str(value)
    return _float(value, like)


def _float(value: float, like: str) -> str:
    scientific = "e" in like.lower() or not 1e-4 <= abs(value) < 1e7
    if scientific and value:
        mantissa, _, exponent = f"{Decimal(repr(value)):e}".lower().partition("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}{'E' if 'E' in like else 'e'}{int(exponent)}"
    text = f"{Decimal(repr(value)):f}"
    return text if "." in text else f"{text}.0"


def splice(data: bytes, changes: Sequence[tuple[Literal, str]]) -> bytes:
    """`data` with the text of some of its literals replaced; every other byte stays."""
    for literal, text in sorted(changes, key=lambda change: -change[0].start):
        data = data[: literal.start] + text.encode() + data[literal.end :]
    return data
