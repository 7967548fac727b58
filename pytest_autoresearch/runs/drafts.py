"""Drafts that were ready and not taken when a session ended: what was paid for is evaluated next time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..history.lines import made
from ..records import Draft, Effort, Json, Proposal


def drafts_in(lines: Sequence[Mapping[str, Json]]) -> list[Draft]:
    """The drafts in a journal's lines that no item was opened for, oldest first."""
    opened = {one.get("draft") for one in lines if one["kind"] == "opened"}
    drafts = [_draft(line["draft"]) for line in lines if line["kind"] == "draft"]
    return list({one.name: one for one in drafts if one.name not in opened}.values())


def _draft(values: Mapping[str, Json]) -> Draft:
    what, effort = made(Proposal, values["what"]), made(Effort, values["effort"])
    draft = made(Draft, {**values, "what": what, "effort": effort})
    assert draft is not None
    return draft
