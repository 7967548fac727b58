"""What was found in a candidate's files: values, places for more of them, and what can be cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...records import Json
from .known.knobs import Value

Grammar = Callable[[Mapping[str, bytes]], Sequence[Mapping[str, Json]]]
"""Reads files given by path; for each finding a mapping with its ``sort`` (literal, where that is
missing) and the fields of `Literal`, `Site`, `Cut` or `Name`; of sort ``unread`` only a path."""


@dataclass(frozen=True)
class Literal:
    """A number, boolean, string or None that has a name.

    ``start`` and ``end`` are byte offsets of ``text`` in the file at ``path``. ``name`` is the
    keyword, default parameter, dict key or variable whose value it is (or is part of), ``where``
    the functions and the call or variable around it, ``role`` one of keyword, default, entry,
    variable, local (a variable in a function), unset (a parameter's default, not written) and name
    (a class). ``kind`` is int, float, bool, str or none.
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


@dataclass(frozen=True)
class Site:
    """A call, or a dict of a call's parameters, in which more can be written.

    The items go to byte ``at``: ``lead``, the items with ``separator`` between them, ``trail``; and
    a comma to byte ``comma`` unless that is -1. ``quote`` is that of the dict's keys, empty for a
    call; ``callee`` the call's full dotted name, ``names`` what it sets by name, ``given`` how many
    it gives by position.
    """

    path: str
    at: int
    comma: int
    lead: str
    separator: str
    trail: str
    quote: str
    callee: str
    where: str
    names: Sequence[str]
    given: int

    def item(self, name: str, text: str) -> str:
        """A parameter as it is written here."""
        quote = self.quote
        return f"{quote}{name}{quote}: {text}" if quote else f"{name}={text}"


@dataclass(frozen=True)
class Cut:
    """What the code may do without: the bytes to take out, and those that a person would name.

    ``what`` is argument, feature, step, element or line; ``name`` an argument's name.
    """

    path: str
    start: int
    end: int
    shown_start: int
    shown_end: int
    what: str
    name: str
    where: str


@dataclass(frozen=True)
class Name:
    """An imported class that is called: all its places in a file, and its full dotted name."""

    path: str
    spans: Sequence[Sequence[int]]
    full: str
    where: str


@dataclass(frozen=True)
class Findings:
    """All of it, in the order of the files."""

    literals: Sequence[Literal] = ()
    sites: Sequence[Site] = ()
    cuts: Sequence[Cut] = ()
    names: Sequence[Name] = ()
    unread: Sequence[str] = ()

    @classmethod
    def of(cls, found: Sequence[Mapping[str, Json]]) -> Findings:
        """From what a `Grammar` answers."""
        sorts: dict[str, list[dict[str, Json]]] = {}
        for one in found:
            fields = {key: value for key, value in one.items() if key != "sort"}
            sorts.setdefault(one.get("sort", "literal"), []).append(fields)
        return cls(
            [Literal(**one) for one in sorts.get("literal", ())],
            [Site(**{**one, "names": tuple(one["names"])}) for one in sorts.get("site", ())],
            [Cut(**one) for one in sorts.get("cut", ())],
            [Name(**one) for one in sorts.get("name", ())],
            [one["path"] for one in sorts.get("unread", ())],
        )


def line_of(data: bytes, offset: int) -> int:
    """The number of the line in which a byte stands, from 1."""
    return data.count(b"\n", 0, offset) + 1
