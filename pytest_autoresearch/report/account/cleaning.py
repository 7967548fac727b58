"""Markdown of an agent without what a report must not hold: HTML, pictures, links, code blocks."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

MOST_READ = 60_000
"""Characters of an answer that are looked at."""

_ROUNDS = 6
_WRAPPED = re.compile(r"\A\s*```\w*\n(.*)\n```\s*\Z", re.DOTALL)
_FENCE = re.compile(r" {0,3}(`{3,}+|~{3,}+)")
_TARGET = r"\((?:[^()\n]|\([^()\n]*\))*\)"
_CLOSED = [
    (re.compile("<!--"), re.compile("-->")),
    *(
        (re.compile(rf"<{name}\b", re.IGNORECASE), re.compile(rf"</{name}\s*>", re.IGNORECASE))
        for name in ("script", "style", "svg", "math")
    ),
]
"""What is removed from its beginning to its end. Two patterns: one would look for the end of each beginning."""
_REMOVED = [
    (re.compile(r"</?[A-Za-z!?][^<>]*>"), ""),
    (re.compile(rf"!\[[^\[\]]*\](?:{_TARGET}|\[[^\[\]]*\])"), ""),
    (re.compile(rf"(?<!!)\[([^\[\]]*)\](?:{_TARGET}|\[[^\[\]]*\])"), r"\1"),
    (re.compile(r"^[ \t]*\[[^\[\]\n]+\]:.*$", re.MULTILINE), ""),
    (
        re.compile(
            r"\b(?:(?:https?|ftp|file|mailto|javascript|data):|www\.)[^\s|]+", re.IGNORECASE
        ),
        "",
    ),
]
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(.*)")
_ITEM = re.compile(r"(\s*)([-*+]|\d{1,3}[.)])\s+(.*)")
_RULE = re.compile(r"\|?\s*+(?::?-++:?\s*+\|\s*+)+(?::?-++:?)?")
_LINE = re.compile(r"\s*(?:[-=*_]\s*){3,}")
_SENTENCE_ENDS = re.compile(
    r"(?:(?<=[.!?])|(?<=[.!?][\"')\]*_`]))\s+(?=[\"'(*_`]*[^\W\d_a-z])|(?<=[\u3002\uff01\uff1f])"
)
_SHORTENED = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|cf|ca|approx|resp|etc|al|no|fig|eq|exp|[A-Z])\.)$", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?<=[\w.+-])@(?=[\w-]+\.[\w.-]*[^\W\d_])")
"""The sign in an address, of which a viewer would make a link; ``precision@10`` is none."""
_LONGEST = 8
"""Characters of the longest of them, and one before it."""
_NUMBERED = re.compile(r"&#[0-9]{8,};?")
"""A character that there is none of; `html.unescape` would make a number of all its digits."""

What = Literal["heading", "item", "row", "rule", "text", "gap"]


@dataclass(frozen=True)
class Block:
    """One line of an agent's Markdown, continuation lines joined: what it is, how deep, and its text."""

    what: What
    text: str = ""
    level: int = 0
    ordered: bool = False


def cleaned(text: str) -> str:
    """``text`` without what is removed, entities and backslashes resolved: what a reader would see."""
    seen = _printable(text[:MOST_READ])
    if wrapped := _WRAPPED.match(seen):
        seen = wrapped[1]
    seen = _unfenced(_printable(_stable(seen, _resolved)))
    seen = seen.replace("\\", "")
    for begin, end in _CLOSED:
        seen = _stable(seen, lambda now, a=begin, b=end: _without(now, a, b))  # type: ignore[misc]
    for pattern, left in _REMOVED:
        seen = _stable(seen, lambda now, p=pattern, by=left: p.sub(by, now))  # type: ignore[misc]
    return re.sub("`{2,}", "`", _tidy(seen))


def _printable(text: str) -> str:
    """Tidy lines of characters that can be seen: no control characters, no direction marks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = "".join(" " if c.isspace() and c not in "\n\t" else c for c in lines)
    return _tidy("".join(c for c in lines if c.isprintable() or c in "\n\t").expandtabs(4))


def _resolved(text: str) -> str:
    return html.unescape(_NUMBERED.sub("\N{REPLACEMENT CHARACTER}", text))


def _without(text: str, begin: re.Pattern[str], end: re.Pattern[str]) -> str:
    """Without what stands from a beginning to the next end; a beginning that no end follows stays."""
    kept, at = list[str](), 0
    while (first := begin.search(text, at)) and (last := end.search(text, first.end())):
        kept.append(text[at : first.start()])
        at = last.end()
    return "".join([*kept, text[at:]])


def _tidy(text: str) -> str:
    """Lines without spaces at their end, single ones within, and an indent as deep as lists go."""
    lines = text.split("\n")
    indents = (min(8, len(line) - len(line.lstrip(" "))) for line in lines)
    return "\n".join(
        " " * indent + re.sub(" {2,}", " ", line.strip(" "))
        for indent, line in zip(indents, lines, strict=True)
    )


def _unfenced(text: str) -> str:
    """Without the lines of code blocks; a fence that is never closed opens none."""
    kept: list[str] = []
    held: list[str] = []
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if not fence and found:
            fence = found[1]
        elif fence and found and found[1].startswith(fence):
            fence, held = "", []
        else:
            (held if fence else kept).append(line)
    return "\n".join([*kept, *held])


def blocks(text: str) -> Iterator[Block]:
    """The blocks of cleaned Markdown, in their order."""
    held: Block | None = None
    for line in text.split("\n"):
        block = _block(line)
        if block.what == "text" and held is not None:
            held = Block(held.what, f"{held.text} {block.text}", held.level, held.ordered)
            continue
        if held is not None:
            yield held
            held = None
        if block.what in ("text", "item"):
            held = block
        else:
            yield block
    if held is not None:
        yield held


def sentences(text: str) -> list[str]:
    """A paragraph's sentences; what only looks like an end, as in ``e.g. LightGBM``, is none."""
    found: list[str] = []
    for part in _SENTENCE_ENDS.split(text):
        if found and _SHORTENED.search(found[-1][-_LONGEST:]):
            found[-1] = f"{found[-1]} {part}"
        elif part.strip():
            found.append(part.strip())
    return found


def harmless(text: str) -> str:
    """Cleaned text as Markdown that can hold emphasis and code, and nothing else."""
    if text.count("`") % 2:
        text = text.replace("`", "")
    if text.count("**") % 2:
        text = text.replace("**", "")
    pieces = text.split("`")
    safe = [
        _escaped(piece) if n % 2 == 0 else piece.replace("|", "/") for n, piece in enumerate(pieces)
    ]
    return "`".join(safe).strip()


def _escaped(text: str) -> str:
    text = _ADDRESS.sub(" (at) ", text)
    return re.sub(r"([&<>\[\]$~#|\\])", r"\\\1", text)


def _block(line: str) -> Block:
    line = re.sub(r"^(?:\s{0,3}>\s?)+", "", line)
    if not line.strip() or _LINE.fullmatch(line):
        return Block("gap")
    if found := _HEADING.fullmatch(line):
        title = found[2].rstrip().rstrip("#").rstrip()
        return Block("heading", re.sub(r"^\d{1,2}[.)]\s+", "", title), len(found[1]))
    if _RULE.fullmatch(line.strip()) and "|" in line:
        return Block("rule", line.strip())
    if line.lstrip().startswith("|"):
        return Block("row", line.strip())
    if found := _ITEM.fullmatch(line):
        return Block("item", found[3].strip(), min(2, len(found[1]) // 2), found[2][0].isdigit())
    return Block("text", line.strip())


def _stable(text: str, change: Callable[[str], str]) -> str:
    """Apply a change until nothing changes any more: what is removed may bring a new one together."""
    for _ in range(_ROUNDS):
        changed = change(text)
        if changed == text:
            break
        text = changed
    return text
