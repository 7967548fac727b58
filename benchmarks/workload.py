"""The training that both harnesses do: one data set, one model file, patches that never win."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LIGHTGBM = """
import time

import lightgbm

LEARNING_RATE = 0.1


def fit(X, y, *, seed):
    began = time.perf_counter()
    settings = {
        "objective": "binary",
        "learning_rate": LEARNING_RATE,
        "num_threads": 2,
        "seed": seed,
        "verbose": -1,
    }
    model = lightgbm.train(settings, lightgbm.Dataset(X, y), 100)
    print("bench", repr(began), repr(time.perf_counter()))
    return model


def predict(state, X):
    began = time.perf_counter()
    found = state.predict(X, num_threads=2)
    print("bench", repr(began), repr(time.perf_counter()))
    return found
"""
SKLEARN = """
import time

from sklearn.ensemble import HistGradientBoostingClassifier

LEARNING_RATE = 0.1


def fit(X, y, *, seed):
    began = time.perf_counter()
    model = HistGradientBoostingClassifier(
        learning_rate=LEARNING_RATE, max_iter=60, early_stopping=False, random_state=seed
    )
    model.fit(X, y)
    print("bench", repr(began), repr(time.perf_counter()))
    return model


def predict(state, X):
    began = time.perf_counter()
    found = state.predict_proba(X)[:, 1]
    print("bench", repr(began), repr(time.perf_counter()))
    return found
"""
CONFTEST = """
from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture(scope="session")
def data():
    return SimpleNamespace(**np.load({data!r}))
"""
TEST = """
import numpy as np
import pytest


@pytest.mark.timeout(60)
@pytest.mark.autoresearch(metric="log_loss", direction="minimize", editable=["model.py"])
def test_line(candidate, experiment, data):
    for fold in experiment.race(lambda split: [data]):
        chances = candidate.fit(fold.train_X, fold.train_y).predict(fold.test_X)
        right = np.where(fold.test_y == 1, chances, 1 - chances)
        experiment.score(-np.log(right).mean())
    assert experiment.improves
"""
TRAIN = """
import numpy as np

from model import fit, predict

data = np.load({data!r})
chances = predict(fit(data["train_X"], data["train_y"], seed=1), data["test_X"])
right = np.where(data["test_y"] == 1, chances, 1 - chances)
print("log_loss:", repr(float(-np.log(right).mean())))
"""
OLD = "LEARNING_RATE = 0.1\n"
TRAIN_ROWS = 12_000
TEST_ROWS = 3_000
COLUMNS = 25


@dataclass(frozen=True)
class Workload:
    """A model that an agent may change, and the data that it is trained on."""

    library: str
    model: str
    data: Path

    @property
    def files(self) -> dict[str, str]:
        """The files of a project for the plugin."""
        return {
            "conftest.py": CONFTEST.format(data=str(self.data)),
            "test_line.py": TEST,
            "model.py": self.model,
        }

    @property
    def script(self) -> str:
        """The script of a plain loop: load, fit, predict, print the metric."""
        return TRAIN.format(data=str(self.data))


def make(folder: Path) -> Workload:
    """Write the data, always the same, and choose the model: LightGBM's if it is installed."""
    random = np.random.default_rng(0)
    rows = TRAIN_ROWS + TEST_ROWS
    X = random.normal(size=(rows, COLUMNS)).astype("float32")
    y = (X[:, 0] * X[:, 1] + X[:, 2] + random.normal(size=rows) > 0).astype("int8")
    path = folder / "data.npz"
    np.savez(
        path,
        train_X=X[:TRAIN_ROWS],
        train_y=y[:TRAIN_ROWS],
        test_X=X[TRAIN_ROWS:],
        test_y=y[TRAIN_ROWS:],
    )
    if importlib.util.find_spec("lightgbm"):
        return Workload("lightgbm", LIGHTGBM, path)
    return Workload("scikit-learn", SKLEARN, path)


def learning_rate(number: int) -> float:
    """A rate that is far too low, another one for every patch: as much work, and a worse score."""
    return round(0.01 + number * 1e-5, 5)


def patched(model: str, number: int) -> str:
    """The model file after a patch."""
    return model.replace(OLD, f"LEARNING_RATE = {learning_rate(number)}\n")


def own_times(output: str) -> list[tuple[float, float]]:
    """Beginning and end of each fit and predict, as the candidate's code itself took them."""
    lines = [line.split() for line in output.splitlines() if line.startswith("bench ")]
    return [(float(began), float(ended)) for _, began, ended in lines]
