"""The files that are derived from a run's records, whole: made anew each time, never edited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..records import Summary
from ..report.account.writeup import Writeup
from ..report.files import write_atomically
from ..report.learning import learning_md
from ..report.plot import save_progress
from ..report.table import results_tsv
from ..report.written.page import Changes
from ..report.written.report import report_md


@contextmanager
def tolerated(name: str, warnings: list[str]) -> Iterator[None]:
    """A file beside the journal that cannot be written or removed costs a warning, no result."""
    try:
        yield
    except OSError as error:
        warnings.append(f"{name} in the run's folder is in the way: {error}")


def write_table(summary: Summary, warnings: list[str]) -> None:
    """Write `results.tsv` into the run's folder."""
    with tolerated("results.tsv", warnings):
        table = results_tsv(summary.records, summary.metric)
        write_atomically(Path(summary.folder) / "results.tsv", table)


def write_reports(
    summary: Summary,
    warnings: list[str],
    writeup: Writeup | None = None,
    changes: Changes | None = None,
) -> None:
    """Write `LEARNING.md`, `progress.png`, and `report.md`, which shows it where there is one.

    ``writeup`` and ``changes`` are as `report_md` takes them.
    """
    folder = Path(summary.folder)
    with tolerated("LEARNING.md", warnings):
        write_atomically(folder / "LEARNING.md", learning_md(summary))
    with tolerated("progress.png", warnings):
        save_progress(summary, folder / "progress.png")
    with tolerated("report.md", warnings):
        write_atomically(folder / "report.md", report_md(summary, writeup, changes))
