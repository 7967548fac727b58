"""Further reading: the files that a person names, as they are now, and none of the evaluation's."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.readings import MOST_BYTES, MOST_FILES, Readings

FILES = {
    "notes/a.md": "trees win",
    "notes/deep/b.md": "nets lose",
    "notes/data.bin": "x\0y",
    "other.md": "elsewhere",
    "test_it.py": "the test",
    "conftest.py": "the data",
    "it.champion.json": "{}",
    "data/labels.csv": "1,0",
    ".hidden/c.md": "hidden",
    "venv/pyvenv.cfg": "",
    "venv/lib/d.md": "a package",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def readings(root: Path, *globs: str) -> Readings:
    return Readings(globs, root, [root / "test_it.py", root / "data", root / ".autoresearch"])


@pytest.mark.parametrize(
    ("globs", "found"),
    [
        ([], []),
        (["notes/*.md"], ["notes/a.md"]),
        (["notes/**/*.md"], ["notes/a.md", "notes/deep/b.md"]),
        (["**/*.md"], ["notes/a.md", "notes/deep/b.md", "other.md"]),
        (["other.md", "notes/a.md"], ["other.md", "notes/a.md"]),
        (["*.md", "other.md"], ["other.md"]),
        (["notes/dee*/b.md"], ["notes/deep/b.md"]),
    ],
)
def test_what_globs_name_is_read(root: Path, globs: list[str], found: list[str]) -> None:
    wanted = readings(root, *globs)
    wanted.require()
    assert list(wanted.texts()) == found
    assert all(wanted.texts()[path] == FILES[path] for path in found)


def test_files_are_read_anew_each_time(root: Path) -> None:
    wanted = readings(root, "notes/*.md")
    (root / "notes" / "a.md").write_text("changed", encoding="utf-8")
    (root / "notes" / "new.md").write_text("new", encoding="utf-8")
    assert wanted.texts() == {"notes/a.md": "changed", "notes/new.md": "new"}
    for path in (root / "notes").glob("*.md"):
        path.unlink()
    assert wanted.texts() == {}


@pytest.mark.parametrize(
    ("glob", "why"),
    [
        ("nothing/*.md", "matches no file below"),
        ("notes/a.txt", "matches no file below"),
        ("[notes/*.md]", "want words with spaces between them; only pyproject.toml takes a list"),
        ("/etc/passwd", "relative to rootdir"),
        ("../x.md", "relative to rootdir"),
        ("test_it.py", "test_it.py is not for agents: it belongs to the evaluation"),
        ("*.py", "conftest.py is not for agents"),
        ("data/*.csv", "labels.csv is not for agents: it belongs to the evaluation, to data"),
        ("it.champion.json", "champion records are protected"),
        (".hidden/c.md", "dotfiles"),
    ],
)
def test_a_glob_that_names_nothing_or_what_is_frozen_is_refused(
    root: Path, glob: str, why: str
) -> None:
    with pytest.raises(UsageProblem) as problem:
        readings(root, "notes/*.md", glob).require()
    assert why in str(problem.value)
    assert repr(glob) in str(problem.value)


def test_a_link_to_a_frozen_file_is_the_frozen_file(root: Path) -> None:
    (root / "notes" / "link.md").symlink_to(root / "data" / "labels.csv")
    (root / "notes" / "other.md").symlink_to(root / "conftest.py")
    assert set(readings(root, "notes/*.md").texts()) == {"notes/a.md"}
    with pytest.raises(UsageProblem, match=r"link\.md is not for agents"):
        readings(root, "notes/link.md").require()


def test_what_the_evaluation_turns_out_to_read_is_not_told(root: Path) -> None:
    wanted = readings(root, "notes/**/*.md")
    wanted.used = lambda: [root / "notes" / "deep" / "b.md"]
    assert set(wanted.texts()) == {"notes/a.md"}


def test_long_files_and_many_are_bounded_and_binary_ones_named(root: Path) -> None:
    (root / "notes" / "a.md").write_text("é" * MOST_BYTES, encoding="utf-8")
    assert len(readings(root, "notes/a.md").texts()["notes/a.md"]) < MOST_BYTES
    assert readings(root, "notes/*.bin").texts() == {"notes/data.bin": ""}
    for number in range(MOST_FILES + 10):
        (root / "notes" / f"n{number}.txt").write_text("", encoding="utf-8")
    assert len(readings(root, "notes/*.txt").texts()) == MOST_FILES
