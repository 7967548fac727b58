"""A look at a patch before its budget starts: whether it parses, names what there is, and can be imported.

Nothing of it is parsed here. One process of the sandbox parses, in which nothing of the patch is run;
another one imports.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..exceptions import CandidateFailure, OverBudget
from ..records import Json
from .handing.answer import Answer
from .handing.files import discard, materialise
from .handing.job import Job
from .handing.payload import pack
from .handing.text import clean
from .inside.doors import EXEC, FORK, PROGRAM
from .session import Sandbox
from .watching.budget import Meter

SECONDS = 60.0
"""What a preflight may take; one that takes longer finds nothing."""
WARM = "pyflakes.checker"
"""What a sandbox imports once, where it does preflights: see `Sandbox`."""
MOST_ANSWER = 8 << 20
MOST_TEXT = 1000
"""Characters of one problem."""
MOST_PROBLEMS = 10
SUPPLIED = {"fit": ("seed", "seconds", "report")}
"""What the harness passes by name to a function that declares it."""
FRAME = re.compile(r'^ *File "([^"\n]+)", line (\d+)', re.MULTILINE)
HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Finding:
    """What a preflight found.

    ``problem`` says in lines ``path:line: what`` why the candidate would fail, empty when nothing is
    known to be wrong. ``shape`` names all of its code up to formatting, comments and docstrings, empty
    where it could not be found out.
    """

    problem: str = ""
    shape: str = ""


class Preflight:
    """Looks at candidates' files, each version of a file once. For one thread, as its ``sandbox`` is.

    ``entry`` and ``roots`` are as in `Candidate`. ``imports`` is false where even an import belongs to the
    experiment: on a GPU, which only one process may use.
    """

    def __init__(
        self, sandbox: Sandbox, entry: str, roots: Sequence[str], *, imports: bool = True
    ) -> None:
        self._sandbox = sandbox
        self._entry = entry
        self._roots = tuple(roots)
        self._imports = imports
        self._shapes: dict[str, str] = {}

    def look(
        self,
        files: Mapping[str, bytes],
        champion: Mapping[str, bytes],
        deadline: float | None = None,
    ) -> Finding:
        """What is wrong with a candidate, and its shape; both map paths to all visible files.

        Raises `Interrupted` at the ``deadline``, `HarnessFault` when no process can be started.
        """
        self._sandbox.workshop.mkdir(parents=True, exist_ok=True)
        tree = Path(tempfile.mkdtemp(dir=self._sandbox.workshop, prefix="tree-"))
        try:
            materialise(files, tree)
            return self._look(tree, files, champion, Meter(SECONDS, deadline))
        finally:
            discard(tree)

    def _look(
        self, tree: Path, files: Mapping[str, bytes], champion: Mapping[str, bytes], meter: Meter
    ) -> Finding:
        told = self._read(tree, files, champion, meter)
        problems, functions = _texts(told.get("problems")), _texts(told.get("functions"))
        self._learn(files, told.get("shapes"))
        if not problems and functions and self._imports:
            problems = self._imported(tree, functions, meter)
        return Finding("\n".join(problems), self._shape(files))

    def _read(
        self, tree: Path, files: Mapping[str, bytes], champion: Mapping[str, bytes], meter: Meter
    ) -> Mapping[str, Any]:
        """What the process says that parses; nothing when it took too long, or died of it."""
        changed = [path for path, text in files.items() if champion.get(path) != text]
        gone = [path for path in champion if path not in files]
        before = {path: champion[path] for path in (*changed, *gone) if path in champion}
        answer = Answer((None,), (MOST_ANSWER,), "uint8")
        data = tuple(self._sandbox.limits.data)
        order = self._order(
            "preflight",
            tree,
            changed=sorted(changed),
            asked=sorted(
                path for path, text in files.items() if _name(path, text) not in self._shapes
            ),
            supplied={name: [*given, *data] for name, given in SUPPLIED.items()}
            | {"predict": data},
            shape=answer.shape,
            most=answer.most,
            dtype=answer.dtype,
        )
        job = Job("preflight", order, pack("preflight", (before,), {}), answer)
        try:
            result = self._sandbox.run(job, meter)
        except OverBudget:
            return {}
        return {} if result.array is None else _decoded(result.array.tobytes())

    def _imported(self, tree: Path, functions: Sequence[str], meter: Meter) -> list[str]:
        """What keeps the entry from being imported, or from having these functions then."""
        order = self._order("check", tree, functions=list(functions))
        job = Job(f"the import of {self._entry}", order, pack("check", (), {}))
        try:
            failure = self._sandbox.run(job, meter).failure
        except OverBudget:
            return []
        if failure is None or isinstance(failure, OverBudget) or _needs_doors(failure):
            return []
        return [_located(failure)]

    def _order(self, op: str, tree: Path, **more: Json) -> dict[str, Json]:
        return {
            "op": op,
            "tree": str(tree.resolve()),
            "roots": list(self._roots),
            "entry": self._entry,
            "seed": 0,
            "data": {},
            "env": {},
            "argv": [],
            **more,
        }

    def _learn(self, files: Mapping[str, bytes], shapes: object) -> None:
        """Remember the shapes of files that were told."""
        if not isinstance(shapes, dict):
            return
        for path, shape in shapes.items():
            if path in files and isinstance(shape, str) and HEX.fullmatch(shape):
                self._shapes[_name(path, files[path])] = shape

    def _shape(self, files: Mapping[str, bytes]) -> str:
        known = {path: self._shapes.get(_name(path, text), "") for path, text in files.items()}
        if not all(known.values()):
            return ""
        return hashlib.sha256(json.dumps(sorted(known.items())).encode()).hexdigest()


def _name(path: str, text: bytes) -> str:
    """A version of a file; Python is read in another way than what else there is."""
    return f"{path.endswith('.py')} {hashlib.sha256(text).hexdigest()}"


def _decoded(raw: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _texts(told: object) -> list[str]:
    """The texts among what was told, cleaned, each in one line and of bounded length."""
    found: Iterable[object] = told if isinstance(told, list) else ()
    texts = [one for one in found if isinstance(one, str)][:MOST_PROBLEMS]
    return [" ".join(clean(one.encode("utf-8", "replace")).split())[:MOST_TEXT] for one in texts]


def _needs_doors(failure: CandidateFailure) -> bool:
    """Whether it wanted processes, which a sandbox beside another one's does not allow."""
    text = str(failure)
    return any(sentence in text for sentence in (FORK, PROGRAM, EXEC))


def _located(failure: CandidateFailure) -> str:
    """A failed import in one line: the last frame of its traceback, and what it says at its end."""
    text = str(failure)
    frames = FRAME.findall(text)
    lines = [one.strip() for one in text.splitlines() if one.strip()]
    said = lines[-1] if lines else type(failure).__name__
    where = "{}:{}: ".format(*frames[-1]) if frames else ""
    return f"{where}{said}"[:MOST_TEXT]
