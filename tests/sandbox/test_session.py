"""One warm process for a session: started once, replaced when it dies, gone at the end."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_autoresearch.exceptions import CandidateError, HarnessFault, ProtocolError
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox, libraries, materialise
from pytest_autoresearch.sandbox.walls.environment import import_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Make

X = np.random.default_rng(0).random((60, 4))
y = (X[:, 0] > 0.5).astype(float)
NULL = """
def fit(X, y, *, seed):
    return None
def predict(state, X):
    return X[:, 0]
"""


def test_libraries_are_found_by_pattern() -> None:
    source = b"""
import numpy as np, pandas
import os, scipy.sparse as sp  # import torch
from sklearn import svm, tree as t
from sklearn.ensemble import (
    RandomForestClassifier as Forest,  # import polars
    HistGradientBoostingClassifier,
)
from .polars import x
from mine import lightgbm
"""
    assert set(libraries({"a.py": source, "notes.txt": b"import xgboost"})) == {
        "numpy",
        "pandas",
        "scipy.sparse",
        "sklearn",
        "sklearn.svm",
        "sklearn.tree",
        "sklearn.ensemble",
        "sklearn.ensemble.RandomForestClassifier",
        "sklearn.ensemble.HistGradientBoostingClassifier",
    }


def test_what_cannot_be_imported_is_skipped_and_reported(tmp_path: Path) -> None:
    names = ["numpy", "no_such_library", "numpy.array", "numpy.no_such_part"]
    with Sandbox(Limits(), tmp_path, names) as sandbox:
        assert list(sandbox.skipped) == ["no_such_library"]
        assert "ModuleNotFoundError" in sandbox.skipped["no_such_library"]


def test_parallel_models_train_after_the_warm_import(make: Make, tmp_path: Path) -> None:
    source = """
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
def fit(X, y, *, seed):
    forest = RandomForestRegressor(8, n_jobs=2, random_state=seed).fit(X, y)
    boosted = HistGradientBoostingRegressor(max_iter=3, random_state=seed).fit(X, y)
    return forest, boosted, float((np.ones((600, 600)) @ np.ones((600, 600)))[0, 0])
def predict(state, X):
    return state[0].predict(X) + state[1].predict(X) + state[2]
"""
    with Sandbox(Limits(), tmp_path / "warm", libraries({"m.py": source.encode()})) as sandbox:
        assert sandbox.skipped == {}
        for _ in range(2):
            found = make(source, sandbox=sandbox, budget=60.0).candidate.fit(X, y).predict(X)
            assert found.shape == (60,)
            assert found.min() >= 600


def test_nothing_leaks_over_many_jobs(
    make: Make, room: Sandbox, open_files: Callable[[], int]
) -> None:
    case = make(NULL)
    case.candidate.fit(X, y).predict(X, chunks=1)
    before, folders = open_files(), set(room.folder.iterdir())
    for _ in range(50):
        case.candidate.fit(X, y).predict(X, chunks=1)
    assert open_files() == before
    assert set(room.folder.iterdir()) <= folders
    guard = room._guard
    assert guard is not None
    assert len(_below(guard.pid)) <= 2


def _below(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        found = [int(one) for one in file.read().split()]
    return found + [one for child in found for one in _below(child)]


def test_closing_leaves_nothing(make: Make, tmp_path: Path, alive: Callable[[int], bool]) -> None:
    sandbox = Sandbox(Limits(), tmp_path / "room", ["numpy"])
    make(NULL, sandbox=sandbox).candidate.fit(X, y)
    guard = sandbox._guard
    assert guard is not None
    pids = [guard.pid, *_below(guard.pid)]
    sandbox.close()
    assert [pid for pid in pids if alive(pid)] == []
    assert [one for one in (tmp_path / "room").iterdir() if not one.name.startswith("tree-")] == []
    make(NULL, sandbox=sandbox).candidate.fit(X, y)
    sandbox.close()


def test_a_dead_zygote_is_replaced(make: Make, tmp_path: Path) -> None:
    with Sandbox(Limits(), tmp_path / "room", ["numpy"]) as sandbox:
        make(NULL, sandbox=sandbox).candidate.fit(X, y)
        assert sandbox._guard is not None
        for pid in _below(sandbox._guard.pid):
            os.kill(pid, signal.SIGKILL)
        make(NULL, sandbox=sandbox).candidate.fit(X, y)


def test_a_sandbox_that_cannot_start_says_what_it_heard(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such interpreter >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with (
        Sandbox(Limits(), tmp_path / "room", ["numpy"]) as sandbox,
        pytest.raises(HarnessFault, match="no such interpreter"),
    ):
        make(NULL, sandbox=sandbox).candidate.fit(X, y)


def test_an_interpreter_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_files: Callable[[], int]
) -> None:
    before = open_files()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(HarnessFault, match=r"cannot start with .*missing"):
        Sandbox(Limits(), tmp_path / "room", ["numpy"]).start()
    assert open_files() == before


def test_import_paths_into_the_repository_are_dropped(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "project"
    (repository / "src").mkdir(parents=True)
    (repository / "src" / "installed_project.py").write_text("")
    # What a .pth file of an editable install does.
    monkeypatch.syspath_prepend(repository / "src")
    source = "import installed_project\n" + NULL
    with Sandbox(Limits(), tmp_path / "open", ["numpy"]) as sandbox:
        make(source, sandbox=sandbox).candidate.fit(X, y)
    with (
        Sandbox(Limits(), tmp_path / "shut", ["numpy"], repository=repository) as sandbox,
        pytest.raises(CandidateError, match="No module named 'installed_project'"),
    ):
        make(source, sandbox=sandbox).candidate.fit(X, y)


def test_candidates_import_from_where_the_judge_does(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `pip install --user`, modules of a cluster (PYTHONPATH), in the order that the judge has them.
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "of_the_cluster.py").write_text(f"NAME = {name!r}\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    (tmp_path / "below" / "of_the_folder.py").write_text("")
    for entry in ("", str(tmp_path / "second"), "../first"):
        monkeypatch.setattr("sys.path", [entry, *sys.path])
    source = f"""
import importlib.util, of_the_cluster, sys
def fit(X, y, *, seed):
    assert of_the_cluster.NAME == "first"
    assert importlib.util.find_spec("of_the_folder") is None
    assert [one for one in sys.path if one in {import_path()!r}] == {import_path()!r}
def predict(state, X):
    return X[:, 0]
"""
    with Sandbox(Limits(), tmp_path / "room", ["numpy"]) as sandbox:
        make(source, sandbox=sandbox).candidate.fit(X, y)


def test_files_are_laid_out_read_only(tmp_path: Path) -> None:
    materialise({"a/b.py": b"x = 1\n", "c.txt": b""}, tmp_path / "tree")
    assert (tmp_path / "tree" / "a" / "b.py").read_bytes() == b"x = 1\n"
    assert (tmp_path / "tree" / "c.txt").stat().st_mode & 0o777 == 0o444
    with pytest.raises(FileExistsError):
        materialise({"c.txt": b"other"}, tmp_path / "tree")


def test_a_scratch_folder_goes_whatever_a_candidate_did_to_it(make: Make, room: Sandbox) -> None:
    source = """
import os
def fit(X, y, *, seed):
    os.makedirs("a/b")
    open("a/b/c", "w").close()
    os.symlink("/", "a/link")
    os.chmod("a/b", 0)
    os.chmod("a", 0)
    for _ in range(1200):
        os.mkdir("d")
        os.chdir("d")
"""
    with pytest.raises(ProtocolError, match="too many files to count, more than scratch=256 MiB"):
        make(source).candidate.fit(X, y)
    assert list(room.folder.glob("job-*")) == []
