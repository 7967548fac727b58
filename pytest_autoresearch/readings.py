"""Further reading for agents: the text files that a person has named in ini ``autoresearch_reading``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from .exceptions import UsageProblem
from .history.globs import match
from .history.paths import protected

MOST_FILES = 50
"""Files that are read, at most."""
MOST_BYTES = 256 << 10
"""Bytes of each file that are read."""
MOST_LOOKED_AT = 20_000
"""Files that are looked at for one glob."""
WILD = re.compile(r"[*?\[]")


class Readings:
    """Text files by globs relative to ``root``, read anew each time; what is no text is empty.

    ``frozen`` are files, and folders, that belong to the evaluation or to the search: no agent is shown
    one. ``used`` tells more of them later: what the evaluation was seen to read.
    """

    def __init__(
        self, globs: Sequence[str] = (), root: Path = Path(), frozen: Collection[Path] = ()
    ) -> None:
        self.globs = tuple(globs)
        self.root = Path(os.path.realpath(root))
        self._frozen = {os.path.realpath(path) for path in frozen}
        self.used: Callable[[], Collection[Path]] = lambda: ()

    def require(self) -> None:
        """Raise `UsageProblem` for a glob that matches nothing, or that an agent must not read."""
        for glob in self.globs:
            if os.path.isabs(glob) or ".." in glob.split("/"):
                raise self._wrong(glob, "globs are relative to rootdir and stay below it")
            found = list(self._matching(glob))
            if not found:
                raise self._wrong(glob, f"it matches no file below {self.root}{_if_list(glob)}")
            for path in found:
                if why := self._closed(path):
                    raise self._wrong(glob, f"{self._shown(path)} is not for agents: {why}")

    def texts(self) -> dict[str, str]:
        """The files as they are now, by path from the root; of too many the first, of a long one its head."""
        found = {path: None for glob in self.globs for path in self._matching(glob)}
        return {
            self._shown(path): self._text(path)
            for path in list(found)[:MOST_FILES]
            if not self._closed(path)
        }

    def _matching(self, glob: str) -> Iterator[Path]:
        """Files that a glob matches, in order; dot-folders and Python environments are not searched."""
        literal = WILD.split(glob, maxsplit=1)[0].rpartition("/")[0]
        names = _below(self.root, self.root / literal, deep="/" in glob[len(literal) :].lstrip("/"))
        found = sorted(name for name in names if match([glob], name))
        return (self.root / name for name in found)

    def _closed(self, path: Path) -> str:
        """Why no agent may read a file; empty when one may."""
        real = os.path.realpath(path)
        frozen = self._frozen | {os.path.realpath(one) for one in self.used()}
        if any(real == one or real.startswith(one + os.sep) for one in frozen):
            return "it belongs to the evaluation, to data, or to the folder of runs"
        return protected(self._shown(path)) or protected(os.path.basename(real))

    def _text(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError:
            return ""
        if b"\0" in content:
            return ""
        text = content[:MOST_BYTES].decode("utf-8", "replace")
        return text if len(content) <= MOST_BYTES else f"{text}\n[cut]"

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _wrong(self, glob: str, why: str) -> UsageProblem:
        return UsageProblem(
            f"ini autoresearch_reading = {glob!r}: {why}; correct it or take it out"
        )


def _if_list(glob: str) -> str:
    """What to say of a word that looks like the beginning of a list."""
    if not glob.startswith("["):
        return ""
    return " (pytest.ini, tox.ini and setup.cfg want words with spaces between them; only pyproject.toml takes a list)"


def _below(root: Path, folder: Path, *, deep: bool) -> Iterator[str]:
    """Paths of the files below a folder, from the root; of very many the first."""
    count = 0
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if deep and _is_searched(where, name))
        for name in sorted(files):
            count += 1
            if count > MOST_LOOKED_AT:
                return
            path = os.path.join(where, name)
            if os.path.isfile(path):
                yield os.path.relpath(path, root)


def _is_searched(where: str, name: str) -> bool:
    skipped = name.startswith(".") or name in ("__pycache__", "node_modules")
    return not skipped and not os.path.exists(os.path.join(where, name, "pyvenv.cfg"))
