"""The two markers, read and validated: a test function becomes an `Objective`."""

from __future__ import annotations

import contextlib
import inspect
import os
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from .exceptions import UsageProblem
from .records import Limits, Objective

AUTORESEARCH = (
    "autoresearch(metric, direction, editable, *, entry=None, readable=(), stage='search', of=None, "
    "constraints={}, analysis=None): a frozen evaluation that an agent may improve "
    "(pytest-autoresearch)."
)
SANDBOX = (
    "sandbox(memory='8G', gpu=0, processes=False, exec=False, scratch='256M', artifact='2G', "
    "hidden=(), data={}, env={}): limits and doors of the candidate's world (pytest-autoresearch)."
)
STAGES = ("search", "confirm", "vault")
DEFAULT_BUDGET = 300.0
RESERVED = ("seed", "seconds", "report")
"""Arguments of candidate functions that the harness supplies itself."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Mark:
    """The arguments of one `autoresearch` marker, checked."""

    metric: str = ""
    direction: str = ""
    editable: tuple[str, ...] = ()
    entry: str | None = None
    readable: tuple[str, ...] = ()
    stage: str = "search"
    of: str | None = None
    constraints: Mapping[str, str] | None = None
    analysis: str | None = None


def marked(item: pytest.Item) -> bool:
    """Whether the item holds the `autoresearch` marker."""
    return item.get_closest_marker("autoresearch") is not None


def read(item: pytest.Item) -> Mark:
    """The item's marker; raises `UsageProblem` naming the node id and the remedy."""
    marker = item.get_closest_marker("autoresearch")
    assert marker is not None
    try:
        mark = _bound(marker.args, dict(marker.kwargs))
        _check(mark)
        if mark.of is not None:
            mark = _inherited(item, mark, marker.kwargs)
        _check_function(item)
        _check_fixture(item, mark.analysis)
    except UsageProblem as problem:
        raise UsageProblem(f"{item.nodeid}: {problem}") from None
    return mark


def _inherited(item: pytest.Item, mark: Mark, given: Mapping[str, Any]) -> Mark:
    """A test with ``of=`` takes everything but its stage from its objective."""
    more = sorted(given.keys() - {"of", "stage"})
    if more:
        raise UsageProblem(
            f"of={mark.of!r}: {more[0]} is taken from the objective that it names: drop it here"
        )
    if any(marker.name == "sandbox" for marker in item.own_markers):
        raise UsageProblem(
            f"of={mark.of!r}: sandbox() is taken from the objective that it names: drop it here"
        )
    owner = getattr(getattr(item, "module", None), str(mark.of), None)
    for marker in getattr(owner, "pytestmark", []):
        if marker.name == "autoresearch" and "of" not in marker.kwargs:
            found = _bound(marker.args, dict(marker.kwargs))
            _check(found)
            return replace(found, stage=mark.stage, of=mark.of)
    raise UsageProblem(f"of={mark.of!r}: this file has no objective of that name")


def _bound(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mark:
    names = ("metric", "direction", "editable")
    if len(args) > len(names):
        raise UsageProblem(
            f"autoresearch() takes {len(names)} positional arguments, {len(args)} given: {AUTORESEARCH}"
        )
    for name, value in zip(names, args, strict=False):
        if name in kwargs:
            raise UsageProblem(f"autoresearch(): {name} is given twice")
        kwargs[name] = value
    unknown = sorted(kwargs.keys() - set(Mark.__dataclass_fields__))
    if unknown:
        raise UsageProblem(f"autoresearch() has no argument {unknown[0]!r}: {AUTORESEARCH}")
    for name in ("editable", "readable"):
        kwargs[name] = _texts(name, kwargs.get(name, ()))
    return Mark(**kwargs)


def _texts(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        raise UsageProblem(f"{name}={value!r} is one string: write a list, {name}=[{value!r}]")
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) and v for v in value):
        raise UsageProblem(f"{name}={value!r} is not a list of paths or globs")
    return tuple(value)


def _check(mark: Mark) -> None:
    if mark.stage not in STAGES:
        raise UsageProblem(f"stage={mark.stage!r} is not one of {', '.join(STAGES)}")
    if mark.of is not None:
        if mark.stage == "search":
            raise UsageProblem(f"of={mark.of!r} needs stage='confirm' or stage='vault'")
        return
    if mark.stage != "search":
        raise UsageProblem(f"stage={mark.stage!r} needs of='test_…', the objective it belongs to")
    if not isinstance(mark.metric, str) or not _NAME.fullmatch(mark.metric):
        raise UsageProblem(
            f"metric={mark.metric!r} is not a name: write letters, digits and _, like metric='auc'"
        )
    if mark.direction not in ("maximize", "minimize"):
        raise UsageProblem(f"direction={mark.direction!r} is neither 'maximize' nor 'minimize'")
    if not mark.editable:
        raise UsageProblem("editable names no file: list what an agent may change")
    _check_rest(mark)


def _check_rest(mark: Mark) -> None:
    if mark.entry is not None and not isinstance(mark.entry, str):
        raise UsageProblem(f"entry={mark.entry!r} is not a path")
    if mark.analysis is not None and not isinstance(mark.analysis, str):
        raise UsageProblem(f"analysis={mark.analysis!r} is not the name of a fixture")
    constraints = {} if mark.constraints is None else mark.constraints
    if not isinstance(constraints, Mapping):
        raise UsageProblem(f"constraints={constraints!r} is not a dict of name: bound")
    from .search.constraints import parse

    for name, text in constraints.items():
        parse(name, text)


def _check_function(item: pytest.Item) -> None:
    """An objective is a module-level, plain test function."""
    if not isinstance(item, pytest.Function) or item.cls is not None:
        raise UsageProblem("an objective is a module-level test function, not a method")
    if inspect.iscoroutinefunction(item.function) or inspect.isasyncgenfunction(item.function):
        raise UsageProblem("an objective cannot be async")
    if hasattr(item, "callspec"):
        raise UsageProblem(
            "an objective cannot be parametrized: write one test function for each data set"
        )
    for name in ("skip", "skipif", "xfail"):
        if item.get_closest_marker(name):
            raise UsageProblem(f"an objective cannot be marked {name}: take the marker away")


def _check_fixture(item: pytest.Item, name: str | None) -> None:
    """What analyses look at is a fixture that the test itself could ask for."""
    if name is None:
        return
    if name in ("candidate", "experiment", "request"):
        raise UsageProblem(f"analysis={name!r}: name a fixture of yours that returns training data")
    found = item.session._fixturemanager.getfixturedefs(name, item)
    if not found:
        raise UsageProblem(
            f"analysis={name!r}: this test can ask for no fixture of that name: write one that returns "
            "training data, in this file or in a conftest.py above it"
        )
    if found[-1].params is not None:
        raise UsageProblem(
            f"analysis={name!r}: this fixture is parametrized: write one that returns one set of data"
        )


def objective(item: pytest.Item, mark: Mark, root: Path) -> Objective:
    """The objective that a marked test describes; ``root`` is the repository's root."""
    try:
        path = item.path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise UsageProblem(
            f"{item.nodeid}: {item.path} lies outside the repository {root}"
        ) from None
    folder = posixpath.dirname(path)
    try:
        return Objective(
            name=item.name.removeprefix("test_"),
            nodeid=item.nodeid,
            path=path,
            metric=mark.metric,
            direction="maximize" if mark.direction == "maximize" else "minimize",
            editable=tuple(_rooted(glob, folder) for glob in mark.editable),
            readable=tuple(_rooted(glob, folder) for glob in mark.readable),
            entry=_rooted(mark.entry, folder) if mark.entry else "",
            constraints=dict(mark.constraints or {}),
            analysis=mark.analysis,
            budget=budget(item) or DEFAULT_BUDGET,
            limits=limits(item, mark.of),
        )
    except UsageProblem as problem:
        raise UsageProblem(f"{item.nodeid}: {problem}") from None


def _rooted(glob: str, folder: str) -> str:
    """A glob relative to the repository's root; it may not leave it."""
    joined = glob[1:] if glob.startswith("/") else posixpath.join(folder, glob)
    plain = posixpath.normpath(joined)
    if plain.startswith("..") or plain in ("", "."):
        raise UsageProblem(f"{glob!r} leads outside the repository")
    return plain


def entry_of(objective: Objective, paths: Sequence[str]) -> str:
    """Where `fit` and `predict` live: the marker's entry, or the only editable file."""
    if objective.entry:
        if objective.entry not in paths:
            raise UsageProblem(
                f"{objective.nodeid}: entry={objective.entry!r} is neither editable nor readable"
            )
        return objective.entry
    if len(paths) != 1:
        raise UsageProblem(
            f"{objective.nodeid}: entry is missing: {len(paths)} files are editable, "
            f"say which one holds fit and predict, entry={posixpath.basename(paths[0])!r} for instance"
        )
    return paths[0]


def budget(item: pytest.Item) -> float | None:
    """The budget of one pass in seconds, by pytest-timeout's order: marker, option, environment, ini."""
    marker = item.get_closest_marker("timeout")
    found: list[object] = []
    if marker is not None:
        found.append(marker.args[0] if marker.args else marker.kwargs.get("timeout"))
    found.append(item.config.getoption("timeout", None))
    found.append(os.environ.get("PYTEST_TIMEOUT"))
    with contextlib.suppress(KeyError, ValueError):
        found.append(item.config.getini("timeout"))
    for value in found:
        if value not in (None, ""):
            return _seconds(value)
    return None


def _seconds(value: object) -> float | None:
    try:
        seconds = float(str(value))
    except ValueError:
        raise UsageProblem(f"timeout={value!r} is not a number of seconds") from None
    return seconds if seconds > 0 else None


def limits(item: pytest.Item, of: str | None = None) -> Limits:
    """The `sandbox` marker's limits; raises `UsageProblem` on an unknown or wrong argument.

    A test with ``of`` takes them from its objective.
    """
    owner = getattr(getattr(item, "module", None), of, None) if of else None
    own = [marker for marker in getattr(owner, "pytestmark", []) if marker.name == "sandbox"]
    marker = own[0] if own else item.get_closest_marker("sandbox")
    if marker is None:
        return Limits()
    if marker.args:
        raise UsageProblem(f"sandbox() takes named arguments only: {SANDBOX}")
    unknown = sorted(marker.kwargs.keys() - set(Limits.__dataclass_fields__))
    if unknown:
        raise UsageProblem(f"sandbox() has no argument {unknown[0]!r}: {SANDBOX}")
    return Limits(**{name: _limit(name, value) for name, value in marker.kwargs.items()})


def _limit(name: str, value: Any) -> Any:
    if name in ("memory", "scratch", "artifact"):
        return size(name, value)
    if name in ("processes", "exec"):
        if not isinstance(value, bool):
            raise UsageProblem(f"sandbox({name}={value!r}): write True or False")
        return value
    if name == "gpu":
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise UsageProblem(f"sandbox(gpu={value!r}): write a number of devices, 0 or more")
        return value
    if name == "hidden":
        return _texts("hidden", value)
    if not isinstance(value, Mapping) or not all(
        isinstance(k, str) and isinstance(v, str | os.PathLike) for k, v in value.items()
    ):
        raise UsageProblem(f"sandbox({name}={value!r}): write a dict of names and texts")
    texts = {key: os.fspath(text) for key, text in value.items()}
    if name == "data":
        _check_data(texts)
    return texts


def _check_data(paths: Mapping[str, str]) -> None:
    for name, path in paths.items():
        if not name.isidentifier() or name in RESERVED:
            raise UsageProblem(
                f"sandbox(data={{{name!r}: …}}): candidate functions declare data by name: choose a name "
                f"that an argument can have, other than {', '.join(RESERVED)}"
            )
        if not path.startswith(("/", "~", "$")):
            raise UsageProblem(
                f"sandbox(data={{{name!r}: {path!r}}}): the path is relative: write an absolute one, or "
                "one that begins with ~ or $VARIABLE"
            )


def size(name: str, value: object) -> int:
    """Bytes of ``"8G"``, ``"256M"`` or a plain number."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or float(found[1]) <= 0:
        raise UsageProblem(f"sandbox({name}={value!r}): write a size like '512M' or '8G'")
    return int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " "))
