"""The append-only record of one run: one JSON object a line, the truth from which all else follows."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from ..exceptions import HarnessFault, JournalDamaged
from ..records import Json

SCHEMA = 1
Line = dict[str, Json]


class Journal:
    """The journal file of one run.

    Every line has ``seq`` (0, 1, 2, …), ``time`` (UTC, ISO 8601 with milliseconds) and ``kind``;
    the first is of kind ``run`` and has ``schema``. ``lines`` are the lines as they were read or
    written, ``repaired`` whether a torn last line was cut off.
    """

    def __init__(self, path: Path, lines: list[Line], *, repaired: bool) -> None:
        self.path = path
        self.lines = lines
        self.repaired = repaired
        self._mark = _Mark.of(path) if path.exists() else None
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def open(cls, path: Path) -> Journal:
        """Read the journal, or start one when there is no file, and cut off a torn last line.

        Raises `JournalDamaged` for any other damage.
        """
        lines, good, size = read(path)
        if good < size:
            with path.open("r+b") as file:
                file.truncate(good)
                os.fsync(file.fileno())
        return cls(path, lines, repaired=good < size)

    def append(self, kind: str, **fields: Json) -> Line:
        """Write one line that survives a crash as soon as this returns.

        Raises `HarnessFault` when that is not possible, or the file is not as it was left.
        """
        return self.write(self.prepare(kind, **fields))

    def prepare(self, kind: str, **fields: Json) -> Line:
        """The next line as it would be written; numbers that JSON lacks become ``None``."""
        stamp = self.now().astimezone(UTC).isoformat(timespec="milliseconds")
        head = {"seq": len(self.lines), "time": stamp.replace("+00:00", "Z"), "kind": kind}
        return _plain({**head, **{k: v for k, v in fields.items() if k not in head}})

    def write(self, line: Line) -> Line:
        """Write a line that `prepare` made, the only one since."""
        assert line["seq"] == len(self.lines), "another line was written in between"
        check(line, len(self.lines), self.path)
        self._mark = _append(self.path, encode(line), self._mark)
        self.lines.append(line)
        return line

    def restore(self, lines: Iterable[Line]) -> None:
        """Write lines, known from elsewhere, that this file lacks."""
        for line in lines:
            self.write(line)

    @property
    def content(self) -> bytes:
        """The bytes of the whole file."""
        return b"".join(map(encode, self.lines))


def read(path: Path) -> tuple[list[Line], int, int]:
    """The journal's whole lines, the bytes that they take, and the size of the file.

    The size is larger when the last line is torn. Raises `JournalDamaged`.
    """
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise JournalDamaged(
            f"{path} cannot be read: {error}. Move it away and start again: the journal is rebuilt "
            "from the refs refs/autoresearch/NAME/*."
        ) from error
    lines, good = decode(content, path)
    return lines, good, len(content)


def decode(content: bytes, source: object) -> tuple[list[Line], int]:
    """The lines of a journal, and the bytes they take without a torn last one.

    ``source`` is named when `JournalDamaged` is raised.
    """
    *whole, _ = content.split(b"\n")
    lines: list[Line] = []
    good = 0
    for number, text in enumerate(whole):
        line = _parsed(text)
        if line is None and number == len(whole) - 1 and good + len(text) + 1 == len(content):
            break
        check(line, number, source)
        assert line is not None
        lines.append(line)
        good += len(text) + 1
    return lines, good


def check(line: Line | None, seq: int, source: object) -> None:
    """Raise `JournalDamaged` when a line cannot stand at this place of a journal."""
    schema = line.get("schema", SCHEMA) if line and seq == 0 else SCHEMA
    if isinstance(schema, int) and schema > SCHEMA:
        raise JournalDamaged(
            f"{source}, line 1: schema {schema} is newer than {SCHEMA}: update pytest-autoresearch"
        )
    problem = _problem(line, seq)
    if problem:
        raise JournalDamaged(
            f"{source}, line {seq + 1}: {problem}. Move the file away and start again: the journal "
            "is rebuilt from the refs refs/autoresearch/NAME/*; its latest whole copy is what "
            "`git cat-file blob refs/autoresearch/NAME/journal` prints."
        )


def _problem(line: Line | None, seq: int) -> str:
    if line is None:
        return "this is no JSON object"
    if line.get("seq") != seq:
        return f"the line's seq is {line.get('seq')!r} where {seq} is due"
    if not isinstance(line.get("kind"), str) or not isinstance(line.get("time"), str):
        return "the line lacks its kind or time"
    if (line["kind"] == "run") != (seq == 0):
        return f"a line of kind {line['kind']!r} stands here; the first one, and only it, is 'run'"
    if seq == 0 and not isinstance(line.get("schema"), int):
        return "the line lacks its schema"
    return ""


def encode(line: Line) -> bytes:
    """A line's bytes, the same whenever the line was read back from them."""
    text = json.dumps(line, ensure_ascii=False, allow_nan=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # a lone surrogate: bytes of a file that were not UTF-8
        return json.dumps(line, allow_nan=False).encode() + b"\n"


def _parsed(text: bytes) -> Line | None:
    try:
        line = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _plain(line: Line) -> Line:
    """The line as it would be read back."""
    plain: Line = json.loads(json.dumps(_finite(line)))
    return plain


def _finite(value: Json) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


@dataclass(frozen=True)
class _Mark:
    """Which file it is, and how long: what must still be so when the next line is written."""

    device: int
    inode: int
    size: int

    @classmethod
    def of(cls, file: int | Path) -> Self:
        found = os.stat(file)
        return cls(found.st_dev, found.st_ino, found.st_size)


def _append(path: Path, content: bytes, before: _Mark | None) -> _Mark:
    """One write at the end of the file, on disk when this returns, or not at all.

    ``before`` is what the file was, ``None`` when it is to be made; what it is now comes back.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    if before is None:
        flags |= os.O_CREAT | os.O_EXCL
    try:
        file = os.open(path, flags, 0o644)
    except OSError as error:
        raise _cannot(path, error.strerror or str(error)) from error
    try:
        mark = _Mark.of(file)
        if before not in (None, mark):
            raise _cannot(path, "something else wrote to it, or put another file in its place")
        _write(file, content, mark.size, path)
        after = _Mark.of(file)
    finally:
        os.close(file)
    if before is None:
        with contextlib.suppress(FileNotFoundError):  # the next line will say that it is gone
            sync_folder(path.parent)
    return after


def _write(file: int, content: bytes, size: int, path: Path) -> None:
    try:
        written = os.write(file, content)
        os.fsync(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.ftruncate(file, size)
        raise _cannot(path, str(error)) from error
    if written != len(content):
        os.ftruncate(file, size)
        raise _cannot(path, "the disk is full")


def _cannot(path: Path, why: str) -> HarnessFault:
    return HarnessFault(
        f"the journal {path} cannot be written: {why}. Mend that and start again: what the file "
        "lacks is restored from the refs refs/autoresearch/NAME/*."
    )


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
