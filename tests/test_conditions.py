"""Two scores are compared only where they were measured under the same conditions."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_autoresearch.history.champion import Conditions
from pytest_autoresearch.records import Fingerprint, Limits, Objective
from pytest_autoresearch.regression.conditions import conditions, differences, incomparable

MACHINE = Fingerprint("CPU one", "", 8, {"numpy": "2.0", "python": "3.12.1"})
THEN = Conditions(60.0, "none", {"conftest.py": "a", "test_it.py": "b"}, "args", {}, MACHINE)
OBJECTIVE = Objective(
    "conversion", "test_it.py::test_conversion", "test_it.py", "auc", "maximize", ("model.py",)
)


def now(objective: Objective, root: Path) -> Conditions:
    return conditions(
        objective, root, ["test_it.py"], {"model.py": b"import numpy"}, isolation="none", data={}
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "test_it.py").write_bytes(b"def test_it(): ...\n")
    return tmp_path


def test_equal_conditions_can_be_compared() -> None:
    assert incomparable(THEN, THEN) == ""
    assert differences(THEN, THEN) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"budget": 30.0}, "the budget was 60 s, is 30 s"),
        ({"arguments": "other"}, "the evaluation has changed (the markers' arguments)"),
        ({"data": {"rows": "x"}}, "the evaluation has changed (rows)"),
        (
            {"files": {"test_it.py": "c", "sub/conftest.py": "d"}},
            "the evaluation has changed (conftest.py, sub/conftest.py, test_it.py)",
        ),
        (
            {"fingerprint": replace(MACHINE, device="CPU two")},
            "it was measured on CPU one, this is CPU two",
        ),
        (
            {"fingerprint": replace(MACHINE, gpu="GPU two")},
            "it was measured on no GPU, this is GPU two",
        ),
    ],
)
def test_what_makes_scores_incomparable_is_named(change: dict[str, object], reason: str) -> None:
    assert incomparable(THEN, replace(THEN, **change)) == reason  # type: ignore[arg-type]


def test_a_missing_gpu_is_said_to_be_missing() -> None:
    then = replace(THEN, fingerprint=replace(MACHINE, gpu="GPU one"))
    assert incomparable(then, THEN) == "it was measured on the GPU GPU one, and there is none here"
    other = replace(THEN, fingerprint=replace(MACHINE, gpu="GPU two"))
    assert incomparable(then, other) == "it was measured on GPU one, this is GPU two"


def test_threads_versions_and_tier_are_no_obstacle_but_named() -> None:
    machine = Fingerprint("CPU one", "", 2, {"numpy": "2.1", "python": "3.12.1", "new": "1.0"})
    here = replace(THEN, fingerprint=machine, isolation="sealed")
    assert incomparable(THEN, here) == ""
    assert differences(THEN, here) == ["threads 2 (was 8)", "numpy 2.1 (was 2.0)"]


def test_frozen_files_have_gits_own_names(root: Path) -> None:
    done = subprocess.run(
        ["git", "hash-object", "test_it.py"], cwd=root, capture_output=True, text=True, check=True
    )
    assert now(OBJECTIVE, root).files == {"test_it.py": done.stdout.strip()}


def test_what_the_markers_say_counts_and_where_things_lie_does_not(root: Path) -> None:
    before = now(OBJECTIVE, root)
    assert "numpy" in before.fingerprint.packages
    for changed in (
        replace(OBJECTIVE, direction="minimize"),
        replace(OBJECTIVE, constraints={"ece": "<= 1"}),
        replace(OBJECTIVE, limits=Limits(env={"A": "b"})),
    ):
        assert "the markers' arguments" in incomparable(before, now(changed, root))
    for same in (
        replace(OBJECTIVE, nodeid="deep/test_it.py::test_conversion"),
        replace(OBJECTIVE, limits=Limits(hidden=("/here",), data={"rows": "/there"})),
    ):
        assert incomparable(before, now(same, root)) == ""
