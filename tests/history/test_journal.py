"""The journal: one line an event, torn ends repaired, any other damage named by its line."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_autoresearch.exceptions import HarnessFault, JournalDamaged
from pytest_autoresearch.history.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
def three(path: Path) -> bytes:
    """A journal of three lines; its bytes."""
    journal = Journal.open(path)
    journal.append("run", schema=1, name="ünïcode")
    journal.append("session", session=1)
    journal.append("closed", reason="done", finished=False)
    return path.read_bytes()


def test_lines_are_numbered_stamped_and_read_back(path: Path) -> None:
    journal = Journal.open(path)
    journal.now = lambda: datetime(2025, 3, 1, 12, 0, 0, 7000, tzinfo=UTC)
    line = journal.append("run", schema=1, name="x", values=(1, 2.5))
    assert line == {
        "seq": 0,
        "time": "2025-03-01T12:00:00.007Z",
        "kind": "run",
        "schema": 1,
        "name": "x",
        "values": [1, 2.5],
    }
    assert json.loads(path.read_text()) == line
    assert Journal.open(path).lines == [line]


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_torn_last_line_is_repaired(path: Path, three: bytes, cut: int) -> None:
    path.write_bytes(three[:-cut])
    journal = Journal.open(path)
    assert journal.repaired
    assert [line["kind"] for line in journal.lines] == ["run", "session"]
    journal.append("session", session=2)
    assert [line["seq"] for line in Journal.open(path).lines] == [0, 1, 2]


@pytest.mark.parametrize(
    "garbage", [b"{\n", b"\0\0\0\0", b"\0\0\n", b"[1]\n", b"\xff\xfe\n", b"NaN\n"]
)
def test_an_unreadable_last_line_is_cut_off(path: Path, three: bytes, garbage: bytes) -> None:
    path.write_bytes(three + garbage)
    assert Journal.open(path).repaired
    assert path.read_bytes() == three


def test_a_whole_journal_is_left_alone(path: Path, three: bytes) -> None:
    assert not Journal.open(path).repaired
    assert path.read_bytes() == three == Journal.open(path).content


def second(text: str) -> Callable[[list[bytes]], None]:
    def change(lines: list[bytes]) -> None:
        lines[1] = text.encode() + b"\n"

    return change


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (second("not json"), 2),
        (second('{"seq": 1, "time": "t", "kind": "session", "x": NaN}'), 2),
        (second('{"seq": 7, "time": "t", "kind": "session"}'), 2),
        (second('{"seq": 1, "time": "t"}'), 2),
        (second('{"seq": 1, "time": "t", "kind": "run", "schema": 1}'), 2),
        (second(""), 2),
        (lambda lines: lines.pop(1), 2),
        (lambda lines: lines.pop(0), 1),
        (lambda lines: lines.insert(1, lines[1]), 3),
    ],
)
def test_damage_before_the_end_is_refused_with_its_line(
    path: Path, three: bytes, change: Callable[[list[bytes]], None], number: int
) -> None:
    lines = three.splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))
    with pytest.raises(
        JournalDamaged, match=rf"journal\.jsonl, line {number}: .* refs/autoresearch"
    ):
        Journal.open(path)
    assert path.read_bytes() == b"".join(lines)


def test_a_newer_schema_asks_for_an_update(path: Path, three: bytes) -> None:
    path.write_bytes(three.replace(b'"schema": 1', b'"schema": 2'))
    with pytest.raises(JournalDamaged, match="schema 2 is newer than 1: update"):
        Journal.open(path)


def test_numbers_that_json_lacks_become_null(path: Path) -> None:
    journal = Journal.open(path)
    line = journal.append("run", schema=1, bad=[math.nan, {"x": math.inf}], good=1e300)
    assert (line["bad"], line["good"]) == ([None, {"x": None}], 1e300)
    assert b"NaN" not in path.read_bytes()


def test_bytes_that_were_no_utf_8_survive(path: Path) -> None:
    text = b"caf\xe9".decode(errors="surrogateescape")
    Journal.open(path).append("run", schema=1, text=text)
    path.read_bytes().decode()
    assert Journal.open(path).lines[0]["text"] == text


def test_a_full_disk_leaves_no_half_line(
    path: Path, three: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:10]))
    with pytest.raises(HarnessFault, match="disk is full"):
        Journal.open(path).append("session", session=2)
    assert path.read_bytes() == three


def test_a_line_is_on_disk_before_append_returns(
    path: Path, three: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    Journal.open(path).append("session", session=2)
    assert synced == [path.stat().st_size]


def removed(path: Path) -> None:
    path.unlink()


def folder_removed(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()


def shortened(path: Path) -> None:
    os.truncate(path, 10)


def written_to(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"{}\n")


def replaced(path: Path) -> None:
    path.rename(path.with_suffix(".old"))
    path.write_bytes(path.with_suffix(".old").read_bytes())


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (removed, "No such file"),
        (folder_removed, "No such file"),
        (shortened, "something else wrote to it"),
        (written_to, "something else wrote to it"),
        (replaced, "another file in its place"),
        (made_a_folder, "Is a directory"),
    ],
)
def test_a_journal_that_is_not_as_it_was_left_is_not_written_to(
    tmp_path: Path, spoil: Callable[[Path], None], what: str
) -> None:
    path = tmp_path / "run" / "journal.jsonl"
    path.parent.mkdir()
    journal = Journal.open(path)
    journal.append("run", schema=1)
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    for _ in range(2):
        with pytest.raises(HarnessFault, match=f"cannot be written: .*{what}.* start again"):
            journal.append("session", session=1)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert len(journal.lines) == 1


def test_a_folder_in_the_journals_place_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(JournalDamaged, match=r"cannot be read: .*Move it away"):
        Journal.open(path)
