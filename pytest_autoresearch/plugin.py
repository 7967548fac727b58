"""What pytest calls: options, markers, fixtures, registration. No decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import hookspecs, marks, options

if TYPE_CHECKING:
    from .agents.protocol import Agent
    from .candidate import Candidate
    from .objective import Recorder


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    for line in (marks.AUTORESEARCH, marks.SANDBOX):
        config.addinivalue_line("markers", line)
    if config.getoption("--autoresearch") and not _only_asks(config):
        from .controller import register

        register(config)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """``--autoresearch-show`` only looks: nothing is collected."""
    what: str | None = config.getoption("autoresearch_show")
    if what is None:
        return None
    from .runs.showing import show_runs

    return show_runs(config, what)


def _only_asks(config: pytest.Config) -> bool:
    """Whether pytest only shows something, or this process is a worker of pytest-xdist's."""
    shows = ("help", "version", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow")
    return hasattr(config, "workerinput") or any(config.getoption(one, None) for one in shows)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without ``--autoresearch`` objectives are ordinary tests of the work tree."""
    if config.getoption("--autoresearch"):
        return
    if any(item.get_closest_marker("autoresearch") for item in items):
        from .regression.checking import register

        register(config, items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    manager = terminalreporter.config.pluginmanager
    # pytest-xdist's workers check objectives, and only this process has a terminal.
    if any(map(manager.has_plugin, ("autoresearch-checking", "dsession"))):
        from .regression.unrecorded import write_line

        write_line(terminalreporter)


@pytest.hookimpl(trylast=True)
def pytest_autoresearch_make_agent(config: pytest.Config, spec: str) -> Agent | None:
    from .controller import own_agent

    return own_agent(config, spec)


@pytest.fixture
def candidate(request: pytest.FixtureRequest) -> Candidate:
    """The only door to candidate code: ``fit``, ``predict``, ``call`` and ``run``."""
    from .evaluator import candidate_of

    return candidate_of(request)


@pytest.fixture
def experiment(request: pytest.FixtureRequest) -> Recorder:
    """The record of this evaluation: ``race``, ``score``, ``log`` and ``improves``."""
    from .evaluator import recorder_of

    return recorder_of(request)
