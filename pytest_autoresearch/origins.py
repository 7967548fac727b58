"""Before a search measures: whether what the entry imports are the candidate's own files.

Else a project that is installed as well would be scored as it is installed, whatever a patch changes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .exceptions import CandidateFailure, Interrupted, UsageProblem
from .records import Json
from .sandbox import Answer, Job, Meter, Sandbox, pack
from .sandbox.handing.text import clean
from .sandbox.inside.imports import with_home

MAX_REPORT = 1 << 16
MAX_PATH = 300
SECONDS = 60.0
"""An import that takes longer is a script that trains; it is not waited for."""


def names(tracked: Iterable[str], roots: Sequence[str]) -> dict[str, str]:
    """The modules that can be imported from the roots, by dotted name: their files.

    ``tracked`` and ``roots`` are POSIX paths from the repository's root. Names that begin as those of
    Python's own modules are left out: those are loaded whatever lies in the repository.
    """
    found: dict[str, str] = {}
    files = [path for path in tracked if path.endswith(".py")]
    for root in roots:
        start = "" if root == "." else f"{root}/"
        for path in files:
            if path.startswith(start) and (name := _dotted(path.removeprefix(start))):
                found.setdefault(name, path)
    return found


def _dotted(path: str) -> str:
    """The dotted name of a file below an import root; empty when Python's own modules have it."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    importable = parts and all(part.isidentifier() for part in parts)
    return ".".join(parts) if importable and parts[0] not in sys.stdlib_module_names else ""


def require_own(
    sandbox: Sandbox,
    tree: Path,
    entry: str,
    roots: Sequence[str],
    tracked: Iterable[str],
    deadline: float | None = None,
) -> None:
    """Import the entry in a process of its own, and see where its modules came from.

    ``tree`` holds the candidate's files. Raises `UsageProblem` when a module that the repository has
    came from elsewhere. A candidate that cannot be imported passes: its evaluation will say why.
    """
    known = names(tracked, with_home(str(tree), roots, entry))
    order: dict[str, Json] = {
        "op": "import",
        "tree": str(tree.resolve()),
        "roots": [*roots],
        "entry": entry,
        "names": [*known],
        "seed": 0,
        "data": {},
        "env": {},
        "argv": [],
    }
    answer = Answer((None,), (MAX_REPORT,), "uint8")
    order |= {"shape": answer.shape, "most": answer.most, "dtype": answer.dtype}
    try:
        result = sandbox.run(
            Job("import", order, pack("import", (), {}), answer), Meter(SECONDS, deadline)
        )
    except (CandidateFailure, Interrupted):
        return
    if result.array is not None:
        _refuse_strangers(clean(result.array.tobytes()), known, tree)


def _refuse_strangers(report: str, known: Mapping[str, str], tree: Path) -> None:
    """Raise `UsageProblem` for the first of the lines ``name<tab>file`` that names a known module."""
    lines = [line.partition("\t") for line in report.split("\n")]
    found = [(name, file) for name, _, file in lines if name in known]
    if not found:
        return
    name, file = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    remedy = (
        "uninstall the copy that lies there, or install the project with `pip install -e .`"
        if (tree / known[name]).is_file()
        else f"name {known[name]} in readable= or editable="
    )
    raise UsageProblem(
        f"module {name} comes from {file[:MAX_PATH]}, not from {known[name]} among the candidate's "
        f"files{more}: what a patch changes there would not be what is scored; {remedy}"
    )
