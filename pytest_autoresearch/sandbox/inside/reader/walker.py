"""Walks a module: collects the literals that have names, and the calls, dicts, lists and blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import libcst as cst

from .places import dotted, imports
from .shape import MAX_TEXT

FIRST_ARGUMENT = {
    "AlphaDropout": "p",
    "Dropout": "p",
    "Dropout1d": "p",
    "Dropout2d": "p",
    "ElasticNet": "alpha",
    "KBinsDiscretizer": "n_bins",
    "KMeans": "n_clusters",
    "KNeighborsClassifier": "n_neighbors",
    "KNeighborsRegressor": "n_neighbors",
    "Lasso": "alpha",
    "PCA": "n_components",
    "PolynomialFeatures": "degree",
    "Ridge": "alpha",
    "TruncatedSVD": "n_components",
}
"""What the first positional argument of well-known calls is named."""


@dataclass(frozen=True)
class Place:
    """Where a node stands: in which functions and classes, in which call or variable's value."""

    scope: str = ""
    holder: str = ""
    in_function: bool = False

    def __str__(self) -> str:
        return ".".join(part for part in (self.scope, self.holder) if part)

    def inside(self, name: str, *, function: bool) -> Place:
        return Place(f"{self.scope}.{name}" if self.scope else name, "", function)

    def within(self, holder: str) -> Place:
        return replace(self, holder=holder)


@dataclass(frozen=True)
class Held:
    """A call, dict or list, the place of what stands in it, and the variable it is assigned to."""

    node: Any
    place: Place
    name: str = ""


class Walker:
    """What one walk over a module finds.

    ``found`` has ``(node, kind, value, name, where, role)`` of named literals; ``calls``, ``dicts``
    and ``lists`` what holds arguments, entries and elements; ``blocks`` the bodies of statements;
    ``later`` the keys that are set on a variable of a scope after it was made.
    """

    def __init__(self, module: cst.Module) -> None:
        self.found: list[tuple[Any, ...]] = []
        self.calls: list[Held] = []
        self.dicts: list[Held] = []
        self.lists: list[Held] = []
        self.blocks: list[tuple[Any, Place]] = []
        self.later: dict[tuple[str, str], set[str]] = {}
        self.imports = imports(module)
        self._wheres: Counter[str] = Counter()
        self._visits: dict[type, Callable[[Any, Place], None]] = {
            cst.FunctionDef: self._function,
            cst.ClassDef: self._class,
            cst.If: self._if,
            cst.Call: self._call,
            cst.Assign: self._assign,
            cst.AnnAssign: self._assign,
            cst.AugAssign: self._assign,
            cst.Dict: self._dict,
            cst.List: self._list,
            cst.DictElement: self._entry,
            cst.Subscript: self._subscript,
            cst.IndentedBlock: self._block,
            cst.Module: self._block,
        }
        for skipped in (cst.Comparison, cst.FormattedString, cst.Assert, cst.Raise):
            self._visits[skipped] = self._skip
        self.walk(module, Place())

    def full(self, callee: str) -> str:
        """A dotted name with its first part as the imports say; empty for what is not imported."""
        first, dot, rest = callee.partition(".")
        return self.imports[first] + dot + rest if first in self.imports else ""

    def walk(self, node: cst.CSTNode, place: Place) -> None:
        visit = self._visits.get(type(node))
        if visit:
            visit(node, place)
        else:
            self._children(node, place)

    def _children(self, node: cst.CSTNode, place: Place) -> None:
        for child in node.children:
            self.walk(child, place)

    def _skip(self, node: cst.CSTNode, place: Place) -> None:
        """Comparisons, f-strings, assertions and errors hold nothing to tune."""

    def _block(self, node: cst.IndentedBlock | cst.Module, place: Place) -> None:
        self.blocks.append((node, place))
        self._children(node, place)

    def _function(self, node: cst.FunctionDef, place: Place) -> None:
        inner = place.inside(node.name.value, function=True)
        params = node.params
        for param in (*params.posonly_params, *params.params, *params.kwonly_params):
            if param.default:
                self._take(param.default, param.name.value, inner, "default")
        self.walk(node.body, inner)

    def _class(self, node: cst.ClassDef, place: Place) -> None:
        self.walk(node.body, place.inside(node.name.value, function=False))

    def _if(self, node: cst.If, place: Place) -> None:
        test = node.test
        if isinstance(test, cst.Comparison) and dotted(test.left) == "__name__":
            return
        self._children(node, place)

    def _call(self, node: cst.Call, place: Place) -> None:
        callee = dotted(node.func)
        self.walk(node.func, place)
        inner = self._numbered(place.within(callee)) if callee else place
        self.calls.append(Held(node, inner))
        for position, arg in enumerate(node.args):
            name = arg.keyword.value if arg.keyword else ""
            if not name and position == 0 and not arg.star:
                name = FIRST_ARGUMENT.get(callee.rpartition(".")[2], "")
            if name:
                self._take(arg.value, name, inner, "keyword")
            else:
                self.walk(arg.value, inner)

    def _numbered(self, place: Place) -> Place:
        """The place itself, with a number from its second occurrence on: ``fit.Ridge#2``."""
        self._wheres[str(place)] += 1
        number = self._wheres[str(place)]
        return place if number == 1 else place.within(f"{place.holder}#{number}")

    def _assign(self, node: cst.Assign | cst.AnnAssign | cst.AugAssign, place: Place) -> None:
        targets = node.targets if isinstance(node, cst.Assign) else [node]
        target = targets[0].target
        name = self._target(target)
        if isinstance(target, cst.Subscript) and name:
            self.later.setdefault((place.scope, dotted(target.value)), set()).add(name)
        if node.value and name:
            role = "local" if place.in_function else "variable"
            self._take(node.value, name, place.within(""), role)
        elif node.value:
            self.walk(node.value, place)

    def _target(self, target: cst.CSTNode) -> str:
        """The name that is assigned to: of ``x``, ``self.x`` and ``params["x"]`` it is ``x``."""
        if isinstance(target, cst.Subscript) and len(target.slice) == 1:
            index = target.slice[0].slice
            return string(index.value) if isinstance(index, cst.Index) else ""
        return dotted(target).rpartition(".")[2]

    def _subscript(self, node: cst.Subscript, place: Place) -> None:
        """Of what selects rows and columns only the lists of names matter."""
        self.walk(node.value, place)
        for element in node.slice:
            index = element.slice.value if isinstance(element.slice, cst.Index) else None
            if isinstance(index, cst.List) and all(string(one.value) for one in index.elements):
                self.lists.append(Held(index, place))

    def _dict(self, node: cst.Dict, place: Place, name: str = "") -> None:
        self.dicts.append(Held(node, place, name))
        self._children(node, place)

    def _list(self, node: cst.List, place: Place) -> None:
        self.lists.append(Held(node, place))
        self._children(node, place)

    def _entry(self, node: cst.DictElement, place: Place) -> None:
        name = string(node.key)
        if name:
            self._take(node.value, name, place, "entry")
        else:
            self.walk(node.value, place)

    def _take(
        self, node: cst.CSTNode, name: str, place: Place, role: str, *, floats: bool = False
    ) -> None:
        """Collects the literals that `node`, the value of `name`, consists of; else walks it.

        In sums and products only floats are taken: integers there are mostly part of a formula.
        """
        if kind := kind_of(node):
            if kind == "float" or not floats:
                self.found.append((node, kind, value_of(node, kind), name, str(place), role))
        elif isinstance(node, cst.Tuple | cst.List):
            if isinstance(node, cst.List) and name != "__all__":
                self.lists.append(Held(node, place))
            for element in node.elements:
                self._take(element.value, name, place, role, floats=floats)
        elif isinstance(node, cst.IfExp):
            self._take(node.body, name, place, role, floats=floats)
            self._take(node.orelse, name, place, role, floats=floats)
        elif isinstance(node, cst.BinaryOperation):
            self._take(node.left, name, place, role, floats=True)
            self._take(node.right, name, place, role, floats=True)
        else:
            holder = f"{place.holder}.{name}" if place.holder else name
            inner = place.within(holder)
            if isinstance(node, cst.Dict):
                self._dict(node, inner, name)
            else:
                self.walk(node, inner)


def kind_of(node: cst.CSTNode) -> str:
    """The kind of literal that `node` is; empty when it is none that can be changed."""
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
        kind = kind_of(node.expression)
        nested = isinstance(node.expression, cst.UnaryOperation)
        return kind if kind in ("int", "float") and not nested else ""
    if isinstance(node, cst.Integer):
        decimal = node.value.replace("_", "").isdecimal() and len(node.value) < MAX_TEXT
        return "int" if decimal else ""
    if isinstance(node, cst.Float):
        return "float" if len(node.value) < MAX_TEXT else ""
    if isinstance(node, cst.Name):
        return {"True": "bool", "False": "bool", "None": "none"}.get(node.value, "")
    return "str" if string(node) else ""


def value_of(node: Any, kind: str) -> Any:
    """The value of a literal of a kind."""
    if isinstance(node, cst.UnaryOperation):
        return -value_of(node.expression, kind)
    if kind == "str":
        return string(node)
    if kind in ("int", "float"):
        return node.evaluated_value
    return {"True": True, "False": False, "None": None}[node.value]


def string(node: cst.CSTNode) -> str:
    """The text of a plain one-line string; empty for anything else."""
    if not isinstance(node, cst.SimpleString) or node.prefix or len(node.quote) != 1:
        return ""
    return str(node.evaluated_value)
