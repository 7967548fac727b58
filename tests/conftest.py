"""What every test gets: the same environment on a laptop and in CI."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_autoresearch.testing import Project

from .warm import Warm

SURROUNDINGS = (
    "CI",
    "BUILD_NUMBER",
    "COLUMNS",
    "FORCE_COLOR",
    "NO_COLOR",
    "PY_COLORS",
    "GITHUB_STEP_SUMMARY",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_WORK_TREE",
    "PYTEST_ADDOPTS",
    "PYTEST_TIMEOUT",
    "PYTEST_XDIST_TESTRUNUID",
    "PYTEST_XDIST_WORKER",
    "PYTEST_XDIST_WORKER_COUNT",
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SURROUNDINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True, scope="session")
def warm() -> Iterator[None]:
    """Searches of a `Project` are forks of a process that has imported pytest and the plugin."""
    warm = Warm()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Project, "run", staticmethod(warm.run))
        yield
    warm.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each run of the attacks; here, as workers leave the end of the report to their controller."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.getreports(kind)]
    lines = [
        value
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == "attacks"
    ]
    if lines:
        terminalreporter.section("attacks")
        for line in lines:
            terminalreporter.line(line)
