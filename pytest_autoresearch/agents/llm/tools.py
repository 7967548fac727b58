"""The tools that a model gets, and how what it calls them with is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...records import Json
from .edits import Edit

READ, ANALYSE, PROPOSE, LESSON = "read_file", "run_analysis", "propose", "note_lesson"

_TEXT = {"type": "string"}


class BadCall(Exception):
    """A call of a tool that cannot be meant; the words are for the model."""


def offered(analysis: bool) -> list[dict[str, Json]]:
    """The tools as OpenAI's protocol describes them; ``analysis``: with that of running code on the data."""
    tools = [
        _tool(
            READ,
            "Read an editable or readable file of the champion.",
            {
                "path": _TEXT | {"description": "as the briefing lists it"},
                "first_line": {"type": "integer", "description": "where to begin, from 1"},
            },
            ["path"],
        ),
        _tool(
            PROPOSE,
            "Hand in one change as the next experiment. Edits replace text that occurs exactly once in the "
            "champion's file; files are whole new texts.",
            {
                "description": _TEXT | {"description": "what is changed, in one line"},
                "hypothesis": _TEXT | {"description": "why it should help"},
                "theme": _TEXT | {"description": "the kind of idea, in one or two words"},
                "expected": _TEXT | {"description": "how much better the metric should get"},
                "edits": _list("path", "search", "replace"),
                "files": _list("path", "content"),
            },
            ["description", "hypothesis"],
        ),
        _tool(
            LESSON,
            "Note in a sentence what you have learnt and want to be told again in every later briefing.",
            {"text": _TEXT},
            ["text"],
        ),
    ]
    if analysis:
        tools.insert(
            1,
            _tool(
                ANALYSE,
                "Run a Python module on the training data, in a sandbox. It defines analyse(data), where data "
                "is the fixture that the briefing names; what it prints is your answer.",
                {
                    "code": _TEXT,
                    "question": _TEXT | {"description": "what you want to know, in one line"},
                },
                ["code", "question"],
            ),
        )
    return tools


def _tool(name: str, does: str, takes: Mapping[str, Json], needs: Sequence[str]) -> dict[str, Json]:
    parameters = {"type": "object", "properties": dict(takes), "required": list(needs)}
    return {
        "type": "function",
        "function": {"name": name, "description": does, "parameters": parameters},
    }


def _list(*names: str) -> dict[str, Json]:
    item = {"type": "object", "properties": dict.fromkeys(names, _TEXT), "required": list(names)}
    return {"type": "array", "items": item}


def arguments(text: str) -> dict[str, Any]:
    """A call's arguments, every text in them one that UTF-8 can write; raises `BadCall`."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise BadCall(f"the arguments are no JSON ({error}): call the tool again") from None
    if not isinstance(found, dict):
        raise BadCall("the arguments are not a JSON object: call the tool again")
    cleaned: dict[str, Any] = _clean(found, 6)
    return cleaned


def text_of(given: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    """An argument that is text; raises `BadCall` where it is something else, or is needed and lacks."""
    value = given.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value.strip()):
        raise BadCall(f"{name} has to be a text" + (" that is not empty" if needed else ""))
    return value


def line_of(given: Mapping[str, Any], name: str) -> int:
    """An argument that is a line's number; 1 where it lacks."""
    value = given.get(name)
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadCall(f"{name} has to be a whole number, 1 or more")
    return value


def changes(given: Mapping[str, Any]) -> tuple[list[Edit], dict[str, str]]:
    """The edits and the whole files of a proposal; raises `BadCall`."""
    edits = [
        Edit(*(_part(one, name, "edits") for name in ("path", "search", "replace")))
        for one in _items(given, "edits")
    ]
    files: dict[str, str] = {}
    for one in _items(given, "files"):
        path = _part(one, "path", "files")
        if path in files:
            raise BadCall(f"files: {path} is given twice")
        files[path] = _part(one, "content", "files")
    if not edits and not files:
        raise BadCall("nothing is changed: give edits, files or both")
    return edits, files


def _items(given: Mapping[str, Any], name: str) -> list[Any]:
    value = given.get(name)
    if isinstance(value, str):
        # Some models write a list as text within the arguments.
        try:
            value = json.loads(value) if value.strip() else []
        except (ValueError, RecursionError):
            raise BadCall(f"{name} has to be a list, not a text") from None
    if isinstance(value, dict):
        value = [value]
    if value is not None and not isinstance(value, list):
        raise BadCall(f"{name} has to be a list")
    return value or []


def _part(item: Any, name: str, where: str) -> str:
    value = item.get(name) if isinstance(item, dict) else None
    if not isinstance(value, str) or (name == "path" and not value.strip()):
        raise BadCall(f"{where}: each has to have {name}, a text")
    return _path(value) if name == "path" else value


def _path(text: str) -> str:
    text = text.strip()
    return text[2:] if text.startswith("./") else text


def _clean(value: Any, depth: int) -> Any:
    """The value without lone surrogates, which JSON can hold and UTF-8 cannot."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list | dict) and not depth:
        raise BadCall("the arguments are nested too deeply")
    if isinstance(value, list):
        return [_clean(one, depth - 1) for one in value]
    if isinstance(value, dict):
        return {_clean(key, 0): _clean(one, depth - 1) for key, one in value.items()}
    return value
