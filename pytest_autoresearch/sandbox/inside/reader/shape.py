"""The form of the reader's answer about one file, for the side that writes and the side that checks.

An answer about what can be changed is a dict of lists, one for each of `LISTS`; offsets are bytes of
the file. One about lines of code is `is_count`'s. Either is None where the file cannot be read.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

MAX_LITERALS = 2000
MAX_SITES = 200
MAX_CUTS = 400
MAX_NAMES = 100
MAX_TEXT = 64
MAX_NAME = 100
MAX_WHERE = 300
MAX_GLUE = 200
MAX_SPANS = 8
ROLES = ("keyword", "default", "entry", "variable", "local")
CUTS = ("argument", "feature", "step", "element", "line")
READY = b"ready\n"
INNER = frozenset(bytes([one]) for one in range(0x80, 0xC0))
"""The bytes of UTF-8 with which no character begins."""


def is_answer(answer: Any, data: bytes) -> bool:
    """Whether a whole answer about a file of these bytes is as promised."""
    if not isinstance(answer, dict) or set(answer) != set(LISTS):
        return False
    for key, (check, most) in LISTS.items():
        entries = answer[key]
        if not isinstance(entries, list) or len(entries) > most:
            return False
        if not all(check(entry, data) for entry in entries):
            return False
    ends = [0, *(entry[1] for entry in answer["literals"])]
    return all(entry[0] >= end for entry, end in zip(answer["literals"], ends, strict=False))


def is_count(answer: Any, data: bytes) -> bool:
    """``[lines, tokens]``: how much code a file of these bytes holds."""
    return (
        isinstance(answer, list)
        and len(answer) == 2
        and all(type(number) is int and 0 <= number <= len(data) for number in answer)
    )


def is_literal(entry: Any, data: bytes) -> bool:
    """``[start, end, kind, value, name, where, role]``: a value that has a name."""
    if not isinstance(entry, list) or len(entry) != 7:
        return False
    start, end, kind, value, name, where, role = entry
    return (
        is_span([start, end], data)
        and 0 < end - start <= MAX_TEXT
        and data[start:end].isascii()
        and is_value(kind, value)
        and is_label(name, MAX_NAME)
        and (where == "" or is_label(where, MAX_WHERE))
        and type(role) is str
        and role in ROLES
    )


def is_site(entry: Any, data: bytes) -> bool:
    """``[at, comma, lead, separator, trail, quote, callee, where, names, given]``.

    A call, or a dict of a call's parameters (``quote`` is its quote then, else empty), in which more
    can be written: at ``at``, as ``lead``, the items with ``separator`` between them, ``trail``;
    and first a comma at ``comma`` unless that is -1. ``callee`` is its full dotted name, ``names``
    the parameters that it sets, ``given`` how many it gives by position.
    """
    if not isinstance(entry, list) or len(entry) != 10:
        return False
    at, comma, lead, separator, trail, quote, callee, where, names, given = entry
    return (
        is_span([at, at], data)
        and (comma == -1 or is_span([comma, at], data))
        and type(comma) is int
        and all(is_glue(text) for text in (lead, separator, trail))
        and quote in ("", '"', "'")
        and is_label(callee, MAX_NAME)
        and is_label(where, MAX_WHERE)
        and isinstance(names, list)
        and len(names) <= MAX_NAMES
        and all(is_label(name, MAX_NAME) for name in names)
        and type(given) is int
        and 0 <= given <= MAX_NAMES
    )


def is_cut(entry: Any, data: bytes) -> bool:
    """``[start, end, shown_start, shown_end, what, name, where]``: what the code can do without.

    The first span is to be taken out, the second is what a person calls it; ``what`` is one of
    `CUTS`; ``name`` is an argument's name or empty, ``where`` the call it stands in or empty.
    """
    if not isinstance(entry, list) or len(entry) != 7:
        return False
    start, end, shown_start, shown_end, what, name, where = entry
    return (
        is_span([start, end], data)
        and start < end
        and is_span([shown_start, shown_end], data)
        and start <= shown_start < shown_end <= end
        and type(what) is str
        and what in CUTS
        and (name == "" or is_label(name, MAX_NAME))
        and (where == "" or is_label(where, MAX_WHERE))
    )


def is_name(entry: Any, data: bytes) -> bool:
    """``[spans, full, where]``: every place of an imported name, and its full dotted name."""
    if not isinstance(entry, list) or len(entry) != 3:
        return False
    spans, full, where = entry
    if not isinstance(spans, list) or not 0 < len(spans) <= MAX_SPANS:
        return False
    if not all(is_span(span, data) and span[0] < span[1] for span in spans):
        return False
    if not is_label(full, MAX_NAME) or not is_label(where, MAX_WHERE):
        return False
    short = full.rpartition(".")[2].encode()
    return all(data[start:end] == short for start, end in spans) and all(
        one[1] <= other[0] for one, other in pairwise(spans)
    )


def is_span(span: Any, data: bytes) -> bool:
    """Whether these are two offsets, in order, neither within a character."""
    return (
        isinstance(span, list)
        and len(span) == 2
        and all(type(offset) is int for offset in span)
        and 0 <= span[0] <= span[1] <= len(data)
        and all(data[offset : offset + 1] not in INNER for offset in span)
    )


def is_value(kind: Any, value: Any) -> bool:
    if kind == "int":
        return type(value) is int and abs(value) <= 1 << 53
    if kind == "float":
        return type(value) is float and math.isfinite(value)
    if kind == "str":
        return type(value) is str and len(value) <= MAX_TEXT and value.isprintable()
    return kind in ("bool", "none") and type(value) is (bool if kind == "bool" else type(None))


def is_label(value: Any, longest: int) -> bool:
    return type(value) is str and 0 < len(value) <= longest and value.isprintable()


def is_glue(value: Any) -> bool:
    """White space and commas: all that the reader may add to a file by itself."""
    return type(value) is str and len(value) <= MAX_GLUE and not value.strip(", \t\r\n\f")


LISTS = {
    "literals": (is_literal, MAX_LITERALS),
    "sites": (is_site, MAX_SITES),
    "cuts": (is_cut, MAX_CUTS),
    "names": (is_name, MAX_NAMES),
}
