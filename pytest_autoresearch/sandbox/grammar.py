"""What can be changed in candidate files, as a process of its own reads it; the judge parses nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .inside.reader.shape import MAX_LITERALS, is_answer
from .reading import answers
from .walls.tiers import UNWALLED, Tier

MAX_FILE = 256 << 10
MAX_FILES = 64

LITERAL = ("kind", "value", "name", "where", "role")
SITE = ("at", "comma", "lead", "separator", "trail", "quote", "callee", "where", "names", "given")
CUT = ("start", "end", "shown_start", "shown_end", "what", "name", "where")
NAME = ("spans", "full", "where")


def read_literals(
    files: Mapping[str, bytes], *, seconds: float = 20.0, tier: Tier = UNWALLED
) -> list[dict[str, Any]]:
    """What can be changed in the Python files among `files`, which maps paths to their bytes.

    ``tier`` says how the process that parses them is kept in.

    Each finding is a dict of ``path``, ``sort`` and what `inside.reader.shape` says of the sort:

    - ``literal``: ``start`` and ``end`` (byte offsets); ``kind`` (``int``, ``float``, ``bool``,
      ``str`` or ``none``); ``text`` (those bytes); ``value``; ``name`` (of the keyword, default
      parameter, dict key or variable it belongs to); ``where`` (the functions and the call or
      variable it stands in, dotted); ``role`` (one of `shape.ROLES`). They come in order.
    - ``site``: a call or dict of a known library in which more parameters can be written.
    - ``cut``: an argument, element, step or line that the code may do without.
    - ``name``: an imported class that may be another one.
    - ``unread``: a file that was given up.

    A file that does not parse, is over 256 KiB, kills the parser or keeps it busy for more than 4
    seconds is given up, as is one not reached within `seconds`; one that is not Python is left
    out. Raises `HarnessFault` when the parser itself cannot be started.
    """
    python = [(path, files[path]) for path in sorted(files) if path.endswith(".py")]
    asked = [(path, data) for path, data in python if 0 < len(data) <= MAX_FILE][:MAX_FILES]
    found: list[dict[str, Any]] = []
    read = {path for path, data in python if not data}
    told = answers("changes", [data for _, data in asked], seconds=seconds, tier=tier)
    for (path, data), answer in zip(asked, told, strict=False):
        if is_answer(answer, data):
            read.add(path)
            found += _findings(path, data, answer)
    unread = [{"sort": "unread", "path": path} for path, _ in python if path not in read]
    return _bounded(found) + unread


def _bounded(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The findings, of all files together at most `MAX_LITERALS` of each sort."""
    kept: list[dict[str, Any]] = []
    for sort in ("literal", "site", "cut", "name"):
        kept += [one for one in found if one["sort"] == sort][:MAX_LITERALS]
    return kept


def _findings(path: str, data: bytes, answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """An answer that was checked, as dicts."""
    for start, end, *what in answer["literals"]:
        text = {"start": start, "end": end, "text": data[start:end].decode("ascii")}
        yield {"sort": "literal", "path": path, **text, **dict(zip(LITERAL, what, strict=True))}
    for sort, fields in (("site", SITE), ("cut", CUT), ("name", NAME)):
        for entry in answer[f"{sort}s"]:
            yield {"sort": sort, "path": path, **dict(zip(fields, entry, strict=True))}
