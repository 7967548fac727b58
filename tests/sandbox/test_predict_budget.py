"""Predicting has a small budget of its own: a candidate must not train there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_autoresearch import candidate
from pytest_autoresearch.exceptions import OverBudget
from pytest_autoresearch.sandbox import Meter

if TYPE_CHECKING:
    from .conftest import Make

SLOW = """
import time
def fit(X, y, *, seed):
    time.sleep(FIT)
def predict(state, X):
    time.sleep(PREDICT)
    return X[:, 0]
"""
X = np.arange(30.0).reshape(10, 3)


def slow(fit: float, predict: float) -> str:
    return SLOW.replace("FIT", str(fit)).replace("PREDICT", str(predict))


def test_a_predict_process_is_stopped_long_before_the_budget_ends(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidate, "PREDICT_SECONDS", 0.3)
    monkeypatch.setattr(candidate, "PREDICT_SHARE", 0.001)
    case = make(slow(0, 600), budget=600.0)
    model = case.candidate.fit(X, X[:, 0])
    with pytest.raises(OverBudget, match=r"stopped after 0\.6 s; it may take 0\.3 s, 0% of the"):
        model.predict(X)
    assert case.meter.used < 300
    assert len(case.ledger.failures) == 1


def test_it_may_take_as_long_as_fit_took(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate, "PREDICT_SECONDS", 0.0)
    monkeypatch.setattr(candidate, "PREDICT_SHARE", 0.0)
    case = make(slow(3, 0), budget=600.0)
    assert case.candidate.fit(X, X[:, 0]).predict(X).tolist() == X[:, 0].tolist()


def test_the_bound_holds_for_its_block_only() -> None:
    now = [0.0]
    meter = Meter(100.0, clock=lambda: now[0])
    with meter.at_most(5.0, "too long"), meter.running():
        now[0] = 4.0
        meter.check()
        assert meter.next_limit == 1.0
        now[0] = 5.0
        with pytest.raises(OverBudget, match="too long"):
            meter.check()
    meter.check()
    assert meter.left == 95.0


def test_the_budget_still_ends_a_predict_process_that_is_within_its_bound() -> None:
    now = [0.0]
    meter = Meter(3.0, clock=lambda: now[0])
    with meter.at_most(5.0, "too long"), meter.running():
        assert meter.next_limit == 3.0
        now[0] = 6.0
        with pytest.raises(OverBudget, match="stopped after 3 s"):
            meter.check()
