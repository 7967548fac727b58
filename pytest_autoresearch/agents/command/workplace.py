"""The folder of a coding tool: what it is given there, and what it has made of it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...exceptions import AgentFailed
from ...records import Briefing, Proposal
from ..redacting import Redactor
from . import safely
from .words import LONGEST_FILE, Words, read_words

BRIEFING, PROTOCOL, PROPOSAL = "BRIEFING.md", "PROTOCOL.md", "PROPOSAL.md"
PROBLEM, DONE, ANALYSIS, SEVERAL = "PROBLEM.md", "DONE", "analysis.py", "proposals"
OURS = (BRIEFING, PROTOCOL, PROPOSAL, PROBLEM, DONE, ANALYSIS)
"""Files that pass between us and the tool, and belong to no proposal; the last is a project's own if it has one."""

LARGEST = 1 << 20
MOST_PROPOSALS = 20
MOST_NOTES = 20

MOST_OWN = 5
"""Files of the tool's own that are named."""
OUTSIDE = "it matches none of the editable globs"
"""What `Closed` says of files that are none of the project's."""
CACHES = (".", "__pycache__")
"""How folders and files begin that tools make by the way."""

NO_WORDS = Words()

Closed = Callable[[str], str]
"""Why a patch may not change or make this path; empty where it may."""


@dataclass(frozen=True)
class Found:
    """What a call has left: proposals, code of an analysis (empty: none), and what was not taken."""

    proposals: tuple[Proposal, ...] = ()
    analysis: str = ""
    words: Words = NO_WORDS
    described: bool = False
    done: bool = False
    notes: tuple[str, ...] = ()


class Workplace:
    """``root`` lasts for the run: ``work`` is where the tool works, ``home`` is its own.

    The ``redactor`` is asked before anything is handed on. What it leaves in ``work`` stays, but for the project's files, which are the champion's before each call.
    """

    def __init__(
        self,
        root: Path,
        closed: Closed,
        discard: Callable[[Path], None],
        redactor: Redactor | None = None,
    ) -> None:
        self.root = root
        self.work, self.home = root / "work", root / "home"
        self._closed = closed
        self._discard = discard
        self._redactor = redactor or Redactor()
        self._placed: Mapping[str, bytes] = {}
        self._editable: frozenset[str] = frozenset()
        self._before: dict[str, tuple[int, ...]] = {}
        self._analysis = b""
        self._ours: tuple[str, ...] = OURS
        self._own: set[str] = set()

    @property
    def takes_analyses(self) -> bool:
        """Whether `ANALYSIS` is ours; a project may have a file of that name."""
        return ANALYSIS in self._ours

    def furnish(self, briefing: Briefing, texts: Mapping[str, str]) -> None:
        """Lay the project's files out as they are in the champion, and write ``texts`` beside them.

        Raises `AgentFailed` when that cannot be done, even from nothing.
        """
        for folder in (self.root, self.work, self.home):
            if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                folder.unlink()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # In its world nobody has root's rights to a folder that it has locked.
            folder.chmod(0o700)
        project = {**briefing.readable, **briefing.editable}
        self._ours = OURS if ANALYSIS not in project else OURS[:-1]
        self._placed = {
            path: content
            for path, content in project.items()
            if path not in self._ours and not path.startswith(f"{SEVERAL}/")
        }
        self._editable = frozenset(briefing.editable) & set(self._placed)
        try:
            self._lay_out(texts)
        except OSError:
            self._discard(self.work)
            try:
                self.work.mkdir(mode=0o700)
                self._lay_out(texts)
            except OSError as error:
                raise AgentFailed(
                    f"the folder {self.work} of an agent cannot be filled: {error}"
                ) from error

    def empty(self) -> None:
        """Remove all that the tool has left, its notes and its home as well."""
        self._discard(self.work)
        self._discard(self.home)

    def write(self, name: str, text: str) -> None:
        """Write one of `OURS`; raises `OSError`."""
        safely.write(self.work, name, text.encode("utf-8", "replace"))

    def _lay_out(self, texts: Mapping[str, str]) -> None:
        for name in (PROPOSAL, PROBLEM, DONE):
            safely.remove(self.work, name)
        if os.path.lexists(self.work / SEVERAL):
            self._discard(self.work / SEVERAL)
        for path in list(safely.files(self.work)):
            if path not in self._ours and path not in self._placed and not self._closed(path):
                safely.remove(self.work, path)
        for path, content in self._placed.items():
            safely.write(self.work, path, content)
        for name, text in texts.items():
            self.write(name, text)
        self._before = {path: self._state(path) for path in safely.files(self.work)}
        self._analysis = self._code()

    def gather(self) -> Found:
        """What has changed since the folder was furnished; raises `safely.Unfit` when it cannot be told."""
        notes: list[str] = []
        files, gone = self._changed(notes)
        files |= self._new(notes)
        content = self._read(PROPOSAL, LONGEST_FILE)
        words = read_words(self._redactor.data(content))
        own = [_proposal(words, files, self._deleting(gone))] if files or gone else []
        others = list(self._others(notes))
        analysis = self._code()
        asked = analysis if analysis != self._analysis else b""
        self._analysis = analysis
        if asked and (reason := self._key_in(ANALYSIS, asked.decode("utf-8", "replace"))):
            notes.append(_not_taken(ANALYSIS, reason))
            asked = b""
        return Found(
            proposals=(*own, *others),
            analysis=asked.decode("utf-8", "replace"),
            words=words,
            described=bool(content.strip()),
            done=os.path.lexists(self.work / DONE),
            notes=tuple(map(self._redactor.text, notes[:MOST_NOTES])),
        )

    def _changed(self, notes: list[str]) -> tuple[dict[str, str], list[str]]:
        """Editable files with other contents, and those that are gone."""
        found: dict[str, str] = {}
        gone: list[str] = []
        for path, before in sorted(self._placed.items()):
            try:
                content = safely.read(self.work, path, LARGEST)
            except FileNotFoundError:
                if path in self._editable:
                    gone.append(path)
                continue
            except OSError as error:
                notes.append(_not_taken(path, safely.why(error)))
                continue
            if content == before:
                continue
            if path not in self._editable:
                notes.append(_not_taken(path, self._closed(path) or "it is there to be read only"))
            else:
                self._take(path, content, found, notes)
        return found, gone

    def _new(self, notes: list[str]) -> dict[str, str]:
        """New files that a patch may make; of others only what this call has made is said.

        The tool's own files are named once; its caches never.
        """
        found: dict[str, str] = {}
        own: list[str] = []
        for path in safely.files(self.work):
            if path in self._placed or path in self._ours or path.startswith(f"{SEVERAL}/"):
                continue
            reason = self._closed(path)
            if not reason:
                self._take_from(path, path, found, notes)
            elif any(part.startswith(CACHES) for part in path.split("/")) or self._before.get(
                path
            ) == self._state(path):
                continue
            elif reason != OUTSIDE:
                notes.append(_not_taken(path, reason))
            elif path not in self._own:
                own.append(path)
        if own:
            self._own |= set(own)
            notes.append(_own(own))
        return found

    def _others(self, notes: list[str]) -> Iterator[Proposal]:
        """What lies in ``proposals/NN/``: changed and new files, each with words of its own."""
        names = safely.folders(self.work, SEVERAL)
        if len(names) > MOST_PROPOSALS:
            notes.append(f"only the first {MOST_PROPOSALS} folders of {SEVERAL}/ were looked at")
        for name in names[:MOST_PROPOSALS]:
            folder = f"{SEVERAL}/{name}"
            found: dict[str, str] = {}
            for at in safely.files(self.work, folder):
                path = at.removeprefix(f"{folder}/")
                if path in self._ours:
                    continue
                reason = "" if path in self._editable else self._closed(path)
                if reason or (path in self._placed and path not in self._editable):
                    notes.append(_not_taken(at, reason or "it is there to be read only"))
                else:
                    self._take_from(at, path, found, notes)
            same = [path for path, text in found.items() if text.encode() == self._placed.get(path)]
            changes = {path: text for path, text in found.items() if path not in same}
            if changes:
                content = self._read(f"{folder}/{PROPOSAL}", LONGEST_FILE)
                words = read_words(self._redactor.data(content))
                yield _proposal(words, changes, None)

    def _take_from(self, at: str, path: str, found: dict[str, str], notes: list[str]) -> None:
        try:
            self._take(path, safely.read(self.work, at, LARGEST), found, notes)
        except OSError as error:
            notes.append(_not_taken(at, safely.why(error)))

    def _take(self, path: str, content: bytes, found: dict[str, str], notes: list[str]) -> None:
        if any(0xD800 <= ord(letter) < 0xE000 for letter in path):
            notes.append(_not_taken(path, "its name is not UTF-8"))
            return
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            notes.append(_not_taken(path, "it is not UTF-8"))
            return
        if "\0" in text:
            notes.append(_not_taken(path, "it is not text"))
        elif reason := self._key_in(path, text):
            notes.append(_not_taken(path, reason))
        else:
            found[path] = text

    def _key_in(self, path: str, text: str) -> str:
        """Why a text is not taken: a key in it, which the project's own file has not, would be in git for good."""
        name = self._redactor.held(text)
        if not name or self._redactor.held(self._placed.get(path, b"").decode("utf-8", "replace")):
            return ""
        return f"it holds a secret, the value of {name}"

    def _deleting(self, gone: list[str]) -> str | None:
        """A patch that deletes these files of the champion, in git's form; ``None`` for none."""
        return "".join(_deletion(path, self._placed[path]) for path in gone) or None

    def _code(self) -> bytes:
        return self._read(ANALYSIS) if self.takes_analyses else b""

    def _read(self, path: str, limit: int = LARGEST) -> bytes:
        """The content of one of `OURS`; empty where there is none that could be used."""
        try:
            return safely.read(self.work, path, limit)
        except OSError:
            return b""

    def _state(self, path: str) -> tuple[int, ...]:
        """What tells whether a file is still the same."""
        try:
            found = os.lstat(self.work / path)
        except OSError:
            return ()
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def folder_of(name: str) -> str:
    """The name of an agent's folder: letters and digits of its name, and what tells two such apart."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40] or "agent"
    if plain == name:
        return f"home-{plain}"
    return f"home-{plain}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:6]}"


def _proposal(words: Words, files: Mapping[str, str], patch: str | None) -> Proposal:
    named = ", ".join(sorted(files)[:5])
    return Proposal(
        patch=patch,
        files=dict(files),
        description=words.description or f"change {named or 'files'}",
        hypothesis=words.hypothesis,
        theme=words.theme,
        expected=words.expected,
        lessons=words.lessons,
    )


def _not_taken(path: str, reason: str) -> str:
    return f"your change to {_shown(path)} was not taken: {reason}"


def _own(paths: list[str]) -> str:
    named = ", ".join(map(_shown, paths[:MOST_OWN]))
    more = f" and {len(paths) - MOST_OWN} more" if len(paths) > MOST_OWN else ""
    return f"no part of the proposal, and yours to keep ({OUTSIDE}): {named}{more}"


def _shown(path: str) -> str:
    return repr(path.encode("utf-8", "backslashreplace").decode())


def _deletion(path: str, content: bytes) -> str:
    """The section of a git diff that deletes a file; one that is not text cannot be deleted."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    lines = text.split("\n")
    whole = lines[-1] == ""
    lines = lines[:-1] if whole else lines
    old, new = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    head = f"diff --git {old} {new}\ndeleted file mode 100644\n"
    if not content:
        return head
    body = "".join(f"-{line}\n" for line in lines)
    end = "" if whole else "\\ No newline at end of file\n"
    return f"{head}--- {old}\n+++ /dev/null\n@@ -1,{len(lines)} +0,0 @@\n{body}{end}"


def _quoted(path: str) -> str:
    """A path as git writes it into a diff."""
    if re.fullmatch(r"[\w./ +@=,-]*", path, re.ASCII):
        return path
    pieces = [
        chr(one) if 32 <= one < 127 and one not in b'"\\' else f"\\{one:03o}"
        for one in path.encode()
    ]
    return f'"{"".join(pieces)}"'
