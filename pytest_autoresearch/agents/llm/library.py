"""litellm, imported when it is needed and so that it stays silent and reaches out to nobody."""

from __future__ import annotations

import functools
import logging
import os
import warnings
from importlib.util import find_spec
from types import ModuleType

from ...exceptions import UsageProblem

NEEDED = ("litellm", "mcp", "tenacity")
"""What has to be installed; litellm calls a model with tools only where ``mcp`` is."""
OFFLINE = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
}
"""Prices and headers from the package, not the network; no ``.env`` file read into the environment."""
NOISY = r"(?:litellm|pydantic|openai|httpx|httpcore|tiktoken|tenacity)\b"
"""Modules whose warnings are their authors' business; under ``-W error`` they would end calls."""
LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@functools.cache
def load() -> ModuleType:
    """The package litellm; raises `UsageProblem` where it, or what it needs, is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise _lacking(f"{missing[0]} is not installed")
    for name, value in OFFLINE.items():
        os.environ.setdefault(name, value)
    _go_round_proxies()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import litellm

            from . import wire
    except ImportError as error:
        raise _lacking(f"litellm cannot be imported ({error})") from error
    litellm.suppress_debug_info = True
    litellm.disable_hf_tokenizer_download = True
    if not os.environ.get("LITELLM_LOG"):
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    bundle = os.environ.get("REQUESTS_CA_BUNDLE", "")
    if bundle and not os.environ.get("SSL_CERT_FILE"):
        litellm.ssl_verify = bundle
    if litellm.client_session is None:
        litellm.client_session = wire.session()
    return litellm


def quiet() -> None:
    """Ignore the warnings of litellm and of what it uses, until somebody resets the filters, as pytest does.

    It is called for each call, in the call's thread: `warnings.catch_warnings` is not for threads.
    """
    warnings.filterwarnings("ignore", module=NOISY)


def _lacking(what: str) -> UsageProblem:
    return UsageProblem(
        f'llm: agents need litellm: {what}. Install it: pip install "pytest-autoresearch[llm]"'
    )


def _go_round_proxies() -> None:
    """What is sent to this machine never takes the way over a proxy, which is another one."""
    if not any(os.environ.get(one) or os.environ.get(one.upper()) for one in PROXIES):
        return
    name = "no_proxy" if "no_proxy" in os.environ else "NO_PROXY"
    there = [one.strip() for one in os.environ.get(name, "").split(",") if one.strip()]
    os.environ[name] = ",".join([*there, *(one for one in LOOPBACK if one not in there)])
