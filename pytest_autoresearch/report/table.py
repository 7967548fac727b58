"""`results.tsv`: one row for every experiment, in the columns that people know."""

from __future__ import annotations

from collections.abc import Iterable

from ..records import Record
from .digest import numbered
from .text import one_line, short


def results_tsv(records: Iterable[Record], metric: str) -> str:
    """The whole table, header first; ``metric`` names the second column.

    Memory is GiB with two decimals, scores have eight significant digits; a cell that was not
    measured is empty.
    """
    header = ["commit", one_line(metric), "memory_gb", "status", "description"]
    rows = [header, *(_row(record) for record in numbered(records))]
    return "".join("\t".join(row) + "\n" for row in rows)


def _row(record: Record) -> list[str]:
    memory = record.peak_memory_mb
    return [
        short(record.commit),
        "" if record.score is None else f"{record.score:.8g}",
        "" if memory is None else f"{memory / 1024:.2f}",
        record.status.tsv,
        one_line(record.description or record.hypothesis or _default(record)),
    ]


def _default(record: Record) -> str:
    return "baseline" if record.experiment == 0 else ""
