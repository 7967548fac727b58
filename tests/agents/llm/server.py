"""A server on loopback that speaks OpenAI's chat protocol and plays a script, good answers and bad ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

Json = Any
LONGEST = 60.0
"""Seconds that a hanging answer waits for the test to end."""


@dataclass(frozen=True)
class Reply:
    """What is sent back: ``sent`` bytes of the body, of which ``length`` are announced; None drops the line."""

    body: bytes | None = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    length: int | None = None
    hangs: bool = False
    usage: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What has come in."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.raw)

    @property
    def messages(self) -> list[dict[str, Json]]:
        found: list[dict[str, Json]] = self.json["messages"]
        return found

    @property
    def last(self) -> str:
        """The text of the last message."""
        return str(self.messages[-1]["content"])


Step = Reply | Callable[[Request], Reply]


def usage(prompt: int = 100, completion: int = 10, cached: int = 0) -> dict[str, Json]:
    """Tokens as a server reports them."""
    counted: dict[str, Json] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    return counted | ({"prompt_tokens_details": {"cached_tokens": cached}} if cached else {})


def answer(
    message: Mapping[str, Json], used: Mapping[str, Json] | None = None, finish: str = "stop"
) -> Reply:
    """A completion; without ``used`` the server reports 100 tokens in, 10 out."""
    used = usage() if used is None else used
    body: dict[str, Json] = {
        "id": "answer",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": None, **message},
            }
        ],
    }
    if used:
        body["usage"] = dict(used)
    return Reply(json.dumps(body).encode(), usage=used)


def says(text: str, used: Mapping[str, Json] | None = None, finish: str = "stop") -> Reply:
    """An answer in words."""
    return answer({"content": text}, used, finish)


def calls(
    *tools: tuple[str, Mapping[str, Json] | str],
    used: Mapping[str, Json] | None = None,
    text: str | None = None,
    finish: str = "tool_calls",
) -> Reply:
    """An answer that calls tools; arguments that are a string are sent as they are."""
    made = [
        {
            "id": f"call_{n}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": given if isinstance(given, str) else json.dumps(given),
            },
        }
        for n, (name, given) in enumerate(tools)
    ]
    return answer({"content": text, "tool_calls": made}, used, finish)


def fails(status: int, message: str = "no", code: str | None = None, **headers: str) -> Reply:
    """An error as OpenAI words it; ``retry_after="1"`` is the header Retry-After."""
    error = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps(error).encode(), status, named)


def drops() -> Reply:
    """The line is cut before a byte has come."""
    return Reply(None)


def cut(reply: Reply) -> Reply:
    """Half of an answer; the line is cut after it."""
    assert reply.body is not None
    return Reply(reply.body[: len(reply.body) // 2], length=len(reply.body))


def hangs() -> Reply:
    """No answer, and the line stays open."""
    return Reply(hangs=True)


class Server:
    """Plays ``script`` step by step; after it, or where there is none, every request gets ``otherwise``.

    ``requests`` are all that came, ``replies`` what was sent for each.
    """

    def __init__(self, script: Iterable[Step] = (), otherwise: Step | None = None) -> None:
        self.script = list(script)
        self.otherwise = otherwise or fails(418, "the script is at its end")
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)

    @property
    def url(self) -> str:
        """What goes into ``api_base``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def take(self, request: Request) -> Reply:
        """The next reply of the script."""
        with self._lock:
            self.requests.append(request)
            step = self.script.pop(0) if self.script else self.otherwise
            reply = step if isinstance(step, Reply) else step(request)
            self.replies.append(reply)
            return reply

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                reply = server.take(Request(self.path, dict(self.headers), raw))
                if reply.hangs:
                    server._over.wait(LONGEST)
                if reply.hangs or reply.body is None:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.kind)
                length = len(reply.body) if reply.length is None else reply.length
                self.send_header("Content-Length", str(length))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
                if reply.length is not None:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: pytest owns the terminal."""

        return Handler
