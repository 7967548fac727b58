"""How a person names an agent: `tune` or `replay:DIR`; another name is somebody else's."""

from __future__ import annotations

from pathlib import Path

from ..exceptions import UsageProblem
from .protocol import Agent
from .replay import Replay
from .tuning.source import Grammar
from .tuning.tune import Tune

AVAILABLE = "tune (offline search of the parameters) and replay:DIR (your own patches)"
LATER = ("llm", "command")


def make(spec: str, *, rootdir: Path, grammar: Grammar) -> Agent | None:
    """The agent that `spec` names, probed: what is wrong with it shows here, not later.

    A relative folder of ``replay`` lies under `rootdir`. `grammar` finds literals for ``tune``.
    None for a name that a plugin or a `conftest.py` has to know. Raises `UsageProblem` for an agent
    that is not to be had.
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
    if kind in LATER:
        raise UsageProblem(
            f"This version of pytest-autoresearch does not have {kind}: agents yet, "
            f"so {spec!r} cannot be used. It has {AVAILABLE}."
        )
    if not spec.strip():
        raise UsageProblem(f"The agent's name is empty. There is {AVAILABLE}.")
    return None
