"""Shared data: built once for all processes and sessions, never half, mapped and not pickled."""

from __future__ import annotations

import datetime
import errno
import gc
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pytest_autoresearch.evaluation import cache, shared, store
from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.testing import MODEL, Project


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "shared"


KEYS = itertools.count()


class Counting:
    """A function that counts its calls."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        return self.value


def entries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]


def again(value: Any) -> Any:
    """What a value is when it comes back."""
    build, key = Counting(value), next(KEYS)
    shared(build, key)
    found = shared(build, key)
    assert build.calls == 1
    return found


def test_an_array_is_built_once_and_mapped_read_only_from_the_first_call_on() -> None:
    build = Counting(np.arange(6.0).reshape(2, 3))
    for _ in range(3):
        found = shared(build, "table")
        assert type(found) is np.memmap
        assert found.tolist() == build.value.tolist()
        with pytest.raises(ValueError, match="read-only"):
            found[0] = 1
    assert build.calls == 1


def test_other_keys_and_other_functions_have_other_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[Any] = [1, 1.0, True, "1", (1,), (1, 1), ("1", 1), (("1", 1),), None, Path("1")]
    (tmp_path / "1").touch()
    monkeypatch.chdir(tmp_path)
    found = [shared(partial(repr, key), key) for key in keys]
    assert found == list(map(repr, keys))
    assert shared(lambda: "another function", 1) == "another function"


def test_a_file_in_the_key_counts_by_its_state(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("1")
    build = Counting(0)
    shared(build, ("x", file))
    shared(build, ("x", file))
    assert build.calls == 1
    file.write_text("12")
    shared(build, ("x", file))
    assert build.calls == 2


def test_a_folder_in_the_key_counts_by_the_files_below_it(tmp_path: Path) -> None:
    below = tmp_path / "data" / "deep" / "rows.csv"
    below.parent.mkdir(parents=True)
    below.write_text("1")
    build = Counting(0)
    shared(build, tmp_path / "data")
    below.write_text("12")
    shared(build, tmp_path / "data")
    assert build.calls == 2


def test_an_edited_function_builds_again(tmp_path: Path) -> None:
    for text in ("1", "2"):
        source = tmp_path / f"v{text}" / "conftest.py"
        source.parent.mkdir()
        source.write_text(f"def build():\n    return {text}\n")
    builds = []
    for text in ("1", "2"):
        scope: dict[str, Any] = {}
        code = (tmp_path / f"v{text}" / "conftest.py").read_text()
        exec(compile(code, str(tmp_path / f"v{text}" / "conftest.py"), "exec"), scope)
        builds.append(scope["build"])
    assert [shared(build, "x") for build in builds] == [1, 2]


VALUES: dict[str, Any] = {
    "plain": [None, True, 3, 10**30, 0.1, float("inf"), "text \ud800", ("a", ["b"]), {}],
    "dict": {"a": 1, 2: {"b": [1]}},
}


@pytest.mark.parametrize("kind", VALUES)
def test_plain_data_come_back_as_they_were(kind: str) -> None:
    assert again(VALUES[kind]) == VALUES[kind]


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(10)[::3],
        np.zeros((0, 4), np.float32),
        np.array(5),
        np.array(["a", "bcd"]),
        np.array([True, False]),
        np.array(["2024-01-01", "NaT"], "datetime64[D]"),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    ],
    ids=["fortran", "strided", "empty", "single", "texts", "booleans", "dates", "records"],
)
def test_arrays_come_back_as_they_were(array: Any) -> None:
    found = again({"x": array})["x"]
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)
    assert not found.flags.writeable


def test_a_numpy_number_stays_one() -> None:
    found = again(np.float32(0.1))
    assert type(found) is np.float32
    assert found == np.float32(0.1)


def frame() -> pd.DataFrame:
    texts = ["a", "ü", None, ""]
    return pd.DataFrame(
        {
            "whole": [1, 2, 3, 4],
            "real": [0.5, np.nan, 1.5, 2.5],
            "yes": [True, False, True, True],
            "text": pd.array(texts, dtype="string"),
            "str": texts,
            "object": pd.Series(texts, dtype=object),
            "category": pd.Categorical(["x", None, "y", "x"], ["y", "x"], ordered=True),
            "number category": pd.Categorical([3, 1, 3, 3]),
            "day": pd.to_datetime(["2024-01-01", None, "2024-01-03", "2024-01-04"]),
            "zone": pd.date_range("2024-03-30", periods=4, tz="Europe/Berlin"),
            "long": pd.to_timedelta([1, 2, 3, 4], unit="h"),
            "Int64": pd.array([1, None, 3, 2**62], dtype="Int64"),
            "UInt8": pd.array([1, None, 3, 4], dtype="UInt8"),
            "Float32": pd.array([1, None, 3, 4], dtype="Float32"),
            "boolean": pd.array([True, None, False, True], dtype="boolean"),
            7: [1, 2, 3, 4],
        }
    )


@pytest.mark.parametrize(
    "index",
    [
        None,
        pd.Index([4, 2, 9, 9], name="id"),
        pd.Index(list("abcd")),
        pd.date_range("2024-01-01", periods=4, name="day"),
        pd.RangeIndex(3, 7),
    ],
    ids=["plain", "numbers", "texts", "dates", "range"],
)
def test_frames_come_back_as_they_were(index: Any) -> None:
    given = frame() if index is None else frame().set_index(index)
    found = again(given)
    pd.testing.assert_frame_equal(found, given, check_index_type="equiv", check_freq=False)
    pd.testing.assert_series_equal(again((given["zone"],))[0], given["zone"], check_freq=False)


def test_columns_of_equal_names_stay_apart() -> None:
    given = pd.DataFrame([[1, 2.5]], columns=["a", "a"])
    pd.testing.assert_frame_equal(again(given), given)
    pd.testing.assert_frame_equal(again({"empty": given[:0]})["empty"], given[:0])


def test_the_numbers_of_a_frame_are_mapped_and_not_copied() -> None:
    found = again(pd.DataFrame({"a": np.arange(5.0), "b": [1, 2, 3, 4, 5]}))
    for name in "ab":
        base: Any = found[name].to_numpy()
        while base is not None and not isinstance(base, np.memmap):
            base = base.base
        assert base is not None, f"{name} is a copy"


OFFICE = datetime.timezone(datetime.timedelta(hours=1), "office")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "build() is a object, which cannot be stored"),
        ({"a": [np.array([object()])]}, "build()['a'][0] is an array of object"),
        ({(1, 2): 3}, "has the key (1, 2)"),
        (pl.DataFrame({"a": [1]}), "build() is a DataFrame"),
        (pd.DataFrame({"a": [[1], [2]]}), "build()['a'] holds [1] among texts"),
        (pd.DataFrame({"a": pd.period_range("2024", periods=2)}), "a column of period"),
        (
            pd.Series(pd.date_range("2024", periods=2, tz=OFFICE)),
            "a column of datetime64",
        ),
        (pd.DataFrame({("a", "b"): [1]}), "has the label ('a', 'b')"),
        (pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)])), "several levels"),
    ],
)
def test_what_cannot_be_stored_is_named(value: Any, message: str, folder: Path) -> None:
    with pytest.raises(UsageProblem) as caught:
        shared(lambda: value, "x")
    assert message in str(caught.value)
    assert entries(folder) == []


@pytest.mark.parametrize("key", [["a"], {"a": 1}, b"a", ("a", ["b"]), np.float64(1)])
def test_a_key_of_another_type_is_refused(key: Any) -> None:
    with pytest.raises(UsageProblem, match="give a text, a number"):
        shared(lambda: 1, key)


def test_a_key_names_a_file_that_is_missing() -> None:
    with pytest.raises(UsageProblem, match="/nowhere/at/all, which cannot be read"):
        shared(lambda: 1, Path("/nowhere/at/all"))


def test_a_key_names_a_folder_with_a_link_back_to_itself(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "again").symlink_to(tmp_path)
    with pytest.raises(UsageProblem, match="again, a link to a folder that it lies in"):
        shared(lambda: 1, tmp_path)


def test_a_build_that_raises_leaves_nothing_and_is_tried_again(folder: Path) -> None:
    def build() -> Any:
        raise KeyError("column")

    with pytest.raises(KeyError, match="column") as caught:
        shared(build, "x")
    assert caught.value.__context__ is None, "that there was no entry is nobody's concern"
    assert entries(folder) == []
    with pytest.raises(KeyError, match="column"):
        shared(build, "x")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[3] ^= 255
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("name", ["0.npy", "entry.json"])
def test_a_damaged_entry_is_built_again(
    name: str, damage: Callable[[Path], Any], folder: Path
) -> None:
    build = Counting({"a": np.arange(100), "b": [1, 2]})
    shared(build, "x")
    damage(entries(folder)[0] / name)
    assert shared(build, "x")["a"].tolist() == list(range(100))
    shared(build, "x")
    assert build.calls == 2


def test_what_a_killed_build_left_behind_is_removed(folder: Path) -> None:
    build = Counting(1)
    shared(build, "x")
    (entry,) = entries(folder)
    left = entry.rename(entry.with_name(f"{entry.name}.new-1"))
    (left / "0.npy").write_bytes(b"half")
    shared(build, "x")
    assert entries(folder) == [entry]
    assert build.calls == 2


def test_data_that_are_mapped_outlive_their_entry(folder: Path) -> None:
    build = Counting(np.arange(100))
    found = shared(build, "x")
    cut(entries(folder)[0] / "entry.json")
    shared(build, "x")
    gc.collect()
    assert found.sum() == 4950


def test_a_full_disk_names_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "save", save)
    with pytest.raises(UsageProblem) as caught:
        shared(lambda: np.arange(5), "x")
    assert str(caught.value).startswith(f"evaluation.shared cannot write {folder}/")
    assert "No space left on device" in str(caught.value)
    assert "AUTORESEARCH_CACHE" in str(caught.value)
    assert entries(folder) == []


def test_a_folder_that_cannot_be_made_names_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(UsageProblem, match=f"cannot write {tmp_path}/file/shared"):
        shared(lambda: 1, "x")


def test_the_folder_is_where_people_expect_it_and_theirs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = os.umask(0o022)
    monkeypatch.delenv("AUTORESEARCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    shared(lambda: 1, "x")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/.cache/pytest-autoresearch/shared").mkdir(parents=True, mode=0o777)
    shared(lambda: 1, "x")
    os.umask(old)
    for place in ("xdg", "home/.cache"):
        made = tmp_path / place / "pytest-autoresearch" / "shared"
        assert made.stat().st_mode & 0o777 == 0o700
        assert len(entries(made)) == 1


@pytest.mark.parametrize("named", ["~nobody-at-all/cache", ""])
def test_a_user_without_a_home_is_told_to_name_a_folder(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTORESEARCH_CACHE", named)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(UsageProblem, match="in no known home folder; set AUTORESEARCH_CACHE"):
        shared(lambda: 1, "x")


def test_somebody_elses_folder_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(UsageProblem, match=f"{folder} belongs to another user"):
        shared(lambda: 1, "x")


def test_a_build_that_asks_for_itself_is_told_so() -> None:
    def build() -> Any:
        return shared(build, "x")

    with pytest.raises(UsageProblem, match="asks for that key itself"):
        shared(build, "x")


def test_a_build_may_ask_for_other_keys() -> None:
    assert shared(lambda: shared(lambda: 1, "inner") + 1, "outer") == 2


def test_threads_build_once() -> None:
    inside, go = threading.Event(), threading.Event()
    calls, found = [], []

    def build() -> Any:
        calls.append(1)
        inside.set()
        go.wait(20)
        return 5

    threads = [threading.Thread(target=lambda: found.append(shared(build, "x"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert inside.wait(20)
    go.set()
    for thread in threads:
        thread.join()
    assert found == [5, 5, 5]
    assert len(calls) == 1


BUILDER = """
import sys, time
from pathlib import Path
import numpy as np
from pytest_autoresearch.evaluation import shared

def build():
    with open("calls", "a") as file:
        file.write("x")
    while not Path("go").exists():
        time.sleep(0.01)
    return {"rows": np.arange(1000), "name": "big"}

Path(f"started-{sys.argv[1]}").touch()
found = shared(build, ("rows", 1))
print(type(found["rows"]).__name__, int(found["rows"].sum()), found["name"])
"""


def start(folder: Path, number: int) -> subprocess.Popen[str]:
    (folder / "builder.py").write_text(BUILDER)
    command = [sys.executable, "builder.py", str(number)]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(path: Path) -> None:
    for _ in range(2000):
        if path.exists():
            return
        threading.Event().wait(0.01)
    raise TimeoutError(path)


def test_two_processes_build_once_and_map_the_same(tmp_path: Path) -> None:
    both = [start(tmp_path, 1), start(tmp_path, 2)]
    for name in ("started-1", "started-2", "calls"):
        wait_for(tmp_path / name)
    (tmp_path / "go").touch()
    for process in both:
        assert process.communicate(timeout=60) == ("memmap 499500 big\n", "")
    assert (tmp_path / "calls").read_text() == "x"


def test_a_process_that_is_killed_while_it_builds_hands_over_to_the_next(
    tmp_path: Path, folder: Path
) -> None:
    first = start(tmp_path, 1)
    wait_for(tmp_path / "calls")
    second = start(tmp_path, 2)
    wait_for(tmp_path / "started-2")
    first.kill()
    first.communicate(timeout=60)
    (tmp_path / "go").touch()
    assert second.communicate(timeout=60) == ("memmap 499500 big\n", "")
    assert (tmp_path / "calls").read_text() == "xx"
    assert len(entries(folder)) == 1


def test_what_lies_on_disk_is_arrays_and_json(folder: Path) -> None:
    shared(lambda: {"frame": frame(), "array": np.arange(5)}, ("x", 3))
    (entry,) = entries(folder)
    spec = json.loads((entry / store.SPEC).read_text())
    assert '["str", "x"], ["int", 3]' in spec["note"]
    arrays = sorted(path.name for path in entry.iterdir() if path.name != store.SPEC)
    assert arrays == sorted(f"{number}.npy" for number in range(len(arrays)))
    for name in arrays:
        np.load(entry / name, allow_pickle=False)


def test_entries_of_another_form_are_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    build = Counting(1)
    shared(build, "x")
    monkeypatch.setattr(cache, "FORM", 2)
    shared(build, "x")
    assert build.calls == 2


MAPPED = """
import numpy as np
import pytest
from pytest_autoresearch import evaluation


def made():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    return X, 3 * X[:, 0] + 1 + rng.normal(scale=0.1, size=300)


@pytest.fixture(scope="session")
def line():
    return evaluation.shared(made, "line")
"""
TEST_MAPPED = """
import numpy as np
import pytest
from pytest_autoresearch import evaluation


@pytest.mark.timeout(20)
@pytest.mark.autoresearch(metric="rmse", direction="minimize", editable=["model.py"])
def test_line(candidate, experiment, line):
    assert [type(part) for part in line] == [np.memmap, np.memmap]
    for fold in experiment.race(evaluation.folds.purged(*line, np.arange(300), k=3)):
        model = candidate.fit(fold.train_X, fold.train_y, whole=line[0])
        error = model.predict(fold.test_X, context=line[0]) - fold.test_y
        experiment.score(np.sqrt(np.mean(error**2)))
    assert experiment.improves
"""


def test_shared_data_cross_to_a_candidate(tmp_path: Path) -> None:
    model = MODEL.replace("(X, y, *,", "(X, y, whole, *,").replace(
        "(state, X)", "(state, X, context)"
    )
    project = Project(
        tmp_path / "p", {"conftest.py": MAPPED, "test_line.py": TEST_MAPPED, "model.py": model}
    )
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    result = project.search()
    assert [record.status.word for record in result.experiments] == ["KEPT"], result.stdout
