"""Libraries train in every process of a warm zygote, with threads, and with workers where allowed."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_autoresearch.exceptions import CandidateError
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox, libraries

if TYPE_CHECKING:
    from pytest_autoresearch.sandbox.walls.tiers import Tier

    from .conftest import Make

RANDOM = np.random.default_rng(0)
X = RANDOM.random((400, 6))
y = (X[:, 0] + X[:, 1] > 1).astype(float)
TIMES = 50

PREDICT = """
def predict(state, X):
    return X[:, 0] + state
"""
TABULAR = """
import lightgbm, numpy as np, pandas as pd, polars as pl
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

def fit(X, y, *, seed):
    frame = pd.DataFrame(X).assign(y=y)
    means = frame.groupby(frame["y"] > 0).mean().to_numpy()
    counts = pl.DataFrame({"y": y, "x": X[:, 0]}).lazy().group_by("y").agg(pl.len()).collect()
    assert counts["len"].sum() == len(frame) and np.isfinite(means).all()
    forest = RandomForestRegressor(4, n_jobs=2, random_state=0).fit(X, y)
    boosted = HistGradientBoostingRegressor(max_iter=3, random_state=0).fit(X, y)
    settings = {"objective": "regression", "num_threads": 2, "verbose": -1, "seed": 1,
                "deterministic": True, "force_row_wise": True}
    lights = lightgbm.train(settings, lightgbm.Dataset(X, y), 5)
    found = [model.predict(X).mean() for model in (forest, boosted, lights)]
    assert all(abs(one - y.mean()) < 0.05 for one in found), found
    return 1.0
"""
TORCH = """
import torch

def fit(X, y, *, seed):
    torch.set_num_threads(2)
    X, y = torch.from_numpy(X).float(), torch.from_numpy(y).float()
    wide = torch.randn(300, 300)
    assert torch.isfinite(torch.tanh(wide @ wide)).all()
    model = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    steps = torch.optim.Adam(model.parameters(), 0.01)
    losses = []
    for _ in range(20):
        loss = torch.nn.functional.mse_loss(model(X)[:, 0], y)
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    return 1.0
"""
LOADER = """
import torch
from torch.utils.data import DataLoader, TensorDataset

def fit(X, y, *, seed):
    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
    total = 0.0
    for _ in range(2):
        loader = DataLoader(data, batch_size=16, shuffle=True, num_workers=2)
        total += sum(float(batch.sum()) for batch, _ in loader)
    assert abs(total - 2 * X.sum()) < 1e-6
    return 1.0
"""
COMPILED = """
import torch

def fit(X, y, *, seed):
    function = torch.compile(lambda x: (x * 2).sin() + 1)
    found = function(torch.from_numpy(X))
    assert torch.allclose(found, (torch.from_numpy(X) * 2).sin() + 1)
    return 1.0
"""
LOKY = """
import math
from joblib import Parallel, delayed

def fit(X, y, *, seed):
    roots = Parallel(n_jobs=2)(delayed(math.sqrt)(value) for value in range(4))
    return float(roots[1])
"""
SPREAD = """
import numpy as np
from joblib import Parallel, delayed

def fit(X, y, *, seed):
    large = np.ones((600, 600))
    return Parallel(n_jobs=2)(delayed(np.sum)(large) for _ in range(2))[0] / large.size
"""


def required(*names: str) -> None:
    for name in names:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")


def trained(
    make: Make,
    source: str,
    tier: Tier,
    folder: Path,
    limits: Limits | None = None,
    times: int = 1,
    budget: float = 120.0,
) -> int:
    """In how many processes of one zygote a source has trained."""
    source += PREDICT
    imports = libraries({"model.py": source.encode()})
    good = 0
    with Sandbox(limits or Limits(), folder, ("numpy", *imports), tier=tier) as sandbox:
        for _ in range(times):
            model = make(source, sandbox=sandbox, budget=budget).candidate.fit(X, y)
            good += bool(model.predict(X, chunks=1).mean() > 1)
    return good


def test_tabular_libraries_train_with_threads_every_time(
    make: Make, walled: Tier, tmp_path: Path
) -> None:
    required("lightgbm", "sklearn", "pandas", "polars")
    assert trained(make, TABULAR, walled, tmp_path, times=TIMES) == TIMES


def test_torch_trains_with_threads_every_time(make: Make, walled: Tier, tmp_path: Path) -> None:
    required("torch")
    assert trained(make, TORCH, walled, tmp_path, times=TIMES) == TIMES


def test_a_loader_with_workers_trains(make: Make, walled: Tier, tmp_path: Path) -> None:
    required("torch")
    assert trained(make, LOADER, walled, tmp_path, Limits(processes=True), times=3) == 3


def test_a_loader_without_the_door_says_what_it_needs(
    make: Make, walled: Tier, tmp_path: Path
) -> None:
    required("torch")
    with pytest.raises(CandidateError, match=r"needs @pytest.mark.sandbox\(processes=True\)"):
        trained(make, LOADER, walled, tmp_path)


def test_torch_compiles(make: Make, walled: Tier, tmp_path: Path) -> None:
    required("torch")
    if shutil.which("g++") is None:
        pytest.skip("torch.compile needs a compiler, g++, on PATH")
    limits = Limits(processes=True, exec=True, scratch=512 << 20)
    assert trained(make, COMPILED, walled, tmp_path, limits, budget=300.0) == 1


@pytest.mark.parametrize("source", [LOKY, SPREAD], ids=["calls", "arrays"])
def test_joblib_starts_its_workers(make: Make, walled: Tier, tmp_path: Path, source: str) -> None:
    required("joblib")
    limits = Limits(processes=True, exec=True)
    assert trained(make, source, walled, tmp_path, limits) == 1


def test_joblib_without_the_doors_says_what_it_needs(
    make: Make, walled: Tier, tmp_path: Path
) -> None:
    required("joblib")
    sentence = r"needs @pytest.mark.sandbox\(processes=True, exec=True\)"
    for limits in (Limits(), Limits(processes=True)):
        with pytest.raises(CandidateError, match=sentence):
            trained(make, LOKY, walled, tmp_path, limits)


@pytest.fixture
def one_processor() -> object:
    """This process, and all that it starts, on one processor only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield None
    os.sched_setaffinity(0, before)


@pytest.mark.usefixtures("one_processor")
def test_threads_are_as_many_as_the_judge_may_use(make: Make, walled: Tier, tmp_path: Path) -> None:
    source = """
import os, sklearn.ensemble
from threadpoolctl import threadpool_info
def attempt():
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    return [len(os.sched_getaffinity(0)), *(pool["num_threads"] for pool in threadpool_info())]
"""
    required("sklearn", "threadpoolctl")
    with Sandbox(Limits(), tmp_path, ["sklearn.ensemble"], tier=walled) as sandbox:
        case = make(source, sandbox=sandbox)
        threads = case.candidate.call("model.py:attempt", shape=(None,)).tolist()
    assert len(threads) > 1
    assert set(threads) == {1.0}
