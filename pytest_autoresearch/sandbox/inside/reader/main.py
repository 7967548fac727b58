"""The reader's loop: file after file from its request, a line of JSON for each to stdout."""

from __future__ import annotations

import codecs
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from ..confine import NO_CORE, Plan, Walls
from .shape import LISTS, READY

MEMORY = 2 << 30

Read = Callable[[bytes], Any]


def main(what: str, request: int, seconds: float, plan: Plan) -> NoReturn:
    """Reads the lengths and bytes of files from a descriptor, within the walls of ``plan``.

    ``what`` is one of `ASKED`. Each file may cost ``seconds`` of CPU time.
    """
    read = ASKED[what]()  # before the limits: what it imports is ours
    walls = Walls(plan)
    walls.prepare()
    walls.close([], [])
    _restrict()
    _reply(READY)
    with open(request, "rb") as source:
        for length in json.loads(source.readline()):
            signal.setitimer(signal.ITIMER_PROF, seconds)  # the process dies when it runs out
            _reply(json.dumps(read(source.read(length))).encode() + b"\n")
    os._exit(0)


def _restrict() -> None:
    """No core file, no written file, bounded memory."""
    for kind, wanted in (
        (resource.RLIMIT_CORE, NO_CORE),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_AS, MEMORY),
    ):
        allowed = resource.getrlimit(kind)[1]
        limit = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
        resource.setrlimit(kind, (limit, limit))


def _reply(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _counting() -> Read:
    from .lines import count

    return count


def _changing() -> Read:
    import libcst  # noqa: F401

    return _changes


def _changes(data: bytes) -> dict[str, list[Any]] | None:
    """What can be changed in one file; None when it is not UTF-8 or not Python."""
    import libcst as cst
    from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

    from .cuts import cuts
    from .places import Source
    from .sites import names, sites
    from .walker import Walker

    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        text = data[mark:].decode("utf-8")
        module = cst.parse_module(text)
        if module.code != text:
            return None
        spans = MetadataWrapper(module, unsafe_skip_copy=True).resolve(ByteSpanPositionProvider)
        source = Source(data, mark, spans)
        walker = Walker(module)
        literals = [[*source.span(node), *what] for node, *what in walker.found]
        found = {
            "literals": sorted(literals, key=lambda entry: entry[0]),
            "sites": sites(walker, source),
            "cuts": cuts(walker, source),
            "names": names(walker, source, module),
        }
    except (UnicodeDecodeError, cst.ParserSyntaxError, cst.CSTValidationError, RecursionError):
        return None
    return {
        key: [entry for entry in found[key] if check(entry, data)][:most]
        for key, (check, most) in LISTS.items()
    }


ASKED: dict[str, Callable[[], Read]] = {"changes": _changing, "lines": _counting}
"""What can be asked about a file, and what reads it."""
