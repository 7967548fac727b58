"""Finds the literals of candidate files in a process of its own, and checks what that process says.

This file has two sides and imports nothing of ours at the top. The judge calls `read_literals`,
which starts this same file as a script; only that script, `main`, parses the candidate's text.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import libcst as cst

MAX_FILE = 256 << 10
MAX_FILES = 64
MAX_LITERALS = 2000
MAX_ANSWER = 1 << 22
MAX_TEXT = 64
MAX_NAME = 100
MAX_WHERE = 300
ROLES = ("keyword", "default", "entry", "variable", "local")

READY = b"ready\n"
MEMORY = 2 << 30
FILE_SECONDS = 4.0

FIRST_ARGUMENT = {
    "AlphaDropout": "p",
    "Dropout": "p",
    "Dropout1d": "p",
    "Dropout2d": "p",
    "ElasticNet": "alpha",
    "KBinsDiscretizer": "n_bins",
    "KMeans": "n_clusters",
    "KNeighborsClassifier": "n_neighbors",
    "KNeighborsRegressor": "n_neighbors",
    "Lasso": "alpha",
    "PCA": "n_components",
    "PolynomialFeatures": "degree",
    "Ridge": "alpha",
    "TruncatedSVD": "n_components",
}
"""What the first positional argument of well-known calls is named."""

File = tuple[str, bytes]


# The judge's side.


def read_literals(files: Mapping[str, bytes], *, seconds: float = 20.0) -> list[dict[str, Any]]:
    """The literals of the Python files among `files`, which maps paths to their bytes.

    Each is a dict of ``path``; ``start`` and ``end`` (byte offsets); ``kind`` (``int``, ``float``,
    ``bool``, ``str`` or ``none``); ``text`` (those bytes); ``value``; ``name`` (of the keyword,
    default parameter, dict key or variable it belongs to); ``where`` (the functions and the call or
    variable it stands in, dotted); ``role`` (one of `ROLES`). They come in the order of path and
    offset.

    A file that is not Python, does not parse, is over 256 KiB, kills the parser or keeps it busy
    for more than 4 seconds contributes nothing, nor does one not reached within `seconds`. Raises
    `HarnessFault` when the parser itself cannot be started.
    """
    pending = [(path, files[path]) for path in sorted(files) if _is_readable(path, files[path])]
    pending = pending[:MAX_FILES]
    deadline = time.monotonic() + seconds
    found: list[dict[str, Any]] = []
    while pending and (left := deadline - time.monotonic()) > 0:
        answers = _ask(pending, left)
        for (path, data), answer in zip(pending, answers, strict=False):
            found += _checked(path, data, answer)
        # What comes after the answers is the file that the child died of.
        pending = pending[len(answers) + 1 :]
    return found[:MAX_LITERALS]


def _is_readable(path: str, data: bytes) -> bool:
    return path.endswith(".py") and 0 < len(data) <= MAX_FILE


def _ask(files: Sequence[File], seconds: float) -> list[Any]:
    """One answer for each of the first files, as many as the child managed in time."""
    with tempfile.TemporaryFile() as request:
        request.write(json.dumps([len(data) for _, data in files]).encode() + b"\n")
        request.writelines(data for _, data in files)
        request.seek(0)
        raw, in_time = _run(request, seconds)
    if not raw.startswith(READY):
        if in_time:
            _cannot_start()
        return []
    return list(_lines(raw[len(READY) :]))[: len(files)]


def _run(request: BinaryIO, seconds: float) -> tuple[bytes, bool]:
    """What the child wrote, at most `MAX_ANSWER` bytes, and whether it ended by itself."""
    child = subprocess.Popen(
        [sys.executable, "-I", "-B", __file__],
        stdin=request,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ},
        start_new_session=True,
    )
    late = threading.Timer(seconds, _kill, [child])
    started = time.monotonic()
    late.start()
    try:
        assert child.stdout is not None
        raw = child.stdout.read(MAX_ANSWER)
        child.stdout.close()
    finally:
        late.cancel()
        late.join()
        _kill(child)
        child.wait()
    return raw, time.monotonic() - started < seconds


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _cannot_start() -> None:
    from ..exceptions import HarnessFault

    raise HarnessFault(
        f"The tuner's parser did not start: {sys.executable} -I cannot import libcst, "
        "or has no memory left for it. Install libcst in that environment."
    )


def _lines(raw: bytes) -> Iterator[Any]:
    """The answers that were written whole; a line that is not JSON stands for no literals."""
    for line in raw.split(b"\n")[:-1]:
        try:
            yield json.loads(line, parse_constant=float)
        except (ValueError, RecursionError):
            yield []


def _checked(path: str, data: bytes, answer: Any) -> list[dict[str, Any]]:
    """The answer about one file, or nothing when any part of it is not as promised."""
    if not isinstance(answer, list) or len(answer) > MAX_LITERALS:
        return []
    found: list[dict[str, Any]] = []
    end = 0
    for entry in answer:
        if not _is_valid(entry, data, end):
            return []
        end = entry[1]
        start, end, kind, value, name, where, role = entry
        text = data[start:end].decode("ascii")
        found.append(
            {"path": path, "start": start, "end": end, "kind": kind, "text": text}
            | {"value": value, "name": name, "where": where, "role": role}
        )
    return found


def _is_valid(entry: Any, data: bytes, after: int) -> bool:
    if not isinstance(entry, list) or len(entry) != 7:
        return False
    start, end, kind, value, name, where, role = entry
    return (
        type(start) is int
        and type(end) is int
        and after <= start < end <= min(start + MAX_TEXT, len(data))
        and data[start:end].isascii()
        and _is_value(kind, value)
        and _is_label(name, MAX_NAME)
        and (where == "" or _is_label(where, MAX_WHERE))
        and role in ROLES
    )


def _is_value(kind: Any, value: Any) -> bool:
    if kind == "int":
        return type(value) is int and abs(value) <= 1 << 53
    if kind == "float":
        return type(value) is float and math.isfinite(value)
    if kind == "str":
        return type(value) is str and len(value) <= MAX_TEXT and value.isprintable()
    return kind in ("bool", "none") and type(value) is (bool if kind == "bool" else type(None))


def _is_label(value: Any, longest: int) -> bool:
    return type(value) is str and 0 < len(value) <= longest and value.isprintable()


# The child's side.


def main() -> None:
    """Reads the lengths and bytes of files from stdin, writes a line of JSON for each."""
    import libcst  # noqa: F401  (before the limits: it is ours)

    _restrict()
    _reply(READY)
    source = sys.stdin.buffer
    for length in json.loads(source.readline()):
        signal.setitimer(signal.ITIMER_PROF, FILE_SECONDS)  # the process dies when it runs out
        _reply(json.dumps(_literals(source.read(length))).encode() + b"\n")


def _restrict() -> None:
    """No core file, no written file, bounded memory; `_literals` is given CPU time by `main`."""
    import resource

    for kind, wanted in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_AS, MEMORY),
    ):
        allowed = resource.getrlimit(kind)[1]
        limit = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
        resource.setrlimit(kind, (limit, limit))


def _reply(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _literals(data: bytes) -> list[list[Any]]:
    """Entries as `_is_valid` wants them; none when the file is not UTF-8 or not Python."""
    import libcst as cst
    from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        text = data[mark:].decode("utf-8")
        module = cst.parse_module(text)
        if module.code != text:
            return []
        spans = MetadataWrapper(module, unsafe_skip_copy=True).resolve(ByteSpanPositionProvider)
        walker = Walker()
        walker.walk(module, Place())
    except (UnicodeDecodeError, cst.ParserSyntaxError, cst.CSTValidationError, RecursionError):
        return []
    found = []
    for node, *what in walker.found:
        start = mark + spans[node].start
        found.append([start, start + spans[node].length, *what])
    found.sort(key=lambda entry: entry[0])
    return [entry for entry in found if _is_valid(entry, data, 0)][:MAX_LITERALS]


@dataclass(frozen=True)
class Place:
    """Where a node stands: in which functions and classes, in which call or variable's value."""

    scope: str = ""
    holder: str = ""
    in_function: bool = False

    def __str__(self) -> str:
        return ".".join(part for part in (self.scope, self.holder) if part)

    def inside(self, name: str, *, function: bool) -> Place:
        scope = f"{self.scope}.{name}" if self.scope else name
        return Place(scope, "", function)

    def within(self, holder: str) -> Place:
        return replace(self, holder=holder)


class Walker:
    """Walks a module and collects ``(node, kind, value, name, where, role)`` of named literals."""

    def __init__(self) -> None:
        import libcst as cst

        self.cst = cst
        self.found: list[tuple[Any, ...]] = []
        self._visits: dict[type, Callable[[Any, Place], None]] = {
            cst.FunctionDef: self._function,
            cst.ClassDef: self._class,
            cst.If: self._if,
            cst.Call: self._call,
            cst.Assign: self._assign,
            cst.AnnAssign: self._assign,
            cst.AugAssign: self._assign,
            cst.DictElement: self._entry,
            cst.Subscript: lambda node, place: self.walk(node.value, place),
        }
        for skipped in (cst.Comparison, cst.FormattedString, cst.Assert, cst.Raise):
            self._visits[skipped] = self._skip

    def walk(self, node: cst.CSTNode, place: Place) -> None:
        visit = self._visits.get(type(node))
        if visit:
            visit(node, place)
            return
        for child in node.children:
            self.walk(child, place)

    def _skip(self, node: cst.CSTNode, place: Place) -> None:
        """Comparisons, f-strings, assertions and errors hold nothing to tune."""

    def _function(self, node: cst.FunctionDef, place: Place) -> None:
        inner = place.inside(node.name.value, function=True)
        params = node.params
        for param in (*params.posonly_params, *params.params, *params.kwonly_params):
            if param.default:
                self._take(param.default, param.name.value, inner, "default")
        self.walk(node.body, inner)

    def _class(self, node: cst.ClassDef, place: Place) -> None:
        self.walk(node.body, place.inside(node.name.value, function=False))

    def _if(self, node: cst.If, place: Place) -> None:
        test = node.test
        if isinstance(test, self.cst.Comparison) and _dotted(test.left) == "__name__":
            return
        for child in node.children:
            self.walk(child, place)

    def _call(self, node: cst.Call, place: Place) -> None:
        callee = _dotted(node.func)
        self.walk(node.func, place)
        for position, arg in enumerate(node.args):
            name = arg.keyword.value if arg.keyword else ""
            if not name and position == 0 and not arg.star:
                name = FIRST_ARGUMENT.get(callee.rpartition(".")[2], "")
            if name:
                self._take(arg.value, name, place.within(callee), "keyword")
            else:
                self.walk(arg.value, place.within(callee))

    def _assign(self, node: cst.Assign | cst.AnnAssign | cst.AugAssign, place: Place) -> None:
        targets = node.targets if isinstance(node, self.cst.Assign) else [node]
        name = self._target(targets[0].target)
        if node.value and name:
            role = "local" if place.in_function else "variable"
            self._take(node.value, name, place.within(""), role)
        elif node.value:
            self.walk(node.value, place)

    def _target(self, target: cst.CSTNode) -> str:
        """The name that is assigned to: of ``x``, ``self.x`` and ``params["x"]`` it is ``x``."""
        if isinstance(target, self.cst.Subscript) and len(target.slice) == 1:
            index = target.slice[0].slice
            return self._string(index.value) if isinstance(index, self.cst.Index) else ""
        return _dotted(target).rpartition(".")[2]

    def _entry(self, node: cst.DictElement, place: Place) -> None:
        name = self._string(node.key)
        if name:
            self._take(node.value, name, place, "entry")
        else:
            self.walk(node.value, place)

    def _take(
        self, node: cst.CSTNode, name: str, place: Place, role: str, *, floats: bool = False
    ) -> None:
        """Collects the literals that `node`, the value of `name`, consists of; else walks it.

        In sums and products only floats are taken: integers there are mostly part of a formula.
        """
        cst = self.cst
        if kind := self._kind(node):
            if kind == "float" or not floats:
                value = self._value(node, kind)
                self.found.append((node, kind, value, name, str(place), role))
        elif isinstance(node, cst.Tuple | cst.List):
            for element in node.elements:
                self._take(element.value, name, place, role, floats=floats)
        elif isinstance(node, cst.IfExp):
            self._take(node.body, name, place, role, floats=floats)
            self._take(node.orelse, name, place, role, floats=floats)
        elif isinstance(node, cst.BinaryOperation):
            self._take(node.left, name, place, role, floats=True)
            self._take(node.right, name, place, role, floats=True)
        else:
            holder = f"{place.holder}.{name}" if place.holder else name
            self.walk(node, place.within(holder))

    def _kind(self, node: cst.CSTNode) -> str:
        """The kind of literal that `node` is; empty when it is none that can be changed."""
        cst = self.cst
        if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
            kind = self._kind(node.expression)
            return kind if kind in ("int", "float") and not self._is_minus(node.expression) else ""
        if isinstance(node, cst.Integer):
            decimal = node.value.replace("_", "").isdecimal() and len(node.value) < MAX_TEXT
            return "int" if decimal else ""
        if isinstance(node, cst.Float):
            return "float" if len(node.value) < MAX_TEXT else ""
        if isinstance(node, cst.Name):
            return {"True": "bool", "False": "bool", "None": "none"}.get(node.value, "")
        return "str" if self._string(node) else ""

    def _is_minus(self, node: cst.CSTNode) -> bool:
        return isinstance(node, self.cst.UnaryOperation)

    def _value(self, node: Any, kind: str) -> Any:
        if self._is_minus(node):
            return -self._value(node.expression, kind)
        if kind == "str":
            return self._string(node)
        if kind in ("int", "float"):
            return node.evaluated_value
        return {"True": True, "False": False, "None": None}[node.value]

    def _string(self, node: cst.CSTNode) -> str:
        """The text of a plain one-line string; empty for anything else."""
        if not isinstance(node, self.cst.SimpleString) or node.prefix or len(node.quote) != 1:
            return ""
        return str(node.evaluated_value)


def _dotted(node: Any) -> str:
    """``a.b.c`` of a name or an attribute; of longer expressions the attribute at their end."""
    parts: list[str] = []
    while hasattr(node, "attr"):
        parts.append(node.attr.value)
        node = node.value
    if type(node).__name__ == "Name":
        parts.append(node.value)
    return ".".join(reversed(parts))


if __name__ == "__main__":
    main()
