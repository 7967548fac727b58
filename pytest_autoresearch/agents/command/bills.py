"""What a call has cost, as its program says in what it prints."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MOST_USD = 100_000.0
MOST_TOKENS = 10**12
LONGEST_LINE = 4 << 20
AIDER = re.compile(rb"Cost: \$\d[\d.,]{0,20} message, \$(\d[\d.,]{0,20}) session")


@dataclass(frozen=True)
class Bill:
    """``usd`` is ``None`` where it is not said; ``tokens`` are all, in and out."""

    usd: float | None = None
    tokens: int = 0


def of_claude(output: bytes) -> Bill:
    """The line of type ``result`` of ``--output-format stream-json``."""
    for line in reversed(list(_lines(output))):
        if line.get("type") == "result":
            return Bill(_usd(line.get("total_cost_usd")), _sum(line.get("usage"), CLAUDE))
    return Bill()


def of_codex(output: bytes) -> Bill:
    """The ``usage`` of each ``turn.completed``; cached tokens are among those that go in. No dollars."""
    usages = [line.get("usage") for line in _lines(output) if line.get("type") == "turn.completed"]
    return Bill(None, _bounded(sum(_sum(one, ("input_tokens", "output_tokens")) for one in usages)))


def of_opencode(output: bytes) -> Bill:
    """The sum over all events ``step_finish``, each with ``cost`` and ``tokens``."""
    parts = [line.get("part") for line in _lines(output) if line.get("type") == "step_finish"]
    steps = [part for part in parts if isinstance(part, dict)]
    costs = [_usd(part.get("cost")) for part in steps]
    known = [cost for cost in costs if cost is not None]
    tokens = 0
    for part in steps:
        found = part.get("tokens")
        inner = found.get("cache") if isinstance(found, dict) else None
        tokens += _sum(found, ("input", "output", "reasoning")) + _sum(inner, ("read", "write"))
    return Bill(math.fsum(known) if known else None, _bounded(tokens))


def of_aider(output: bytes) -> Bill:
    """The last line ``Cost: $… message, $… session.``, where it knows prices."""
    found = AIDER.findall(output)
    try:
        return Bill(_usd(float(found[-1].replace(b",", b"").rstrip(b".")))) if found else Bill()
    except ValueError:
        return Bill()


def of_any(output: bytes) -> Bill:
    """The last line that is a JSON object with ``cost_usd``, and ``tokens`` or not."""
    for line in reversed(list(_lines(output))):
        if "cost_usd" in line:
            return Bill(_usd(line["cost_usd"]), _sum(line, ("tokens",)))
    return Bill()


CLAUDE = (
    *("input_tokens", "output_tokens"),
    *("cache_creation_input_tokens", "cache_read_input_tokens"),
)


def _lines(output: bytes) -> Iterator[Mapping[str, Any]]:
    """The JSON objects that stand in lines of their own."""
    for line in output.split(b"\n"):
        line = line.strip()
        if line.startswith(b"{") and line.endswith(b"}") and len(line) <= LONGEST_LINE:
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict):
                yield found


def _usd(value: object) -> float | None:
    """The dollars, where that is an amount that anybody would pay."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MOST_USD else None


def _sum(found: object, names: tuple[str, ...]) -> int:
    values = [found.get(name) for name in names] if isinstance(found, dict) else []
    return _bounded(
        sum(one for one in values if isinstance(one, int) and not isinstance(one, bool))
    )


def _bounded(tokens: int) -> int:
    return max(0, min(tokens, MOST_TOKENS))
