"""Command line and ini: what a person may ask for, and what is refused at once."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .exceptions import UsageProblem

if TYPE_CHECKING:
    from .agents.tables import Table

STRICTNESS = ("explore", "default", "strict")
TIERS = ("auto", "sealed", "guarded", "none")
DISCLOSED = ("code", "errors", "all")
"""What agents may be told: levels of ini ``autoresearch_disclose``."""
GIVEN = "given"
NO_CAP = "none"
_RUN_NAME = re.compile(r"(?!.*(?:\.\.|\.lock$|\.$))[^\W_][\w.+-]*")

_OPTIONS: tuple[tuple[str, dict[str, Any], str, Any], ...] = (
    (
        "experiments",
        {"metavar": "N", "type": int},
        "End after N numbered experiments of the run; the baseline is not counted.",
        None,
    ),
    (
        "agent",
        {"metavar": "SPEC", "action": "append"},
        "Who proposes patches: tune (offline, the default), llm:MODEL (any model that litellm knows), "
        "command:CLI (a coding agent), replay:DIR (your own), or a name given by a table "
        "[tool.pytest-autoresearch.agents.NAME] of pyproject.toml, a plugin or conftest.py. May be "
        "repeated: they take turns, then the better ones get more of them.",
        [],
    ),
    (
        "run",
        {"metavar": "NAME"},
        "Name of the run (default: the objective's unfinished run, else OBJECTIVE-DATE).",
        "",
    ),
    (
        "max-cost",
        {"metavar": "USD|none"},
        "Dollars that agents may cost in a run (default: 10 where an agent costs money); none: no limit.",
        "",
    ),
    (
        "isolation",
        {"metavar": "TIER"},
        "How candidate code is kept in: auto (the best of the next two), sealed (namespaces, Landlock, "
        "seccomp), guarded (no namespaces) or none.",
        "auto",
    ),
    (
        "strictness",
        {"metavar": "WORD"},
        "How sure a gain must be to be kept: explore, default or strict.",
        "default",
    ),
    ("dir", {"metavar": "DIR"}, "Parent folder of runs (default: .autoresearch).", ".autoresearch"),
)
_FLAGS: tuple[tuple[str, str], ...] = (
    ("require-gain", "Exit with 1 when nothing was kept."),
    (
        "allow-untrusted",
        "Let an agent other than tune and replay commit without isolation. Every record says so.",
    ),
    (
        "trust-agent",
        "Let a coding agent (command:CLI) run unconfined, with your rights. Every record says so.",
    ),
)


def add(parser: pytest.Parser) -> None:
    """Declare every option and its ini twin."""
    group = parser.getgroup("autoresearch", "autonomous research (pytest-autoresearch)")
    group.addoption(
        "--autoresearch",
        action="store_true",
        default=False,
        help="Search for a better model instead of checking the present one.",
    )
    group.addoption(
        "--hours",
        "--autoresearch-hours",
        dest="autoresearch_hours",
        metavar="H",
        type=float,
        default=None,
        help="Plan the search to end within H hours (fractions allowed).",
    )
    group.addoption(
        "--autoresearch-show",
        metavar="RUN[:N]",
        nargs="?",
        const="",
        default=None,
        help="Show the runs, one run (=RUN) or one experiment (=RUN:N), and do nothing else; a running "
        "search is not disturbed.",
    )
    parser.addini("autoresearch_hours", "Plan the search to end within so many hours.", default="")
    for name, kwargs, text, _default in _OPTIONS:
        _add(parser, group, name, kwargs, text)
    for name, text in _FLAGS:
        dest = "autoresearch_" + name.replace("-", "_")
        group.addoption(
            f"--autoresearch-{name}", dest=dest, action="store_true", default=None, help=text
        )
        parser.addini(dest, text, type="bool", default=False)
    _add_ini_only(parser)


def _add(
    parser: pytest.Parser, group: pytest.OptionGroup, name: str, kwargs: dict[str, Any], text: str
) -> None:
    dest = "autoresearch_" + name.replace("-", "_")
    group.addoption(f"--autoresearch-{name}", dest=dest, default=None, help=text, **kwargs)
    kind: Any = "args" if name == "agent" else "string"
    parser.addini(dest, text, type=kind, default=[] if name == "agent" else "")


def _add_ini_only(parser: pytest.Parser) -> None:
    parser.addini(
        "autoresearch_objective",
        "Node id, relative to rootdir, of the objective that a search is about.",
        default="",
    )
    parser.addini("autoresearch_protocol", "File with the instructions to agents.", default="")
    parser.addini(
        "autoresearch_check",
        "Whether plain pytest checks the champion (default: true).",
        type="bool",
        default=True,
    )
    parser.addini("autoresearch_min_effect", "Smallest gain worth keeping.", default="0")
    parser.addini(
        "autoresearch_heartbeat",
        "Seconds between two lines of progress where there is no terminal; 0: none.",
        type="float",
        default=60.0,
    )
    parser.addini(
        "autoresearch_notify",
        "Command that is told of a search: one JSON event on its standard input.",
        default="",
    )
    parser.addini(
        "autoresearch_disclose",
        "What agents are told of failures: code (nothing of them), errors (types and places; the "
        "default) or all (messages and the output of analyses).",
        default="errors",
    )
    parser.addini(
        "autoresearch_reading",
        "Globs, relative to rootdir, of files that agents get to read besides.",
        type="args",
        default=[],
    )


@dataclass(frozen=True)
class Settings:
    """What was asked for, checked; options win over ini. ``isolation`` may still be ``auto``.

    ``max_cost`` is in dollars; ``cost_capped`` is ``given`` when it was, ``none`` when a person wants no
    limit, empty when they said nothing. ``notify`` is a command, ``reading`` are globs relative to
    rootdir, ``tables`` the agents that pyproject.toml describes.
    """

    hours: float | None
    experiments: int | None
    agents: tuple[str, ...]
    run: str
    isolation: str
    strictness: str
    min_effect: float
    require_gain: bool
    allow_untrusted: bool
    dir: Path
    objective: str
    protocol: str
    max_cost: float | None = None
    cost_capped: str = ""
    trust_agent: bool = False
    notify: str = ""
    disclose: str = "errors"
    reading: tuple[str, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)


def settings(config: pytest.Config) -> Settings:
    """Read and check the options; raises `UsageProblem` with the offending value."""
    hours = _number(config, "hours", "--hours")
    if hours is not None and not 0 < hours < math.inf:
        raise UsageProblem(f"--hours {hours:g}: must be a number of hours, more than 0")
    experiments = _number(config, "experiments", "--autoresearch-experiments")
    if experiments is not None and not (experiments >= 0 and experiments.is_integer()):
        raise UsageProblem(
            f"--autoresearch-experiments {experiments:g}: must be a whole number, 0 or more"
        )
    max_cost, cost_capped = _cost(str(_value(config, "max_cost") or ""))
    return Settings(
        hours=hours,
        experiments=None if experiments is None else int(experiments),
        agents=_agents(config),
        run=_run_name(str(_value(config, "run") or "")),
        isolation=_one_of("isolation", str(_value(config, "isolation") or "auto"), TIERS),
        strictness=_one_of(
            "strictness", str(_value(config, "strictness") or "default"), STRICTNESS
        ),
        min_effect=_ini_number(config, "min_effect"),
        require_gain=bool(_value(config, "require_gain")),
        allow_untrusted=bool(_value(config, "allow_untrusted")),
        dir=runs_folder(config),
        objective=str(config.getini("autoresearch_objective")),
        protocol=str(config.getini("autoresearch_protocol")),
        max_cost=max_cost,
        cost_capped=cost_capped,
        trust_agent=bool(_value(config, "trust_agent")),
        notify=str(config.getini("autoresearch_notify")).strip(),
        disclose=_disclosed(str(config.getini("autoresearch_disclose")).strip() or "errors"),
        reading=tuple(str(glob) for glob in config.getini("autoresearch_reading")),
        tables=_tables(config),
    )


def _agents(config: pytest.Config) -> tuple[str, ...]:
    """The agents in the order in which they were named."""
    agents = tuple(str(spec).strip() for spec in _value(config, "agent") or ("tune",))
    for spec in agents:
        if agents.count(spec) > 1:
            raise UsageProblem(
                f"--autoresearch-agent {spec}: given {agents.count(spec)} times; name each agent once"
            )
    return agents


def _tables(config: pytest.Config) -> Mapping[str, Table]:
    # Not at the top: plugin.py imports this file in every pytest run, searches are few.
    from .agents.tables import read_tables

    return read_tables(config.rootpath)


def _cost(text: str) -> tuple[float | None, str]:
    """The most that agents may cost, and whether a person has said so."""
    text = text.strip()
    if text.lower() in ("", NO_CAP):
        return None, text.lower()
    try:
        usd = float(text)
    except ValueError:
        usd = math.nan
    if not 0 <= usd < math.inf:
        raise UsageProblem(
            f"--autoresearch-max-cost {text!r}: must be a number of dollars, 0 or more, or none for no limit"
        )
    return usd, GIVEN


def _disclosed(level: str) -> str:
    if level not in DISCLOSED:
        raise UsageProblem(
            f"ini autoresearch_disclose = {level!r} is not one of {', '.join(DISCLOSED)}"
        )
    return level


def runs_folder(config: pytest.Config) -> Path:
    """The parent folder of runs; a relative one lies under rootdir."""
    return config.rootpath / os.path.expanduser(str(_value(config, "dir") or ".autoresearch"))


def refuse_what_does_not_fit(config: pytest.Config) -> None:
    """Options that make no sense beside a search nobody watches."""
    reasons = {
        "usepdb": ("--pdb", "an experiment that nobody watches cannot be debugged"),
        "trace": ("--trace", "an experiment that nobody watches cannot be debugged"),
        # --setup-plan sets --setup-only as well.
        "setupplan": ("--setup-plan", "a search evaluates patches"),
        "setuponly": ("--setup-only", "a search evaluates patches"),
        "lf": ("--lf", "experiments are new in every session"),
        "failedfirst": ("--ff", "experiments are new in every session"),
        "stepwise": ("--sw", "experiments are new in every session"),
        "reruns": ("--reruns", "every evaluation counts once"),
    }
    for dest, (option, why) in reasons.items():
        if config.getoption(dest, False):
            raise UsageProblem(f"{option} and --autoresearch exclude each other: {why}")
    if config.getoption("numprocesses", None) or config.getoption("tx", None):
        raise UsageProblem(
            "-n and --autoresearch: this version runs one experiment at a time; leave -n out"
        )
    if os.name == "nt":
        raise UsageProblem("--autoresearch needs Linux: on Windows use WSL2 or Docker")


def _value(config: pytest.Config, name: str) -> Any:
    given = config.getoption(f"autoresearch_{name}", None)
    return config.getini(f"autoresearch_{name}") if given in (None, []) else given


def _number(config: pytest.Config, name: str, option: str) -> float | None:
    value = _value(config, name)
    if value in (None, ""):
        return None
    try:
        return float(value)
    except ValueError:
        raise UsageProblem(f"{option}: {value!r} is not a number") from None


def _ini_number(config: pytest.Config, name: str) -> float:
    value = str(config.getini(f"autoresearch_{name}"))
    try:
        number = float(value)
    except ValueError:
        raise UsageProblem(f"ini autoresearch_{name} = {value!r} is not a number") from None
    if not 0 <= number < float("inf"):
        raise UsageProblem(f"ini autoresearch_{name} = {value!r} must be 0 or more")
    return number


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise UsageProblem(f"--autoresearch-{name} {value!r} is not one of {', '.join(choices)}")
    return value


def _run_name(name: str) -> str:
    if name and not _RUN_NAME.fullmatch(name):
        raise UsageProblem(
            f"--autoresearch-run {name!r}: a run's name is also a branch's: letters, digits, '-', '_', "
            "'+' and single dots, beginning with a letter or digit"
        )
    return name
