"""The rooms import only plain data, and the judge never brings an agent's text to life."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "pytest_autoresearch"
SOURCE = Path(__file__).parent.parent / PACKAGE
MODULES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))

ROOMS = ("agents", "analysis", "evaluation", "history", "report", "sandbox", "search")
OPEN_TO_ALL = {"records", "exceptions"}
WITHIN_THE_SANDBOX = {
    "handing": {"inside"},
    "inside": set[str](),
    "outdoors": {"handing", "inside", "walls", "watching"},
    "rows": {"handing"},
    "walls": {"inside"},
    "watching": {"handing", "inside"},
}
"""What the sandbox's own rooms import of each other; what lies beside the rooms is for none of them."""

HOSTS = {"pytest", "_pytest", "pluggy", "pytest_timeout", "xdist"}

# These run in processes of their own, never in the judge.
CHILD_SIDE = ("sandbox/inside/",)
NOT_FOR_THE_JUDGE = {
    *("marshal", "shelve", "joblib", "cloudpickle", "dill"),
    *("ast", "code", "codeop", "libcst", "pyflakes", "runpy", "symtable", "tokenize"),
}
LIFE_GIVING = {"eval", "exec", "compile", "__import__"}
LOADERS = {"spec_from_file_location", "SourceFileLoader", "SourcelessFileLoader"}
PICKLING = {"dumps", "HIGHEST_PROTOCOL", "PickleBuffer", "Pickler", "PicklingError"}

HEAVY = {
    *("libcst", "litellm", "matplotlib", "numpy", "optuna", "pandas", "polars", "pyflakes"),
    *("pygit2", "scipy", "sklearn", "torch", "xdist"),
}


def imports(text: str, module: str) -> Iterator[str]:
    """The dotted names that a module imports, relative ones resolved from its path."""
    folder = [PACKAGE, *module.split("/")[:-1]]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) + 1 - node.level] if node.level else []
            start = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from (f"{start}.{alias.name}" for alias in node.names)


def ours(name: str) -> list[str]:
    """The path below our package that a name stands for; empty for other people's."""
    first, *rest = name.split(".")
    return rest if first == PACKAGE else []


def holes(text: str, module: str) -> list[str]:
    """The imports with which a room reaches through its walls."""
    room = module.split("/")[0]
    foreign = HOSTS if room != "report" else set()
    allowed = OPEN_TO_ALL | {room}
    return [
        name
        for name in imports(text, module)
        if name.split(".")[0] in foreign or (ours(name) and ours(name)[0] not in allowed)
    ]


def holes_within(text: str, module: str) -> list[str]:
    """The imports with which a room of the sandbox reaches for another one, or for what lies beside them."""
    room = module.split("/")[1]
    allowed = {room, *WITHIN_THE_SANDBOX[room]}
    return [
        name
        for name in imports(text, module)
        if ours(name)[:1] == ["sandbox"] and not allowed & set(ours(name)[1:2])
    ]


def dangers(text: str, module: str) -> list[str]:
    """What a module of the judge uses that could run, parse or unpickle an agent's text."""
    found = [n for n in imports(text, module) if n.split(".")[0] in NOT_FOR_THE_JUDGE]
    found += [n for n in imports(text, module) if n.split(".")[-1] in LOADERS]
    found += [n for n in imports(text, module) if unpickles(n)]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and node.id in LIFE_GIVING:
            found += [node.id] if isinstance(node.ctx, ast.Load) else []
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            if node.attr in LOADERS or (owner == "builtins" and node.attr in LIFE_GIVING):
                found.append(f"{owner}.{node.attr}")
            if owner.split(".")[-1].endswith("pickle") and node.attr not in PICKLING:
                found.append(f"{owner}.{node.attr}")
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            found += [] if ast.unparse(node.value) == "False" else ["allow_pickle"]
    return found


def unpickles(name: str) -> bool:
    return name.startswith(("pickle.", "_pickle.")) and name.split(".")[1] not in PICKLING


def read(module: str) -> str:
    return (SOURCE / module).read_text(encoding="utf-8")


def in_rooms() -> list[str]:
    return [module for module in MODULES if module.split("/")[0] in ROOMS]


def in_rooms_of_the_sandbox() -> list[str]:
    return [module for module in MODULES if re.match("sandbox/.*/", module)]


def of_the_judge() -> list[str]:
    return [module for module in MODULES if not module.startswith(CHILD_SIDE)]


def loaded_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    script = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=SOURCE.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {name.split(".")[0] for name in done.stdout.split()}


def test_every_room_is_there() -> None:
    assert {module.split("/")[0] for module in in_rooms()} == set(ROOMS)


@pytest.mark.parametrize("module", in_rooms())
def test_a_room_imports_only_plain_data_and_errors(module: str) -> None:
    assert holes(read(module), module) == []


@pytest.mark.parametrize("module", [one for one in in_rooms() if one.startswith("analysis/")])
def test_what_agents_analyses_import_is_there_without_the_rest(module: str) -> None:
    used = [name for name in imports(read(module), module) if ours(name)]
    assert [name for name in used if ours(name)[0] != "analysis"] == []


def test_every_room_of_the_sandbox_has_its_walls() -> None:
    there = {module.split("/")[1] for module in in_rooms_of_the_sandbox()}
    assert there == set(WITHIN_THE_SANDBOX)


@pytest.mark.parametrize("module", in_rooms_of_the_sandbox())
def test_a_room_of_the_sandbox_imports_only_the_rooms_below_it(module: str) -> None:
    assert holes_within(read(module), module) == []


def test_what_runs_inside_the_sandbox_knows_nothing_of_the_judge() -> None:
    inside = [module for module in MODULES if module.startswith("sandbox/inside/")]
    used = {tuple(ours(name)) for module in inside for name in imports(read(module), module)}
    assert {path[:2] for path in used if path} <= {("sandbox", "inside")}


@pytest.mark.parametrize("module", of_the_judge())
def test_the_judge_never_brings_text_to_life(module: str) -> None:
    assert dangers(read(module), module) == []


@pytest.mark.parametrize("module", MODULES)
def test_every_module_opens_with_a_sentence(module: str) -> None:
    first = (ast.get_docstring(ast.parse(read(module))) or "").split("\n\n")[0]
    assert first.endswith((".", ":")), f"{module} does not say what it is for"


def test_records_imports_nothing_of_ours() -> None:
    assert [name for name in imports(read("records.py"), "records.py") if ours(name)] == []


def test_errors_know_only_the_records() -> None:
    found = {
        ours(name)[0] for name in imports(read("exceptions.py"), "exceptions.py") if ours(name)
    }
    assert found <= {"records"}


def test_an_unused_plugin_loads_nothing_heavy() -> None:
    assert loaded_after(f"import {PACKAGE}.plugin") & HEAVY == set()


def test_reading_grammar_from_outside_loads_no_parser() -> None:
    assert loaded_after(f"import {PACKAGE}.sandbox.grammar") & {"libcst", "pyflakes"} == set()


@pytest.mark.parametrize(
    "line",
    [
        "from ..history import journal",
        "from ..history.journal import Journal",
        "from .. import history",
        "from .. import controller",
        "from ..controller import Controller",
        "import pytest_autoresearch.agents.tuning.tune",
        "from pytest_autoresearch import marks",
        "import pytest",
        "from _pytest.config import Config",
        "def late():\n    from ..sandbox import Meter",
    ],
)
def test_a_hole_in_a_wall_is_seen(line: str) -> None:
    assert holes(line, "search/loop.py")


@pytest.mark.parametrize(
    "line",
    [
        "from ..records import Record",
        "from .. import exceptions",
        "from .keep import Rule",
        "from . import keep",
        "import numpy",
    ],
)
def test_a_door_is_no_hole(line: str) -> None:
    assert not holes(line, "search/loop.py")


@pytest.mark.parametrize(
    "line",
    [
        "from ..walls.tiers import Tier",
        "from ..watching import watch",
        "from .. import walls",
        "from .. import session",
        "from ..session import Sandbox",
        "from ...sandbox import Sandbox",
        "from .. import Sandbox",
        "import pytest_autoresearch.sandbox.watching.watch",
        "def late():\n    from ..inside.entry import DIMS",
    ],
)
def test_a_hole_between_rooms_of_the_sandbox_is_seen(line: str) -> None:
    assert holes_within(line, "sandbox/rows/prediction.py")


@pytest.mark.parametrize(
    "line",
    [
        "from ..handing.payload import Payload",
        "from ..handing import payload",
        "from .leaning import leaning",
        "from . import leaning",
        "from ...records import Limits",
        "import numpy",
    ],
)
def test_a_door_between_rooms_of_the_sandbox_is_no_hole(line: str) -> None:
    assert not holes_within(line, "sandbox/rows/prediction.py")


@pytest.mark.parametrize(
    "line",
    [
        "import pickle\npickle.loads(b'')",
        "import pickle\npickle.Unpickler(file)",
        "from pickle import load",
        "import joblib",
        "from dill import dumps",
        "import marshal",
        "import libcst",
        "eval(text)",
        "run = exec",
        "compile(text, 'x', 'exec')",
        "import builtins\nbuiltins.exec(text)",
        "np.load(file, allow_pickle=True)",
        "importlib.util.spec_from_file_location('x', path)",
    ],
)
def test_a_danger_is_seen(line: str) -> None:
    assert dangers(line, "controller.py")


@pytest.mark.parametrize(
    "line",
    [
        "import pickle\npickle.dumps(arguments, protocol=5, buffer_callback=buffers.append)",
        "import re\nre.compile('x')",
        "np.load(file, allow_pickle=False)",
    ],
)
def test_what_is_harmless_passes(line: str) -> None:
    assert not dangers(line, "controller.py")
