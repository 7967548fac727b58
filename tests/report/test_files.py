"""A derived file is whole at every instant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_autoresearch.report.files import write_atomically


def test_text_and_bytes_are_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.txt", "näher")
    write_atomically(tmp_path / "a.bin", b"\x00\xff")
    assert (tmp_path / "a.txt").read_bytes() == "näher".encode()
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\xff"


def test_a_failure_keeps_the_old_file_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "old")

    def full(descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_with_the_file_open_keeps_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "old")
    with path.open() as reader:
        write_atomically(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_a_lone_surrogate_does_not_stop_the_writing(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.txt", "odd \ud800")
    assert (tmp_path / "a.txt").read_text() == "odd ?"
