"""How many lines of code one version of some files has less than another; the judge parses nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..exceptions import HarnessFault
from .inside.reader.shape import is_count
from .reading import answers
from .walls.tiers import UNWALLED, Tier

MAX_FILE = 256 << 10
SECONDS = 10.0


class Size(NamedTuple):
    """How much code there is: lines, and the tokens or words in them."""

    lines: int
    words: int


class Lines:
    """Counts code, each content once; ``tier`` says how the process that parses it is kept in."""

    def __init__(self, tier: Tier = UNWALLED) -> None:
        self._tier = tier
        self._parsed: dict[bytes, Size | None] = {}

    def fewer(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> int:
        """How many lines of code ``after`` has less; 0 when there are not fewer, or no less in them.

        Both map paths to contents. Of Python, lines with nothing but white space, comments or
        docstrings do not count, of other files empty ones. Lines that are only joined hold as many
        tokens as before: they are no fewer. Nor are there fewer when the parser cannot be started or
        does not get through all Python files that differ within 10 seconds.
        """
        paths = [
            path for path in {**before, **after} if before.get(path, b"") != after.get(path, b"")
        ]
        versions = {path: (before.get(path, b""), after.get(path, b"")) for path in paths}
        python = [data for path in paths if path.endswith(".py") for data in versions[path]]
        if not self._parse(data for data in python if data):
            return 0
        sizes = [self._sizes(path, *versions[path]) for path in paths]
        lines = sum(old.lines - new.lines for old, new in sizes)
        words = sum(old.words - new.words for old, new in sizes)
        return max(0, lines) if words > 0 else 0

    def _sizes(self, path: str, old: bytes, new: bytes) -> tuple[Size, Size]:
        """Of two versions of a file; as any text where either is no Python, so that they compare."""
        sizes = self._known(old), self._known(new)
        if not path.endswith(".py") or sizes[0] is None or sizes[1] is None:
            return written(old), written(new)
        return sizes[0], sizes[1]

    def _known(self, data: bytes) -> Size | None:
        return self._parsed.get(_digest(data)) if data else Size(0, 0)

    def _parse(self, contents: Iterable[bytes]) -> bool:
        """Have those read that have not been read before, by one process; whether that was done."""
        asked = [
            data
            for data in dict.fromkeys(contents)
            if len(data) <= MAX_FILE and _digest(data) not in self._parsed
        ]
        try:
            told = answers("lines", asked, seconds=SECONDS, tier=self._tier)
        except (HarnessFault, OSError):
            return False
        for data, answer in zip(asked, told, strict=False):
            self._parsed[_digest(data)] = Size(*answer) if is_count(answer, data) else None
        return len(told) == len(asked)


def written(data: bytes) -> Size:
    """Of any text: lines that are not empty, and what white space separates."""
    return Size(sum(bool(line.strip()) for line in data.splitlines()), len(data.split()))


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
