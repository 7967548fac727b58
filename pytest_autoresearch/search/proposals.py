"""What an agent hands in, checked and bounded before anything else touches it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import AgentFailed
from ..records import Analysis, Json, Proposal

MOST_WORDS = 20_000
"""Characters of each of a proposal's texts that are kept."""
MOST_NOTES = 1 << 16
"""Bytes of an agent's notes on one proposal, as JSON."""
MOST_CODE = 4 << 20
"""Characters of a proposal's patch and files together."""
MOST_LESSONS, MOST_LESSON = 10, 2000
"""Lessons that come with one proposal, and characters of each."""
WORDS = ("hypothesis", "theme", "expected", "description")


def admitted(value: object, agent: str) -> Proposal | Analysis:
    """A proposal or an analysis with fields of the right types and of bounded size.

    Words that are too long are cut, a proposal with too much code is none. Raises `AgentFailed` naming the
    field, for what is no proposal, or holds another type.
    """
    if isinstance(value, Analysis):
        return _analysis(value, agent)
    if not isinstance(value, Proposal):
        raise AgentFailed(
            f"agent {agent} proposed a {type(value).__name__}; propose() returns a "
            "pytest_autoresearch.Proposal, an Analysis, or None when it has run out"
        )
    patch, files = _patch(value.patch, agent), _files(value.files, agent)
    if why := too_large(patch, files):
        return Proposal(description=f"no proposal: {why}")
    words: dict[str, Any] = {name: _words(name, getattr(value, name), agent) for name in WORDS}
    return Proposal(
        patch,
        files,
        notes=_notes(value.notes, agent),
        lessons=_lessons(value.lessons, agent),
        cost_usd=_cost(value.cost_usd, agent),
        **words,
    )


def too_large(patch: str | None, files: Mapping[str, str]) -> str:
    """Why a proposal is more than anybody reads; empty when it is not."""
    size = len(patch or "") + sum(len(path) + len(text) for path, text in files.items())
    return f"{size} characters of code; the limit is {MOST_CODE}" if size > MOST_CODE else ""


def _analysis(value: Analysis, agent: str) -> Analysis:
    if not isinstance(value.code, str):
        raise _wrong(agent, "code", value.code, "a str")
    if len(value.code) > MOST_CODE:
        raise AgentFailed(
            f"agent {agent} proposed {len(value.code)} characters of code; the limit is {MOST_CODE}"
        )
    return Analysis(
        value.code,
        _words("question", value.question, agent),
        notes=_notes(value.notes, agent),
        lessons=_lessons(value.lessons, agent),
        cost_usd=_cost(value.cost_usd, agent),
    )


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


def _lessons(lessons: Any, agent: str) -> tuple[str, ...]:
    """Bounded, as words are; a lesson more than `MOST_LESSONS` is left out."""
    if isinstance(lessons, str) or not isinstance(lessons, Sequence):
        raise _wrong(agent, "lessons", lessons, "a sequence of str")
    return tuple(_words("lessons", one, agent)[:MOST_LESSON] for one in lessons[:MOST_LESSONS])


def _cost(usd: object, agent: str) -> float | None:
    if usd is None:
        return None
    if isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 <= usd < math.inf:
        raise _wrong(agent, "cost_usd", usd, "a number of dollars, 0 or more, or None")
    return float(usd)


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
