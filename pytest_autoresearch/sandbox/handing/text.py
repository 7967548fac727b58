"""Untrusted bytes as text that is safe to show and to keep."""

from __future__ import annotations

UNSEEN = frozenset(
    {
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
    }
)
"""Characters that Python calls printable and that show nothing: fillers and variation selectors."""

CONTINUED = bytes(range(0x80, 0xC0))
"""Bytes that are never the first of a character in UTF-8."""


class Tail:
    """The last ``limit`` bytes of a stream of any length, and the first ``head``."""

    def __init__(self, limit: int, head: int = 0) -> None:
        self.limit = limit
        self.head = head
        self._first = bytearray()
        self._bytes = bytearray()
        self._dropped = 0

    def add(self, more: bytes) -> None:
        room = self.head - len(self._first)
        if room > 0:
            self._first += more[:room]
            more = more[room:]
        self._bytes += more
        if len(self._bytes) > 2 * self.limit:
            self._dropped += len(self._bytes) - self.limit
            del self._bytes[: -self.limit]

    def __bytes__(self) -> bytes:
        return bytes(self._bytes[-self.limit :])

    @property
    def text(self) -> str:
        """What is left of it, cleaned; where there is a head, how much is left out stands in the gap."""
        if not self.head:
            return clean(bytes(self))
        lost = self._dropped + max(0, len(self._bytes) - self.limit)
        if not lost:
            return clean(bytes(self._first + self._bytes))
        first = bytes(self._first).decode("utf-8", "ignore").encode()
        last = bytes(self).lstrip(CONTINUED)
        return f"{clean(first)}\n[... {lost:,} bytes left out ...]\n{clean(last)}"


def clean(raw: bytes) -> str:
    """Decode: no control characters but newline and tab, nothing that is not seen or turns text."""
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one if _harmless(one) else "\N{REPLACEMENT CHARACTER}" for one in text)


def _harmless(one: str) -> bool:
    # Neither bidirectional overrides nor zero-width characters nor other line ends are printable.
    return one in "\n\t" or (one.isprintable() and ord(one) not in UNSEEN)
