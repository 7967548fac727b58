"""The digest of a folder depends on names and contents only, and is not computed twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch import digests
from pytest_autoresearch.exceptions import UsageProblem

Make = Callable[[dict[str, str]], Path]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    numbers = iter(range(100))

    def build(files: dict[str, str]) -> Path:
        folder = tmp_path / f"data{next(numbers)}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return folder

    return build


def digest(path: Path) -> str:
    return digests.digest(path, digests.look(path))


def read(path: Path) -> int | None:
    """The bytes that a digest had to read; ``None`` when it knew all."""
    told: list[int] = []
    digests.digest(path, digests.look(path), told.append)
    return told[0] if told else None


def age(path: Path) -> None:
    for file in path.rglob("*"):
        os.utime(file, (1e9, 1e9))


def test_equal_names_and_contents_have_equal_digests(make: Make) -> None:
    one, other = make({"a/b": "1", "c": "2"}), make({"c": "2", "a/b": "1"})
    os.utime(one / "c", (1.0, 1.0))
    (one / "c").chmod(0o400)
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    "files",
    [
        {"a/b": "1", "c": "3"},
        {"a/b": "1", "d": "2"},
        {"a/b": "1"},
        {"a/b": "1", "c": "2", "d": ""},
        {"a": "1", "c": "2"},
        {"a/b": "12", "c": ""},
    ],
)
def test_any_other_name_or_content_has_another(make: Make, files: dict[str, str]) -> None:
    assert digest(make(files)) != digest(make({"a/b": "1", "c": "2"}))


def test_an_empty_folder_counts(make: Make) -> None:
    one = make({"a": "1"})
    (one / "empty").mkdir()
    assert digest(one) != digest(make({"a": "1"}))


def test_pieces_and_holes_change_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "PIECE", 1 << 16)
    monkeypatch.setattr(digests, "CHUNK", 1000)
    dense, sparse = make({"a": ""}), make({"a": ""})
    for folder in (dense, sparse):
        with (folder / "a").open("wb") as file:
            file.truncate(10 << 16)
            file.seek(5 << 16)
            file.write(b"here")
    (dense / "a").write_bytes((dense / "a").read_bytes())
    assert os.stat(dense / "a").st_blocks > os.stat(sparse / "a").st_blocks
    assert digest(dense) == digest(sparse)
    with (sparse / "a").open("r+b") as file:
        file.seek(9 << 16)
        file.write(b"x")
    assert digest(dense) != digest(sparse)


def test_what_has_not_changed_is_not_read_again(make: Make) -> None:
    folder = make({"a": "12345", "deep/b": "123"})
    age(folder)
    first = digest(folder)
    assert read(folder) is None
    (folder / "a").write_text("54321")
    assert read(folder) == 5
    assert digest(folder) != first
    os.replace(make({"b": "321"}) / "b", folder / "deep" / "b")
    os.utime(folder / "deep" / "b", (1e9, 1e9))
    age(folder / "deep")
    assert read(folder) == 8, "a is too young to be known by its time"


def test_a_damaged_cache_costs_time_only(make: Make, cache: Path) -> None:
    folder = make({"a": "12345"})
    age(folder)
    first = digest(folder)
    (file,) = (cache / "digests").iterdir()
    for text in ("", "[]", '{"a": 1}', '{"a": [5]}', '"a"'):
        file.write_text(text)
        assert digest(folder) == first


def test_without_a_home_nothing_is_kept_and_nothing_fails(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make({"a": "12345"})
    age(folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTORESEARCH_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert digest(folder) == digest(folder)
    assert not (tmp_path / "~").exists()


def test_links_are_followed(make: Make) -> None:
    one, other = make({}), make({"file": "1", "folder/x": "2"})
    (one / "file").symlink_to(other / "file")
    (one / "folder").symlink_to(other / "folder")
    assert digest(one) == digest(other)


def test_what_is_no_file_is_refused_by_name(make: Make) -> None:
    folder = make({"a/b": "1"})
    (folder / "a" / "loop").symlink_to(folder)
    with pytest.raises(UsageProblem, match="a/loop is a link to a folder that it lies in"):
        digests.look(folder)
    (folder / "a" / "loop").unlink()
    (folder / "a" / "gone").symlink_to("nothing")
    with pytest.raises(UsageProblem, match="a/gone is a link that leads nowhere"):
        digests.look(folder)
    with pytest.raises(UsageProblem, match="/dev/null is neither a file nor a folder"):
        digests.look(Path("/dev/null"))


def test_a_file_that_is_written_meanwhile_is_refused(make: Make) -> None:
    folder = make({"a": "1"})
    stamps = digests.look(folder)
    (folder / "a").write_text("22")
    with pytest.raises(UsageProblem, match="changes while it is read: wait"):
        digests.digest(folder, stamps)


def test_a_single_file_is_known_too(make: Make) -> None:
    folder = make({"a": "1", "b": "1", "c": "2"})
    assert digest(folder / "a") == digest(folder / "b") != digest(folder / "c")
    assert digests.names(digests.look(folder / "a")) == [""]
    assert digests.total(digests.look(folder)) == 3
