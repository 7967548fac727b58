"""Why a call of an agent took no number is told by its cause, not guessed."""

from __future__ import annotations

from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.report.skips import MOST_CAUSES, skips
from pytest_autoresearch.report.terminal import summary_lines
from pytest_autoresearch.report.written.report import report_md
from pytest_autoresearch.report.written.request import material

from .builders import record, summary

REASONS = (
    "no proposal: no connection (Connection error.)",
    "repeats experiment 12, but for formatting and comments",
    "made on 1234567, and the champion is 89abcde by now: the merge conflicts in model.py",
    "no proposal: no connection (Connection error.)",
)


def skip(number: int, reason: str) -> Record:
    return record(
        0, Status.SKIPPED, part=Part.SKIPPED, experiment=None, item=f"s{number:04d}", reason=reason
    )


def skipped(*reasons: str) -> list[Record]:
    return [skip(number, reason) for number, reason in enumerate(reasons, 1)]


def test_each_cause_is_counted_and_the_commonest_is_first() -> None:
    assert skips(skipped(*REASONS)) == [
        ("no proposal: no connection (Connection error.)", 2),
        ("tried before", 1),
        ("made on an earlier champion", 1),
    ]
    assert skips([record(1), record(2, Status.CRASH, reason="no proposal: x")]) == []


def test_earlier_runs_analyses_and_what_nobody_thought_of_have_words() -> None:
    found = skips(
        skipped(
            "repeats experiment 3 of run x",
            "8 analyses in a row: an experiment is due",
            "no analysis: the marker of the test names no fixture for it (analysis=...)",
            "something else\x1b[31m.",
            "",
        )
    )
    assert found == [
        ("tried before", 1),
        ("too many analyses in a row", 1),
        ("no analysis: the marker of the test names no fixture for it (analysis=...)", 1),
        ("something else[31m", 1),
        ("for another reason", 1),
    ]


def test_reasons_that_differ_in_numbers_are_one_cause() -> None:
    two = skipped("no proposal: it took longer than 3 s", "no proposal: it took longer than 4.5 s")
    assert skips(two) == [("no proposal: it took longer than N s", 2)]
    assert skips(two[:1]) == [("no proposal: it took longer than 3 s", 1)]


def test_rare_causes_are_one_row_so_that_a_page_stays_a_page() -> None:
    many = skipped(*(f"no proposal: {letter * 500}" for letter in "abcdefghij"))
    found = skips(many)
    assert len(found) == MOST_CAUSES + 1
    assert found[-1] == ("for other reasons", 4)
    assert sum(number for _, number in found) == 10
    assert all(len(cause) <= 100 for cause, _ in found)


def test_the_report_says_why_instead_of_calling_all_of_it_repetition() -> None:
    found = report_md(summary([record(0, Status.BASELINE), record(1), *skipped(*REASONS)]))
    assert (
        "How they ended: 1 not better. Skipped, without a number: 2 x no proposal: no connection "
        "(Connection error.), 1 x tried before, 1 x made on an earlier champion." in found
    )
    assert "took no number" not in found


def test_a_run_without_an_experiment_says_what_came_of_its_agents() -> None:
    found = report_md(summary([record(0, Status.BASELINE), *skipped(REASONS[0])]))
    assert (
        "No experiment was evaluated. Skipped, without a number: 1 x no proposal: no connection"
        in found
    )


def test_an_agent_that_writes_hears_no_words_of_errors_in_what_was_skipped() -> None:
    rows = [record(0, Status.BASELINE), record(1), *skipped(*REASONS)]
    found = material(summary(rows))
    assert "2 x no proposal, 1 x tried before, 1 x made on an earlier champion." in found
    assert "Connection" not in found


def test_the_terminal_has_a_line_for_each_cause() -> None:
    lines = summary_lines(summary([record(0, Status.BASELINE), record(1), *skipped(*REASONS)]))
    start = lines.index("     2 x skipped, no proposal: no connection (Connection error.)")
    assert lines[start + 1 : start + 3] == [
        "     1 x skipped, tried before",
        "     1 x skipped, made on an earlier champion",
    ]
