"""What a module may do without: arguments, elements of lists, steps of pipelines, lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import libcst as cst

from .places import Source, dotted
from .sites import is_known
from .walker import Held, Walker, string

MOST_OF_A_LIST = 50
FILLS = ("append", "extend", "insert", "add")


def cuts(walker: Walker, source: Source) -> list[list[Any]]:
    """Entries as `shape.is_cut` wants them, in the order of the file."""
    found: list[list[Any]] = []
    for call in walker.calls:
        found += _of_call(call, walker, source)
    for held in walker.dicts:
        found += _of_items(held.node.elements, _entries(held), source)
    for held in walker.lists:
        found += _of_items(held.node.elements, _elements(held), source)
    for block, place in walker.blocks:
        found += _of_block(block, str(place), source)
    return sorted(found)


def _of_call(call: Held, walker: Walker, source: Source) -> Iterator[list[Any]]:
    callee = walker.full(dotted(call.node.func))
    if not is_known(callee):
        return
    args = call.node.args
    where, what = str(call.place), []
    steps = callee.endswith((".make_pipeline", ".make_union"))
    last = len(args) if callee.endswith("union") else _last_positional(args)
    for position, arg in enumerate(args):
        if arg.keyword:
            what.append((position, "argument", arg.keyword.value, where))
        elif steps and not arg.star and position != last:
            what.append((position, "step", "", where))
    yield from _of_items(args, what, source)


def _last_positional(args: Sequence[cst.Arg]) -> int:
    return max((i for i, arg in enumerate(args) if not arg.keyword), default=-1)


def _entries(held: Held) -> list[tuple[int, str, str, str]]:
    where = str(held.place)
    return [
        (position, "argument", string(element.key), where)
        for position, element in enumerate(held.node.elements)
        if isinstance(element, cst.DictElement) and string(element.key) and where
    ]


def _elements(held: Held) -> list[tuple[int, str, str, str]]:
    elements = held.node.elements
    if not 1 < len(elements) <= MOST_OF_A_LIST:
        return []
    found = []
    steps = [_is_step(element.value) for element in elements]
    for position, element in enumerate(elements):
        if steps[position]:
            if not all(steps) or position < len(elements) - 1:
                found.append((position, "step", "", str(held.place)))
        elif isinstance(element, cst.Element):
            what = "feature" if string(element.value) else "element"
            found.append((position, what, "", str(held.place)))
    return found


def _is_step(node: Any) -> bool:
    """Whether an element is ``("name", model)``, as pipelines list them."""
    return (
        isinstance(node, cst.Tuple)
        and len(node.elements) == 2
        and bool(string(node.elements[0].value))
    )


def _of_items(
    items: Sequence[Any], chosen: Sequence[tuple[int, str, str, str]], source: Source
) -> Iterator[list[Any]]:
    """The cuts of some of the items that commas separate."""
    spans = [source.span(item) for item in items]
    for position, what, name, where in chosen:
        start, end = spans[position]
        yield [*_range(spans, position, source), start, end, what, name, where]


def _range(spans: Sequence[tuple[int, int]], position: int, source: Source) -> tuple[int, int]:
    """An item with its comma; with its whole lines where it has them for itself."""
    start, end = spans[position]
    indent, rest = source.indent(start), source.rest(end)
    if indent is not None and rest and b"\n" in rest[0]:
        return start - len(indent), rest.end()
    if position + 1 < len(spans):
        return start, spans[position + 1][0]
    return (spans[position - 1][1], end) if position else (start, _comma(source, end))


def _comma(source: Source, end: int) -> int:
    rest = source.rest(end)
    if rest and rest[1]:
        return rest.end(1)
    return end + 1 if source.data[end : end + 1] == b"," else end


def _of_block(block: Any, where: str, source: Source) -> Iterator[list[Any]]:
    """Lines whose result is used when they are there, and not missed when they are not."""
    if len(block.body) < 2:
        return
    for line in block.body:
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            continue
        if not _is_optional(line.body[0]):
            continue
        start, end = source.span(line.body[0])
        indent, rest = source.indent(start), source.rest(end)
        if indent is not None and rest and not rest[1]:
            yield [start - len(indent), rest.end(), start, end, "line", "", where]


def _is_optional(statement: Any) -> bool:
    """``table["x"] = …``, ``x = …x…``, ``x += …`` and ``list.append(…)``."""
    if isinstance(statement, cst.AugAssign):
        return True
    if isinstance(statement, cst.Expr) and isinstance(statement.value, cst.Call):
        func = statement.value.func
        return isinstance(func, cst.Attribute) and func.attr.value in FILLS
    if not isinstance(statement, cst.Assign) or len(statement.targets) != 1:
        return False
    target = statement.targets[0].target
    if isinstance(target, cst.Subscript):
        index = target.slice[0].slice
        return isinstance(index, cst.Index) and bool(string(index.value))
    return isinstance(target, cst.Name) and _mentions(statement.value, target.value)


def _mentions(node: Any, name: str) -> bool:
    """Whether a variable is used; attributes and keywords of its name are others."""
    if isinstance(node, cst.Name):
        return bool(node.value == name)
    if isinstance(node, cst.Attribute | cst.Arg):
        return _mentions(node.value, name)
    return any(_mentions(child, name) for child in node.children)
