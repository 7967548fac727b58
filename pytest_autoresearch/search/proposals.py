"""What an agent hands in, checked and bounded before anything else touches it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..exceptions import AgentFailed
from ..records import Json, Proposal

MOST_WORDS = 20_000
"""Characters of each of a proposal's texts that are kept."""
MOST_NOTES = 1 << 16
"""Bytes of an agent's notes on one proposal, as JSON."""
MOST_CODE = 4 << 20
"""Characters of a proposal's patch and files together."""
WORDS = ("hypothesis", "theme", "expected", "description")


def admitted(value: object, agent: str) -> Proposal:
    """A proposal with fields of the right types and of bounded size.

    Words that are too long are cut. Raises `AgentFailed` naming the field, for what is no proposal,
    holds another type, or holds too much.
    """
    if not isinstance(value, Proposal):
        raise AgentFailed(
            f"agent {agent} proposed a {type(value).__name__}; propose() returns a "
            "pytest_autoresearch.Proposal, or None when it has run out"
        )
    patch, files = _patch(value.patch, agent), _files(value.files, agent)
    size = len(patch or "") + sum(len(path) + len(text) for path, text in files.items())
    if size > MOST_CODE:
        raise AgentFailed(
            f"agent {agent} proposed {size} characters of code; the limit is {MOST_CODE}"
        )
    words = {name: _words(name, getattr(value, name), agent) for name in WORDS}
    return Proposal(patch, files, notes=_notes(value.notes, agent), **words)


def _patch(patch: object, agent: str) -> str | None:
    if patch is None or isinstance(patch, str):
        return patch
    raise _wrong(agent, "patch", patch, "a str or None")


def _files(files: Any, agent: str) -> dict[str, str]:
    if not isinstance(files, Mapping):
        raise _wrong(agent, "files", files, "a dict of path: text")
    for path, text in files.items():
        if not isinstance(path, str) or not isinstance(text, str):
            raise _wrong(agent, "files", text if isinstance(path, str) else path, "str in files")
    return dict(files)


def _words(name: str, text: object, agent: str) -> str:
    if text is None:
        return ""
    if not isinstance(text, str):
        raise _wrong(agent, name, text, "a str")
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]} [cut]"


def _notes(notes: Any, agent: str) -> dict[str, Json]:
    if not isinstance(notes, Mapping):
        raise _wrong(agent, "notes", notes, "a dict")
    try:
        text = json.dumps(dict(notes), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise AgentFailed(f"agent {agent}: its notes cannot be written as JSON: {error}") from None
    if len(text) > MOST_NOTES:
        raise AgentFailed(
            f"agent {agent}: its notes take {len(text)} bytes; the limit is {MOST_NOTES}"
        )
    found: dict[str, Json] = json.loads(text)
    return found


def _wrong(agent: str, field: str, value: object, wanted: str) -> AgentFailed:
    return AgentFailed(
        f"agent {agent} proposed {field} of type {type(value).__name__}; it has to be {wanted}"
    )
