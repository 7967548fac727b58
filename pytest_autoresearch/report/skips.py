"""Why calls of agents took no number: nothing came of them, or what came was tried before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ..records import Record, Status
from .text import one_line

MOST_CAUSES = 6
"""Causes that are told one by one."""
_WIDTH = 100
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_KINDS = (
    (re.compile(r"no proposal\b"), "no proposal"),
    (re.compile(r"repeats experiment\b"), "tried before"),
    (re.compile(r"made on\b"), "made on an earlier champion"),
    (re.compile(r"no analysis\b"), "no analysis"),
    (re.compile(r"\d+ analyses in a row\b"), "too many analyses in a row"),
)
_TOLD = ("no proposal", "no analysis")
"""Kinds behind which the reason itself says more."""


def skips(records: Iterable[Record], *, kinds_only: bool = False) -> list[tuple[str, int]]:
    """Why agents' calls took no number and how often, the commonest cause first.

    What an agent or its server said stands behind its kind, numbers in it aside; with ``kinds_only`` it
    is left out. Rarer causes than the first `MOST_CAUSES` are one row.
    """
    reasons = [record.reason for record in records if record.status is Status.SKIPPED]
    groups: dict[str, list[str]] = {}
    for reason in reasons:
        cause = _kind(reason) if kinds_only else _cause(reason)
        groups.setdefault(_NUMBER.sub("N", cause), []).append(cause)
    ranked = sorted(groups.items(), key=lambda group: -len(group[1]))
    found = [(_shared(key, texts), len(texts)) for key, texts in ranked]
    rest = sum(number for _, number in found[MOST_CAUSES:])
    return [*found[:MOST_CAUSES], *([("for other reasons", rest)] if rest else [])]


def _kind(reason: str) -> str:
    return next((words for start, words in _KINDS if start.match(reason)), "for another reason")


def _cause(reason: str) -> str:
    kind = _kind(reason)
    told = kind in _TOLD or not any(start.match(reason) for start, _ in _KINDS)
    return one_line(reason, _WIDTH).rstrip(".") or kind if told else kind


def _shared(key: str, texts: list[str]) -> str:
    """What a group has in common: its text, with ``N`` for numbers where they differ."""
    [(text, number)] = Counter(texts).most_common(1)
    return text if number == len(texts) else key
