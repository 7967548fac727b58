"""The sixty patches of the benchmark `nulls` are what it says, and so is what it reads from a journal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.null_patches import FOLDER, Patch, patches
from benchmarks.nulls import Round, Tried, greedy
from experiments.conversion.conftest import Calls, simulate
from pytest_autoresearch.records import Part, Pass, Record, Status

ROOT = Path(__file__).parent.parent
PATCHES = patches()
SOURCES = {name: (FOLDER / name).read_text("utf-8") for name in ("features.py", "model.py")}
SAME = [one for one in PATCHES if one.kind in ("comment", "unused constant", "literal")]


@pytest.fixture(scope="module")
def calls() -> Calls:
    return simulate(months=8, calls=300)


@pytest.fixture(scope="module")
def unpatched(calls: Calls) -> NDArray[np.float64]:
    return chances(calls, None)


def patched(patch: Patch | None) -> dict[str, str]:
    if patch is None:
        return SOURCES
    return {**SOURCES, patch.path: SOURCES[patch.path].replace(patch.old, patch.new, 1)}


def chances(calls: Calls, patch: Patch | None, seed: int = 1) -> NDArray[np.float64]:
    """What the patched example predicts of the last calls, after learning from the first 1800."""
    features: dict[str, Any] = {}
    model: dict[str, Any] = {}
    for space, name in ((features, "features.py"), (model, "model.py")):
        few = patched(patch)[name].replace("n_estimators=100", "n_estimators=10")
        exec(compile(few.replace("n_jobs=2", "n_jobs=1"), name, "exec"), space)
    X = features["features"](calls.X)
    state = model["fit"](X[:1800], calls.y[:1800], seed=seed)
    found: NDArray[np.float64] = model["predict"](state, X[1800:])
    return found


def test_fifty_of_sixty_patches_change_nothing_that_matters() -> None:
    assert Counter(one.null for one in PATCHES) == {True: 50, False: 10}
    assert len({tuple(sorted(patched(one).items())) for one in PATCHES}) == 60
    assert all(SOURCES[one.path].count(one.old) == 1 for one in PATCHES)


@pytest.mark.parametrize("patch", SAME, ids=lambda patch: patch.description)
def test_comments_constants_and_literals_leave_every_prediction_as_it_was(
    calls: Calls, unpatched: NDArray[np.float64], patch: Patch
) -> None:
    assert np.allclose(chances(calls, patch), unpatched, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "patch", [one for one in PATCHES if one.kind == "order"], ids=lambda patch: patch.description
)
def test_another_order_holds_the_same_things(patch: Patch) -> None:
    old, new = (SOURCES[patch.path], patched(patch)[patch.path])
    words = [sorted(text.replace("[", " ").replace("]", " ").split()) for text in (old, new)]
    assert Counter(word.strip(",*") for word in words[0]) == Counter(
        word.strip(",*") for word in words[1]
    )


@pytest.mark.parametrize(
    "patch", [one for one in PATCHES if not one.null], ids=lambda patch: patch.description
)
def test_a_real_change_moves_predictions(
    calls: Calls, unpatched: NDArray[np.float64], patch: Patch
) -> None:
    assert not np.allclose(chances(calls, patch), unpatched, rtol=0, atol=1e-3)


def record(number: int, *scores: float) -> Record:
    status, part = Status.DISCARD, Part.EXPERIMENT
    if not number:
        status, part = Status.BASELINE, Part.BASELINE
    passes = (Pass(0, 1, scores),) if scores else ()
    return Record(item=f"{number:04d}", part=part, experiment=number, status=status, passes=passes)


def test_greedy_keeps_whatever_beats_the_best_so_far_in_a_whole_first_pass() -> None:
    tried = [
        record(1, 0.5, 0.6),
        record(2, 0.7),
        record(3, 0.6, 0.7),
        record(4, 0.6, 0.6),
        record(5),
        record(6, 0.7, 0.7),
    ]
    assert greedy(record(0, 0.5, 0.5), tried) == {1, 3, 6}


def test_folds_are_counted_with_those_that_measure_champions() -> None:
    tried = [
        Tried(n, kind, "", 0.5, 0.0, folds, "discard", "", "", ours, greedy=True)
        for n, kind, folds, ours in ((1, "seed", 2, False), (2, "real", 10, True))
    ]
    one = Round(tried, 0.5, 5, measuring=30, seconds=1.0)
    assert one.folds == 42
    assert one.passes == pytest.approx(4.2)
    assert [one.kept(who, null=null) for who in ("ours", "greedy") for null in (True, False)] == [
        *(0, 1),
        *(1, 1),
    ]


def test_a_replay_is_read_from_its_journal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.nulls", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [found] = json.loads((tmp_path / "nulls.json").read_text("utf-8"))["rounds"]
    assert [one["description"] for one in found["tried"]] == [
        patch.description for patch in PATCHES[:4]
    ]
    assert all(one["folds"] >= 1 for one in found["tried"])
    assert found["width"] == 2, "few windows"
    assert found["measuring"] >= 6 * found["width"], "each of three splits is walked twice"
    assert "kept of these" in done.stdout
