"""Answers of models that have no tools: words, and below them code between fences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_WORDS = 20_000
"""Characters of words that are read."""


@dataclass(frozen=True)
class Block:
    """What stands between two fences: ``info`` is the text behind the first, ``above`` the line before it."""

    info: str
    text: str
    above: str = ""
    closed: bool = True


@dataclass(frozen=True)
class Reading:
    """What an answer holds; ``problem`` says what is wrong with it, empty where nothing is."""

    description: str = ""
    hypothesis: str = ""
    theme: str = ""
    expected: str = ""
    patch: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    analysis: str = ""
    lessons: tuple[str, ...] = ()
    problem: str = ""

    @property
    def offers(self) -> bool:
        """Whether there is anything to hand in."""
        return bool(self.patch or self.files or self.analysis) and not self.problem


def read(text: str) -> Reading:
    """What a model wrote without tools."""
    blocks = list(_blocks(text))
    words, first = text, blocks[0] if blocks else None
    if first is not None:
        words = text[: _start(text)]
    said = _words(words)
    if any(not block.closed for block in blocks):
        return Reading(**said, problem="the code is cut off: its fence is not closed")
    patches, files = [], {}
    for block in blocks:
        language = block.info.split()[0].lower() if block.info else ""
        path = _path(block)
        if language in ("diff", "patch") or (not path and _DIFF.search(block.text)):
            patches.append(recounted(block.text))
        elif "analysis" in block.info.lower().split():
            return Reading(**said, analysis=block.text)
        elif path in files:
            return Reading(**said, problem=f"{path} is given twice")
        elif path:
            files[path] = block.text
    if patches and files:
        problem = "there are both a diff and whole files: give the one or the other"
        return Reading(**said, problem=problem)
    if not patches and not files:
        return Reading(
            **said, problem="there is neither a fenced diff nor a fenced file with its path"
        )
    return Reading(**said, patch="".join(patches), files=files)


_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^`\n]{0,200})\s*")
_DIFF = re.compile(r"^--- [^\n]+\n\+\+\+ ", re.MULTILINE)
_PATH = re.compile(r"[\w./-]{0,200}[\w-]\.\w{1,10}")
_LABEL = re.compile(
    r"[*_#> -]{0,5}(description|hypothesis|theme|expected|lesson)[*_]{0,2}\s*:[*_]{0,2}\s*(.*)",
    re.IGNORECASE,
)


def _blocks(text: str) -> Iterator[Block]:
    """The fenced blocks, top to bottom; a fence ends with one of its own kind that is as long."""
    opened: tuple[str, str, str] | None = None
    lines: list[str] = []
    above = ""
    for line in text.splitlines(keepends=True):
        fence = _FENCE.fullmatch(line)
        if opened is None:
            if fence:
                opened, lines = (fence[1], fence[2].strip(), above), []
            elif line.strip():
                above = line.strip()
        elif fence and not fence[2] and fence[1].startswith(opened[0]):
            yield Block(opened[1], "".join(lines), opened[2])
            opened, above = None, ""
        else:
            lines.append(line)
    if opened is not None:
        yield Block(opened[1], "".join(lines), opened[2], closed=False)


def _start(text: str) -> int:
    at = 0
    for line in text.splitlines(keepends=True):
        if _FENCE.fullmatch(line):
            break
        at += len(line)
    return at


def _path(block: Block) -> str:
    """The path that a block names: behind its fence, or alone in the line above it."""
    for word in reversed(block.info.replace("path=", " ").split()):
        if _PATH.fullmatch(word):
            return word.removeprefix("./")
    alone = block.above.strip("*`#: ")
    return alone.removeprefix("./") if _PATH.fullmatch(alone) else ""


def _words(text: str) -> dict[str, Any]:
    """The fields of a proposal in words: labelled ones, else the first line describes and the rest is why."""
    found: dict[str, str] = {}
    lessons, rest = [], []
    for line in text[:MOST_WORDS].splitlines():
        label = _LABEL.fullmatch(line.strip())
        if label is None:
            rest.append(line)
        elif label[1].lower() == "lesson":
            lessons.append(label[2].strip())
        else:
            found[label[1].lower()] = label[2].strip()
    free = "\n".join(rest).strip()
    if "description" not in found:
        first, _, free = free.partition("\n")
        found["description"] = first.strip("#* ").strip()
    found.setdefault("hypothesis", free.strip())
    return {**found, "lessons": tuple(filter(None, lessons))}


_HUNK = re.compile(r"@@(?: -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@)?(.*)", re.DOTALL)


def recounted(patch: str) -> str:
    """A diff whose hunks say how many lines they have: models cannot count them."""
    lines = patch.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    made: list[str] = []
    at = 0
    while at < len(lines):
        hunk = _HUNK.fullmatch(lines[at])
        if hunk is None:
            made.append(lines[at])
            at += 1
            continue
        body = _body(lines, at + 1)
        old, new = (sum(line[0] in signs for line in body) for signs in (" -", " +"))
        starts = [hunk[n] or "1" if count else "0" for n, count in ((1, old), (2, new))]
        made.append(f"@@ -{starts[0]},{old} +{starts[1]},{new} @@\n")
        made += body
        at += 1 + len(body)
    return "".join(made)


def _body(lines: list[str], at: int) -> list[str]:
    """A hunk's lines; an empty one is a line of context that lost its blank."""
    body: list[str] = []
    for n in range(at, len(lines)):
        line = lines[n]
        header = line.startswith("--- ") and n + 1 < len(lines) and lines[n + 1].startswith("+++ ")
        if line.startswith(("@@", "diff --git ", "Index: ")) or header:
            break
        if line.strip("\r\n") == "":
            body.append(" " + line)
        elif line[0] in " +-\\":
            body.append(line)
        else:
            break
    while body and body[-1].strip() == "" and body[-1].startswith(" "):
        body.pop()
    return body
