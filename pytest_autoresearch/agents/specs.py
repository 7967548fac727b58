"""How a person names an agent; a name that is none of ours is somebody else's."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from ..exceptions import UsageProblem
from .office import Office
from .protocol import Agent
from .replay import Replay
from .tables import Table
from .tuning.source import Grammar
from .tuning.tune import Tune

AVAILABLE = (
    "tune (offline search of the parameters), llm:MODEL (a language model), command:CLI (a coding tool) and "
    "replay:DIR (your own patches)"
)

KINDS = ("tune", "replay", "llm", "command")


def hint(spec: str) -> str:
    """What is probably meant by a spec that nobody offers, such as ``write command:claude``; else empty."""
    from .command.profiles import PROFILES

    spec = spec.strip()
    kind, colon, argument = (part.strip() for part in spec.partition(":"))
    first = spec.split(maxsplit=1)[0] if spec else ""
    if first in PROFILES:
        return f"write command:{spec}"
    if first.startswith(("./", "../", "/", "~")):
        return f"write command:{spec}"
    if "/" in kind:
        return f"write llm:{spec}"
    if not colon:
        return ""
    if kind in PROFILES:
        return f"write command:{kind}"
    near = difflib.get_close_matches(kind.lower(), KINDS, n=1)
    if not near:
        return ""
    return f"write {near[0]}" if near[0] == "tune" else f"write {near[0]}:{argument or '…'}"


def make(
    spec: str,
    *,
    rootdir: Path,
    grammar: Grammar,
    office: Office | None = None,
    table: Table | None = None,
    runner: Any = None,
) -> Agent | None:
    """The agent that `spec` names: what is wrong with it shows here, or when it is probed.

    A relative folder of ``replay`` lies under `rootdir`. `grammar` finds literals for ``tune``; `office`,
    `table` and `runner` are for agents that think. None for a name that a plugin or a `conftest.py` has to
    know. Raises `UsageProblem` for an agent that is not to be had.
    """
    kind, colon, argument = (part.strip() for part in spec.partition(":"))
    if kind == "tune":
        if colon:
            raise UsageProblem(f"The agent {spec!r} takes no argument: write tune.")
        return Tune(grammar)
    if kind == "replay":
        if not argument:
            raise UsageProblem(f"The agent {spec!r} lacks its folder: write replay:DIR.")
        return Replay(rootdir / Path(argument).expanduser())
    if kind in ("llm", "command") and not argument:
        what = "model: write llm:MODEL" if kind == "llm" else "command: write command:CLI"
        raise UsageProblem(f"The agent {spec!r} lacks its {what}.")
    if kind == "llm":
        from .llm import make as make_llm

        return make_llm(argument, office or Office(), table or Table())
    if kind == "command":
        from .command import make as make_command

        return make_command(argument, office or Office(), table or Table(), runner)
    if not spec.strip():
        raise UsageProblem(f"The agent's name is empty. There is {AVAILABLE}.")
    return None
