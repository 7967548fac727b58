"""Why a call failed, told from what litellm, the OpenAI client and httpx raise."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

from ..redacting import redact

MOST_TEXT = 500
"""Characters of a provider's words that are repeated."""


class Kind(Enum):
    """What became of a call, and with it what to do."""

    NETWORK = "no connection"
    DROPPED = "the connection broke"
    TIMEOUT = "no answer in time"
    BUSY = "the server is busy"
    GARBLED = "an answer that cannot be read"
    CONTEXT = "more tokens than the model takes"
    TOOLS = "no tools"
    FILTERED = "the provider's filter"
    KEY = "the key is refused"
    NO_KEY = "there is no key"
    MODEL = "no such model"
    QUOTA = "no money is left there"
    REFUSED = "refused"


AGAIN = frozenset({Kind.NETWORK, Kind.DROPPED, Kind.TIMEOUT, Kind.BUSY, Kind.GARBLED})
"""What may go better the next time."""
MAYBE_PAID = frozenset({Kind.DROPPED, Kind.TIMEOUT, Kind.GARBLED})
"""What may have been billed although there is no answer."""


class CallFailed(Exception):
    """A call without an answer; ``after`` seconds from now it may be made again, where the server said so."""

    def __init__(
        self, kind: Kind, text: str, status: int | None = None, after: float = 0.0
    ) -> None:
        super().__init__(text)
        self.kind, self.text, self.status, self.after = kind, text, status, after

    def __str__(self) -> str:
        return f"{self.kind.value} ({self.text})" if self.text else self.kind.value


def understood(error: BaseException, *, with_tools: bool) -> CallFailed:
    """What an exception of litellm's means."""
    chain = list(_chain(error))
    names = {type(one).__name__ for one in chain}
    status, headers = _status(chain)
    text = words(_TRACEBACK.sub("", str(error)))
    after = _after(headers)
    if status is None:
        return CallFailed(_without_status(chain, names, text), text)
    return CallFailed(_with_status(status, names, text, with_tools), text, status, after)


def _without_status(chain: list[BaseException], names: set[str], text: str) -> Kind:
    if names & {
        "ConnectError",
        "ConnectTimeout",
        "ProxyError",
        "UnsupportedProtocol",
        "PoolTimeout",
    }:
        return Kind.NETWORK
    if names & {"Timeout", "APITimeoutError", "ReadTimeout", "WriteTimeout", "TimeoutException"}:
        return Kind.TIMEOUT
    if names & {
        "RemoteProtocolError",
        "ReadError",
        "WriteError",
        "CloseError",
        "LocalProtocolError",
    }:
        return Kind.DROPPED
    if _NO_KEY.search(text):
        return Kind.NO_KEY
    if names & {"AuthenticationError"} or any(
        type(one).__name__ == "OpenAIError" and type(one).__module__.startswith("openai")
        for one in chain
    ):
        return Kind.KEY
    if names & {"ContextWindowExceededError"}:
        return Kind.CONTEXT
    if names & {"JSONDecodeError", "TooMuch"} or "invalid response" in text.lower():
        return Kind.GARBLED
    if names & {"NotFoundError"}:
        return Kind.MODEL
    if names & {"ImportError", "ModuleNotFoundError", "BadRequestError", "UnsupportedParamsError"}:
        return Kind.REFUSED
    return Kind.GARBLED


def _with_status(status: int, names: set[str], text: str, with_tools: bool) -> Kind:
    if status < 300:
        return Kind.GARBLED
    if names & {"ContextWindowExceededError"} or (status in (400, 413) and _CONTEXT.search(text)):
        return Kind.CONTEXT
    if status in (401, 403):
        return Kind.KEY
    if status == 402 or (status == 429 and _QUOTA.search(text)):
        return Kind.QUOTA
    if status == 429:
        return Kind.BUSY
    if status in (408, 409, 425):
        return Kind.BUSY
    if with_tools and status in (400, 404, 422, 500, 501) and _TOOLS.search(text):
        return Kind.TOOLS
    if names & {"ContentPolicyViolationError"}:
        return Kind.FILTERED
    if status >= 500:
        return Kind.BUSY
    return Kind.MODEL if status == 404 else Kind.REFUSED


_NO_KEY = re.compile(
    r"missing (?:\w+ )?(?:api[ _]key|credentials)|api_key client option must be set", re.IGNORECASE
)
"""What libraries say before they call anybody."""
_TRACEBACK = re.compile(r"\s+Traceback \(most recent call last\):.*", re.DOTALL)
_TOOLS = re.compile(r"\btools?\b|tool[_ ]choice|function[_ ]call", re.IGNORECASE)
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|billing", re.IGNORECASE)
_CONTEXT = re.compile(
    r"context[_ ](?:length|window|size)|maximum context|too many (?:input )?tokens|prompt is too long",
    re.IGNORECASE,
)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that it came from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _status(chain: list[BaseException]) -> tuple[int | None, Mapping[str, str]]:
    """The status of the response that came, with its headers; litellm's own exceptions make up both."""
    for one in chain:
        if type(one).__module__.startswith("litellm.exceptions"):
            continue
        response: Any = getattr(one, "response", None)
        if isinstance(getattr(response, "status_code", None), int) and _came(response):
            return response.status_code, response.headers
    return None, {}


def _came(response: Any) -> bool:
    """Whether a response is one that came over the wire: those made up have no headers."""
    return bool(getattr(response, "headers", None))


def _after(headers: Mapping[str, str]) -> float:
    """Seconds that the header Retry-After asks to wait: a number, or a date."""
    value = str(headers.get("retry-after", "") or "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return seconds if 0 < seconds < float("inf") else 0.0


def words(text: str) -> str:
    """A provider's words in one bounded line, without keys."""
    text = re.sub(r"^(?:litellm\.\w+: )?(?:\w+Error: )*(?:\w+Exception - )?", "", redact(text))
    text = " ".join(text.split())
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]} …"
