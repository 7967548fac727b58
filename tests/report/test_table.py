"""`results.tsv` holds one row for every experiment."""

from __future__ import annotations

from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.report.table import results_tsv

from .builders import record


def rows(*records: Record) -> list[list[str]]:
    return [line.split("\t") for line in results_tsv(records, "log_loss").splitlines()]


def test_the_columns_are_those_that_people_know() -> None:
    header, row = rows(record(0, Status.BASELINE, peak_memory_mb=2048.0, commit="abcdef0123"))
    assert header == ["commit", "log_loss", "memory_gb", "status", "description"]
    assert row == ["abcdef0", "0.25", "2.00", "baseline", "baseline"]


def test_an_unmeasured_cell_is_empty() -> None:
    _, row = rows(record(1, Status.CRASH, commit=""))
    assert row == ["", "", "", "crash", "change 1"]


def test_a_number_has_one_row_with_its_last_status() -> None:
    table = rows(
        record(2, Status.INTERRUPTED),
        record(1, Status.WON),
        record(1, Status.KEPT),
        record(2, Status.TIMEOUT),
    )
    assert [row[3] for row in table[1:]] == ["keep", "timeout"]


def test_measurements_and_items_without_a_number_are_not_listed() -> None:
    table = rows(
        record(1, Status.KEPT),
        record(1, Status.FAILED, part=Part.REFERENCE),
        record(0, Status.MEASURED, part=Part.CALIBRATION),
        record(7, Status.SKIPPED, part=Part.SKIPPED, experiment=None),
    )
    assert [row[3] for row in table[1:]] == ["keep"]


def test_tabs_newlines_and_control_characters_leave_descriptions() -> None:
    _, row = rows(record(1, description="wider\tlayer\r\nand \x1b[31mred\u202e"))
    assert row[4] == "wider layer and [31mred"


def test_every_listed_status_has_its_word() -> None:
    listed = [status for status in Status if status.tsv]
    table = rows(*(record(number + 1, status) for number, status in enumerate(listed)))
    assert [row[3] for row in table[1:]] == [status.tsv for status in listed]
