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
MOST_SAID = 2000
AIDER = re.compile(rb"Cost: \$\d[\d.,]{0,20} message, \$(\d[\d.,]{0,20}) session")


@dataclass(frozen=True)
class Bill:
    """``usd`` is ``None`` where it is not said; ``tokens`` are all, in and out.

    With a ``thread`` they are those of the whole conversation of that name, which may be older than the
    call. ``said`` is what the model said last.
    """

    usd: float | None = None
    tokens: int = 0
    thread: str = ""
    said: str = ""


def of_claude(output: bytes) -> Bill:
    """The line of type ``result`` of ``--output-format stream-json``."""
    for line in reversed(list(_lines(output))):
        if line.get("type") == "result":
            tokens = _sum(line.get("usage"), CLAUDE)
            return Bill(_usd(line.get("total_cost_usd")), tokens, said=_text(line.get("result")))
    return Bill()


def of_codex(output: bytes) -> Bill:
    """The ``usage`` of the last ``turn.completed``; cached tokens are among those that go in. No dollars."""
    thread, tokens, said = "", 0, ""
    for line in _lines(output):
        item = line.get("item")
        if line.get("type") == "thread.started":
            thread = _text(line.get("thread_id"))
        elif line.get("type") == "turn.completed":
            tokens = _sum(line.get("usage"), ("input_tokens", "output_tokens"))
        elif isinstance(item, dict) and item.get("type") == "agent_message":
            said = _text(item.get("text"))
    return Bill(None, tokens, thread, said)


def of_opencode(output: bytes) -> Bill:
    """The sum over all events ``step_finish``, each with ``cost`` and ``tokens``."""
    costs: list[float] = []
    tokens, said = 0, ""
    for line in _lines(output):
        part = line.get("part")
        if not isinstance(part, dict):
            continue
        if line.get("type") == "text":
            said = _text(part.get("text"))
        if line.get("type") == "step_finish":
            cost, used = _usd(part.get("cost")), part.get("tokens")
            costs += [cost] if cost is not None else []
            cache = used.get("cache") if isinstance(used, dict) else None
            tokens += _sum(used, ("input", "output", "reasoning")) + _sum(cache, ("read", "write"))
    return Bill(math.fsum(costs) if costs else None, _bounded(tokens), said=said)


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


def _text(value: object) -> str:
    return value[:MOST_SAID] if isinstance(value, str) else ""


def _bounded(tokens: int) -> int:
    return max(0, min(tokens, MOST_TOKENS))
