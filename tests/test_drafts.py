"""What was thought out when a session ended is evaluated first in the next one, once."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pytest_autoresearch.records import Draft, Effort, Proposal
from pytest_autoresearch.runs.drafts import drafts_in


def line(kind: str, **fields: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps({"kind": kind, **fields}))
    return found


def proposal(text: str) -> Proposal:
    return Proposal(files={"model.py": text}, description=text, lessons=("one",))


def draft(text: str) -> Draft:
    return Draft(proposal(text), "llm:a", "abc", Effort(0.25, 10, 1.0), name=f"draft-1-{text}")


def test_a_draft_is_read_back_as_it_was() -> None:
    assert drafts_in([line("draft", draft=asdict(draft("a")))]) == [draft("a")]


def test_one_that_an_item_was_opened_for_is_not_used_again() -> None:
    lines = [
        line("draft", draft=asdict(draft("a"))),
        line("draft", draft=asdict(draft("b"))),
        line("session"),
        line("opened", draft="draft-1-a"),
        line("opened", draft=""),
    ]
    assert drafts_in(lines) == [draft("b")]


def test_one_that_is_written_twice_is_used_once() -> None:
    both = [line("draft", draft=asdict(draft("a")))] * 2
    assert drafts_in(both) == [draft("a")]


def test_keys_of_a_later_version_are_ignored() -> None:
    values = asdict(draft("a")) | {"mood": "good"}
    values["what"] |= {"colour": "red"}
    assert drafts_in([line("draft", draft=values)]) == [draft("a")]
