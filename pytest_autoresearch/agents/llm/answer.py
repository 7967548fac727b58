"""What a model answered, out of litellm's response."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ...records import Json
from .faults import CallFailed, Kind, words

MOST_TEXT = 200_000
"""Characters of an answer that are read, and of each call's arguments."""
MOST_CALLS = 20
"""Calls of tools in one answer that are looked at."""


@dataclass(frozen=True)
class Call:
    """A tool that a model calls; ``arguments`` is text that should be JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Answer:
    """``finish`` is why it ended, ``refusal`` a refusal's words, ``thought`` what some providers want back."""

    text: str
    calls: tuple[Call, ...] = ()
    finish: str = ""
    refusal: str = ""
    usage: Any = None
    thought: Json = None

    @property
    def spoken(self) -> str:
        """All that was written, for counting."""
        return " ".join([self.text, *(f"{one.name} {one.arguments}" for one in self.calls)])

    def message(self) -> dict[str, Json]:
        """The answer as the next request repeats it."""
        said: dict[str, Json] = {
            "role": "assistant",
            "content": self.text or ("" if self.calls else "(nothing)"),
        }
        if self.thought:
            said["thinking_blocks"] = self.thought
        if self.calls:
            said["tool_calls"] = [
                {
                    "id": one.id,
                    "type": "function",
                    "function": {
                        "name": one.name or "unnamed",
                        "arguments": _as_object(one.arguments),
                    },
                }
                for one in self.calls
            ]
        return said


def read_answer(response: Any) -> Answer:
    """What litellm's response says; raises `CallFailed` for one without an answer."""
    try:
        choice = response.choices[0]
        message = choice.message
    except (AttributeError, IndexError, TypeError):
        raise CallFailed(Kind.GARBLED, "the response holds no choices") from None
    fields = getattr(message, "provider_specific_fields", None) or {}
    made = list(getattr(message, "tool_calls", None) or ())
    return Answer(
        text=_text(getattr(message, "content", None)),
        calls=tuple(_call(n, one) for n, one in enumerate(made[:MOST_CALLS], start=1)),
        finish=str(getattr(choice, "finish_reason", "") or ""),
        refusal=words(_text(fields.get("refusal"))),
        usage=getattr(response, "usage", None),
        thought=getattr(message, "thinking_blocks", None),
    )


def _call(number: int, made: Any) -> Call:
    function = getattr(made, "function", None)
    return Call(
        id=_text(getattr(made, "id", None)) or f"call_{number}",
        name=_text(getattr(function, "name", None))[:100],
        arguments=_text(getattr(function, "arguments", None)),
    )


def _text(value: Any) -> str:
    """Text that can be written as UTF-8, of bounded length."""
    if isinstance(value, dict | list):
        value = json.dumps(value, default=str)
    text = value if isinstance(value, str) else ""
    return text[:MOST_TEXT].encode("utf-8", "replace").decode("utf-8")


def _as_object(arguments: str) -> str:
    """Arguments that are a JSON object; servers choke on a history with others."""
    try:
        if isinstance(json.loads(arguments), dict):
            return arguments
    except (ValueError, RecursionError):
        pass
    return json.dumps({"not a JSON object": arguments[: MOST_TEXT // 100]})
