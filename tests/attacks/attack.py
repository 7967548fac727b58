"""One attack: data, and the patch made of it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

KIT = (Path(__file__).parent / "kit.py").read_text("utf-8")
MODEL = '''"""A line through the origin."""

import numpy as np

SLOPE = 1.0


def fit(X, y, *, seed):
    return SLOPE


def predict(state, X):
    return np.multiply(state, X[:, 0])
'''


class Success(Enum):
    """How an attack that gets through is noticed; each is looked for after every attack."""

    WINS = "it scores better than any honest model can"
    LEAKS = "a secret stands in what the search wrote"
    MARKS = "the host has changed"
    SAYS = "it says that it could do what it must not"
    TAKES = "it says that it took more than was granted, and is not rejected for that"


class Layer(Enum):
    """What is expected to stop an attack."""

    BOUNDARY = "the judge never loads, parses or believes what a candidate made"
    NAMESPACES = "a world of its own: processes, files, network, memory shared by key"
    LANDLOCK = "rights to files, by path"
    SECCOMP = "system calls that are refused"
    LIMITS = "what the judge measures, and the kernel's limits"
    WIRE = "raw numbers of announced shape, nothing else"
    SPLIT = "fit and predict in processes of their own, on shuffled chunks"
    PROBE = "rows predicted again in other company"
    PATHS = "which files a patch may touch, and how"
    ENVIRONMENT = "an environment built from nothing"


@dataclass(frozen=True)
class Attack:
    """``stages`` are texts for the editable file, each an experiment of its own, in this order.

    A text defines ``attack()``, ``on_fit(X, y)``, ``on_predict(X, state)`` or what else `kit.py` calls.
    ``patch``, in place of them, is the whole patch: the judge must refuse it. ``off`` says why it is
    not run with layers off; empty: it is. ``traces`` are ends of paths of the host whose change shows
    a success that leaves no name. ``allowed``: with ``processes=True`` and ``exec=True`` it is no attack.
    """

    name: str
    kind: str
    what: str
    success: Success
    layers: tuple[Layer, ...]
    stages: tuple[str, ...] = ()
    patch: str = ""
    off: str = ""
    traces: tuple[str, ...] = ()
    allowed: bool = False


def text_of(attack: Attack, stage: int, host: Mapping[str, Any]) -> str:
    """The editable file with the attack in it."""
    code = textwrap.dedent(attack.stages[stage]).strip()
    facts = f"NAME = {attack.name!r}\nHOST.update({dict(host)!r})\n"
    return f"{KIT}\n\n{facts}\n\n# {attack.what} ({stage + 1} of {len(attack.stages)})\n{code}\n"
