"""Names a file by what it does: two that differ in formatting, comments and docstrings only are the same."""

from __future__ import annotations

import ast
import hashlib
import sys

from .reading import parsed

VERSION = "{}.{}".format(*sys.version_info)


def digest(path: str, text: bytes) -> str:
    """A digest in hex: of Python by its syntax, as this version of Python reads it, else by bytes."""
    tree = parsed(text) if path.endswith(".py") else None
    if tree is not None:
        try:
            syntax = ast.dump(_Plain().visit(tree))
        except (RecursionError, MemoryError):
            pass
        else:
            return hashlib.sha256(
                f"python {VERSION} {syntax}".encode("utf-8", "replace")
            ).hexdigest()
    return hashlib.sha256(b"bytes " + text).hexdigest()


class _Plain(ast.NodeTransformer):
    """Leaves out statements that do nothing, and how a text was written."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """A text that stands alone is a docstring, or does nothing."""
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str | bytes):
            return None
        return self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        """A body is as empty without it."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Without the letter of ``u"text"``."""
        node.kind = None
        return node
