"""What the runs of the attacks found, at the end of pytest's report."""

from __future__ import annotations

import pytest

LINES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LINES] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """A line for each run: how many attacks were rejected."""
    if lines := config.stash[LINES]:
        terminalreporter.section("attacks")
        for line in lines:
            terminalreporter.line(line)
