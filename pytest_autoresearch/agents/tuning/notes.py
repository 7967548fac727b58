"""What the tuner writes into its proposals, so that a later session knows what it knew."""

from __future__ import annotations

from collections.abc import Mapping

from ...records import Json


def own(notes: Json) -> Mapping[str, Json]:
    """The tuner's notes of a record; empty for what another agent, or version, wrote.

    ``tree`` and ``base`` are digests of the proposal's and its champion's files, ``score`` is that
    champion's. ``values`` are the proposal's by dimension, ``was`` the champion's where they differ.
    ``move`` names a usual first move, ``cut`` what was left out; both may be missing.
    """
    readable = (
        isinstance(notes, Mapping)
        and all(isinstance(notes.get(key), str) for key in ("tree", "base"))
        and all(isinstance(notes.get(key), Mapping) for key in ("values", "was"))
        and all(isinstance(notes.get(key, ""), str) for key in ("move", "cut"))
        and isinstance(notes.get("score"), float | int | None)
    )
    return notes if readable else {}
