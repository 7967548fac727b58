"""Names that a file uses and nobody defines, as pyflakes sees them; nothing of style."""

from __future__ import annotations

import ast
import sys
from typing import Any

from .reading import parsed


def undefined(text: bytes) -> set[str]:
    """The names themselves."""
    return {name for name, _, _ in found(text)}


def found(text: bytes) -> list[tuple[str, int, str]]:
    """Each name with its line and what is wrong with it; none for a file that cannot be read."""
    tree = parsed(text)
    if tree is None:
        return []
    from pyflakes import checker, messages

    wanted = messages.UndefinedName, messages.UndefinedLocal
    try:
        told: list[Any] = checker.Checker(_Run(tree).visit(tree)).messages
    except Exception:
        # A construct that this pyflakes does not know yet: the run will say what is wrong, if anything.
        return []
    ours = [one for one in told if isinstance(one, wanted)]
    return [(_name(one), one.lineno, one.message % one.message_args) for one in ours]


def _name(message: Any) -> str:
    given = message.message_args
    return str(given[0] if isinstance(given, tuple) else given)


class _Run(ast.NodeTransformer):
    """Leaves out what is never evaluated when a file is run: text in annotations, and most of these."""

    def __init__(self, tree: ast.Module) -> None:
        self._deferred = sys.version_info >= (3, 14) or any(
            isinstance(node, ast.ImportFrom)
            and node.module == "__future__"
            and any(alias.name == "annotations" for alias in node.names)
            for node in tree.body
        )
        self._local = False

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """pyflakes reads some texts as types: all are as good as empty."""
        return ast.copy_location(ast.Constant(""), node) if isinstance(node.value, str) else node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        if self._deferred:
            node.annotation = None
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: Any) -> ast.AST:
        if self._deferred:
            node.returns = None
        before, self._local = self._local, True
        try:
            return self.generic_visit(node)
        finally:
            self._local = before

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        before, self._local = self._local, False
        try:
            return self.generic_visit(node)
        finally:
            self._local = before

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """What a local variable is annotated with is never evaluated."""
        if self._deferred or self._local:
            node.annotation = ast.copy_location(ast.Constant(None), node.annotation)
        return self.generic_visit(node)
