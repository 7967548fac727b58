"""What an agent writes about a proposal: `PROPOSAL.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_FILE = 64 << 10
MOST_DESCRIPTION, MOST_WORDS = 300, 2000
MOST_LESSONS, MOST_LESSON = 10, 500
FIELDS = ("hypothesis", "theme", "expected", "lesson")
MARKS = "#*-_> \t"
"""What Markdown puts around a word or before a line."""


@dataclass(frozen=True)
class Words:
    """The words of a proposal, each bounded, without control characters."""

    description: str = ""
    hypothesis: str = ""
    theme: str = ""
    expected: str = ""
    lessons: tuple[str, ...] = ()


def read_words(content: bytes) -> Words:
    """The first line describes; ``Hypothesis:``, ``Theme:``, ``Expected:`` and ``Lesson:`` say the rest.

    What such a line begins goes on until an empty line or the next one. There may be several lessons.
    """
    lines = clean(content.decode("utf-8", "replace")).split("\n")
    title, said = "", list[tuple[str, list[str]]]()
    open_field = False
    for line in lines:
        head, colon, rest = line.partition(":")
        name = head.strip(MARKS).lower()
        name = "lesson" if name == "lessons" else name
        if colon and name in FIELDS:
            said.append((name, [rest.lstrip(MARKS)]))
            open_field = True
        elif not line.strip():
            open_field = False
        elif open_field:
            said[-1][1].append(line)
        elif not title:
            title = line.strip(MARKS)
    return _words(title, said)


def _words(title: str, said: list[tuple[str, list[str]]]) -> Words:
    texts = [(name, " ".join(" ".join(lines).split())) for name, lines in said]
    one: Mapping[str, str] = {name: text for name, text in reversed(texts) if text}
    lessons = [text[:MOST_LESSON] for name, text in texts if name == "lesson" and text]
    hypothesis = one.get("hypothesis", "")
    return Words(
        description=" ".join((title or hypothesis).split())[:MOST_DESCRIPTION],
        hypothesis=hypothesis[:MOST_WORDS],
        theme=one.get("theme", "")[:MOST_DESCRIPTION],
        expected=one.get("expected", "")[:MOST_WORDS],
        lessons=tuple(lessons[:MOST_LESSONS]),
    )


def clean(text: str) -> str:
    """The text without control characters but newlines and tabs, and without what hides or turns text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one if one in "\n\t" or one.isprintable() else " " for one in text)


def tail(output: bytes, most: int = 300) -> str:
    """The last line of an output that says something, bounded."""
    lines = clean(output[-(1 << 16) :].decode("utf-8", "replace")).split("\n")
    said = [" ".join(line.split()) for line in lines if line.strip()]
    return said[-1][-most:] if said else ""
