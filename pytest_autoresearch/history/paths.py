"""Which paths a patch may touch."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence

from ..exceptions import Refused
from .globs import is_literal, match

CHAMPION_RECORD = ".champion.json"
PROTECTED_NAMES = frozenset(
    {
        "conftest.py",
        "matplotlibrc",
        "pytest.ini",
        "pytest.toml",
        "sitecustomize.py",
        "usercustomize.py",
        "tox.ini",
        "setup.cfg",
        "setup.py",
        "pyproject.toml",
    }
)
METADATA = (".dist-info", ".egg-info", ".egg-link", ".pth")
"""Endings of what Python takes for an installed package, whose plugins pytest loads, or for a path."""
GIT_FOLDER = re.compile(r"\.?git(~\d+)?", re.IGNORECASE)
LONGEST_PATH = 1024
LONGEST_NAME = 255
"""Bytes that a file system takes for one path, and for one name in it."""


class EditableSet:
    """The files of one objective that a patch may change.

    ``globs`` are relative to the repository's root, ``tracked`` the paths that git knows at the
    run's base, ``frozen`` paths that no glob ever reaches (the test file, say). ``closed`` tells why
    another path is closed to patches, too; empty for one that is open.
    """

    def __init__(
        self,
        globs: Sequence[str],
        tracked: Collection[str],
        frozen: Collection[str],
        closed: Callable[[str], str] = lambda _: "",
    ) -> None:
        self.globs = tuple(globs)
        self._others = closed
        self._frozen = frozenset(path.casefold() for path in frozen)
        self.paths = tuple(sorted(path for path in tracked if self.reaches(path)))

    def reaches(self, path: str) -> bool:
        """Whether a patch may change or create this path, whatever lies beside it."""
        # Most paths of a large repository fail the first, cheapest question.
        return match(self.globs, path) and not malformed(path) and not self._closed(path)

    def closed(self, path: str) -> str:
        """Why a patch may not change or create this path, whatever lies beside it; empty where it may."""
        return malformed(path) or self._closed(path)

    def check(self, path: str, existing: Collection[str]) -> None:
        """Raise `Refused`, naming the path, when a patch may not change or create it.

        ``existing`` holds every path of the tree that is patched, whatever its kind.
        """
        shown = path.encode("unicode_escape").decode() if _has_control(path) else path
        reason = malformed(path) or self._closed(path)
        if not reason and path not in existing:
            reason = _collision(path, existing)
        if reason:
            raise Refused(f"the patch may not touch {shown!r}: {reason}")

    def _closed(self, path: str) -> str:
        """Why a well-formed path is closed to patches; empty when it is open."""
        if path.casefold() in self._frozen:
            return "the file is frozen"
        reason = protected(path)
        if reason:
            return reason
        if not match(self.globs, path):
            return "it matches none of the editable globs"
        return self._others(path)


def protected(path: str) -> str:
    """Why nobody may make this path editable; empty when one may."""
    parts = path.split("/")
    if any(part.startswith(".") for part in parts):
        return "dotfiles and what lies in dot-folders are protected"
    name = parts[-1].casefold()
    if name in PROTECTED_NAMES or any(map(_is_metadata, parts)):
        return "conftest.py and the configuration of pytest, Python and builds are protected"
    if name.endswith(CHAMPION_RECORD):
        return "champion records are protected"
    return ""


def _is_metadata(part: str) -> bool:
    return part.casefold().endswith(METADATA) or part == "__pycache__"


def protected_globs(globs: Sequence[str], frozen: Collection[str]) -> list[str]:
    """The globs that themselves name a protected or frozen file."""
    return [glob for glob in globs if glob in frozen or _names_protected(glob)]


def _names_protected(glob: str) -> bool:
    parts = glob.split("/")
    if any(part.startswith(".") for part in parts):
        return True
    name = parts[-1]
    return bool(is_literal(name) and protected(name)) or name.endswith(CHAMPION_RECORD)


def malformed(path: str) -> str:
    """Why a path is no plain relative POSIX path; empty when it is one."""
    if not path:
        return "the path is empty"
    if _has_control(path):
        return "it holds a control, invisible or undecodable character"
    if path.startswith("/"):
        return "it is absolute"
    if "\\" in path or ":" in path:
        return "it holds a backslash or a colon"
    if len(path.encode()) > LONGEST_PATH:
        return f"it is longer than {LONGEST_PATH} bytes"
    if unicodedata.normalize("NFC", path) != path:
        return "its unicode is not in normal form C"
    return next((reason for part in path.split("/") if (reason := _malformed_part(part))), "")


def _malformed_part(part: str) -> str:
    if part in ("", ".", ".."):
        return "it has an empty, '.' or '..' component"
    if part != part.rstrip(". "):
        return "a component ends in a dot or a space"
    if GIT_FOLDER.fullmatch(part) and part.casefold() != "git":
        return "it reaches into git's own folder"
    if len(part.encode()) > LONGEST_NAME:
        return f"a component is longer than {LONGEST_NAME} bytes"
    return ""


def _has_control(path: str) -> bool:
    return any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in path)


def _collision(path: str, existing: Collection[str]) -> str:
    """Why a new path cannot lie beside the existing ones; empty when it can.

    Two paths collide when a file system that ignores case would mix up the files, or a folder of
    one with the other, or where one of them is a folder and the other a file.
    """
    folders = set(_folders(path))
    by_fold = {_fold(folder): folder for folder in folders}
    folded = _fold(path)
    for other in existing:
        other_folded = _fold(other)
        if folded == other_folded or other_folded.startswith(folded + "/"):
            return f"it collides with {other!r}"
        if other_folded in by_fold:
            return f"it collides with the file {other!r}"
        for folder in _folders(other):
            if by_fold.get(_fold(folder), folder) != folder:
                return f"its folder differs from {folder!r} only in case"
    return ""


def _folders(path: str) -> Iterator[str]:
    """The folders above a path, nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())
