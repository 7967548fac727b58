"""An agent's account of a run, as the journal keeps it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from ...records import Json

KIND = "writeup"
"""The kind of the journal's line."""


@dataclass(frozen=True)
class Writeup:
    """Checked Markdown by ``agent``; ``left_out`` and ``cut`` are as in `Checked`.

    ``experiments`` is the number of the last experiment that it was written after.
    """

    text: str
    agent: str
    left_out: int = 0
    cut: bool = False
    experiments: int = 0

    def to_json(self) -> dict[str, Json]:
        """The keys of its line in the journal."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, line: Mapping[str, Json]) -> Writeup:
        """What a line of the journal holds; odd values count as missing."""
        return cls(
            text=str(line.get("text") or ""),
            agent=str(line.get("agent") or ""),
            left_out=_number(line.get("left_out")),
            cut=line.get("cut") is True,
            experiments=_number(line.get("experiments")),
        )


def _number(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
