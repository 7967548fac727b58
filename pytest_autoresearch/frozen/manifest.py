"""The files that the baseline has read: written into the journal, and compared when a run goes on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..exceptions import UsageProblem
from ..records import Json
from .contents import Watched

KIND = "evaluation"
"""The journal's line of what the baseline has read; the last one counts."""

TABLES = "tables"
"""The journal's lines of what passes have handed over."""

HOME = "~"


def shown(path: Path, root: Path) -> str:
    """How a file is called: from the repository's root, from the home folder, or as it is."""
    real, home = os.path.realpath(root), os.path.realpath(os.path.expanduser(HOME))
    for start, instead in ((real, ""), (home, f"{HOME}/")):
        if str(path).startswith(start + os.sep):
            return instead + os.path.relpath(path, start)
    return str(path)


def located(name: str, root: Path) -> Path:
    """The inverse of `shown`."""
    return root / os.path.expanduser(name)


def files_of(lines: Sequence[Mapping[str, Json]]) -> dict[str, str]:
    """Digest by name of what the baseline has read, and each stage's first walk, by the journal's lines."""
    found = {line.get("stage", ""): line["files"] for line in lines if line.get("kind") == KIND}
    return {name: digest for files in found.values() for name, digest in files.items()}


def known(lines: Sequence[Mapping[str, Json]], stage: str) -> bool:
    """Whether a stage's test has been walked once, by the journal's lines."""
    return any(line.get("kind") == KIND and line.get("stage", "") == stage for line in lines)


def watched(lines: Sequence[Mapping[str, Json]], root: Path) -> list[Watched]:
    """The files that the baseline has read, as they were then."""
    known = files_of(lines)
    return [Watched(name, located(name, root), digest) for name, digest in known.items()]


def require_unchanged(run: str, files: Iterable[Watched], ways: str) -> None:
    """Raise `UsageProblem` naming the files that are not what the run began with."""
    changed = [file.name for file in files if file.changed]
    if changed:
        raise UsageProblem(
            f"run {run}: files that the evaluation reads have changed since it started: "
            f"{', '.join(changed)}; put them back as they were, {ways}"
        )
