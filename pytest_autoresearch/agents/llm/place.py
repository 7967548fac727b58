"""Where a model runs: on this machine, or on somebody else's."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from types import ModuleType
from urllib.parse import urlsplit

from ...exceptions import UsageProblem
from .spec import Options

DEFAULT_BASES = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "ollama": "http://localhost:11434",
    "ollama_chat": "http://localhost:11434",
}
"""Addresses that litellm takes where none is given, of those providers for which it does not tell."""
NO_KEY = "none"
"""What a server of one's own gets for a key where the environment holds none: the client sends nothing without."""


@dataclass(frozen=True)
class Place:
    """``provider`` is litellm's name for whom it calls, ``host`` where, ``home`` that it is this machine."""

    provider: str
    host: str
    home: bool
    key: str | None = None


def find(options: Options, litellm: ModuleType) -> Place:
    """Where a model is called; raises `UsageProblem` for a model that litellm has no provider for."""
    try:
        _, provider, _, base = litellm.get_llm_provider(
            options.model, api_base=options.api_base or None
        )
    except Exception:
        raise UsageProblem(
            f"llm:{options.model}: litellm does not know whose model this is: write PROVIDER/MODEL, such as "
            "openai/gpt-5, anthropic/claude-sonnet-4-5 or ollama_chat/llama3.1:8b; openai/NAME with api_base= "
            "for any server that speaks OpenAI's protocol"
        ) from None
    provider = str(provider)
    address = (
        options.api_base
        or _from_environment(provider)
        or str(base or "")
        or DEFAULT_BASES.get(provider, "")
    )
    host = urlsplit(address).hostname or ""
    # Ollama hands on what is meant for models called cloud.
    passed_on = provider.startswith("ollama") and options.model.endswith(("-cloud", ":cloud"))
    home = is_loopback(host) and not passed_on
    own = provider == "openai" and bool(options.api_base) and not os.environ.get("OPENAI_API_KEY")
    shown = f"{host}, which passes on to ollama.com" if passed_on else host
    key = NO_KEY if own else None
    return Place(provider, shown or f"the servers of {provider}", home, key)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _from_environment(provider: str) -> str:
    """The address that litellm reads from the environment for a provider."""
    start = "OLLAMA" if provider.startswith("ollama") else provider.upper()
    for end in ("BASE_URL", "API_BASE"):
        found = os.environ.get(f"{start}_{end}", "")
        if found:
            return found if "//" in found else f"//{found}"
    return ""
