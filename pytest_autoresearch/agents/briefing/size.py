"""How much room a text takes in a model's context."""

from __future__ import annotations

BYTES_A_TOKEN = 3.5
"""Bytes of UTF-8 that a token holds: less than most models manage with English and code."""


def estimated(text: str) -> int:
    """Tokens that ``text`` takes, an estimate from its bytes; not for exact accounts."""
    return -int(-size(text) // BYTES_A_TOKEN)


def size(text: str) -> int:
    """Bytes of ``text`` in UTF-8."""
    return len(text.encode("utf-8", "replace"))


def cut(text: str, room: int) -> str:
    """As many characters from the beginning as fit into ``room`` bytes."""
    if size(text) <= room:
        return text
    return text.encode("utf-8", "replace")[: max(0, room)].decode("utf-8", "ignore")
