"""What `--autoresearch-show` prints of items without a number: analyses, and what was skipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..records import Part, Record
from .columns import aligned, indented, tail
from .costs import usd
from .text import one_line

PARTS = (Part.ANALYSIS, Part.SKIPPED)


@dataclass(frozen=True)
class Unnumbered:
    """One such item: its record, and the code or the patch that the agent handed in."""

    record: Record
    code: str = ""
    words: str = ""


def listed(records: Iterable[Record]) -> list[str]:
    """The items as a table of their own, in the order in which they ended; nothing without any."""
    rows = [
        [record.item, record.status.word, one_line(record.agent, 40), _about(record)]
        for record in records
        if record.part in PARTS
    ]
    if not rows:
        return []
    head = ["item", "status", "agent", "what"]
    return ["", "analyses, and what was skipped:", *aligned(head, rows)]


def item_page(item: Unnumbered) -> list[str]:
    """Everything that the journal knows of one such item."""
    record = item.record
    lines = [f"[{record.item}] {record.status.word}  {one_line(record.reason)}".rstrip(), ""]
    lines += _facts(record)
    is_analysis = record.part is Part.ANALYSIS
    said = {
        "question" if is_analysis else "description": record.description,
        "hypothesis": record.hypothesis,
        "theme": record.theme,
        "expected": record.expected,
        "lessons": "\n".join(record.lessons),
        "code" if is_analysis else "patch as it was proposed": item.code,
        "output": tail(record.output),
    }
    for title, text in said.items():
        if text.strip():
            lines += ["", f"{title}:", *indented(text)]
    if item.words:
        lines += ["", f"every word to and from the agent: {item.words}"]
    return lines


def _facts(record: Record) -> Iterator[str]:
    if record.agent:
        yield f"agent      {one_line(record.agent)}"
    thought = f", the agent thought for {record.thinking_seconds or 0.0:.1f} s"
    cost = f", {usd(record.cost_usd)} USD" if record.cost_usd else ""
    tokens = f", {record.tokens:,} tokens" if record.tokens else ""
    yield (
        f"took       {record.seconds:.1f} s{thought}{tokens}{cost}, "
        f"session {record.session}, ended {record.time}"
    )


def _about(record: Record) -> str:
    """The agent's words, and why nothing came of it; the same words once."""
    words, reason = one_line(record.description, 100), one_line(record.reason)
    if reason.startswith(words):
        return reason
    order = (words, reason) if record.part is Part.ANALYSIS else (reason, words)
    return ": ".join(filter(None, order))
