"""Keeps what patches may change apart from what the judge loads: files, names, fixtures."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import pytest

from ..exceptions import UsageProblem
from ..history.globs import is_literal
from ..records import Objective
from .modules import Sources, Tree

OURS = "pytest_autoresearch.plugin"
FIXTURES = ("candidate", "experiment")


class Closed:
    """Says which files no patch may make or change because the judge would load them.

    ``collected`` are the patterns of files that pytest collects, ``tracked`` the paths that git knows.
    """

    def __init__(
        self,
        sources: Sources = Sources(),  # noqa: B008 - frozen
        frozen: Collection[str] = (),
        collected: Sequence[str] = (),
        tracked: Collection[str] = (),
    ) -> None:
        self._collected = tuple(collected)
        self._files = {*sources.files, *frozen}
        self._roots = sources.roots
        self._tops = {name.partition(".")[0] for name in sources.names}
        self._packages = {above for path in self._files for above in _above(path)}
        self._known = tracked

    def reason(self, path: str) -> str:
        """Why no patch may touch a path; empty when one may."""
        folder, name = posixpath.split(path)
        if any(_collects(pattern, path) for pattern in self._collected):
            return "pytest collects files of this name"
        if path in self._known:
            return ""
        if name == "__init__.py" and (folder in self._packages or f"{folder}.py" in self._files):
            return "the evaluation would be imported through it"
        return next((found for root in self._roots if (found := self._shadows(path, root))), "")

    def _shadows(self, path: str, root: str) -> str:
        """Why a new file would be imported instead of another one."""
        top = _top(path, root)
        if not top or self._is_there(top, root):
            return ""
        if top in self._tops or top in sys.stdlib_module_names or _installed(top):
            return f"it would be imported in place of the module {top}"
        return ""

    def _is_there(self, top: str, root: str) -> bool:
        """Whether the repository has a module of this name in this place already."""
        place = posixpath.join(root, top)
        return f"{place}.py" in self._known or f"{place}/__init__.py" in self._known


def _above(path: str) -> Iterable[str]:
    """The folders above a file, not the root."""
    while path := posixpath.dirname(path):
        yield path


def _top(path: str, root: str) -> str:
    """The top-level module or package that a file is, imported from a root; else empty."""
    start = f"{root}/" if root else ""
    if not path.startswith(start) or not path.endswith(".py"):
        return ""
    parts = path.removeprefix(start).split("/")
    if len(parts) == 1:
        return parts[0].removesuffix(".py")
    return parts[0] if parts[1:] == ["__init__.py"] else ""


def _installed(name: str) -> bool:
    """Whether the Python environment has a module of this name."""
    return name in sys.modules or any(
        os.path.exists(os.path.join(entry, f"{name}.py"))
        or os.path.exists(os.path.join(entry, name, "__init__.py"))
        for entry in sys.path
        if entry
    )


def _collects(pattern: str, path: str) -> bool:
    name = path if "/" in pattern else posixpath.basename(path)
    return fnmatch.fnmatch(name, pattern if "/" not in pattern else f"*{pattern}")


def collected(config: pytest.Config, objective: Objective) -> list[str]:
    """The patterns of files that pytest collects, but for those that fit a file named editable."""
    named = [glob for glob in (*objective.editable, objective.entry) if glob and is_literal(glob)]
    patterns: list[str] = config.getini("python_files")
    return [one for one in patterns if not any(_collects(one, path) for path in named)]


def refuse_imported(objective: Objective, sources: Sources) -> None:
    """Raise `UsageProblem` when a file that the marker names editable is imported by the evaluation."""
    for path in (*objective.editable, objective.entry):
        if path in sources.files:
            raise UsageProblem(
                f"{objective.nodeid}: {path} may be changed by patches, and {sources.files[path]} imports "
                "it: what an agent wrote would run beside the labels. Move what the evaluation needs of "
                "it into a file of its own that is not editable, or take it out of the marker"
            )


def refuse_loaded(objective: Objective, editable: Collection[str], root: Path) -> None:
    """Raise `UsageProblem` when this process has loaded a file that patches may change."""
    loaded = Tree(root).loaded()
    for path in sorted(loaded.keys() & set(editable)):
        raise UsageProblem(
            f"{objective.nodeid}: {path} may be changed by patches, and is loaded as module "
            f"{loaded[path].__name__} in the process that judges: what an agent wrote would run beside "
            "the labels. If another test imports it, name the objective, `pytest --autoresearch "
            f"{objective.nodeid}`, or in ini autoresearch_objective, so that only its file is collected"
        )


def require_own_fixtures(item: pytest.Item) -> None:
    """Raise `UsageProblem` when somebody else's fixture stands before one of ours."""
    info = getattr(item, "_fixtureinfo", None)
    for name in FIXTURES:
        for one in () if info is None else info.name2fixturedefs.get(name, ()):
            if getattr(one.func, "__module__", "") != OURS:
                raise UsageProblem(
                    f"{item.nodeid}: the fixture {name} is overridden in {_place(one.func)}: give that "
                    "fixture another name, the scores come from this one"
                )


def _place(function: object) -> str:
    """``conftest.py:12``, or the name of what defines it."""
    code = getattr(function, "__code__", None)
    if code is None:
        return str(getattr(function, "__module__", "") or function)
    return f"{code.co_filename}:{code.co_firstlineno}"
