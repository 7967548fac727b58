"""A file's syntax."""

from __future__ import annotations

import ast


def parsed(text: bytes) -> ast.Module | None:
    """The syntax of a file; ``None`` where it is no Python, or too deep to be walked."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
