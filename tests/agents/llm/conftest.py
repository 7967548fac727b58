"""A scripted server, and an agent that talks to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from pytest_autoresearch.agents.llm import calling, library, spec
from pytest_autoresearch.agents.llm.agent import LanguageModel
from pytest_autoresearch.agents.office import Office
from pytest_autoresearch.agents.purse import Purse
from pytest_autoresearch.agents.transcripts import Transcripts

from .server import Server, Step

MODEL = "openai/scripted"
PRICES = "input_cost=2&output_cost=10"
"""Dollars a million tokens."""


@pytest.fixture(scope="session")
def litellm() -> ModuleType:
    if find_spec("litellm") is None:
        pytest.skip("litellm is not installed")
    return library.load()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def office(tmp_path: Path) -> Office:
    found = Office(purse=Purse(10.0), transcripts=Transcripts(tmp_path / "agents"))
    found.transcripts.begin()
    return found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No patience: what is tried again is tried at once."""
    monkeypatch.setattr(calling, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(calling, "LONGEST_WAIT", 0.02)


Made = Callable[..., LanguageModel]


@pytest.fixture
def make(
    litellm: ModuleType,
    server: Server,
    office: Office,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Made:
    """Makes the agent that plays against a script: ``make([says("x")], "tools=off")``."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-key")

    def made(script: list[Step], options: str = PRICES, model: str = MODEL) -> LanguageModel:
        server.script[:] = script
        return LanguageModel("llm", spec.read(f"{model}?api_base={server.url}&{options}"), office)

    return made
