"""What a model sees of a file."""

from __future__ import annotations

from ...records import Briefing
from .edits import listed
from .tools import BadCall

MOST_READ = 20_000
"""Characters of a file that are shown at once, and of an analysis' output."""


def shown(briefing: Briefing, path: str, first: int) -> str:
    """A file's text from line ``first`` on, as much as fits; raises `BadCall` for a file that is not the model's to see."""
    path = path.strip().removeprefix("./")
    files = {**briefing.readable, **briefing.editable}
    if path not in files:
        raise BadCall(f"there is no file {path!r} to read; there are: {listed(files)}")
    lines = files[path].decode("utf-8", "replace").splitlines(keepends=True)
    if first > len(lines):
        return f"{path} has {len(lines)} lines."
    text = "".join(lines[first - 1 :])
    if len(text) <= MOST_READ:
        return text
    part = text[:MOST_READ]
    return (
        f"{part}\n[left out: {path} goes on in line {first + part.count(chr(10))} of {len(lines)}; read from "
        "there with first_line]"
    )
