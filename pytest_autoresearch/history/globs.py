"""Globs over POSIX paths: ``*`` stays within a folder, ``**`` crosses folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

TOKEN = re.compile(
    r"(?P<deep>\*\*/|\*\*)|(?P<star>\*)|(?P<one>\?)|(?P<set>\[!?(?:\][^\]/]*|[^\]/]+)\])"
)
WILD = re.compile(r"[*?\[]")


def match(globs: Sequence[str], path: str) -> bool:
    """Whether one of the globs matches the whole of ``path``."""
    return any(_compiled(glob).fullmatch(path) for glob in globs)


def is_literal(text: str) -> bool:
    """Whether a glob, or one component of it, has no wildcard."""
    return not WILD.search(text)


@lru_cache(maxsize=256)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile("".join(_pieces(glob)), re.DOTALL)


def _pieces(glob: str) -> Iterator[str]:
    """The glob as pieces of a regular expression."""
    at = 0
    while at < len(glob):
        token = TOKEN.match(glob, at)
        if token is None:
            yield re.escape(glob[at])
            at += 1
            continue
        yield _wildcard(token, starts_component=at == 0 or glob[at - 1] == "/")
        at = token.end()


def _wildcard(token: re.Match[str], *, starts_component: bool) -> str:
    text = token[0]
    if token["deep"]:
        if text == "**/":
            return "(?:[^/]+/)*" if starts_component else ".*/"
        return ".+" if starts_component else ".*"
    if token["star"]:
        return "[^/]*"
    if token["one"]:
        return "[^/]"
    return _character_set(text)


def _character_set(text: str) -> str:
    inside = text[1:-1]
    negated = inside.startswith("!") and len(inside) > 1
    body = re.sub(r"[\\\[\]^&~|]", r"\\\g<0>", inside[negated:]).replace("--", "-\\-")
    pattern = f"(?!/)[{'^' if negated else ''}{body}]"
    try:
        re.compile(pattern)
    except re.error:
        return re.escape(text)
    return pattern
