"""How a person names an agent: `tune`, `replay:DIR`, `llm:MODEL`, `command:CLI` or a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from ..exceptions import UsageProblem
from .literals import Grammar
from .protocol import Agent
from .replay import Replay
from .tune import Tune

AVAILABLE = "tune (offline search of the literals) and replay:DIR (your own patches)"
LATER = ("llm", "command")
WANTED = {"replay": "DIR", "llm": "MODEL", "command": "CLI"}


@dataclass(frozen=True)
class Spec:
    """A parsed agent spec: of ``llm:gpt?temperature=0.7`` the parts before, between and after.

    ``kind`` is ``tune``, ``replay``, ``llm``, ``command`` or ``name``; a name, which a plugin, a
    `conftest.py` or a table has to know, stands whole in ``argument``.
    """

    kind: str
    argument: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def parse(spec: str) -> Spec:
    """The parts of `spec`; raises `UsageProblem` when one is missing or too much."""
    text = spec.strip()
    kind, colon, argument = text.partition(":")
    if kind == "tune":
        if colon:
            raise UsageProblem(f"The agent {spec!r} takes no argument: write tune.")
        return Spec("tune")
    if kind in WANTED:
        return _with_argument(spec, kind, argument.strip())
    if not text:
        raise UsageProblem(f"The agent's name is empty. There is {AVAILABLE}.")
    return Spec("name", text)


def _with_argument(spec: str, kind: str, argument: str) -> Spec:
    options: dict[str, str] = {}
    if kind == "llm":
        argument, _, query = argument.partition("?")
        options = _options(spec, query)
    if not argument:
        raise UsageProblem(f"The agent {spec!r} lacks its argument: write {kind}:{WANTED[kind]}.")
    return Spec(kind, argument, options)


def _options(spec: str, query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError as error:
        raise UsageProblem(
            f"The options of the agent {spec!r} cannot be read: {query!r}. "
            "Write them as llm:MODEL?temperature=0.7&api_base=URL."
        ) from error


def make(spec: str, *, rootdir: Path, grammar: Grammar) -> Agent:
    """The agent that `spec` names, probed: what is wrong with it shows here, not later.

    A relative folder of ``replay`` lies under `rootdir`. `grammar` finds literals for ``tune``.
    Raises `UsageProblem` for an agent that is not to be had, and lists those that are.
    """
    parsed = parse(spec)
    if parsed.kind == "tune":
        return Tune(grammar)
    if parsed.kind == "replay":
        return Replay(rootdir / Path(parsed.argument).expanduser())
    if parsed.kind in LATER:
        raise UsageProblem(
            f"This version of pytest-autoresearch does not have {parsed.kind}: agents yet, "
            f"so {spec!r} cannot be used. It has {AVAILABLE}."
        )
    raise UsageProblem(
        f"There is no agent named {parsed.argument!r}. There is {AVAILABLE}, and what a plugin "
        "or a conftest.py offers by the hook pytest_autoresearch_make_agent."
    )
