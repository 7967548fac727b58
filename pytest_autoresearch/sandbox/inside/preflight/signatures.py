"""Whether the entry's functions can still be called as the champion's are."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..entry import NEEDS_SEED
from .reading import parsed

CONTRACT = ("fit", "predict", "log_probs", "logits")
"""Functions that the harness calls by name."""
ASSIGNABLE = ("fit", "predict")
"""Those whose name says enough: nobody calls a number so."""
MOST_TEXT = 200

Function = ast.FunctionDef | ast.AsyncFunctionDef


def required(champion: bytes) -> list[str]:
    """Those of `CONTRACT` that the champion's entry has.

    Of `ASSIGNABLE` however it got them; what else is assigned or imported may be any value of that name.
    """
    tree = parsed(champion)
    known = {} if tree is None else _bound(tree)
    return [name for name in CONTRACT if known.get(name) or (name in known and name in ASSIGNABLE)]


def problems(
    path: str,
    champion: bytes,
    candidate: bytes,
    functions: Sequence[str],
    supplied: Mapping[str, Sequence[str]],
) -> list[str]:
    """What keeps the candidate's functions from being called as the champion's are, a line each.

    ``supplied`` are the names that the harness passes to a function that declares them. Only what is
    certain: a parameter with a default may have been passed, or not.
    """
    old, new = parsed(champion), parsed(candidate)
    if old is None or new is None:
        return []
    before, after = _bound(old), _bound(new)
    found = []
    for name in functions:
        if name not in after:
            if not _may_bind(new, name):
                found.append(f"{path} no longer defines {name}, which the champion's does")
            continue
        theirs, ours = before.get(name), after[name]
        if isinstance(theirs, Function) and isinstance(ours, Function):
            given = supplied.get(name, ())
            found += (f"{path}:{ours.lineno}: {what}" for what in _differ(theirs, ours, given))
    return found


@dataclass(frozen=True)
class Parameters:
    """How many values a function takes by place, which it needs by name, and which names it knows.

    What the harness supplies by name is in ``names`` only.
    """

    least: int
    most: float
    needed: tuple[str, ...]
    names: frozenset[str]
    any_name: bool
    places: tuple[str, ...]


def parameters(function: Function, supplied: Iterable[str]) -> Parameters:
    """The parameters of a function, without those that are supplied."""
    args, given = function.args, set(supplied)
    by_place = [one.arg for one in (*args.posonlyargs, *args.args)]
    defaults = set(by_place[len(by_place) - len(args.defaults) :]) if args.defaults else set()
    places = [name for name in by_place if name not in given]
    named = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return Parameters(
        least=sum(name not in defaults for name in places),
        most=math.inf if args.vararg else len(places),
        needed=tuple(one.arg for one, default in named if default is None and one.arg not in given),
        names=frozenset(one.arg for one in (*args.args, *args.kwonlyargs)),
        any_name=args.kwarg is not None,
        places=tuple(places),
    )


def _differ(theirs: Function, ours: Function, supplied: Sequence[str]) -> Iterator[str]:
    if theirs.decorator_list or ours.decorator_list:
        # What a decorator makes of it only a run can tell.
        return
    old, new = parameters(theirs, supplied), parameters(ours, supplied)
    was = f"the champion's is {_shown(theirs)}"
    if theirs.name == "fit" and "seed" in old.names and "seed" not in new.names:
        yield NEEDS_SEED
    if new.most < old.least:
        yield f"{_shown(ours)} takes fewer arguments than it is given; {was}"
    if new.least > old.most:
        extra = new.places[int(old.most)]
        yield f"{_shown(ours)} needs {extra}, which nobody passes; {was}"
    for name in old.needed:
        if name not in new.names and not new.any_name:
            yield f"{_shown(ours)} takes no {name}, which it is given; {was}"
    for name in new.needed:
        if name not in old.names and not old.any_name:
            yield f"{_shown(ours)} needs {name}, which nobody passes; {was}"


def _shown(function: Function) -> str:
    return f"{function.name}({ast.unparse(function.args)[:MOST_TEXT]})"


def _bound(tree: ast.Module) -> dict[str, Function | None]:
    """Names that a module binds when it is run; of those that a plain ``def`` binds last, the function."""
    found: dict[str, Function | None] = {}
    for node in tree.body:
        for name, function in _names(node):
            found[name] = function if node is function else None
    return found


def _names(node: ast.AST) -> Iterator[tuple[str, Function | None]]:
    if isinstance(node, Function):
        yield node.name, node
    elif isinstance(node, ast.ClassDef):
        yield node.name, None
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (((one.asname or one.name).partition(".")[0], None) for one in node.names)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, None
    elif not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _names(child)


def _may_bind(tree: ast.Module, name: str) -> bool:
    """Whether a name may come from a star import, or from within a function."""
    return any(
        (isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names))
        or (isinstance(node, ast.Global) and name in node.names)
        for node in ast.walk(tree)
    )
