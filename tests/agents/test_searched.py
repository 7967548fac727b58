"""Before anything is paid the tuner says what it searches, what it leaves alone, and when that is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from pytest_autoresearch.agents.tuning.tune import Tune
from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.records import Json
from pytest_autoresearch.sandbox.grammar import read_literals

from .champions import briefing

SOURCE = """import lightgbm as lgb
FEATURES = ["a", "b"]
mode = "slow"

def fit(X, y, *, seed=3):
    return lgb.LGBMClassifier(
        n_estimators=100,
        n_jobs=1,
        random_state=0,
    ).fit(X[FEATURES], y)
"""


def test_the_plan_says_what_is_searched_and_what_is_left_alone() -> None:
    assert Tune(read_literals).prepare(briefing(SOURCE)) == [
        "tune: changes 1 setting: model.py: n_estimators (line 7)",
        "tune: may add 17 settings now at their defaults: learning_rate, num_leaves, "
        "min_child_samples, colsample_bytree, subsample, reg_lambda, reg_alpha, max_depth and 9 more",
        "tune: may drop 2 features",
        "tune: leaves alone FEATURES, mode (text without known alternatives), "
        "seed, random_state (seed), n_jobs (plumbing)",
    ]


def test_in_full_every_parameter_has_a_line() -> None:
    lines = Tune(read_literals).prepare(briefing(SOURCE), full=True)
    assert "tune: model.py:7 n_estimators 100: whole, 25 to 400, by factors" in lines
    assert (
        "tune: model.py:9 num_leaves not written, by default 31: whole, 7 to 124, by factors"
        in lines
    )
    assert 'tune: model.py:2 drop feature "a"' in lines
    assert "tune: model.py:9 random_state 0: left alone (seed)" in lines


def test_a_search_without_anything_to_change_is_refused_at_once() -> None:
    with pytest.raises(UsageProblem, match=r"nothing to tune in model\.py.*C=1\.0.*seed \(seed\)"):
        Tune(read_literals).prepare(briefing("seed = 3\n"))


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(
        UsageProblem, match=r"model\.py \(no Python in UTF-8, or too long to parse\)"
    ):
        Tune(read_literals).prepare(briefing("x = (\n"))
    latin = "C = 0.5  # \xe9\n".encode("latin-1")
    with pytest.raises(UsageProblem, match=r"model\.py \(no Python in UTF-8"):
        Tune(read_literals).prepare(replace(briefing(""), editable={"model.py": latin}))


def test_each_version_of_a_file_is_read_once() -> None:
    asked: list[Mapping[str, bytes]] = []

    def grammar(files: Mapping[str, bytes]) -> list[dict[str, Json]]:
        asked.append(dict(files))
        return read_literals(files)

    agent = Tune(grammar)
    agent.prepare(briefing(SOURCE))
    agent.propose(briefing(SOURCE))
    agent.propose(briefing(SOURCE + "# more\n"))
    agent.propose(briefing(SOURCE))
    assert [len(files) for files in asked] == [1, 1]
