"""The files that Python code opens for reading are noted, whoever opens them and however."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from pytest_autoresearch.frozen.opened import Opened

Read = Callable[[Path], object]


def by_thread(path: Path) -> None:
    thread = threading.Thread(target=path.read_bytes)
    thread.start()
    thread.join()


def by_descriptor(path: Path) -> None:
    os.close(os.open(path, os.O_RDONLY))


def by_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)):
        pass


def as_bytes(path: Path) -> None:
    with open(os.fsencode(path), "rb"):
        pass


@pytest.mark.parametrize(
    "read",
    [Path.read_text, Path.read_bytes, by_thread, by_descriptor, by_sqlite, as_bytes, np.fromfile],
)
def test_a_file_that_is_read_is_noted(tmp_path: Path, read: Read) -> None:
    (tmp_path / "a.txt").write_text("1")
    opened = Opened()
    with opened.recording():
        read(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text("1")
    read(tmp_path / "b.txt")
    assert opened.data(tmp_path) == [tmp_path / "a.txt"]


def test_what_is_written_or_gone_or_left_out_is_no_data(tmp_path: Path) -> None:
    names = ("read", "written", "gone", "left", "folder/in", ".git/HEAD", "code.pyc")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    opened = Opened()
    with opened.recording():
        for name in names:
            (tmp_path / name).read_text()
        (tmp_path / "written").write_text("2")
        with pytest.raises(FileNotFoundError):
            (tmp_path / "never").read_text()
    (tmp_path / "gone").unlink()
    but = {str(tmp_path / "left"), f"{tmp_path / 'folder'}{os.sep}"}
    assert opened.data(tmp_path, but) == [tmp_path / "read"]


def test_outside_the_repository_the_system_settings_and_temporary_files_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    names = (".netrc", ".kaggle/key", ".cache/matplotlib/fonts", ".cache/hub/data", "data.csv")
    for name in names:
        (home / name).parent.mkdir(exist_ok=True, parents=True)
        (home / name).write_text("1")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    opened = Opened()
    with opened.recording():
        for name in names:
            (home / name).read_text()
        Path("/proc/self/stat").read_text()
        Path(os.__file__).read_bytes()
    repository = tmp_path / "repository"
    assert opened.data(repository) == [home / ".cache/hub/data", home / "data.csv"]
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(home))
    assert opened.data(repository) == []


def test_links_to_one_file_are_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").symlink_to("a")
    opened = Opened()
    with opened.recording():
        (tmp_path / "b").read_text()
        (tmp_path / "a").read_text()
    assert opened.data(tmp_path) == [tmp_path / "a"]
