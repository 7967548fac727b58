"""What the attacks' searches found stands at the end of the report, also when workers ran them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Report = Callable[[str], None]
LINE = "attacks"


@pytest.fixture
def report_line(record_property: Callable[[str, object], None]) -> Report:
    """Tell a line to the summary; a property of a test reaches it from any process."""
    return lambda line: record_property(LINE, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each run: how many attacks were rejected."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.getreports(kind)]
    lines = [
        value
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == LINE
    ]
    if lines:
        terminalreporter.section("attacks")
        for line in lines:
            terminalreporter.line(line)
