"""Calls of known libraries, and the dicts of their parameters: where more can be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import libcst as cst

from .places import Source, dotted
from .walker import Held, Walker, string

LIBRARIES = ("sklearn", "lightgbm", "xgboost", "torch")
TAKES_DICT = ("lightgbm.train", "lightgbm.cv", "xgboost.train", "xgboost.cv")
"""Calls whose first argument is a dict of parameters."""


def sites(walker: Walker, source: Source) -> list[list[Any]]:
    """Entries as `shape.is_site` wants them."""
    found: list[list[Any]] = []
    taken: set[int] = set()
    for call in walker.calls:
        for one, *what in _of_call(call, walker):
            glue = _glue(one.node, source)
            if glue and id(one.node) not in taken:
                taken.add(id(one.node))
                found.append([*glue, _quote(one.node), *what])
    return found


def is_known(callee: str) -> bool:
    """Whether a full dotted name belongs to a library whose parameters are known."""
    return callee.partition(".")[0] in LIBRARIES


def _of_call(call: Held, walker: Walker) -> Iterator[tuple[Any, ...]]:
    """``(call or dict, callee, where, names, given)``; nothing where not all that is set is seen."""
    callee = walker.full(dotted(call.node.func))
    if not is_known(callee):
        return
    args = call.node.args
    names = {arg.keyword.value for arg in args if arg.keyword}
    given = sum(not arg.keyword and not arg.star for arg in args)
    if any(arg.star == "*" for arg in args) or _is_generator(args):
        return
    starred = [arg.value for arg in args if arg.star == "**"]
    if not starred:
        yield call, callee, str(call.place), sorted(names), given
    elif len(starred) == 1:
        yield from _of_dict(starred[0], callee, names, call, walker)
    if callee in TAKES_DICT:
        params = [a.value for a in args if a.keyword and a.keyword.value == "params"]
        params += [a.value for a in args[:1] if not a.keyword and not a.star]
        for node in params:
            yield from _of_dict(node, callee, set(), call, walker)


def _of_dict(
    node: Any, callee: str, names: set[str], call: Held, walker: Walker
) -> Iterator[tuple[Any, ...]]:
    """The dict literal that `node` is or stands for, with all keys that reach the call."""
    parts = list(_parts(node, call.place.scope, walker))
    if not parts or None in parts:
        return
    held = [part for part in parts if part is not None]
    keys = set(names)
    for part in held:
        keys |= set(_keys(part.node)) | walker.later.get((part.place.scope, part.name), set())
    if isinstance(node, cst.Name):
        keys |= walker.later.get((call.place.scope, node.value), set())
    home = held[-1]
    yield home, callee, str(home.place), sorted(keys), 0


def _parts(node: Any, scope: str, walker: Walker) -> Iterator[Held | None]:
    """The dicts that a dict or a name consists of, the one to write in last; None: not seen."""
    if isinstance(node, cst.Name):
        held = _assigned(node.value, scope, walker)
        node, scope = (held.node, held.place.scope) if held else (None, scope)
    held = next((one for one in walker.dicts if one.node is node), None)
    if held is None:
        yield None
        return
    yield held
    for element in node.elements:
        if isinstance(element, cst.StarredDictElement):
            yield from _parts(element.value, scope, walker)


def _assigned(name: str, scope: str, walker: Walker) -> Held | None:
    """The dict that is assigned to `name` in the scope or one around it; None for several."""
    while True:
        found = [one for one in walker.dicts if one.name == name and one.place.scope == scope]
        found = [one for one in found if one.place.holder == name]
        if found or not scope:
            return found[0] if len(found) == 1 else None
        scope = scope.rpartition(".")[0]


def _keys(node: cst.Dict) -> Iterator[str]:
    for element in node.elements:
        if isinstance(element, cst.DictElement):
            yield string(element.key)


def _is_generator(args: Sequence[cst.Arg]) -> bool:
    return len(args) == 1 and isinstance(args[0].value, cst.GeneratorExp)


def _quote(node: Any) -> str:
    """Empty for a call, the quote of the keys for a dict."""
    if isinstance(node, cst.Call):
        return ""
    entries = (element for element in node.elements if isinstance(element, cst.DictElement))
    keys: list[Any] = [entry.key for entry in entries if string(entry.key)]
    return keys[0].quote if keys else '"'


def _glue(node: Any, source: Source) -> list[Any] | None:
    """``[at, comma, lead, separator, trail]`` as `shape.is_site` describes them."""
    items = node.args if isinstance(node, cst.Call) else node.elements
    if not items:
        at = source.span(node)[1] - 1
        return [at, -1, "", ", ", ""]
    start, end = source.span(items[-1])
    indent, rest = source.indent(start), source.rest(end)
    if indent is None or rest is None or source.data[end : rest.end()].find(b"\n") < 0:
        return [end, -1, ", ", ", ", ""]
    step = source.newline() + indent.decode()
    at = rest.end() - len(source.newline())
    if rest[1]:
        return [at, -1, step, "," + step, ","]
    return [at, end, step, "," + step, ""]


def names(walker: Walker, source: Source, module: cst.Module) -> list[list[Any]]:
    """Entries as `shape.is_name` wants them: what is called and may be another class as well."""
    used = _uses(module)
    found: list[list[Any]] = []
    seen: set[str] = set()
    for call in walker.calls:
        func, callee = call.node.func, walker.full(dotted(call.node.func))
        if not is_known(callee):
            continue
        if isinstance(func, cst.Attribute):
            found.append([[list(source.span(func.attr))], callee, str(call.place)])
        elif callee.rpartition(".")[2] == func.value and func.value not in seen:
            seen.add(func.value)
            spans = [list(source.span(node)) for node in used[func.value]]
            found.append([sorted(spans), callee, str(call.place)])
    return found


def _uses(module: cst.Module) -> dict[str, list[cst.Name]]:
    """The names of a module with all their places, attributes and keywords left out."""
    found: dict[str, list[cst.Name]] = {}

    class Visitor(cst.CSTVisitor):
        def visit_Attribute(self, node: cst.Attribute) -> bool:
            node.value.visit(self)
            return False

        def visit_Arg(self, node: cst.Arg) -> bool:
            node.value.visit(self)
            return False

        def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
            if not isinstance(node.names, cst.ImportStar):
                for alias in node.names:
                    alias.visit(self)
            return False

        def visit_Name(self, node: cst.Name) -> None:
            found.setdefault(node.value, []).append(node)

    module.visit(Visitor())
    return found
