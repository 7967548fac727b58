"""What is kept of a stream of any length: its beginning and its end."""

from __future__ import annotations


class Kept:
    """The first and the last bytes of a stream, half of ``limit`` each; ``total`` counts all."""

    def __init__(self, limit: int) -> None:
        self.half = limit // 2
        self.total = 0
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, more: bytes) -> None:
        """Take more of the stream."""
        self.total += len(more)
        room = self.half - len(self._head)
        self._head += more[:room]
        self._tail += more[room:]
        if len(self._tail) > 2 * self.half:
            del self._tail[: -self.half]

    def __bytes__(self) -> bytes:
        tail = bytes(self._tail[-self.half :])
        gone = self.total - len(self._head) - len(tail)
        between = f"\n[{gone} bytes are left out here]\n".encode() if gone else b""
        return bytes(self._head) + between + tail
