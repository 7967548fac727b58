"""Keys are taken out of what is written down, and nothing else is."""

from __future__ import annotations

import json
import time

import pytest

from pytest_autoresearch.agents.redacting import KEY, MOST_VALUES, Redactor, redact

VALUE = "sw0rdfish-and-more"


def knowing(**values: str) -> Redactor:
    redactor = Redactor()
    for name, value in values.items():
        redactor.learn(name, value)
    return redactor


def test_a_value_is_taken_out_however_it_is_spelt() -> None:
    value = 'a "b" / c\\d é'
    redactor = knowing(MINE=value)
    for text in (value, json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert redactor.text(f"<{text}>").count("$MINE") == 1 or "é" in text
    assert redactor.text("?key=a%20%22b%22%20%2F%20c%5Cd%20%C3%A9") == "?key=$MINE"
    assert redactor.data(b"\xff" + value.encode() + b"\xfe") == b"\xff$MINE\xfe"


def test_short_values_leave_words_alone() -> None:
    redactor = knowing(API_KEY="rate", DEBUG="1", EMPTY="", NAME="max")
    redactor.learn_login("LOGIN", b'{"token": "x", "kind": "max", "n": 1}')
    redactor.learn_login("LOGIN", b"login")
    text = "a rate of 1, max 0.1: login"
    assert redactor.text(text) == text


def test_of_two_values_the_longer_one_goes_first() -> None:
    assert knowing(A="abcdefgh", B="abcdefgh-ijkl").text("abcdefgh-ijkl") == "$B"


def test_each_line_of_a_value_is_taken_out() -> None:
    redactor = knowing(PRIVATE_KEY="-----BEGIN-----\nMIIEowIBAAKC\nq\n")
    assert redactor.text("x MIIEowIBAAKC q") == "x $PRIVATE_KEY q"


def test_secrets_of_the_environment_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PASSWORD", VALUE)
    monkeypatch.setenv("SOME_WORD", "gradients")
    assert redact(f"{VALUE} gradients") == "$SOME_PASSWORD gradients"


@pytest.mark.parametrize(
    "key",
    [
        *("sk-proj-SECRET", "sk-ant-api03-aB_c-d", "sk-" + "aB3" * 16, "gsk_" + "a1" * 20),
        *("hf_" + "aB" * 12, "AIza" + "x_-" * 11, "AKIA" + "A1" * 8, "ghp_" + "aB" * 18),
        *(
            "github_pat_" + "a_1" * 10,
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.SflKx-w_",
            "xoxb-123456789012",
        ),
    ],
)
def test_what_looks_like_a_key_is_taken_out(key: str) -> None:
    assert redact(f'401 incorrect api key provided: "{key}", see') == (
        f'401 incorrect api key provided: "{KEY}", see'
    )
    assert redact(f"Authorization: Bearer {'a1.' * 8}") == f"Authorization: Bearer {KEY}"
    assert redact("https://me:pass@proxy:80/") == f"https://{KEY}@proxy:80/"


@pytest.mark.parametrize(
    "text",
    [
        "use sk-learn-gradient-boosting with task-proj-something-else and a risk-ant-colony-thing",
        "class HistGradientBoostingRegressor: eyJ AIza hf_model sk- http://a:80/b@c xoxo-xoxo-xoxo",
        "the bearer of bad news; https://host:8080/x?y=z@1 token_count keys secretly",
        "",
    ],
)
def test_what_does_not_look_like_a_key_stays(text: str) -> None:
    assert redact(text) == text


def test_the_tokens_of_a_login_are_taken_out() -> None:
    redactor = Redactor()
    login = {"oauth": {"access": "tiny-token", "refresh": "", "expires": 1}, "id": ["a" * 40, "b"]}
    redactor.learn_login("LOGIN", json.dumps(login).encode())
    redactor.learn_login("LOGIN", f"machine x\npassword {VALUE}".encode())
    redactor.learn_login("LOGIN", b"\xff" + b"[" * 50_000)
    assert redactor.text(f"tiny-token {'a' * 40} {VALUE}") == "$LOGIN $LOGIN $LOGIN"


def test_only_what_can_be_no_word_of_a_program_is_held_in_one() -> None:
    redactor = knowing(
        API_KEY=VALUE, TOKENIZERS_PARALLELISM="disabled", LIBRARY="lightgbm-gpu-build"
    )
    assert redactor.held(f"x = {VALUE!r}") == "API_KEY"
    assert not redactor.held("disabled lightgbm-gpu-build")


def test_a_large_text_and_many_values_take_no_time() -> None:
    redactor = Redactor()
    for n in range(2 * MOST_VALUES):
        redactor.learn("LOGIN", f"{n:020d}", secret=True)
    began = time.process_time()
    redactor.data(b"eyJ sk- ://" * 100_000 + b"a" * 1_000_000)
    assert time.process_time() - began < 20
