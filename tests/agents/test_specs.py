"""A person names an agent in one word, and is told what there is when it is not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_autoresearch.agents.protocol import Agent
from pytest_autoresearch.agents.replay import Replay
from pytest_autoresearch.agents.specs import Spec, make, parse
from pytest_autoresearch.agents.tune import Tune
from pytest_autoresearch.exceptions import UsageProblem


def build(spec: str, rootdir: Path) -> Agent:
    return make(spec, rootdir=rootdir, grammar=lambda files: [])


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("tune", Spec("tune")),
        (" tune ", Spec("tune")),
        ("replay:patches/today", Spec("replay", "patches/today")),
        ("llm:ollama/qwen:7b", Spec("llm", "ollama/qwen:7b")),
        (
            "llm:gpt?api_base=http://h:1/v1&temperature=0.7",
            Spec("llm", "gpt", {"api_base": "http://h:1/v1", "temperature": "0.7"}),
        ),
        ("command:coder --ask 'why? {briefing}'", Spec("command", "coder --ask 'why? {briefing}'")),
        ("mine", Spec("name", "mine")),
        ("mine:with:colons", Spec("name", "mine:with:colons")),
    ],
)
def test_a_spec_is_taken_apart(text: str, spec: Spec) -> None:
    assert parse(text) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("tune:fast", "takes no argument"),
        ("replay:", "write replay:DIR"),
        ("llm:?temperature=1", "write llm:MODEL"),
        ("command: ", "write command:CLI"),
        ("llm:gpt?temperature", "'temperature'"),
    ],
)
def test_a_spec_that_lacks_something_says_what(text: str, message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        parse(text)


def test_tune_and_replay_are_made(tmp_path: Path) -> None:
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches" / "a.patch").write_text("")
    assert isinstance(build("tune", tmp_path), Tune)
    assert isinstance(build("replay:patches", tmp_path), Replay)
    assert isinstance(build(f"replay:{tmp_path / 'patches'}", Path("/nowhere")), Replay)


@pytest.mark.parametrize("spec", ["llm:gpt", "command:coder"])
def test_an_agent_of_a_later_version_is_a_usage_problem(spec: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"does not have .* yet.*tune .*replay:DIR"):
        build(spec, tmp_path)


def test_an_unknown_agent_is_a_usage_problem_that_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"no agent named 'tuna'.*tune .*replay:DIR"):
        build("tuna", tmp_path)
