"""A frozen file is looked at before every experiment, and read only where it may have changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.frozen import contents
from pytest_autoresearch.frozen.contents import SMALL, Watched
from pytest_autoresearch.frozen.manifest import located, require_unchanged, shown, watched
from pytest_autoresearch.frozen.packages import require_same_versions, versions

LONG_AGO = 1_700_000_000


@pytest.fixture(params=["small", "large"])
def file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "data.bin"
    path.write_bytes(b"x" * (10 if request.param == "small" else SMALL + 10))
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_a_file_that_stays_is_not_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Watched("data", file)
    monkeypatch.setattr(contents, "digest", pytest.fail)
    assert not known.changed


def test_other_contents_are_a_change_and_their_return_is_none(file: Path) -> None:
    known, before = Watched("data", file), file.read_bytes()
    file.write_bytes(before[:-1] + b"y")
    assert known.changed
    file.write_bytes(before)
    assert not known.changed
    file.unlink()
    assert known.changed
    file.mkdir()
    assert known.changed


def test_a_file_that_is_only_touched_has_not_changed(file: Path) -> None:
    known = Watched("data", file)
    os.utime(file, (LONG_AGO + 5, LONG_AGO + 5))
    assert not known.changed


def test_a_change_within_the_clocks_step_is_seen(file: Path) -> None:
    file.write_bytes(file.read_bytes())
    known, found = Watched("data", file), file.stat()
    file.write_bytes(file.read_bytes()[:-1] + b"y")
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert known.changed


def test_files_of_an_earlier_session_are_compared_by_content(file: Path, tmp_path: Path) -> None:
    name = shown(file, tmp_path)
    line = {"kind": "evaluation", "files": {name: Watched(name, file).digest}}
    older = {"kind": "evaluation", "files": {"elsewhere": "00"}}
    require_unchanged("r", watched([older, line, {"kind": "closed"}], tmp_path), "or")
    file.write_bytes(b"other")
    with pytest.raises(UsageProblem, match=r"run r: files .* since it started: data\.bin; put"):
        require_unchanged("r", watched([line], tmp_path), "or")


def test_names_are_the_same_in_another_clone_and_another_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    root = tmp_path / "me" / "p"
    for path, name in (
        (root / "a" / "b.csv", "a/b.csv"),
        (tmp_path / "me" / "data.csv", "~/data.csv"),
        (tmp_path / "data.csv", str(tmp_path / "data.csv")),
    ):
        assert shown(path, root) == name
        assert located(name, root) == path


def test_versions_are_those_of_what_is_imported_and_of_what_that_requires() -> None:
    found = versions(["pytest", "json", "nothing_of_this_name"])
    assert {"pytest", "pluggy", "python"} <= found.keys()
    assert "attrs" not in found, "an extra that nobody asked for"
    assert "json" not in found
    require_same_versions("r", found, "or")


def test_a_package_that_is_gone_and_another_python_are_named() -> None:
    with pytest.raises(UsageProblem, match=r"nothing-such is gone \(was 1\.0\); restore with `pip"):
        require_same_versions("r", {"nothing-such": "1.0"}, "or")
    with pytest.raises(UsageProblem, match=r"\(was 2\.7\); use that version of Python, or"):
        require_same_versions("r", {"python": "2.7"}, "or")
