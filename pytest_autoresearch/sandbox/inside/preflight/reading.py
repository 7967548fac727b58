"""A file's syntax."""

from __future__ import annotations

import ast

LARGEST = 256 << 10
"""Bytes of a file that is parsed; a larger one takes seconds, and is left to its run."""


def parsed(text: bytes) -> ast.Module | None:
    """The syntax of a file; ``None`` where it is no Python, too large, or too deep to be walked."""
    if len(text) > LARGEST:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
