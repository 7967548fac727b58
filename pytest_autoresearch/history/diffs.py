"""Reads unified diffs, git's and plain ones, into sections; bytes in, bytes out.

libgit2 parses git's own diffs only, finds no hunk whose line numbers are off, and creates over an
existing file without a word; hence a reader of our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..exceptions import Refused

HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
EXTENDED = re.compile(
    rb"(old mode|new mode|new file mode|deleted file mode|copy from|copy to|rename from|rename to"
    rb"|similarity index|dissimilarity index|index) (.*)",
    re.DOTALL,
)
NO_NEWLINE = b"\\ "
SIGNATURE = b"-- "
"""What `git format-patch` writes under its last hunk."""
ESCAPES = {ord(k): v for k, v in zip('abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True)}
REGULAR = b"100644"
NOTHING = b"/dev/null"
MOST_HUNKS = 2000
MOST_SECTIONS = 200


@dataclass(frozen=True)
class Hunk:
    """One hunk: lines with their line ends, ``start`` the first old line, counted from 0."""

    start: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]


@dataclass
class Section:
    """What a diff does to one file; ``old`` is ``None`` for a new file, ``new`` for a deleted one.

    ``moves`` says that it renames, or, with ``copies``, copies.
    """

    old: str | None
    new: str | None
    copies: bool = False
    moves: bool = False
    hunks: list[Hunk] = field(default_factory=list)


def parse(patch: bytes) -> list[Section]:
    """The sections of a unified diff; text outside of them is ignored.

    Raises `Refused` when the diff is damaged or does what no patch may do: change modes, make
    symbolic links or submodules, hold binary data, change one file twice.
    """
    sections = _Reader(patch).sections()
    if not sections:
        raise Refused("the patch holds no unified diff")
    if sum(len(section.hunks) for section in sections) > MOST_HUNKS:
        raise Refused(f"the patch has more than {MOST_HUNKS} hunks")
    _refuse_repeats(sections)
    return sections


def _refuse_repeats(sections: list[Section]) -> None:
    """A chain of sections about one file would cost its length in copies of the file."""
    seen: set[str | None] = set()
    for section in sections:
        if section.moves and section.old == section.new:
            raise Refused(f"the patch renames or copies {section.old!r} to itself")
        paths = {section.new} if section.copies else {section.old, section.new}
        for path in paths - {None}:
            if path in seen:
                raise Refused(f"the patch has two sections about {path!r}; make them one")
            seen.add(path)


class _Reader:
    """A position in the lines of a diff."""

    def __init__(self, patch: bytes) -> None:
        self.lines = patch.split(b"\n")
        if not self.lines[-1]:
            self.lines.pop()
        self.at = 0

    def sections(self) -> list[Section]:
        found = []
        while self.at < len(self.lines):
            line = self._peek()
            if line.startswith((b"diff --cc ", b"diff --combined ")):
                raise self._damaged("is the diff of a merge")
            if line.startswith(b"diff --git "):
                found.append(self._git_section())
            elif self._plain_header():
                found.append(self._plain_section())
            elif HUNK.match(line):
                raise self._damaged("is a hunk without a file above it")
            else:
                self.at += 1
            if len(found) > MOST_SECTIONS:
                raise Refused(f"the patch has more than {MOST_SECTIONS} sections")
        return found

    def _peek(self) -> bytes:
        return self.lines[self.at] if self.at < len(self.lines) else b""

    def _take(self) -> bytes:
        line = self._peek()
        self.at += 1
        return line

    def _damaged(self, what: str) -> Refused:
        return Refused(f"the patch cannot be read: line {self.at + 1} {what}")

    def _plain_header(self) -> bool:
        three = self.lines[self.at : self.at + 3]
        starts = (b"--- ", b"+++ ", b"@@ -")
        return len(three) == 3 and all(map(bytes.startswith, three, starts))

    def _plain_section(self) -> Section:
        old, new = _unprefixed(_name(self._take()[4:]), _name(self._take()[4:]))
        return self._with_hunks(Section(_decode(old), _decode(new)))

    def _is_named_in(self, title: bytes) -> bool:
        """Whether the plain header that comes next is about the file of git's title."""
        names = (
            line[4:].partition(b"\t")[0].rstrip(b"\r") for line in self.lines[self.at : self.at + 2]
        )
        return all(name == NOTHING or name in title for name in names)

    def _git_section(self) -> Section:
        title = self._take()
        facts = self._extended_header()
        belongs = self._plain_header() and self._is_named_in(title)
        section = self._plain_section() if belongs else _bare_section(title, facts)
        if "rename from" in facts or "copy from" in facts:
            section.moves, section.copies = True, "copy from" in facts
            verb = "copy" if section.copies else "rename"
            section.old = _decode(_name(facts[f"{verb} from"]))
            section.new = _decode(_name(facts.get(f"{verb} to", b"")))
        return section

    def _extended_header(self) -> dict[str, bytes]:
        """git's lines between the title and the hunks, as far as they matter."""
        facts: dict[str, bytes] = {}
        while self.at < len(self.lines) and not self._plain_header():
            line = self._peek()
            known = EXTENDED.match(line)
            if line.startswith((b"GIT binary patch", b"Binary files ")):
                raise self._damaged("is binary data, which a patch may not hold")
            if known is None:
                break
            facts[known[1].decode()] = known[2].rstrip(b"\r")
            self._refuse_modes(known[1], known[2].rstrip(b"\r"))
            self.at += 1
        return facts

    def _refuse_modes(self, key: bytes, value: bytes) -> None:
        if key in (b"old mode", b"new mode"):
            raise self._damaged("changes a file's mode, which a patch may not do")
        if key == b"new file mode" and value != REGULAR:
            raise self._damaged(
                f"makes a file of mode {value.decode('ascii', 'replace')}; only "
                "plain files (100644) are allowed"
            )
        if key == b"index" and value.endswith((b" 120000", b" 160000")):
            raise self._damaged("changes a symbolic link or a submodule")

    def _with_hunks(self, section: Section) -> Section:
        while (header := HUNK.match(self._peek())) is not None:
            section.hunks.append(self._hunk(header))
        line = self._peek()
        if line[:1] in (b"+", b"-", b" ") and not self._plain_header() and line != SIGNATURE:
            raise self._damaged("lies outside of the hunk above it, whose line counts are wrong")
        return section

    def _hunk(self, header: re.Match[bytes]) -> Hunk:
        start, old_left, _, new_left = (int(n) if n is not None else 1 for n in header.groups())
        self.at += 1
        old: list[bytes] = []
        new: list[bytes] = []
        start = start - 1 if old_left else start
        while old_left > len(old) or new_left > len(new) or self._peek().startswith(NO_NEWLINE):
            self._hunk_line(old, new)
        if len(old) != old_left or len(new) != new_left:
            raise self._damaged("ends a hunk whose line counts are wrong")
        return Hunk(max(start, 0), tuple(old), tuple(new))

    def _hunk_line(self, old: list[bytes], new: list[bytes]) -> None:
        if self.at >= len(self.lines):
            raise self._damaged("is missing: the last hunk is cut short")
        line = self._peek() or b" "
        sign, rest = line[:1], line[1:] + b"\n"
        if sign not in (b" ", b"-", b"+", b"\r", b"\\"):
            raise self._damaged("stands where a hunk should go on")
        if sign == b"\\":
            self._drop_newline(old, new)
        else:
            if sign == b"\r":
                rest = b"\r\n"
            if sign != b"+":
                old.append(rest)
            if sign != b"-":
                new.append(rest)
        self.at += 1

    def _drop_newline(self, old: list[bytes], new: list[bytes]) -> None:
        """Take the line end off the line before ``\\ No newline at end of file``."""
        sign = self.lines[self.at - 1][:1]
        for side, other in ((old, b"+"), (new, b"-")):
            if sign != other and side and side[-1].endswith(b"\n"):
                side[-1] = side[-1][:-1]


def _bare_section(title: bytes, facts: dict[str, bytes]) -> Section:
    """A section without hunks: a rename, a copy, or an empty file that comes or goes."""
    if "rename from" in facts or "copy from" in facts:
        return Section(None, None)
    name = _decode(_name_in_title(title))
    if "new file mode" in facts:
        return Section(None, name)
    if "deleted file mode" in facts:
        return Section(name, None)
    raise Refused(f"the patch says nothing about what changes in {name!r}")


def _name_in_title(title: bytes) -> bytes:
    """The path in ``diff --git a/path b/path``, which must be the same twice."""
    rest = title.removeprefix(b"diff --git ").rstrip(b"\r")
    if rest.startswith(b'"'):
        quoted = re.fullmatch(rb'("(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*")', rest)
        halves = (_name(quoted[1]), _name(quoted[2])) if quoted else (b"", b"?")
    else:
        middle = len(rest) // 2
        halves = (rest[:middle], rest[middle + 1 :])
    old, new = _unprefixed(*halves)
    if old is None or old != new:
        raise Refused(f"the patch cannot be read: {title.decode(errors='replace')!r} names no file")
    return old


def _name(text: bytes) -> bytes:
    """A file name from a header line: unquoted, without the time stamp after a tab."""
    text = text.rstrip(b"\r")
    if not text.startswith(b'"'):
        return text.partition(b"\t")[0]
    quoted = re.match(rb'"((?:[^"\\]|\\.)*)"', text)
    if quoted is None:
        raise Refused(
            f"the patch cannot be read: {text.decode(errors='replace')} is quoted wrongly"
        )
    return re.sub(rb"\\([0-7]{3}|.)", _unescape, quoted[1])


def _unescape(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    if len(code) == 3:
        return bytes([int(code, 8) & 0xFF])
    return bytes([ESCAPES.get(code[0], code[0])])


def _unprefixed(old: bytes, new: bytes) -> tuple[bytes | None, bytes | None]:
    """Both names without git's ``a/`` and ``b/``, when both have it; ``None`` for /dev/null."""
    sides = ((old, b"a/"), (new, b"b/"))
    prefixed = all(name == NOTHING or name.startswith(prefix) for name, prefix in sides)
    first, second = (
        None if name == NOTHING else name[2:] if prefixed else name for name, _ in sides
    )
    return first, second


def _decode(name: bytes | None) -> str | None:
    if name is None:
        return None
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise Refused(f"the patch names {name!r}, which is not UTF-8") from None
