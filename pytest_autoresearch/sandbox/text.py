"""Untrusted bytes as text that is safe to show and to keep."""

from __future__ import annotations

BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}


class Tail:
    """The last bytes of a stream of any length."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._bytes = bytearray()

    def add(self, more: bytes) -> None:
        self._bytes += more
        if len(self._bytes) > 2 * self.limit:
            del self._bytes[: -self.limit]

    def __bytes__(self) -> bytes:
        return bytes(self._bytes[-self.limit :])


def clean(raw: bytes) -> str:
    """Decode: no control characters but newline and tab, no bidirectional overrides."""
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one if _harmless(one) else "\N{REPLACEMENT CHARACTER}" for one in text)


def _harmless(one: str) -> bool:
    return one in "\n\t" or (one.isprintable() and ord(one) not in BIDI)
