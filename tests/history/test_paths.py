"""A patch reaches the files that the globs name, and nothing else under any spelling."""

from __future__ import annotations

import pytest

from pytest_autoresearch.exceptions import Refused
from pytest_autoresearch.history.globs import match
from pytest_autoresearch.history.paths import EditableSet, protected_globs

TRACKED = {
    *("model.py", "sub/a.py", "sub/deep/b.py", "sub/data.csv", "test_it.py", "sub/conftest.py"),
    *("sub/x.champion.json", "sub/.hidden.py", "setup.py", "sub/pyproject.toml", ".venv/x.py"),
}


@pytest.mark.parametrize(
    ("glob", "path", "hit"),
    [
        ("*.py", "model.py", True),
        ("*.py", "sub/a.py", False),
        ("sub/*", "sub/deep/b.py", False),
        ("sub/**", "sub/deep/b.py", True),
        ("sub/**", "sub", False),
        ("**/b.py", "b.py", True),
        ("**/b.py", "sub/deep/b.py", True),
        ("**/b.py", "sub/ab.py", False),
        ("sub/**/b.py", "sub/b.py", True),
        ("**.py", "sub/deep/b.py", True),
        ("model.?y", "model.py", True),
        ("a?b", "a/b", False),
        ("m[a-o]del.py", "model.py", True),
        ("m[!o]del.py", "model.py", False),
        ("a[!x]b", "a/b", False),
        ("a[]]b", "a]b", True),
        ("a[b", "a[b", True),
        ("a[]b", "a[]b", True),
        ("a[z-b]c", "a[z-b]c", True),
        ("a[x&&yz^]c", "a&c", True),
        ("a[+--]c", "a,c", True),
        ("model.py", "model_py", False),
        ("model.py", "model.py\n", False),
    ],
)
def test_a_glob_matches_whole_paths(glob: str, path: str, hit: bool) -> None:
    assert match([glob], path) is hit


def test_the_set_never_holds_protected_files() -> None:
    editable = EditableSet(["**"], TRACKED, ["test_it.py"])
    assert editable.paths == ("model.py", "sub/a.py", "sub/data.csv", "sub/deep/b.py")


@pytest.mark.parametrize(
    "glob",
    [
        *(
            "conftest.py",
            "**/conftest.py",
            "setup.cfg",
            "test_it.py",
            ".env",
            "sub/.x/*",
            "tox.ini",
        ),
        *("*.champion.json", "conversion.champion.json", "pyproject.toml", "pytest.toml"),
    ],
)
def test_a_glob_that_names_a_protected_file_is_found(glob: str) -> None:
    assert protected_globs(["sub/*.py", glob], ["test_it.py"]) == [glob]


@pytest.mark.parametrize(
    "path", ["model.py", "sub/a.py", "sub/new.py", "sub/new/deep.py", "sub/ü.py"]
)
def test_files_of_the_set_and_new_ones_that_match_are_allowed(path: str) -> None:
    EditableSet(["model.py", "sub/**"], TRACKED, []).check(path, TRACKED)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/model.py", "../model.py", "sub/../model.py", "./model.py", "sub//a.py", "sub/"),
        *("sub\\a.py", "C:/a.py", "C:a.py", "a:b", "a\0b", "a\nb", "sub/a\x7f", "sub/\u200ba.py"),
        *("sub/\u202ea.py", "sub/\udcff.py", ".git/config", "sub/.git/config", ".GIT/config"),
        *("sub/.Git/x", "git~1/config", "sub/GIT~2/x", ".git./x", ".git /x", "sub./a.py"),
        *("sub/a.py.", "sub/a.py ", "sub /a.py", "sub/u\u0308.py", "Model.py", "MODEL.PY"),
        *(
            "Sub/a.py",
            "SUB/new.py",
            "sub/Deep/c.py",
            "sub/A.py",
            "model.py/x.py",
            "sub",
            "sub/deep",
        ),
        *("sub/conftest.py", "sub/new/Conftest.py", "conftest.py", "setup.cfg", "sub/setup.py"),
        *("sub/pytest.ini", "sub/.pytest.ini", "sub/.pytest.toml", "sub/tox.ini", ".gitignore"),
        *("sub/x.champion.json", "sub/.hidden/x.py", "test_it.py", "TEST_IT.PY"),
        *("s" * 256, "s/" * 600 + "x", "sub/\u017fub.py\u2028"),
    ],
)
def test_every_other_spelling_is_refused_and_named(path: str) -> None:
    editable = EditableSet(["**"], TRACKED, ["test_it.py"])
    with pytest.raises(Refused, match="the patch may not touch '"):
        editable.check(path, TRACKED)


def test_a_path_outside_the_globs_is_refused() -> None:
    with pytest.raises(Refused, match=r"'other\.py': it matches none of the editable globs"):
        EditableSet(["model.py"], TRACKED, []).check("other.py", TRACKED)
