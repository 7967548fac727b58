"""Applies the sections of a diff to files in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .diffs import Hunk, Section

MOST_COMPARISONS = 1_000_000
"""Lines compared in the search for displaced hunks of one patch, so that no patch blocks us."""

Files = dict[str, bytes | None]
"""New contents by path; ``None``: deleted."""


class DoesNotApply(Exception):
    """A diff does not fit the files that it is applied to."""


def apply(sections: Sequence[Section], read: Callable[[str], bytes | None]) -> Files:
    """What the sections make of the files that ``read`` gives (``None``: there is no such file).

    A hunk must match line for line; it may have moved. Raises `DoesNotApply`.
    """
    return _Application(read).run(sections)


class _Application:
    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self.read = read
        self.files: Files = {}
        self.budget = MOST_COMPARISONS

    def run(self, sections: Sequence[Section]) -> Files:
        for section in sections:
            self._apply(section)
        return self.files

    def _apply(self, section: Section) -> None:
        old, new = section.old, section.new
        before = self._before(section)
        after = self._patched(before, section.hunks, old or new or "")
        if new is None:
            if after:
                raise DoesNotApply(f"{old} is to be deleted but holds other lines")
        elif new != old and self._content(new) is not None:
            raise DoesNotApply(f"{new} exists already")
        if old is not None and old != new and not section.copies:
            self.files[old] = None
        if new is not None:
            self.files[new] = after

    def _before(self, section: Section) -> bytes:
        """The content that the hunks are applied to; plain diffs also create without /dev/null."""
        if section.old is None:
            return b""
        content = self._content(section.old)
        creates = len(section.hunks) == 1 and not section.hunks[0].old
        if content is None and not (creates and section.old == section.new):
            raise DoesNotApply(f"{section.old} does not exist")
        return content or b""

    def _content(self, path: str) -> bytes | None:
        return self.files[path] if path in self.files else self.read(path)

    def _patched(self, content: bytes, hunks: Sequence[Hunk], path: str) -> bytes:
        if not hunks:
            return content
        lines = _lines(content)
        done: list[bytes] = []
        at = moved = 0
        for number, hunk in enumerate(hunks, 1):
            place = self._place(lines, hunk, at, hunk.start + moved)
            if place is None:
                raise DoesNotApply(f"hunk {number} of {path} matches no lines there")
            moved = place - hunk.start
            done += lines[at:place]
            done += hunk.new
            at = place + len(hunk.old)
        return b"".join(done + lines[at:])

    def _place(self, lines: list[bytes], hunk: Hunk, first: int, guess: int) -> int | None:
        """Where the hunk's old lines stand at or after ``first``, nearest to ``guess``."""
        if not hunk.old:
            # Lines added without context have no place of their own but in an empty file.
            return 0 if not lines else None
        last = len(lines) - len(hunk.old)
        guess = min(max(guess, first), last)
        for distance in range(max(guess - first, last - guess) + 1):
            for place in (guess - distance, guess + distance):
                if first <= place <= last and self._matches(lines, hunk.old, place):
                    return place
            if self.budget <= 0:
                break
        return None

    def _matches(self, lines: list[bytes], old: Sequence[bytes], place: int) -> bool:
        for offset, line in enumerate(old):
            self.budget -= 1
            if lines[place + offset] != line:
                return False
        return True


def _lines(content: bytes) -> list[bytes]:
    """The lines with their ends; only ``\\n`` ends one."""
    lines = [line + b"\n" for line in content.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
