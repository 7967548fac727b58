"""The conversion example: drifting data, windows that learn from the past only, caps that hold."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pytest_autoresearch.testing import Project, Result

ROOT = Path(__file__).parent.parent
FOLDER = "experiments/conversion"
MODULES = ("conftest", "test_conversion", "features", "model")
MONTHS = 26


def load(name: str) -> ModuleType:
    path = ROOT / FOLDER / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"conversion_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses look up the names in their annotations.
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


data = load("conftest")


@pytest.fixture(scope="module")
def calls() -> Any:
    return data.simulate(calls=150)


@pytest.fixture
def table(calls: Any) -> Any:
    """The calls as the bank's file has them, with the column that leaks."""
    found = calls.X.astype(dict.fromkeys(data.CATEGORIES, object))
    found[data.CATEGORIES] = found[data.CATEGORIES].fillna("unknown")
    found["pdays"] = found["pdays"].fillna(data.NEVER)
    found["duration"] = 60 + 600 * calls.y
    found["y"] = np.where(calls.y == 1, "yes", "no")
    return found


def save(table: Any, folder: Path, sep: str = ";") -> Path:
    path = folder / "bank.csv"
    table.to_csv(path, sep=sep, index=False)
    return path


def test_simulated_calls_are_the_same_every_time(calls: Any) -> None:
    again = data.simulate(calls=150)
    assert calls.X.equals(again.X)
    assert np.array_equal(calls.y, again.y)
    assert calls.months == MONTHS
    assert np.all(np.diff(calls.time) >= 0)


def test_simulated_customers_and_what_moves_them_drift() -> None:
    calls = data.simulate()
    early, late = calls.time < 8, calls.time >= 18
    assert calls.X["age"][late].mean() > calls.X["age"][early].mean() + 3
    assert (calls.X["job"][early] == "blue-collar").mean() > 0.2
    assert (calls.X["job"][late] == "blue-collar").mean() < 0.18
    studied = calls.X["education"].cat.codes / 3

    def pull(when: Any) -> float:
        known = when & (studied >= 0)
        return float(np.corrcoef(studied[known], calls.y[known])[0, 1])

    assert pull(early) > 0.02 > -0.02 > pull(late)


def test_two_columns_tell_something_only_together() -> None:
    calls = data.simulate()
    housing, loan = calls.X["housing"] == "yes", calls.X["loan"] == "yes"
    together = housing ^ loan
    alone = calls.y[loan & ~housing].mean() - calls.y[~loan & ~housing].mean()
    beside = calls.y[loan & housing].mean() - calls.y[~loan & housing].mean()
    assert calls.y[together].mean() > calls.y[~together].mean() + 0.1
    assert alone > 0.1 > -0.1 > beside


@pytest.mark.parametrize("split", range(4))
def test_windows_learn_from_the_past_and_leave_the_last_months_alone(
    calls: Any, split: int
) -> None:
    conversion = data.searched(calls)
    assert conversion.calls.time.max() < MONTHS - 6
    windows = conversion.windows(split)
    assert len(windows) == 5
    for window in windows:
        assert calls.time[window.train].max() < window.cut <= calls.time[window.test].min()
        assert calls.time[window.test].max() < window.cut + 2
        assert max(window.train.max(), window.test.max()) < np.sum(calls.time < MONTHS - 6)


def test_agents_look_at_nothing_that_anything_is_scored_on(calls: Any) -> None:
    past = data.conversion_past.__wrapped__(calls)
    assert len(past["X"]) == len(past["y"]) == len(past["time"]) > 1000
    for split in range(4):
        for window in data.searched(calls).windows(split):
            assert past["time"].max() < calls.time[window.test].min()


def test_splits_begin_windows_at_other_times(calls: Any) -> None:
    cuts = {tuple(w.cut for w in data.searched(calls).windows(split)) for split in range(4)}
    assert len(cuts) == 4


def test_the_vault_is_the_last_months_one_by_one(calls: Any) -> None:
    windows = data.held_out(calls).windows(0)
    tested = np.concatenate([window.test for window in windows])
    assert np.array_equal(tested, np.flatnonzero(calls.time >= MONTHS - 6))
    assert [window.cut for window in windows] == [20, 21, 22, 23, 24, 25]


@pytest.mark.parametrize("split", range(3))
def test_what_the_vault_scores_lies_behind_all_that_a_search_sees(calls: Any, split: int) -> None:
    seen = data.searched(calls).calls.time.max()
    windows = data.held_out(calls).windows(split)
    assert len(windows) == 6
    for window in windows:
        assert len(window.test) > 0
        assert calls.time[window.test].min() >= MONTHS - 6 > seen
        assert calls.time[window.train].max() < window.cut <= calls.time[window.test].min()


def test_the_banks_file_is_read_without_the_column_that_leaks(
    calls: Any, table: Any, tmp_path: Path
) -> None:
    found = data.read(save(table, tmp_path))
    assert list(found.X) == list(calls.X)
    assert found.X.equals(calls.X)
    assert np.array_equal(found.y, calls.y)
    assert np.allclose(found.time, calls.time)


def test_a_sale_may_be_written_as_a_number(calls: Any, table: Any, tmp_path: Path) -> None:
    table["y"] = calls.y
    assert np.array_equal(data.read(save(table, tmp_path)).y, calls.y)


def test_another_table_is_refused(table: Any, tmp_path: Path) -> None:
    def refused(table: Any, **how: str) -> str:
        with pytest.raises(ValueError, match=r"bank\.csv") as caught:
            data.read(save(table, tmp_path, **how))
        return str(caught.value)

    assert "has no column pdays, loan; it should be" in refused(
        table.drop(columns=["loan", "pdays"])
    )
    assert "has no column age," in refused(table, sep=",")
    assert "column y holds 'perhaps'" in refused(table.assign(y="perhaps"))
    assert "not in order of time" in refused(table.sample(frac=1, random_state=0))
    assert "spans 1 months" in refused(table[:100])


@pytest.mark.parametrize("name", ["features", "model"])
def test_what_an_agent_may_change_imports_nothing_of_ours(name: str) -> None:
    assert "pytest" not in (ROOT / FOLDER / f"{name}.py").read_text("utf-8")


STACK = "np.column_stack([*numbers, *codes])"
CHANCES = "state.predict_proba(X)[:, 1]"
FITTED = "classifier(seed).fit(X, y)"
PATCHES = (
    ("features.py", STACK, "np.zeros((len(X), 412))"),
    ("model.py", "n_estimators=10", "n_estimators=600"),
    ("model.py", "num_leaves=31", "num_leaves=65"),
    ("model.py", f"return {FITTED}", f"return {FITTED}, bytes(5 << 20)"),
    ("features.py", STACK, "X[['campaign']].to_numpy() - X['campaign'].mean()"),
    ("model.py", CHANCES, "X[:, 0]"),
)
REASONS = (
    "features.py:features gave 412 columns, more than max_columns=300",
    "model.py asks for 600 trees, more than 500",
    "model.py asks for 65 leaves, more than 64",
    "the fitted state takes 5 MiB, more than artifact=4 MiB",
    "the features of a row change with the rows beside it",
    "auc",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    files = {f"{FOLDER}/{name}.py": (ROOT / FOLDER / f"{name}.py").read_text() for name in MODULES}
    # Fewer windows and trees: what is promised here does not depend on how many there are.
    frozen = files[f"{FOLDER}/conftest.py"].replace("WINDOWS = 2, 5\n", "WINDOWS = 2, 2\n")
    assert frozen != files[f"{FOLDER}/conftest.py"]
    files[f"{FOLDER}/conftest.py"] = frozen
    model = files[f"{FOLDER}/model.py"].replace("n_estimators=100", "n_estimators=10")
    assert model != files[f"{FOLDER}/model.py"]
    files[f"{FOLDER}/model.py"] = model
    own = {"conftest.py": (ROOT / "conftest.py").read_text(), "pytest.ini": "[pytest]\n"}
    return Project(tmp_path_factory.mktemp("conversion") / "p", {**files, **own})


@pytest.fixture(scope="module")
def small(calls: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of few calls."""
    table = calls.X.assign(y=calls.y, pdays=calls.X["pdays"].fillna(data.NEVER))
    return save(table, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def searched(project: Project, small: Path) -> Result:
    for path, old, new in PATCHES:
        project.replace(old, new, path=f"{FOLDER}/{path}", description=new)
    return project.search(FOLDER, env={"CONVERSION_DATA": str(small)})


def test_a_search_on_a_file_of_ones_own_runs_green(searched: Result) -> None:
    assert searched.returncode == 0, searched.stdout + searched.stderr
    words = [record.status.word for record in searched.experiments]
    assert words == ["REJECTED"] * len(PATCHES)


@pytest.mark.parametrize("number", range(len(PATCHES)), ids=lambda n: REASONS[n][:30])
def test_a_cap_that_is_broken_is_named_with_its_number(searched: Result, number: int) -> None:
    assert REASONS[number] in searched.experiments[number].reason


def test_months_that_the_search_never_used_are_scored_from_its_refs(
    searched: Result, small: Path, tmp_path: Path
) -> None:
    [run] = [path.name for path in (searched.folder / ".autoresearch").iterdir() if path.is_dir()]
    picture = tmp_path / "months.png"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.months", run, "--seeds", "1"),
            *("--repository", str(searched.folder), "--out", str(picture)),
        ],
        cwd=ROOT,
        env={**os.environ, "CONVERSION_DATA": str(small)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(PATCHES)} experiments, 0 kept" in done.stdout
    # Nothing was kept: both sides are the same files, and equal seeds give equal scores.
    assert "+0.0000, standard error over the months 0.0000" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_plain_pytest_says_what_is_wrong_with_the_file(project: Project) -> None:
    result = project.pytest(FOLDER, "-o", "conversion_data=nothing.csv")
    assert result.returncode == 1
    assert "CONVERSION_DATA, or ini conversion_data: " in result.stdout
    assert "nothing.csv" in result.stdout
    assert "1 skipped" in result.stdout
