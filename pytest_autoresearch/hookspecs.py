"""What others may add to a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .agents.protocol import Agent
    from .records import Record, Summary


@pytest.hookspec(firstresult=True)
def pytest_autoresearch_make_agent(config: pytest.Config, spec: str) -> Agent | None:
    """Return the agent that ``--autoresearch-agent SPEC`` names, or ``None`` when it is not yours."""


@pytest.hookspec
def pytest_autoresearch_experiment_finished(record: Record) -> None:
    """An evaluation was judged and written down; ``record`` equals the journal's line."""


@pytest.hookspec
def pytest_autoresearch_search_finished(summary: Summary) -> None:
    """A search session ended, for whatever reason."""
