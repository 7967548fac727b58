"""Untrusted bytes as text that is safe to show and to keep."""

from __future__ import annotations

UNSEEN = frozenset(
    {
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
    }
)
"""Characters that Python calls printable and that show nothing: fillers and variation selectors."""


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
    """Decode: no control characters but newline and tab, nothing that is not seen or turns text."""
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one if _harmless(one) else "\N{REPLACEMENT CHARACTER}" for one in text)


def _harmless(one: str) -> bool:
    # Neither bidirectional overrides nor zero-width characters nor other line ends are printable.
    return one in "\n\t" or (one.isprintable() and ord(one) not in UNSEEN)
