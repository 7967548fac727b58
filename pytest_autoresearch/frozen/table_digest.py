"""A digest of arguments, exact the first time in a session and quick from then on."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from ..sandbox.handing.payload import Payload, Piece, Scattered

WHOLE = 1 << 20
"""Bytes of buffers up to which all are always read."""

LARGEST = 1 << 30
"""Bytes of buffers above which they are never all read."""

LINE = 64
LINES = 16_384
"""More are recognised by so many samples of so many bytes, spread evenly."""

MOST_KNOWN = 4096


class TableDigest:
    """Digests of what was handed over.

    Buffers above 1 MiB are read whole once in a session, and recognised by their sizes and by 1 MiB of
    samples, one in each stretch of equal length, from then on: what is missed is a change within a
    session that leaves all samples as they were. Above 1 GiB they are told by their samples alone.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}

    def of(self, payload: Payload) -> str:
        """The digest, hexadecimal."""
        state = blake2b(payload.head, digest_size=16)
        for piece in payload.buffers:
            state.update(len(piece).to_bytes(8, "little"))
        state.update(self._contents(payload.buffers))
        return state.hexdigest()

    def _contents(self, pieces: Sequence[Piece]) -> bytes:
        size = sum(map(len, pieces))
        if size <= WHOLE:
            return _whole(pieces)
        sample = _samples(pieces, size // LINES)
        if size > LARGEST:
            return sample
        if sample not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[sample] = _whole(pieces)
        return self._known[sample]


def _whole(pieces: Sequence[Piece]) -> bytes:
    state = blake2b(digest_size=16)
    for piece in pieces:
        for block in piece.blocks() if isinstance(piece, Scattered) else [piece]:
            state.update(block)
    return state.digest()


def _samples(pieces: Sequence[Piece], stride: int) -> bytes:
    """A digest of sizes and samples, the first and the last bytes of each piece among them."""
    state = blake2b(digest_size=16)
    for piece in pieces:
        size = len(piece)
        state.update(size.to_bytes(8, "little"))
        if isinstance(piece, Scattered):
            for at in range(0, size, stride * 16):
                state.update(piece.part(at, LINE))
            state.update(piece.part(max(0, size - LINE), LINE))
            continue
        rows = size // stride
        if rows:
            spread = np.frombuffer(piece, np.uint8, count=rows * stride).reshape(rows, stride)
            state.update(np.ascontiguousarray(spread[:, :LINE]).data)
        state.update(piece[:LINE])
        state.update(piece[-LINE:])
    return state.digest()
