"""What a person writes behind ``llm:``: a model's name, and options in a query string."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from ...exceptions import UsageProblem

TIMEOUT = 600.0
"""Seconds that one answer may take where nothing else is said."""
CONTEXT = 30_000
"""Tokens of a briefing, where nothing else is said and the model takes as many."""
SECRETS = ("key", "secret", "password", "credential")


@dataclass(frozen=True)
class Options:
    """How a model is called; ``None`` and empty texts leave it to litellm, to the model, or to us.

    ``timeout`` is seconds an answer may take, ``max_tokens`` are those of one answer, ``context`` those of
    a briefing. ``cost`` is dollars a call, ``input_cost`` and ``output_cost`` dollars a million tokens.
    """

    model: str
    api_base: str = ""
    api_version: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    timeout: float = TIMEOUT
    reasoning_effort: str = ""
    cost: float | None = None
    input_cost: float | None = None
    output_cost: float | None = None
    context: int | None = None
    tools: bool = True


def read(argument: str) -> Options:
    """The options in ``MODEL?option=value&…``; raises `UsageProblem` for what cannot be meant."""
    model, _, query = argument.strip().partition("?")
    model = model.strip()
    if not model:
        raise UsageProblem("llm: lacks its model: write llm:MODEL, such as llm:openai/gpt-5")
    values: dict[str, Any] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = (unquote(part).strip() for part in pair.partition("="))
        _refuse_secret(name, model)
        if name not in _KNOWN:
            raise UsageProblem(
                f"llm:{model}: there is no option {name!r}; there are {', '.join(_KNOWN)}"
            )
        if name in values:
            raise UsageProblem(f"llm:{model}: {name} is given twice")
        wanted, meant = _KNOWN[name]
        try:
            values[name] = meant(value)
        except ValueError:
            raise UsageProblem(f"llm:{model}: {name}={value!r} has to be {wanted}") from None
    return _agreeing(Options(model, **values))


def _refuse_secret(name: str, model: str) -> None:
    """What is typed here stands in the journal and in shell histories: keys stay in the environment."""
    if any(word in name.lower() for word in SECRETS):
        provider = model.partition("/")[0] if "/" in model else "openai"
        variable = f"{provider.upper().replace('-', '_')}_API_KEY"
        raise UsageProblem(
            f"llm:{model}: {name} cannot be an option, for records would show it: set litellm's own "
            f"environment variable, such as {variable}"
        )


def _agreeing(options: Options) -> Options:
    costs = (options.input_cost, options.output_cost)
    if (costs[0] is None) != (costs[1] is None):
        raise UsageProblem(
            f"llm:{options.model}: input_cost and output_cost go together: write both, in dollars a "
            "million tokens"
        )
    if options.cost is not None and costs != (None, None):
        raise UsageProblem(
            f"llm:{options.model}: cost is dollars a call, input_cost and output_cost are dollars a "
            "million tokens: write the one or the others"
        )
    return options


def _text(value: str) -> str:
    if not value or any(not sign.isprintable() for sign in value):
        raise ValueError
    return value


def _address(value: str) -> str:
    parts = urlsplit(_text(value))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError
    return value.rstrip("/")


def _number(value: str) -> float:
    number = float(value)
    if not 0 <= number < math.inf:
        raise ValueError
    return number


def _seconds(value: str) -> float:
    number = _number(value)
    if not number:
        raise ValueError
    return number


def _count(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError
    return number


def _switch(value: str) -> bool:
    if value not in ("on", "off"):
        raise ValueError
    return value == "on"


_DOLLARS = "a number of dollars, 0 or more"
_KNOWN: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "api_base": ("an address such as http://127.0.0.1:8000/v1, without a password", _address),
    "api_version": ("a text", _text),
    "temperature": ("a number, 0 or more", _number),
    "max_tokens": ("a whole number, 1 or more", _count),
    "timeout": ("a number of seconds, more than 0", _seconds),
    "reasoning_effort": ("a text, such as low", _text),
    "cost": (_DOLLARS, _number),
    "input_cost": (_DOLLARS, _number),
    "output_cost": (_DOLLARS, _number),
    "context": ("a whole number, 1 or more", _count),
    "tools": ("on or off", _switch),
}
"""Every option: what it has to be, and how it is read."""
