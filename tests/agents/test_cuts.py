"""What may not be needed is left out, readably, a bounded number of times, and not again after a crash."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from pytest_autoresearch.agents.tuning.cuts import MOST_TRIES
from pytest_autoresearch.agents.tuning.tune import CUT_EVERY, FIRST_MOVES, Tune
from pytest_autoresearch.records import Proposal, Status
from pytest_autoresearch.sandbox.grammar import read_literals

from .champions import briefing, proposals, record

TABLE = """import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

FEATURES = [
    "age",  # in years
    "job",
    "pay"
]


def fit(X, y, *, seed):
    X = X[FEATURES]
    X = np.log1p(X)  # skewed
    X["ratio"] = X["pay"] / X["age"]
    lags = [1, 2, 7]
    return make_pipeline(PolynomialFeatures(), StandardScaler(), Ridge(tol=1e-3, random_state=seed)).fit(X, y)
"""


def dropped(source: str, count: int = 200) -> dict[str, str]:
    """What is left out in a search that never improves: the files by description."""
    return {
        one.description: one.files["model.py"]
        for one in proposals(source, count)
        if one.theme == "simplification"
    }


def test_features_steps_lines_and_elements_are_left_out_one_at_a_time() -> None:
    found = dropped(TABLE)
    assert found['drop feature "age"'] == TABLE.replace('    "age",  # in years\n', "")
    assert found['drop feature "pay"'] == TABLE.replace('    "pay"\n', "")
    assert found["drop line X = np.log1p(X)"] == TABLE.replace(
        "    X = np.log1p(X)  # skewed\n", ""
    )
    assert 'X["ratio"]' not in found['drop line X["ratio"] = X["pay"] / X["age"]']
    assert "[2, 7]" in found["drop element 1"]
    assert "[1, 2]" in found["drop element 7"]
    assert "make_pipeline(PolynomialFeatures(), Ridge(" in found["drop step StandardScaler()"]
    assert "Ridge(random_state=seed)" in found["drop argument tol=1e-3"]
    assert not any(words in key for key in found for words in ("step Ridge", "random_state"))
    for source in found.values():
        ast.parse(source)


def test_only_lines_that_the_rest_can_do_without_are_left_out() -> None:
    source = "def f(x):\n    y = x + 1\n    x = x * 2; z = 0.5\n    if x:\n        x = x - y\n    return x\n"
    assert dropped(source) == {}


def test_an_attribute_or_a_keyword_of_the_same_name_is_no_use_of_a_variable() -> None:
    source = (
        "def f(x):\n    codes = [x.cat.codes]\n    size = g(size=x)\n    return codes + [size]\n"
    )
    assert dropped(source) == {}


def test_a_default_that_is_written_is_not_dropped_for_nothing() -> None:
    source = "from sklearn.linear_model import Ridge\nm = Ridge(alpha=1.0, tol=1e-3)\n"
    assert list(dropped(source)) == ["drop argument tol=1e-3"]


def test_a_modest_share_of_the_proposals_leaves_something_out() -> None:
    found = [one.theme == "simplification" for one in proposals(TABLE, 40)]
    assert not any(found[: FIRST_MOVES - 1])
    assert 3 <= sum(found) <= 2 + 40 // CUT_EVERY


FLAT = 'FEATURES = ["a", "b", "c"]\n'


@pytest.mark.parametrize(("status", "tries"), [(Status.CRASH, 1), (Status.DISCARD, MOST_TRIES)])
def test_each_is_tried_a_bounded_number_of_times_and_once_if_it_breaks(
    status: Status, tries: int
) -> None:
    agent, count = Tune(read_literals), Counter[str]()
    told: list[Proposal] = []
    for champion in range(5):
        while proposal := agent.propose(briefing(f"{FLAT}# {champion}\n")):
            count[proposal.description] += 1
            told.append(proposal)
            agent.told(record(len(told), proposal, status))
    assert set(count.values()) == {tries}
    assert len(count) == 3


def test_a_resumed_run_knows_what_was_left_out() -> None:
    first = list(proposals(FLAT, 2))
    agent = Tune(read_literals)
    for number, one in enumerate(first, 1):
        agent.told(record(number, one))
    third = agent.propose(briefing(FLAT))
    assert third is not None
    assert third.description not in {one.description for one in first}
    assert agent.propose(briefing(FLAT)) is None
