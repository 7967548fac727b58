"""What goes over the wire, recorded and bounded: each request's body, each answer's bytes as they come."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

import httpx

MOST_BYTES = 16 << 20
"""Bytes that an answer may have."""

PRYING = tuple(f"x-stainless-{what}" for what in ("os", "arch", "runtime", "runtime-version"))
"""Headers in which OpenAI's client tells of the machine that it runs on."""


class TooMuch(Exception):
    """An answer is longer than `MOST_BYTES`."""


@dataclass
class Tape:
    """One call as the wire saw it; headers, which hold the key, are not on it."""

    sent: list[bytes] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)


TAPE: ContextVar[Tape | None] = ContextVar("TAPE", default=None)
"""The tape of the call that this thread makes."""


def session() -> httpx.Client:
    """A client for litellm's calls to OpenAI and to everything that speaks its protocol.

    It follows no redirects: what an agent is told goes to the host that a person has named. It keeps no
    connection between calls: one that the server has closed meanwhile looks like an answer that broke off.
    """
    return httpx.Client(
        limits=httpx.Limits(max_keepalive_connections=0),
        verify=_authorities(),
        headers={"Accept-Encoding": "identity"},
        event_hooks={"request": [_request], "response": [_response]},
    )


def _authorities() -> ssl.SSLContext | bool:
    """Whom to trust: httpx reads SSL_CERT_FILE itself, but not the variable that others use."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE", "")
    if bundle and not os.environ.get("SSL_CERT_FILE") and os.path.isfile(bundle):
        return ssl.create_default_context(cafile=bundle)
    return True


def _request(request: httpx.Request) -> None:
    tape = TAPE.get()
    if tape is None:
        return
    tape.sent.append(request.read())
    for name in PRYING:
        request.headers.pop(name, None)


def _response(response: httpx.Response) -> None:
    tape = TAPE.get()
    if tape is not None and isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _Tee(response.stream, tape)


class _Tee(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, tape: Tape) -> None:
        self._stream, self._tape = stream, tape

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._tape.received += chunk
            if len(self._tape.received) > MOST_BYTES:
                raise TooMuch(f"the answer has more than {MOST_BYTES} bytes")
            yield chunk

    def close(self) -> None:
        self._stream.close()
