"""What candidates leave in the machine's shared memory is gone before the next one, and nothing else."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

import pytest

from pytest_autoresearch.sandbox.watching.shm import Shelf

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "before").write_text("somebody's")
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_is_new_and_nobodys_is_removed(folder: Path) -> None:
    shelf = Shelf(folder)
    (folder / "state").write_text("1")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "state").write_text("1")
    os.symlink(folder / "before", folder / "link")
    os.link(folder / "before", folder / "second name")
    assert set(shelf.sweep()) == {"state", "deep", "link", "second name"}
    assert names(folder) == {"before"}
    assert (folder / "before").read_text() == "somebody's"
    assert shelf.sweep() == []


def test_a_file_in_the_place_of_another_is_new(folder: Path) -> None:
    shelf = Shelf(folder)
    with open(folder / "before"):  # keeps its number from being used again
        (folder / "before").unlink()
        (folder / "before").write_text("state")
        assert shelf.sweep() == ["before"]


def test_what_somebody_has_open_or_mapped_stays(folder: Path) -> None:
    shelf = Shelf(folder)
    (folder / "mapped").write_bytes(b"x" * 4096)
    (folder / "deep").mkdir()
    with open(folder / "open", "w"), open(folder / "deep" / "open", "w"):
        fd = os.open(folder / "mapped", os.O_RDWR)
        memory = mmap.mmap(fd, 4096, access=mmap.ACCESS_READ)
        os.close(fd)
        # Python's maps keep a descriptor of their own.
        assert shelf.sweep() == []
        assert names(folder) == {"before", "mapped", "open", "deep"}
        memory.close()
    assert set(shelf.sweep()) == {"mapped", "open", "deep"}


def test_what_is_not_ours_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(folder)
    (folder / "of another user").write_text("")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert shelf.sweep() == []


def test_a_machine_without_the_folder_has_nothing_to_sweep(tmp_path: Path) -> None:
    assert Shelf(tmp_path / "missing").sweep() == []


def test_folders_too_deep_to_look_through_are_removed(folder: Path) -> None:
    shelf = Shelf(folder)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert shelf.sweep() == ["d"]
    assert names(folder) == {"before"}
