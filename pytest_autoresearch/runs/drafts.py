"""Drafts that were ready when a session ended: what was thought and paid for is evaluated next time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ..records import Draft, Effort, Json, Proposal


def drafts_in(lines: Sequence[Mapping[str, Json]]) -> list[Draft]:
    """The drafts in a journal's lines that no item was opened for, oldest first."""
    opened = [one["proposal"] for one in lines if one["kind"] == "opened" and one["proposal"]]
    found: list[Draft] = []
    for line in lines:
        if line["kind"] == "draft" and line["draft"]["what"] not in opened:
            draft = _draft(line["draft"])
            if draft not in found:
                found.append(draft)
    return found


def _draft(values: Mapping[str, Json]) -> Draft:
    known = {
        **values,
        "what": _of(Proposal, values["what"]),
        "effort": _of(Effort, values["effort"]),
    }
    draft: Draft = _of(Draft, known)
    return draft


def _of(kind: type[Any], values: Mapping[str, Json]) -> Any:
    """A plain dataclass from the keys that this version knows."""
    names = {field.name for field in fields(kind)}
    found = {name: value for name, value in values.items() if name in names}
    if "lessons" in found:
        found["lessons"] = tuple(found["lessons"])
    return kind(**found)
