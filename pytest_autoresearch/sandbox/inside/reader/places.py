"""Where nodes stand: spans in bytes, lines, and dotted names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REST_OF_LINE = re.compile(rb"[ \t]*(,?)[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")


class Source:
    """A file's bytes with the spans of its nodes, which count from behind the byte order mark."""

    def __init__(self, data: bytes, mark: int, spans: Mapping[Any, Any]) -> None:
        self.data = data
        self._mark = mark
        self._spans = spans

    def span(self, node: Any) -> tuple[int, int]:
        """The first byte of `node`, and the one behind its last."""
        start = self._mark + self._spans[node].start
        return start, start + self._spans[node].length

    def indent(self, start: int) -> bytes | None:
        """The white space before `start` when nothing else stands before it on its line."""
        line = max(self.data.rfind(b"\n", 0, start) + 1, self._mark)
        before = self.data[line:start]
        return None if before.strip(b" \t\f") else before

    def rest(self, end: int) -> re.Match[bytes] | None:
        """The rest of the line behind `end` when that is at most a comma and a comment."""
        return REST_OF_LINE.match(self.data, end)

    def newline(self) -> str:
        return "\r\n" if b"\r\n" in self.data else "\n"


def dotted(node: Any) -> str:
    """``a.b.c`` of a name or an attribute; of longer expressions the attribute at their end."""
    parts: list[str] = []
    while hasattr(node, "attr"):
        parts.append(node.attr.value)
        node = node.value
    if type(node).__name__ == "Name":
        parts.append(node.value)
    return ".".join(reversed(parts))


def imports(module: Any) -> dict[str, str]:
    """What each imported name stands for, dotted: of ``import lightgbm as lgb`` lgb: lightgbm."""
    import libcst as cst

    found: dict[str, str] = {}

    class Visitor(cst.CSTVisitor):
        def visit_Import(self, node: cst.Import) -> None:
            for alias in node.names:
                whole = dotted(alias.name)
                first = whole.partition(".")[0]
                found[dotted(alias.asname.name) if alias.asname else first] = (
                    whole if alias.asname else first
                )

        def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
            if node.relative or not node.module or isinstance(node.names, cst.ImportStar):
                return
            for alias in node.names:
                bound = dotted(alias.asname.name) if alias.asname else dotted(alias.name)
                found[bound] = f"{dotted(node.module)}.{dotted(alias.name)}"

    module.visit(Visitor())
    return found
