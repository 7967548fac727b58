"""Words and texts that others wrote, so that they can pose neither as headings nor as instructions."""

from __future__ import annotations

import re

FENCE = re.compile(r"^\s*(`{3,}|~{3,})", re.MULTILINE)
TICKS = re.compile(r"`+")
LINES = "\n\t"


def clean(text: str) -> str:
    """Without control characters, direction marks and other line ends than newlines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        one if one in LINES or one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text
    )


def one_line(text: str, most: int = 0) -> str:
    """On one line, at most ``most`` characters (0: any number)."""
    line = clean(" ".join(text.split()))
    return line if not most or len(line) <= most else f"{line[: most - 2].rstrip()} …"


def quoted(text: str, most: int = 200) -> str:
    """“text” on one line; its own such quotation marks become plain ones. Empty when it is."""
    line = one_line(text, most).replace("“", '"').replace("”", '"')
    return f"“{line}”" if line else ""


def code(text: str, most: int = 200) -> str:
    """Inline code on one line, within more backticks than it holds."""
    line = one_line(text, most)
    ticks = "`" * (1 + max((len(run) for run in TICKS.findall(line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}" if line else ""


def fenced(text: str, language: str = "text") -> str:
    """A block of ``text`` in a fence that is longer than any it holds."""
    body = clean(text).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def closed(text: str) -> str:
    """``text`` with the fence closed that it leaves open."""
    fence = ""
    for found in FENCE.finditer(text):
        if not fence:
            fence = found[1]
        elif found[1].startswith(fence):
            fence = ""
    return f"{text}\n{fence}" if fence else text
