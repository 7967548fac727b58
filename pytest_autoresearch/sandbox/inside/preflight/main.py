"""Reads a candidate's changed files beside the champion's: what is wrong with them, and their shapes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import names, shapes, signatures
from .reading import LARGEST

MOST_PROBLEMS = 5
"""Problems that are told, of as many as there are."""
MOST_LINE = 100
"""Characters of a line of code that are told with what is wrong with it."""


def answer(order: Mapping[str, Any], before: Mapping[str, bytes]) -> bytes:
    """``problems``, ``shapes`` and ``functions`` as JSON; ``before`` are the champion's changed files.

    Of the order, ``changed`` are the paths that a patch changed or made, ``asked`` those whose shape is
    asked for, ``supplied`` the names of what the harness passes to each function, ``entry`` where ``fit``
    lives. ``functions`` are those that the entry has to have.
    """
    warnings.simplefilter("ignore")
    tree, entry = Path(order["tree"]), order["entry"]
    old = _text(tree, entry) if entry not in before else before[entry]
    functions = signatures.required(old)
    found = {
        "problems": _problems(order, before, old, functions),
        "shapes": {path: shapes.digest(path, _text(tree, path)) for path in order["asked"]},
        "functions": functions,
    }
    return json.dumps(found).encode()


def _problems(
    order: Mapping[str, Any], before: Mapping[str, bytes], old: bytes, functions: list[str]
) -> list[str]:
    tree, entry = Path(order["tree"]), order["entry"]
    if functions and not (tree / entry).is_file():
        return [f"{entry} is gone, in which {' and '.join(functions)} were"]
    texts = {path: _text(tree, path) for path in order["changed"] if path.endswith(".py")}
    found = [problem for path, text in texts.items() for problem in _unread(path, text)]
    if not found:
        for path, text in texts.items():
            known = names.undefined(before.get(path, b""))
            found += (
                f"{path}:{line}: {what}"
                for name, line, what in names.found(text)
                if name not in known
            )
    if not found and functions and entry in texts:
        supplied = order["supplied"]
        found += signatures.problems(entry, old, texts[entry], functions, supplied)
    return found[:MOST_PROBLEMS]


def _unread(path: str, text: bytes) -> Iterator[str]:
    """Why a file is no Python, in a line; nothing when it is, or is too large to be tried here."""
    if len(text) > LARGEST:
        return
    try:
        # Compiled, not only parsed: `return` outside of a function is found by the compiler.
        compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = (error.text or "").strip()[:MOST_LINE]
        kind, code = type(error).__name__, f": {line}" if line else ""
        yield f"{path}:{error.lineno or 1}: {kind}: {error.msg}{code}"
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        yield f"{path}:1: it cannot be compiled: {type(error).__name__}: {error}"


def _text(tree: Path, path: str) -> bytes:
    try:
        return (tree / path).read_bytes()
    except OSError:
        return b""
