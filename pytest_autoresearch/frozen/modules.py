"""The code of the evaluation: every file of the repository that the test and its fixtures import."""

from __future__ import annotations

import functools
import os
import posixpath
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from ..records import Objective
from ..sandbox.inside.imports import mappings
from ..sandbox.libraries import imports

MOST = 2000
"""Files that are followed, at most."""
OURS = os.path.realpath(Path(__file__).parent.parent)
HELPERS = os.path.join(OURS, "evaluation")
"""What of this package a frozen test computes with; the rest is no part of anybody's evaluation."""

RELATIVE = re.compile(
    rb"^[ \t]*from[ \t]+(\.+)[ \t]*([\w.]*)[ \t]+import[ \t]*(\([^)]{0,2000}\)|[^\n#;\\(]{1,500})",
    re.MULTILINE,
)
WORD = re.compile(rb"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Sources:
    """What the evaluation imports.

    ``files`` are those of the repository besides the test and its conftest.py files: by path from the
    root, who imports each. ``names`` are the dotted names that all of them import, the repository's and
    others'. ``roots`` are the folders of the repository that the judge imports from (``""``: its root).
    """

    files: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()


def sources_of(item: pytest.Item, objective: Objective, root: Path) -> Sources:
    """What an objective's item imports, found by pattern and among the modules that are loaded.

    ``root`` is the repository's. Nothing is imported or parsed for it. An import in the body of a
    function counts, too; one by a name that is made up at run time does not.
    """
    search = _Search(Tree(root))
    given = {objective.path, *_conftests(objective.path, root)}
    search.add(given, "pytest")
    search.add(search.tree.own(_defining(item)), "pytest")
    search.follow()
    files = {path: by for path, by in sorted(search.found.items()) if path not in given}
    roots = {*search.tree.roots, posixpath.dirname(objective.path)}
    return Sources(files, tuple(sorted(search.names)), tuple(sorted(roots)))


def _conftests(path: str, root: Path) -> Iterator[str]:
    """The conftest.py files that apply to a test."""
    while path:
        path = posixpath.dirname(path)
        conftest = posixpath.join(path, "conftest.py")
        if (root / conftest).is_file():
            yield conftest


def _defining(item: pytest.Item) -> Iterator[str]:
    """The files in which fixtures of the item and plugins without a conftest.py's name are written."""
    info = getattr(item, "_fixtureinfo", None)
    for definitions in () if info is None else info.name2fixturedefs.values():
        for one in definitions:
            code = getattr(one.func, "__code__", None)
            if code is not None:
                yield code.co_filename
    for plugin in item.config.pluginmanager.get_plugins():
        file = getattr(plugin, "__file__", None)
        if isinstance(plugin, ModuleType) and file and os.path.basename(file) != "conftest.py":
            yield file


@functools.lru_cache(maxsize=1 << 14)
def _real(folder: str) -> str:
    """A folder without symbolic links; asked for again and again."""
    return os.path.realpath(folder)


class Tree:
    """The repository as this process imports from it; a Python environment in it is no part of it."""

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)
        self._environments = tuple(
            real + os.sep
            for path in {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}
            if (real := os.path.realpath(path)) != self.root
            and not self.root.startswith(real + os.sep)
        )
        self._folders: dict[str, str | None] = {}
        self.roots = tuple(
            dict.fromkeys(
                found for entry in sys.path if (found := self._folder(entry or ".")) is not None
            )
        )

    def _folder(self, path: str) -> str | None:
        """A folder's path from the root, ``""`` for the root; ``None`` for one that is elsewhere."""
        if path not in self._folders:
            real = _real(path) + os.sep
            inside = real.startswith(self.root + os.sep) and not real.startswith(self._environments)
            self._folders[path] = real[len(self.root) + 1 : -1] if inside else None
        return self._folders[path]

    def place(self, file: str) -> str | None:
        """A file's path from the root; ``None`` for one that lies elsewhere."""
        folder, name = os.path.split(file)
        found = self._folder(folder)
        return None if found is None else posixpath.join(found.replace(os.sep, "/"), name)

    def own(self, files: Iterable[str]) -> list[str]:
        """Those of the files that lie in the repository, by their paths from the root."""
        return [path for file in files if (path := self.place(file)) is not None]

    def loaded(self) -> dict[str, ModuleType]:
        """The repository's files that are loaded as modules."""
        found: dict[str, ModuleType] = {}
        for module in list(sys.modules.values()):
            # Looked up so that no module that answers for every name is asked to load something.
            file = getattr(module, "__dict__", {}).get("__file__")
            if isinstance(file, str) and (path := self.place(file)) is not None:
                found[path] = module
        return found

    def resolved(self, name: str) -> Iterator[str]:
        """The repository's files that an import of a dotted name loads."""
        folders: list[str] = []
        parts = name.split(".")
        for at, part in enumerate(parts):
            known = sys.modules.get(".".join(parts[: at + 1]))
            file = getattr(known, "__dict__", {}).get("__file__")
            places = [file] if isinstance(file, str) else _candidates(folders or _entries(), part)
            if at == 0 and known is None:
                places += [path for one in mappings() if isinstance(path := one.get(part), str)]
            if not places:
                return
            file = _file_of(places[0])
            if not file:
                folders = places
                continue
            path = self.place(file)
            if path is None:
                return
            yield path
            folders = [os.path.dirname(file)]


def _file_of(place: str) -> str:
    """The file itself, or the one that makes a folder a package; empty for a plain folder."""
    init = os.path.join(place, "__init__.py")
    return next((file for file in (place, init) if os.path.isfile(file)), "")


def _entries() -> list[str]:
    return [entry or "." for entry in sys.path if isinstance(entry, str)]


def _candidates(folders: Iterable[str], name: str) -> list[str]:
    """Where a module of a name lies: its file, else a folder without an ``__init__.py``."""
    bare = []
    for folder in folders:
        whole = os.path.join(folder, name)
        for file in (os.path.join(whole, "__init__.py"), f"{whole}.py"):
            if os.path.isfile(file):
                return [file]
        if os.path.isdir(whole):
            bare.append(whole)
    return bare


class _Search:
    """Follows imports from file to file."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.found: dict[str, str] = {}
        self.names: set[str] = set()
        self._loaded = tree.loaded()
        self._open: list[str] = []
        self._resolved: dict[str, list[str]] = {}

    def add(self, paths: Iterable[str], by: str) -> None:
        """Note files, the packages that they lie in, and who imports them."""
        for path in paths:
            for one in (path, *self._packages(path)):
                if one not in self.found and len(self.found) < MOST and not self._is_ours(one):
                    self.found[one] = by
                    self._open.append(one)

    def _packages(self, path: str) -> Iterator[str]:
        """The ``__init__.py`` files that are loaded before a file of a package is."""
        folder = posixpath.dirname(path)
        while folder and self._is_file(init := posixpath.join(folder, "__init__.py")):
            yield init
            folder = posixpath.dirname(folder)

    def _is_ours(self, path: str) -> bool:
        """Whether it is a file of this very package, developed in the repository."""
        file = os.path.join(self.tree.root, path)
        return file.startswith(OURS + os.sep) and not file.startswith(HELPERS + os.sep)

    def _is_file(self, path: str) -> bool:
        return os.path.isfile(os.path.join(self.tree.root, path))

    def follow(self) -> None:
        """Find all that is imported by what was added."""
        while self._open:
            path = self._open.pop()
            text = self._text(path)
            names = imports({path: text})
            self.names.update(names)
            for name in names:
                self.add(self._of(name), path)
            self.add(self._relative(path, text), path)
            module = self._loaded.get(path)
            if module is not None:
                self.add(self._held(module), path)

    def _of(self, name: str) -> list[str]:
        if name not in self._resolved:
            self._resolved[name] = list(self.tree.resolved(name))
        return self._resolved[name]

    def _text(self, path: str) -> bytes:
        try:
            return Path(self.tree.root, path).read_bytes() if path.endswith(".py") else b""
        except OSError:
            return b""

    def _relative(self, path: str, text: bytes) -> Iterator[str]:
        """Files that are imported by dots."""
        for match in RELATIVE.finditer(text):
            folder = posixpath.dirname(path)
            for _ in match[1][1:]:
                folder = posixpath.dirname(folder)
            base = posixpath.join(folder, *match[2].decode("ascii", "ignore").split("."))
            names = [word.decode("ascii", "ignore") for word in WORD.findall(match[3])]
            for stem in (base.rstrip("/"), *(posixpath.join(base, name) for name in names)):
                for file in (f"{stem}.py", posixpath.join(stem, "__init__.py")):
                    if self._is_file(file):
                        yield file

    def _held(self, module: ModuleType) -> Iterator[str]:
        """Files of modules that a loaded one holds, or holds a function or class of."""
        for value in list(vars(module).values()):
            held = value if isinstance(value, ModuleType) else None
            if isinstance(value, type | FunctionType):
                held = sys.modules.get(value.__module__ or "")
            file = getattr(held, "__dict__", {}).get("__file__")
            if isinstance(file, str) and (path := self.tree.place(file)) is not None:
                yield path
