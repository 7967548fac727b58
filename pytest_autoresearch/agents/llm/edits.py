"""Turns search/replace edits and whole files into the new texts of a proposal."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_LINES = 5000
"""Lines of a file that are compared in the search for the nearest ones, each of at most as many characters as:"""
MOST_WIDTH = 300
SHOWN = 3
"""Places that are named when a text matches more than once, and lines around the nearest one."""


class NoEdit(Exception):
    """An edit that cannot be made; the words are for the model."""


@dataclass(frozen=True)
class Edit:
    """Replace the one place in a file that reads ``search``."""

    path: str
    search: str
    replace: str


def applied(
    edits: Sequence[Edit],
    files: Mapping[str, str],
    editable: Mapping[str, bytes],
    readable: Mapping[str, bytes],
) -> dict[str, str]:
    """The new text of every file that ``edits`` and ``files`` change; raises `NoEdit` saying what does not fit.

    Whether a path may be changed is not decided here.
    """
    changed = dict(files)
    for number, edit in enumerate(edits, start=1):
        if edit.path in files:
            raise NoEdit(
                f"{edit.path} is given as a whole file and edited, too: do the one or the other"
            )
        text = changed.get(edit.path)
        if text is None:
            text = _text(edit.path, editable, readable)
        changed[edit.path] = _replaced(edit, text, number)
    return changed


def _text(path: str, editable: Mapping[str, bytes], readable: Mapping[str, bytes]) -> str:
    if path in editable:
        try:
            return editable[path].decode("utf-8")
        except UnicodeDecodeError:
            raise NoEdit(
                f"{path} is not UTF-8 and cannot be edited in places: give the whole file"
            ) from None
    if path in readable:
        raise NoEdit(f"{path} may be read but not changed")
    raise NoEdit(f"there is no file {path!r} to edit; editable are: {listed(editable)}")


def _replaced(edit: Edit, text: str, number: int) -> str:
    if not edit.search:
        raise NoEdit(f"edit {number}: search is empty; to write a file anew put it into files")
    search, replace = edit.search, edit.replace
    if "\r\n" in text and "\r\n" not in search:
        search, replace = (
            search.replace("\n", "\r\n"),
            replace.replace("\r\n", "\n").replace("\n", "\r\n"),
        )
    count = text.count(search)
    if count == 1:
        return text.replace(search, replace)
    if count:
        raise NoEdit(
            f"edit {number}: search matches {count} times in {edit.path}, at lines {_places(text, search)}: "
            "take more of the lines around it, so that it matches once"
        )
    raise NoEdit(
        f"edit {number}: search matches nothing in {edit.path}.{_nearest(text, edit.search)}"
    )


def _places(text: str, search: str) -> str:
    found: list[str] = []
    at = text.find(search)
    while at >= 0 and len(found) < SHOWN:
        found.append(str(text.count("\n", 0, at) + 1))
        at = text.find(search, at + len(search))
    return ", ".join(found)


def _nearest(text: str, search: str) -> str:
    """The lines of a file that are most like the first line searched for."""
    wanted = next((line.strip() for line in search.splitlines() if line.strip()), "")[:MOST_WIDTH]
    lines = text.splitlines()
    by_words = {
        line.strip()[:MOST_WIDTH]: n for n, line in reversed(list(enumerate(lines[:MOST_LINES])))
    }
    near = difflib.get_close_matches(wanted, list(filter(None, by_words)), n=1, cutoff=0.5)
    if not near:
        return " Nothing there is like it: read the file again."
    at = by_words[near[0]]
    first, last = max(0, at - SHOWN + 1), min(len(lines), at + SHOWN)
    shown = "\n".join(line[:MOST_WIDTH] for line in lines[first:last])
    return f" The nearest are lines {first + 1} to {last}:\n{shown}"


def listed(paths: Mapping[str, object], most: int = 50) -> str:
    """Paths in a line, as many as fit."""
    names = sorted(paths)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}" if names else "none"
