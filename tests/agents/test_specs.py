"""A person names an agent in one word, and is told what there is when it is not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_autoresearch.agents.protocol import Agent
from pytest_autoresearch.agents.replay import Replay
from pytest_autoresearch.agents.specs import hint, make
from pytest_autoresearch.agents.tuning.tune import Tune
from pytest_autoresearch.exceptions import UsageProblem


def build(spec: str, rootdir: Path) -> Agent | None:
    return make(spec, rootdir=rootdir, grammar=lambda files: [])


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "empty"), (" ", "empty"), ("tune:fast", "takes no argument"), ("replay:", "replay:DIR")],
)
def test_a_spec_that_is_wrong_says_what(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=message):
        build(text, tmp_path)


def test_tune_and_replay_are_made(tmp_path: Path) -> None:
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches" / "a.patch").write_text("")
    assert isinstance(build(" tune ", tmp_path), Tune)
    assert isinstance(build("replay:patches", tmp_path), Replay)
    assert isinstance(build(f"replay:{tmp_path / 'patches'}", Path("/nowhere")), Replay)


@pytest.mark.parametrize(
    ("spec", "message"), [("llm", "llm:MODEL"), ("llm:", "llm:MODEL"), ("command: ", "command:CLI")]
)
def test_a_model_and_a_command_have_to_be_named(spec: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=message):
        build(spec, tmp_path)


@pytest.mark.parametrize("spec", ["tuna", "mine:with:colons", "tunes", ":tune"])
def test_another_name_is_for_somebody_else_to_answer(spec: str, tmp_path: Path) -> None:
    assert build(spec, tmp_path) is None


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("claude", "write command:claude"),
        (" aider --model x/y ", "write command:aider --model x/y"),
        ("claude:opus", "write command:claude"),
        ("openai/my-model", "write llm:openai/my-model"),
        ("ollama/qwen3:30b", "write llm:ollama/qwen3:30b"),
        ("./agent.sh --fast", "write command:./agent.sh --fast"),
        ("comand:./a.sh", "write command:./a.sh"),
        ("LLM:gpt-5", "write llm:gpt-5"),
        ("lmm:openai/x", "write llm:openai/x"),
        ("relay:patches", "write replay:patches"),
        ("tunes:fast", "write tune"),
        ("mine", ""),
        ("tuna", ""),
        ("mine:with:colons", ""),
        ("", ""),
        (":", ""),
    ],
)
def test_what_nobody_offers_may_be_meant_otherwise(spec: str, meant: str) -> None:
    assert hint(spec) == meant
