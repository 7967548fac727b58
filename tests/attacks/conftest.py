"""The runs of the attacks go on beside all other tests; what they found stands at the end of the report."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
LINES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LINES] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The attacks' tests come last: by then the searches that they look at have ended."""
    items.sort(key=lambda item: item.path.parent == HERE)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Begin the searches, unless tests are only listed."""
    if not session.config.option.collectonly:
        attacks = [item for item in session.items if item.path.parent == HERE]
        for module in {item.module for item in attacks if isinstance(item, pytest.Function)}:
            if hasattr(module, "start"):
                module.start(attacks)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """A line for each run: how many attacks were rejected."""
    if lines := config.stash[LINES]:
        terminalreporter.section("attacks")
        for line in lines:
            terminalreporter.line(line)
