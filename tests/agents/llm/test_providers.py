"""Providers that litellm calls by clients of its own are understood and written down, too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_autoresearch.agents.llm import make
from pytest_autoresearch.agents.office import Office
from pytest_autoresearch.agents.tables import Table
from pytest_autoresearch.records import Briefing, Proposal

from .server import Reply, Request, Server, Step, drops

BRIEFING = Briefing("test_line", "loss", "minimize", "c0ffee", 1.0, {"model.py": b"RATE = 1\n"})
GOOD = {
    "description": "x",
    "hypothesis": "y",
    "edits": [{"path": "model.py", "search": "RATE = 1", "replace": "RATE = 2"}],
}


def claude(*content: dict[str, Any]) -> Reply:
    body = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": list(content),
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1000, "output_tokens": 20},
    }
    return Reply(json.dumps(body).encode())


def use(name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"id_{name}", "name": name, "input": given}


def ollama(message: dict[str, Any]) -> Step:
    body = {
        "model": "x",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": "", **message},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 50,
        "eval_count": 7,
    }
    return Reply(json.dumps(body).encode())


def proposed(server: Server, office: Office, model: str) -> Proposal:
    agent = make(f"{model}?api_base={server.url.removesuffix('/v1')}", office, Table(name="x"))
    handed = agent.propose(BRIEFING)
    assert isinstance(handed, Proposal)
    return handed


@pytest.mark.usefixtures("litellm", "quick")
def test_anthropic_is_understood_and_written_down(
    server: Server, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-very-secret")
    error = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}
    server.script[:] = [
        Reply(json.dumps(error).encode(), 429, {"Retry-After": "0"}),
        drops(),
        claude(use("read_file", {"path": "model.py"})),
        claude(use("propose", GOOD)),
    ]
    assert proposed(server, office, "anthropic/claude-sonnet-4-5").files["model.py"] == "RATE = 2\n"
    assert "sk-ant-very-secret" in server.requests[0].headers.values()

    lost, *paid = office.purse.expenses
    assert "counted as the most" in lost.what
    assert [one.usd for one in paid] == pytest.approx([1000 * 3e-6 + 20 * 15e-6] * 2)

    path = office.transcripts.path
    assert path is not None
    kept = sorted(path.iterdir())
    sent = [json.loads(one.read_text()) for one in kept if one.name.endswith("request.json")]
    came = [json.loads(one.read_text()) for one in kept if one.name.endswith("response.json")]
    assert sent == [one.json for one in server.requests]
    assert came == [json.loads(one.body or b"") for one in server.replies[2:]]
    assert not any(b"sk-ant-very-secret" in one.read_bytes() for one in kept)


@pytest.mark.usefixtures("litellm", "quick")
@pytest.mark.parametrize("can", [True, False], ids=["tools", "words"])
def test_ollama_costs_nothing_and_gets_room_for_the_prompt(
    server: Server, office: Office, can: bool
) -> None:
    chats: list[Request] = []

    def play(request: Request) -> Reply:
        # litellm asks Ollama beside the chat what a model can do.
        if request.path != "/api/chat":
            return Reply(b'{"capabilities": []}')
        chats.append(request)
        if "tools" in request.json and not can:
            return Reply(b'{"error": "llama3.1:8b does not support tools"}', 400)
        words = "x\n```python model.py\nRATE = 2\n```"
        call = {"function": {"name": "propose", "arguments": GOOD}}
        step = ollama({"tool_calls": [call]} if can else {"content": words})
        assert isinstance(step, Reply)
        return step

    server.otherwise = play
    assert proposed(server, office, "ollama_chat/llama3.1:8b").files["model.py"] == "RATE = 2\n"
    assert office.purse.usd == 0
    assert office.purse.tokens == 57
    assert chats[-1].json["options"]["num_ctx"] > chats[-1].json["options"]["num_predict"]
