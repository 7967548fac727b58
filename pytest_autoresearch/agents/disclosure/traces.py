"""What a failure's text says of where it happened; the text is the candidate's, and proves nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

BEGINNING = "Traceback (most recent call last):"
FRAME = re.compile(r'\s*File "([^"\n]{1,400})", line (\d{1,7})(?:, in .*)?')
RAISED = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:: (.*))?")
PLACED = re.compile(r"(?:^|(?<=; )|(?<=\n))([^\s:]{1,400}):(\d{1,7}): ")
MOST_LINE = 200
"""Characters of a line of source that is shown."""


@dataclass(frozen=True)
class Place:
    """A line of a file that is visible to agents, its text read from the file itself."""

    path: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}"


@dataclass(frozen=True)
class Trace:
    """An exception: the name of its type, its message, and the frames (path, line), innermost last."""

    kind: str
    message: str = ""
    frames: tuple[tuple[str, int], ...] = ()


def trace_of(output: str, headline: str) -> Trace:
    """The last traceback in ``output``; where there is none, what ``headline`` says."""
    start = output.rfind(BEGINNING)
    told = _raised(headline)
    if start < 0:
        return told
    frames, rest = [], list[str]()
    for line in output[start + len(BEGINNING) :].splitlines():
        found = FRAME.fullmatch(line)
        if found and not rest:
            frames.append((found[1], int(found[2])))
        elif rest or (line.strip() and not line[0].isspace() and RAISED.fullmatch(line)):
            rest.append(line)
    said = _raised("\n".join(rest)) if rest else told
    return Trace(said.kind, said.message, tuple(frames))


def _raised(text: str) -> Trace:
    first, _, more = text.partition("\n")
    found = RAISED.fullmatch(first.strip())
    if found is None:
        return Trace("", text)
    return Trace(found[1], f"{found[2] or ''} {more}".strip())


def placed(
    frames: tuple[tuple[str, int], ...], files: Mapping[str, bytes], *, exact: bool
) -> Place | None:
    """The innermost frame that lies in visible files; with its text where these are the very files."""
    for path, line in reversed(frames):
        if path in files:
            lines = files[path].decode("utf-8", "replace").splitlines()
            if 1 <= line <= len(lines):
                return Place(path, line, lines[line - 1].strip()[:MOST_LINE] if exact else "")
    return None


def complaints(
    text: str, files: Mapping[str, bytes], *, exact: bool
) -> list[tuple[Place | None, str]]:
    """``model.py:12: words; model.py:14: words`` as places and words; what has no place in ``files`` has none."""
    found: list[tuple[Place | None, str]] = []
    place, begin = None, 0
    for match in PLACED.finditer(text):
        here = placed(((match[1], int(match[2])),), files, exact=exact)
        if here is not None:
            found.append((place, text[begin : match.start()]))
            place, begin = here, match.end()
    found.append((place, text[begin:]))
    return [(where, words.rstrip("; \n")) for where, words in found if where or words.strip("; \n")]
