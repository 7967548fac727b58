"""litellm is loaded when it is needed, says nothing, and reaches out to nobody but the model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pytest_autoresearch.agents.llm import library
from pytest_autoresearch.agents.llm.place import find, is_loopback
from pytest_autoresearch.agents.llm.spec import read
from pytest_autoresearch.exceptions import UsageProblem

from .server import Server, calls, fails, says

ROOT = Path(__file__).parents[3]
PROBES = """
import socket, sys
from pytest_autoresearch.agents.llm import make, calling
from pytest_autoresearch.agents.office import Office
from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.records import Briefing
calling.FIRST_WAIT = 0.01
reached = set()
def hook(event, args):
    if event in ("socket.connect", "socket.sendto"):
        reached.add(args[1][:2])
    if event == "socket.getaddrinfo":
        reached.add(tuple(args[:2]))
    if event in ("subprocess.Popen", "os.system", "os.exec") and args[0] != "uname":
        reached.add(str(args[:2]))
sys.addaudithook(hook)
for model in sys.argv[2:]:
    agent = make(model, Office())
    try:
        agent.probe()
        agent.propose(Briefing("t", "loss", "minimize", "c", 1.0, {"model.py": b"X = 1"}))
    except UsageProblem as problem:
        reached.add(str(problem))
port = int(sys.argv[1])
own = {("127.0.0.1", port), ("localhost", port), ("::1", port)}
assert reached & own, reached
assert not reached - own, reached - own
"""


def test_importing_and_calling_reaches_only_the_model_and_says_nothing(
    litellm: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-a-file\n")
    base = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    plain = base | {
        "PYTHONPATH": str(ROOT),
        "OPENAI_API_KEY": "key",
        "HTTP_PROXY": "http://192.0.2.1:9",
    }
    done = calls(
        ("propose", {"description": "x", "files": [{"path": "model.py", "content": "X = 2"}]})
    )
    with Server([says("ready"), fails(500), says("hm"), done]) as server:
        port = server.url.split(":")[2].split("/")[0]
        models = [f"openai/gpt-4o-mini?api_base={server.url}"]
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROBES, port, *models],
            env=plain,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert ended.returncode == 0, ended.stderr
    assert len(server.requests) == 4
    assert "Bearer key" in server.requests[0].headers.values()
    assert ended.stdout == ""
    assert "litellm" not in ended.stderr.lower()


def test_without_litellm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "find_spec", lambda name: None)
    with pytest.raises(UsageProblem, match=r'pip install "pytest-autoresearch\[llm\]"'):
        library.load.__wrapped__()


def test_tools_need_mcp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "find_spec", lambda name: None if name == "mcp" else object())
    with pytest.raises(UsageProblem, match="mcp is not installed"):
        library.load.__wrapped__()


def test_the_rest_of_the_room_needs_no_litellm() -> None:
    script = "import sys, pytest_autoresearch.agents.llm\nassert not {'litellm', 'tenacity', 'httpx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("192.168.1.5", False),
        ("localhost.example.org", False),
        ("api.openai.com", False),
        ("", False),
    ],
)
def test_only_loopback_is_this_machine(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.parametrize(
    ("argument", "host", "home"),
    [
        ("openai/x?api_base=http://127.0.0.1:8000/v1", "127.0.0.1", True),
        ("openai/x?api_base=https://llm.example.org/v1", "llm.example.org", False),
        ("openai/gpt-5", "api.openai.com", False),
        ("anthropic/claude-sonnet-4-5", "api.anthropic.com", False),
        ("ollama_chat/llama3.1:8b", "localhost", True),
        ("ollama_chat/gpt-oss:120b-cloud", "localhost, which passes on to ollama.com", False),
        ("bedrock/some.model", "the servers of bedrock", False),
    ],
)
def test_it_is_known_where_a_model_runs(
    litellm: ModuleType, monkeypatch: pytest.MonkeyPatch, argument: str, host: str, home: bool
) -> None:
    for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL", "OLLAMA_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    place = find(read(argument), litellm)
    assert (place.host, place.home) == (host, home)


def test_an_address_in_the_environment_counts(
    litellm: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_BASE", "http://gpu.example.org:11434")
    assert find(read("ollama/llama3"), litellm).host == "gpu.example.org"
    assert not find(read("ollama/llama3"), litellm).home


def test_a_model_without_a_provider_is_refused(litellm: ModuleType) -> None:
    with pytest.raises(UsageProblem, match="write PROVIDER/MODEL"):
        find(read("nonsense"), litellm)
