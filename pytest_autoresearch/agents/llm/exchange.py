"""One call of litellm in a thread of its own, and what went to and fro."""

from __future__ import annotations

import contextvars
import json
import threading
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ...exceptions import Interrupted
from ...records import Json
from ..redacting import redact
from .faults import CallFailed, Kind, understood
from .library import quiet
from .reach import LOOK, Reach

SETTING_OUT = 60.0
"""Seconds more for what comes before the request is sent: the first time, litellm has much to import."""


class Exchange:
    """A call in a thread of its own, which whoever waits for it can leave."""

    def __init__(self, litellm: ModuleType, arguments: Mapping[str, Any]) -> None:
        from .wire import Tape

        self._litellm, self._arguments = litellm, arguments
        self._tape = Tape()
        self._told: dict[str, Json] = {}
        self._done = threading.Event()
        self._response: Any = None
        self._error: BaseException | None = None

    def made(self, seconds: float, reach: Reach) -> Any:
        """litellm's response; raises `CallFailed`, or `Interrupted` when the search ends."""
        threading.Thread(
            target=contextvars.Context().run, args=(self._work,), name="llm", daemon=True
        ).start()
        end = time.monotonic() + seconds + SETTING_OUT
        while not self._done.wait(LOOK):
            if self._sent():
                end = min(end, time.monotonic() + seconds)
            if reach.stopped():
                raise Interrupted("the search has ended")
            if time.monotonic() > end:
                raise CallFailed(Kind.TIMEOUT, f"after {seconds:.0f} s")
        if self._error is not None:
            raise understood(self._error, with_tools="tools" in self._arguments) from self._error
        return self._response

    def _sent(self) -> bool:
        return bool(self._tape.sent or self._told)

    def _work(self) -> None:
        from .wire import TAPE

        quiet()
        TAPE.set(self._tape)
        try:
            self._response = self._litellm.completion(**self._arguments, logger_fn=self._hear)
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def _hear(self, details: Mapping[str, Any]) -> None:
        """What litellm says that it sends and gets, for providers that it calls by clients of its own."""
        more = details.get("additional_args") or {}
        self._told["sent"] = more.get("complete_input_dict")
        self._told["received"] = details.get("original_response")

    def request(self) -> bytes:
        """What was sent, without headers and keys."""
        if self._tape.sent:
            return redact(self._tape.sent[-1].decode("utf-8", "replace")).encode()
        sent = self._told.get("sent") or {
            name: value for name, value in self._arguments.items() if name != "api_key"
        }
        text = sent if isinstance(sent, str) else json.dumps(sent, default=str, indent=1)
        return redact(text).encode("utf-8", "replace")

    def response(self) -> bytes:
        """What came, as far as it came."""
        if self._tape.sent:
            return redact(bytes(self._tape.received).decode("utf-8", "replace")).encode()
        came = self._told.get("received")
        text = came if isinstance(came, str) else json.dumps(came, default=str) if came else ""
        return redact(text).encode("utf-8", "replace")
