"""What stands behind ``llm:`` is understood, or refused with what to write instead."""

from __future__ import annotations

import pytest

from pytest_autoresearch.agents.llm.spec import Options, read
from pytest_autoresearch.exceptions import UsageProblem


def test_a_model_alone_is_enough() -> None:
    assert read("openai/gpt-5") == Options("openai/gpt-5")


@pytest.mark.parametrize("model", ["ollama/llama3:8b", "openai/org/model@v1.5", "gpt-5"])
def test_names_of_models_may_hold_anything_but_a_question_mark(model: str) -> None:
    assert read(f" {model} ?temperature=0.7").model == model


def test_every_option_is_read() -> None:
    options = read(
        "m?api_base=http://127.0.0.1:8000/v1/&api_version=2024-06-01&temperature=0&max_tokens=100"
        "&timeout=1.5&reasoning_effort=low&input_cost=0&output_cost=2.5&context=9000&tools=off"
    )
    assert options == Options(
        "m",
        api_base="http://127.0.0.1:8000/v1",
        api_version="2024-06-01",
        temperature=0.0,
        max_tokens=100,
        timeout=1.5,
        reasoning_effort="low",
        input_cost=0.0,
        output_cost=2.5,
        context=9000,
        tools=False,
    )
    assert read("m?cost=0.05").cost == 0.05


def test_signs_are_taken_as_web_addresses_write_them() -> None:
    assert read("m?api_base=http%3A%2F%2Flocalhost%2Fa%26b").api_base == "http://localhost/a&b"


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("", "lacks its model"),
        ("?temperature=1", "lacks its model"),
        ("m?colour=red", "no option 'colour'; there are api_base, .*, tools"),
        ("m?temperature=1&temperature=2", "temperature is given twice"),
        ("m?temperature=hot", "temperature='hot' has to be a number"),
        ("m?temperature=nan", "has to be"),
        ("m?temperature=-1", "has to be"),
        ("m?temperature", "temperature='' has to be"),
        ("m?timeout=0", "more than 0"),
        ("m?max_tokens=0", "1 or more"),
        ("m?max_tokens=1e3", "1 or more"),
        ("m?cost=inf", "number of dollars"),
        ("m?tools=maybe", "on or off"),
        ("m?api_base=localhost:8000", "an address such as"),
        ("m?api_base=file:///etc/passwd", "an address such as"),
        ("m?api_base=http://me:word@host/v1", "without a password"),
        ("m?input_cost=1", "go together"),
        ("m?cost=1&input_cost=1&output_cost=1", "the one or the others"),
    ],
)
def test_what_cannot_be_meant_is_refused(argument: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        read(argument)


@pytest.mark.parametrize(
    ("argument", "variable"),
    [
        ("anthropic/claude?api_key=sk-12345", "ANTHROPIC_API_KEY"),
        ("gpt-5?API_KEY=sk-12345", "OPENAI_API_KEY"),
        ("together-ai/x?client_secret=sk-12345", "TOGETHER_AI_API_KEY"),
    ],
)
def test_a_key_is_refused_and_not_repeated(argument: str, variable: str) -> None:
    with pytest.raises(UsageProblem, match=variable) as error:
        read(argument)
    assert "sk-12345" not in str(error.value)
