"""What is tuned, how far, and how it is written, follows what names and values mean to people."""

from __future__ import annotations

import random

import pytest

from pytest_autoresearch.agents.tuning.dimension import Dimension
from pytest_autoresearch.agents.tuning.known.knobs import Value
from pytest_autoresearch.agents.tuning.source import Findings, Literal
from pytest_autoresearch.agents.tuning.space import MOST_DIMENSIONS, Space
from pytest_autoresearch.agents.tuning.writing import Edit, splice, write

KINDS = {bool: "bool", int: "int", float: "float", str: "str", type(None): "none"}


def literal(name: str, value: Value, *, where: str = "fit.Model", role: str = "keyword") -> Literal:
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return Literal("model.py", 0, len(text), KINDS[type(value)], text, value, name, where, role)


def dimensions(literals: list[Literal]) -> list[Dimension]:
    return list(Space(Findings(literals=literals)).dimensions.values())


def dimension(name: str, value: Value, **place: str) -> Dimension | None:
    found = dimensions([literal(name, value, **place)])
    return found[0] if found else None


def bounds(name: str, value: Value) -> tuple[float, float]:
    one = dimension(name, value)
    assert one is not None
    return one.low, one.high


@pytest.mark.parametrize(
    ("value", "like", "text"),
    [
        (0.00043, "1e-3", "4.3e-4"),
        (0.5, "1E-3", "5E-1"),
        (20.0, "1e1", "2e1"),
        (0.043, "0.1", "0.043"),
        (2.0, "1.0", "2.0"),
        (0.43, "1", "0.43"),
        (1.5e-7, "0.1", "1.5e-7"),
        (-0.25, "- 0.5", "-0.25"),
        (0.0, "1e-3", "0.0"),
        (12_000, "1_000", "12_000"),
        (12_000, "1000", "12000"),
        (True, "False", "True"),
        (None, "'sqrt'", "None"),
        ("log2", "'sqrt'", "'log2'"),
        ("log2", '"sqrt"', '"log2"'),
        ("sqrt", "0.5", '"sqrt"'),
    ],
)
def test_a_value_is_written_in_the_style_of_the_old_one(value: Value, like: str, text: str) -> None:
    assert write(value, like) == text


def edit(data: bytes, old: bytes, new: str) -> Edit:
    start = data.index(old)
    return Edit("model.py", start, start + len(old), new)


def test_only_the_literals_bytes_change() -> None:
    data = "ä = f(C = 1.0 ,\td=2)  # ü\r\n".encode()
    changed = splice(data, [edit(data, b"1.0", "0.123"), edit(data, b"2", "10")])
    assert changed == "ä = f(C = 0.123 ,\td=10)  # ü\r\n".encode()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("anything", 0.3, (0.03, 3.0)),
        ("C", 1, (0.1, 10.0)),
        ("learning_rate", 0.3, (0.03, 1.0)),
        ("weight_decay", 0.0, (1e-8, 1.0)),
        ("alpha", 1e-4, (1e-5, 1e-3)),
        ("dropout", 0.1, (0.0, 0.8)),
        ("subsample", 1.0, (0.3, 1.0)),
        ("test_size", 0.2, (0.05, 0.5)),
        ("n_estimators", 100, (25, 400)),
        ("num_leaves", 4, (2, 16)),
        ("max_depth", 6, (3, 13)),
        ("n_neighbors", 1, (1, 3)),
        ("lag", 0, (0, 3)),
        ("offset", -4, (2, 9)),
        ("window", 365, (91, 1460)),
    ],
)
def test_ranges_are_sensible(name: str, value: Value, expected: tuple[float, float]) -> None:
    assert bounds(name, value) == pytest.approx(expected)


def test_a_decay_near_one_stays_below_one() -> None:
    low, high = bounds("decay", 0.99)
    assert 0.9 < low < 0.99 < high < 1
    assert bounds("betas", 0.9) == pytest.approx((0.5, 0.98))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("random_state", 0),
        ("seed", 42),
        ("split_seed", 42),
        ("verbose", 1),
        ("n_jobs", 2),
        ("axis", 1),
        ("ndmin", 2),
        ("copy", True),
        ("__version__", 1.0),
        ("title", "auto"),
        ("label", None),
        ("last", -1),
        ("far", 1e30),
    ],
)
def test_plumbing_is_left_alone(name: str, value: Value) -> None:
    assert dimension(name, value) is None


def test_arguments_of_plumbing_calls_are_left_alone() -> None:
    assert dimension("fraction", 0.5, where="fit.pd.read_csv") is None
    assert dimension("fraction", 0.5, where="fit.Model") is not None


def test_local_variables_that_only_start_a_computation_are_left_alone() -> None:
    for name, value in (("best", 0), ("found", False), ("sign", -1), ("norm", 1.0)):
        assert dimension(name, value, where="fit", role="local") is None
    for name, value in (("lr", 1), ("use_log", False), ("trees", 300)):
        assert dimension(name, value, where="fit", role="local") is not None


@pytest.mark.parametrize(
    ("name", "value", "where", "others"),
    [
        ("kernel", "rbf", "SVC", {"linear", "poly", "sigmoid"}),
        ("solver", "lbfgs", "LogisticRegression", {"liblinear", "saga"}),
        ("solver", "lbfgs", "MLPClassifier", {"adam", "sgd"}),
        ("clf__weights", "uniform", "Search", {"distance"}),
        ("max_features", "sqrt", "Forest", {None, 0.5}),
        ("max_features", None, "Forest", {"sqrt"}),
        ("class_weight", None, "Forest", {"balanced"}),
        ("bias", True, "Model", {False}),
        ("max_depth", -1, "LGBMClassifier", {4, 8}),
    ],
)
def test_choices_are_those_that_the_parameter_has(
    name: str, value: Value, where: str, others: set[Value]
) -> None:
    one = dimension(name, value, where=where)
    assert one is not None
    assert others | {value} <= set(one.choices)
    assert value not in one.moves()


def test_a_string_that_is_no_known_choice_is_left_alone() -> None:
    assert dimension("kernel", "mine") is None


def test_every_value_lies_within_the_bounds_and_is_what_is_written() -> None:
    rng = random.Random(0)
    for name, value in (("alpha", 1e-4), ("dropout", 0.2), ("depth", 6), ("shift", -2.5)):
        one = dimension(name, value)
        assert one is not None
        for drawn in [one.draw(rng) for _ in range(50)] + one.grid() + one.moves():
            assert isinstance(drawn, int | float)
            assert one.low * 0.99 <= drawn * one.sign <= one.high * 1.01
            assert type(drawn) is type(value)
            assert float(write(drawn, one.literal.text)) == drawn


def test_first_moves_are_a_moderate_step_to_either_side() -> None:
    moves = {
        name: one.moves() if (one := dimension(name, value)) else []
        for name, value in (("C", 1.0), ("learning_rate", 0.1), ("max_depth", 6), ("l2", 0.0))
    }
    assert moves["C"] == [2.0, 0.5]
    assert moves["learning_rate"] == [0.05, 0.2]
    assert moves["max_depth"] == [8, 5]
    assert moves["l2"] == [1e-4, 0.01]


def test_what_people_change_first_comes_first() -> None:
    names = ["x", "bias", "n_estimators", "learning_rate"]
    values: list[Value] = [0.3, True, 100, 0.1]
    found = dimensions([literal(n, v) for n, v in zip(names, values, strict=True)])
    assert [one.literal.name for one in found] == ["learning_rate", "n_estimators", "x", "bias"]


def test_keys_stay_the_same_when_values_elsewhere_change() -> None:
    def keys(*values: Value) -> list[str]:
        return [one.key for one in dimensions([literal("units", value) for value in values])]

    assert keys(64, 32) == ["model.py:fit.Model.units", "model.py:fit.Model.units[1]"]
    assert keys(100, 8) == keys(64, 32)


def test_there_are_never_too_many_dimensions() -> None:
    assert len(dimensions([literal("x", 0.5)] * 500)) == MOST_DIMENSIONS
