"""Where a candidate's process imports from: its own tree first, and nothing else of the repository."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = str(Path(__file__).resolve().parent)

_moved: list[tuple[dict[str, str], str, str]] = []
"""A finder's mapping, a name, and where in the repository it leads; filled before the fork."""


class Complaint(Exception):
    """Something wrong that a sentence says better than a traceback."""


def leave(repository: str) -> None:
    """Forget import paths, finders' entries and modules that lie in the repository.

    What lies below the Python environment stays, also when that lies in the repository (``.venv``).
    """
    if not repository:
        return
    sys.path[:] = [entry for entry in sys.path if not inside(entry, repository)]
    for mapping in mappings():
        for name, path in list(mapping.items()):
            if inside(path, repository):
                _moved.append((mapping, name, os.path.relpath(os.path.realpath(path), repository)))
                del mapping[name]
    for name, module in list(sys.modules.items()):
        if (file := origin(module)) and inside(file, repository) and not _below(file, HERE):
            del sys.modules[name]


def inside(path: str, repository: str) -> bool:
    """Whether a path leads into the repository and not into a Python environment that lies there."""
    real = os.path.realpath(path)
    environment = {os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)}
    if any(_below(real, prefix) for prefix in environment if _below(prefix, repository)):
        return False
    return _below(real, repository)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def mappings() -> Iterator[dict[str, str]]:
    """What the finders of editable installs map: names to files or folders.

    setuptools writes a module with a ``MAPPING``, the package ``editables`` (hatchling, PDM) has a
    finder with ``_redirections``.
    """
    for finder in sys.meta_path:
        module = sys.modules.get(getattr(finder, "__module__", ""))
        for found in (getattr(module, "MAPPING", None), getattr(finder, "_redirections", None)):
            if isinstance(found, dict):
                yield found


def enter(tree: str, roots: Iterable[str], entry: str) -> None:
    """Import from the tree first, and let what led into the repository lead into the tree."""
    sys.path[:0] = [_join(tree, root) for root in with_home(tree, roots, entry)]
    own = os.path.dirname(entry)
    if is_package(tree, own):
        # Its modules have a longer name: as plain ones they must not stand before libraries.
        sys.path.append(_join(tree, own))
    for mapping, name, path in _moved:
        if os.path.exists(moved := _join(tree, path)):
            mapping[name] = moved


def with_home(tree: str, roots: Iterable[str], entry: str) -> list[str]:
    """The roots, and the entry's folder, or the one that holds its package where no root leads to it."""
    roots = list(roots)
    home = os.path.dirname(entry) or "."
    if is_package(tree, home):
        while is_package(tree, home):
            home = os.path.dirname(home) or "."
        if any(_below(home, root) for root in roots if root != "."):
            return roots
    return list(dict.fromkeys([*roots, home]))


def is_package(tree: str, folder: str) -> bool:
    """Whether a folder of the tree, not the tree itself, has an ``__init__.py``."""
    return folder not in ("", ".") and os.path.isfile(os.path.join(tree, folder, "__init__.py"))


def load(tree: str, path: str, roots: Iterable[str]) -> ModuleType:
    """Import a file of the tree under the name that the project itself would import it by.

    The name is dotted, below the longest import root that leads to the file: relative imports work
    then, and find the same modules as absolute ones. Where none does it is the file's own.
    """
    file = Path(tree, path)
    if not file.is_file():
        raise Complaint(f"{path} is not among the candidate's files")
    for name in _names(tree, path, roots):
        if _leads_to(name, file):
            if is_package(tree, os.path.dirname(path)):
                return importlib.import_module(name)
            return _execute(file, name, path, alias=file.stem)
    return _execute(file, file.stem, path)


def _names(tree: str, path: str, roots: Iterable[str]) -> list[str]:
    """Dotted names that a file may have: as it is installed, then below the roots, longest first."""
    places = [(name, folder) for _, name, folder in _moved if _below(path, folder)]
    places += [("", root) for root in _containing(tree, path, roots)]
    named = [(name, os.path.relpath(path, folder).removesuffix(".py")) for name, folder in places]
    dotted = (".".join([*filter(None, [name]), *rest.split(os.sep)]) for name, rest in named)
    return [name.removesuffix(".__init__") for name in dotted]


def _containing(tree: str, path: str, roots: Iterable[str]) -> list[str]:
    """The roots above a file, longest first, without those inside of a package."""
    found = [root for root in roots if root == "." or path.startswith(root + "/")]
    found = [root for root in found if not is_package(tree, root)]
    return sorted(found, key=lambda root: 0 if root == "." else len(root), reverse=True)


def _leads_to(name: str, file: Path) -> bool:
    """Whether importing a dotted name gets this file; the packages above it are imported.

    Not those of a stranger that has the same name as a folder of the project.
    """
    parts = name.split(".")
    try:
        spec = importlib.util.find_spec(parts[0])
    except (ImportError, ValueError, AttributeError):
        return False
    if len(parts) > 1:
        places = list(getattr(spec, "submodule_search_locations", None) or ())
        if str(file.parents[len(parts) - 2]) not in places:
            return False
        importlib.import_module(name.rpartition(".")[0])
        spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin == str(file)


def _execute(file: Path, name: str, path: str, alias: str = "") -> ModuleType:
    """Import a file; in a folder that is no package its neighbours know it by its plain name."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise Complaint(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if alias:
        sys.modules.setdefault(alias, module)
    parent, _, own = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], own, module)
    spec.loader.exec_module(module)
    return module


def names_function(tree: str, path: str, name: str) -> bool:
    """Whether a file has a function of this name, or something imported or assigned that may be one."""
    try:
        body = ast.parse(Path(tree, path).read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False
    return any({name, "*"} & set(_bound(node)) for node in body)


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement binds; all of a star import may be the one that is looked for."""
    if isinstance(node, ast.ImportFrom | ast.Import):
        return [one.asname or one.name for one in node.names]
    targets = [getattr(one, "id", "") for one in getattr(node, "targets", ())]
    return [getattr(node, "name", ""), *targets]


def strangers(tree: str, names: Iterable[str]) -> dict[str, str]:
    """Loaded modules of these names that are no files of the tree, and where they came from.

    A folder without ``__init__.py`` that has a library's name is no part of the library.
    """
    known = set(names)
    outside = {name: file for name in known if (file := _outside(name, tree))}
    tops = {name: name.partition(".")[0] for name in outside}
    return {
        name: file
        for name, file in sorted(outside.items())
        if tops[name] in known or not getattr(sys.modules.get(tops[name]), "__file__", None)
    }


def _outside(name: str, tree: str) -> str:
    """Where a module came from, if it is loaded, and from outside of the tree."""
    file = origin(sys.modules.get(name))
    return "" if _below(file, tree) else file


def origin(module: Any) -> str:
    """A module's file, or a namespace package's first folder; empty for one that has none."""
    known: Mapping[str, Any] = getattr(module, "__dict__", {})
    file = known.get("__file__") or next(iter(known.get("__path__") or ()), "")
    return os.path.realpath(file) if isinstance(file, str) and file else ""


def _join(tree: str, path: str) -> str:
    return os.path.normpath(os.path.join(tree, path))
