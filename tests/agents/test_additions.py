"""Parameters that are not written yet are added as a person would, and only where they mean something."""

from __future__ import annotations

import ast
import dataclasses
from typing import Any

import pytest

from pytest_autoresearch.agents.tuning.tune import Tune
from pytest_autoresearch.sandbox.grammar import read_literals

from .champions import briefing, proposals, record, sources


def arguments(source: str, callee: str) -> dict[str, Any]:
    """The literal keyword arguments of the call in a source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == callee:
            return {
                arg.arg: ast.literal_eval(arg.value)
                for arg in node.keywords
                if arg.arg and isinstance(arg.value, ast.Constant | ast.UnaryOp)
            }
    return {}


def entries(source: str) -> dict[str, Any]:
    node = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Dict))
    values: dict[str, Any] = ast.literal_eval(node)
    return values


FORESTS = "from sklearn.ensemble import RandomForestClassifier as Forest\nm = "


@pytest.mark.parametrize(
    ("call", "first"),
    [
        ("Forest()", "Forest(n_estimators=300)"),
        ("Forest(random_state=seed)", "Forest(random_state=seed, n_estimators=300)"),
        ("Forest(random_state=seed,)", "Forest(random_state=seed, n_estimators=300,)"),
        (
            "Forest(\n    random_state=seed,  # theirs\n)",
            "Forest(\n    random_state=seed,  # theirs\n    n_estimators=300,\n)",
        ),
        (
            "Forest(\n    random_state=seed  # theirs\n)",
            "Forest(\n    random_state=seed,  # theirs\n    n_estimators=300\n)",
        ),
        (
            "Forest(\r\n\trandom_state=seed,\r\n)",
            "Forest(\r\n\trandom_state=seed,\r\n\tn_estimators=300,\r\n)",
        ),
        (
            "Forest(\n    random_state=seed, n_jobs=1\n)",
            "Forest(\n    random_state=seed, n_jobs=1, n_estimators=300\n)",
        ),
    ],
)
def test_an_argument_is_added_in_the_style_of_the_call(call: str, first: str) -> None:
    proposal = next(proposals(FORESTS + call))
    assert proposal.files["model.py"] == FORESTS + first
    assert proposal.description == "add n_estimators=300"


def test_several_arguments_are_added_at_once() -> None:
    source = "import lightgbm as lgb\nm = lgb.LGBMClassifier(\n    n_jobs=1\n)\n"
    both = next(s for s in sources(source) if "colsample_bytree" in s and "subsample=" in s)
    assert both.endswith(
        "(\n    n_jobs=1,\n    colsample_bytree=0.7,\n    subsample=0.8,\n    subsample_freq=1\n)\n"
    )


BOOSTED = """import lightgbm as lgb

PARAMS = {
    'objective': 'binary',
    'num_leaves': 31,  # the default
}

def fit(X, y, *, seed):
    params = {**PARAMS, 'seed': seed}
    return lgb.train(params, lgb.Dataset(X, y), num_boost_round=100)
"""


def test_a_dict_of_parameters_gets_keys_in_its_own_spelling_and_style() -> None:
    found = sources(BOOSTED, 80)
    assert any(
        "    'num_leaves': 31,  # the default\n    'min_data_in_leaf': 40,\n}" in s for s in found
    )
    native = {"feature_fraction", "bagging_fraction", "lambda_l2", "min_data_in_leaf"}
    added = {key for source in found for key in entries(source)} - set(entries(BOOSTED))
    assert native <= added
    assert not added & {"seed", "num_threads", "verbosity", "n_estimators", "reg_lambda"}


def test_a_learning_rate_goes_down_with_more_trees_first() -> None:
    first = next(proposals(BOOSTED))
    assert first.description == "add learning_rate=0.05, num_boost_round 100 -> 200"


def test_what_is_set_elsewhere_or_computed_is_not_added() -> None:
    source = BOOSTED.replace("    return", "    params['learning_rate'] = 1 / len(X)\n    return")
    assert all("learning_rate" not in entries(one) for one in sources(source, 40))
    unseen = "from sklearn.svm import SVC\nm = SVC(**options)\n"
    assert sources(unseen, 5) == []
    given = "from torch import optim\no = optim.SGD(net, rate, weight_decay=decay)\n"
    assert all("lr=" not in one and one.count("weight_decay") <= 1 for one in sources(given, 20))


def test_calls_of_other_libraries_get_nothing() -> None:
    assert sources("from mine import SVC\nm = SVC(C=1.0)\n", 40)
    assert all("kernel" not in one for one in sources("from mine import SVC\nm = SVC(C=1.0)\n", 40))


def test_partners_are_valid_together() -> None:
    source = (
        "from sklearn.linear_model import LogisticRegression\n"
        'm = LogisticRegression(penalty="l2", solver="lbfgs", l1_ratio=None, C=1.0)\n'
    )
    pairs = {
        "l1": {"liblinear", "saga"},
        "elasticnet": {"saga"},
        "l2": {"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"},
        None: {"lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"},
    }
    seen = set()
    for one in sources(source, 120):
        found = {"penalty": "l2", "solver": "lbfgs"} | arguments(one, "LogisticRegression")
        assert found["solver"] in pairs[found["penalty"]], one
        seen.add(found["penalty"])
    assert {"l1", "l2", None} <= seen


def test_parameters_that_have_no_effect_are_not_tried() -> None:
    source = "from sklearn.svm import SVC\nm = SVC(C=1.0)\n"
    kernels = set()
    for one in sources(source, 100):
        found = {"kernel": "rbf"} | arguments(one, "SVC")
        kernels.add(found["kernel"])
        assert "degree" not in found or found["kernel"] == "poly"
        assert "gamma" not in found or found["kernel"] != "linear"
    assert {"poly", "linear"} <= kernels


def test_bagging_comes_with_its_frequency() -> None:
    found = [entries(one) for one in sources(BOOSTED, 80)]
    bagged = [one for one in found if "bagging_fraction" in one]
    assert bagged
    assert all(one.get("bagging_freq", 0) >= 1 for one in bagged)


def test_a_class_makes_room_for_another_everywhere() -> None:
    source = (
        "from sklearn.preprocessing import MinMaxScaler\n"
        "def scaled(X):\n    return MinMaxScaler().fit_transform(X)\n"
    )
    swapped = {one.description: one.files["model.py"] for one in proposals(source, 10)}
    assert swapped["MinMaxScaler -> StandardScaler"] == source.replace(
        "MinMaxScaler", "StandardScaler"
    )


def test_whole_numbers_and_shares_stay_what_they_are() -> None:
    whole = {"n_estimators", "num_leaves", "min_child_samples", "max_depth", "max_bin"}
    source = "import lightgbm as lgb\nm = lgb.LGBMRegressor(learning_rate=0.1, num_leaves=31)\n"
    for one in sources(source, 100):
        for name, value in arguments(one, "lgb.LGBMRegressor").items():
            assert name not in whole or type(value) is int
            assert name not in ("subsample", "colsample_bytree", "learning_rate") or 0 < value <= 1


def test_a_parameter_keeps_its_key_when_it_is_written() -> None:
    agent = Tune(read_literals)
    first = agent.propose(briefing(FORESTS + "Forest()"))
    assert first is not None
    second = agent.propose(briefing(first.files["model.py"]))
    assert second is not None
    assert set(first.notes["tune"]["was"]) <= set(second.notes["tune"]["values"])


def test_earlier_runs_are_a_warm_start() -> None:
    source = FORESTS + "Forest()"
    told = [record(i + 1, one) for i, one in enumerate(proposals(source, 20))]
    strange = dataclasses.replace(told[0], notes={"file": "a.patch"})
    agent = Tune(read_literals)
    known = {dict(one.notes)["tune"]["tree"] for one in told}
    new = [agent.propose(briefing(source, earlier=[strange, *told])) for _ in range(10)]
    assert all(one and one.notes["tune"]["tree"] not in known for one in new)
    assert not any(one and "first" in one.hypothesis for one in new)
