"""How much code a Python file holds: lines and tokens, comments and docstrings left out."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from tokenize import TokenInfo

LAYOUT = frozenset(
    {
        *(tokenize.ENCODING, tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT),
        tokenize.ENDMARKER,
    }
)


def count(data: bytes) -> list[int] | None:
    """``[lines, tokens]``; None when it is not Python.

    A line counts when there is anything in it but white space, comments and docstrings.
    """
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        ast.parse(data)
        tokens = list(_code(tokenize.tokenize(io.BytesIO(data).readline)))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    written = {number for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()}
    used = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    return [len(used & written), len(tokens)]


def _code(tokens: Iterator[TokenInfo]) -> Iterator[TokenInfo]:
    """The tokens of all statements but those that are a string alone, as a docstring is."""
    statement: list[TokenInfo] = []
    for token in tokens:
        if token.type == tokenize.NEWLINE:
            if any(one.type != tokenize.STRING for one in statement):
                yield from statement
            statement = []
        elif token.type not in LAYOUT:
            statement.append(token)
