"""A row's prediction depends neither on the other rows, nor on their order, nor on chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pytest_autoresearch.exceptions import AuditFailed
from pytest_autoresearch.records import Limits, Status
from pytest_autoresearch.sandbox.rows import prediction
from pytest_autoresearch.sandbox.rows.agreement import EXACT, HALF, require_agreement
from pytest_autoresearch.sandbox.rows.leaning import leaning
from pytest_autoresearch.sandbox.rows.prediction import Chunk, Prediction

if TYPE_CHECKING:
    import numpy.typing as npt

    from .conftest import Make

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(400, 3))
y = X @ [1.0, 2.0, 3.0]

SOURCE = """
import numpy as np
def fit(X, y, *, seed):
    return np.linalg.lstsq(X, y, rcond=None)[0]
def predict(state, X):
    BODY
"""

HONEST = {
    "a linear model": "return X @ state",
    "in float32": "return X.astype('f') @ state.astype('f') + np.float32(3000)",
    "a constant": "return np.full(len(X), 0.25)",
    "a sum of nothing": "return X @ (state * 0) + 0.1",
    "classes": "return (X @ state > 0) * 1.0",
    "mostly zero": "p = X @ state\nreturn np.where(p > 5, p, 0)",
    "row by row": "return [float(row @ state) for row in X]",
    "heavy tails": "return np.exp(9 * (X @ state))",
}
DEPENDENT = {
    "less the mean of the batch": "return (X - X.mean(0)) @ state",
    "over the deviation of the batch": "return X / X.std(0) @ state",
    "ranks in the batch": "return (X @ state).argsort().argsort() / len(X)",
    "the sum of the batch": "return np.full(len(X), X.sum())",
    "the row's place": "return np.arange(len(X))",
    "drawn by chance": "return X @ state + np.random.normal(size=len(X))",
    "seeded by the place": "r = np.random.default_rng(3)\nreturn X @ state + r.normal(size=len(X))",
    "a share of the mean": "return X @ state + 0.02 * (X @ state).mean()",
    "pseudo-labels": ("p = X @ state > 0\nA, B = X[p].mean(0), X[~p].mean(0)\nreturn X @ (A - B)"),
}
HIDDEN = {
    "hidden below a large number": "return 1e7 + (X - X.mean(0)) @ state",
    "hidden behind one large number": (
        "p = (X - X.mean(0)) @ state\np[p.argmax()] = 1e9\nreturn p"
    ),
    "hidden in two heaps": (
        "p = (X - X.mean(0)) @ state\nreturn np.where(X[:, 0] > 0, p + 2e4, p - 2e4)"
    ),
}


def source(body: str) -> str:
    return SOURCE.replace("BODY", body.replace("\n", "\n    "))


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("body", HONEST.values(), ids=HONEST.keys())
def test_a_model_that_looks_at_each_row_alone_passes(make: Make, body: str, chunks: int) -> None:
    case = make(source(body))
    found = case.candidate.fit(X, y).predict(X, chunks=chunks)
    assert found.shape == (400,)
    assert case.ledger.failures == []


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("body", DEPENDENT.values(), ids=DEPENDENT.keys())
def test_a_model_that_looks_at_the_other_rows_is_found_out(
    make: Make, body: str, chunks: int
) -> None:
    case = make(source(body))
    model = case.candidate.fit(X, y)
    with pytest.raises(AuditFailed) as caught:
        model.predict(X, chunks=chunks)
    assert case.ledger.failures == [caught.value]
    assert caught.value.status is Status.AUDIT


@pytest.mark.parametrize("chunks", [2, 3])
@pytest.mark.parametrize("body", HIDDEN.values(), ids=HIDDEN.keys())
def test_large_numbers_do_not_hide_it(make: Make, body: str, chunks: int) -> None:
    model = make(source(body)).candidate.fit(X, y)
    with pytest.raises(AuditFailed):
        model.predict(X, chunks=chunks)


def test_the_error_says_what_to_do(make: Make) -> None:
    model = make(source(DEPENDENT["the row's place"])).candidate.fit(X, y)
    with pytest.raises(AuditFailed, match=r"predict gave a row \S+ among some rows and \S+ among"):
        model.predict(X)
    model = make(source(DEPENDENT["the row's place"])).candidate.fit(X, y)
    with pytest.raises(AuditFailed, match=r"have the frozen test pass .* row_independent=False"):
        model.predict(X)
    model = make(source("return 1e7 + (X - X.mean(0)) @ state")).candidate.fit(X, y)
    with pytest.raises(AuditFailed, match="less than a hundred-thousandth of their size"):
        model.predict(X)


def test_a_test_that_allows_it_is_on_record(make: Make) -> None:
    case = make(source(DEPENDENT["ranks in the batch"]))
    case.candidate.fit(X, y).predict(X, row_independent=False)
    assert case.ledger.trusts == ["unprobed"]
    case = make(source(HONEST["a linear model"]))
    case.candidate.fit(X, y).predict(X)
    assert case.ledger.trusts == []


@pytest.mark.parametrize("chunks", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_the_fewest_rows_are_looked_at_too(make: Make, count: int, chunks: int) -> None:
    model = make(source(HONEST["a linear model"])).candidate.fit(X, y)
    assert model.predict(X[:count], chunks=chunks) == pytest.approx(y[:count])
    model = make(source(DEPENDENT["less the mean of the batch"])).candidate.fit(X, y)
    if count > 1:
        with pytest.raises(AuditFailed):
            model.predict(X[:count], chunks=chunks)


def test_one_column_of_many_is_enough(make: Make) -> None:
    body = "p = np.tile(X @ state, (5, 1)).T\np[:, 3] -= p[:, 3].mean()\nreturn p"
    model = make(source(body)).candidate.fit(X, y)
    with pytest.raises(AuditFailed):
        model.predict(X, columns=5)


GROUPS = """
import numpy as np
def fit(X, y, *, seed):
    return None
def predict(state, X, *, groups):
    BODY
"""


@pytest.mark.parametrize("chunks", [1, 2])
def test_rows_may_depend_on_their_group_and_on_no_other(make: Make, chunks: int) -> None:
    groups = np.repeat(np.arange(50), 8)
    within = "return [float((X[groups == g, 0] < x).sum()) for g, x in zip(groups, X[:, 0])]"
    model = make(GROUPS.replace("BODY", within)).candidate.fit(X, y)
    assert set(model.predict(X, groups=groups, chunks=chunks)) == set(map(float, range(8)))
    across = "return X[:, 0] - X[:, 0].mean()"
    model = make(GROUPS.replace("BODY", across)).candidate.fit(X, y)
    with pytest.raises(AuditFailed):
        model.predict(X, groups=groups, chunks=chunks)


def test_a_single_group_has_no_other_company(make: Make) -> None:
    body = "return X[:, 0] - X[:, 0].mean()"
    case = make(GROUPS.replace("BODY", body))
    model = case.candidate.fit(X, y)
    assert model.predict(X, groups=np.zeros(400)).shape == (400,)
    assert len(case.ledger.usage) == 2


def test_on_a_gpu_the_second_company_is_small(make: Make) -> None:
    def rows(chunks: int | None, count: int) -> list[str]:
        case = make(source("print(len(X))\nreturn X @ state"), limits=Limits(gpu=1))
        case.candidate.fit(X, y).predict(np.tile(X, (count // 400, 1)), chunks=chunks)
        return case.ledger.text.split()

    # And once among rows that the model was fitted on.
    assert rows(None, 400) == ["400", "64", "264", "264"]
    assert rows(2, 800) == ["400", "400", "64", "264", "264"]
    assert rows(2, 400) == ["264", "264", "200", "200"]


def chunks_of(count: int, chunks: int, groups: Any = None, apart: bool = False) -> list[Chunk]:
    rows = np.arange(float(count))[:, None]
    return Prediction(rows, 1, groups, None, chunks, 7).chunks(probed=True, apart=apart)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("chunks", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [1, 2, 3, 6, 100, 5000])
def test_every_row_counts_once_and_no_process_gets_one_twice(
    count: int, chunks: int, grouped: bool, apart: bool
) -> None:
    groups = np.arange(count) // 3 if grouped else None
    found = chunks_of(count, chunks, groups, apart)
    own = np.concatenate([one.rows[one.own] for one in found])
    assert sorted(own) == list(range(count))
    companies = [frozenset(one.rows.tolist()) for one in found]
    assert all(len(one.rows) == len(rows) for one, rows in zip(found, companies, strict=True))
    assert len(set(companies)) == len(companies)
    units = count if groups is None else len(set(groups))
    assert any(not one.own.all() for one in found) == (units > 1)
    for one in found:
        if groups is not None:
            seen = groups[one.rows]
            assert np.count_nonzero(np.diff(seen)) + 1 == len(set(seen))
            assert all((groups == g).sum() == (seen == g).sum() for g in set(seen))


def test_rows_that_are_predicted_twice_cost_little_and_stand_anywhere() -> None:
    few, many = chunks_of(1000, 2), chunks_of(20_000, 2)
    assert [(~one.own).sum() for one in few] == [prediction.TWICE_ROWS] * 2
    assert [(~one.own).sum() for one in many] == [200, 200]
    for one in many:
        places = np.flatnonzero(~one.own)
        assert 0.4 < places.mean() / len(one.rows) < 0.6


def test_the_rows_of_the_small_process_are_drawn_anew() -> None:
    first, second = (set(chunks_of(1000, 1)[-1].rows.tolist()) for _ in range(2))
    assert len(first) == len(second) == 64
    assert first != second
    again, other = (chunks_of(1000, 2)[0].rows.tolist() for _ in range(2))
    assert again == other


def predictions(seed: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(1000, 4))


@pytest.mark.parametrize(("digits", "tolerance"), [("f4", EXACT), ("f2", HALF)])
def test_what_rounding_does_is_no_dependence(digits: str, tolerance: float) -> None:
    found = predictions(1)
    rounded = found[:128].astype(digits).astype(float)
    require_agreement(found, found[:128], rounded, tolerance)
    require_agreement(found + 1000, found[:128] + 1000, rounded + 1000, tolerance)


def test_a_tie_that_falls_the_other_way_is_no_dependence() -> None:
    classes = (predictions(2)[:, :1] > 0).astype(np.float64)
    again = classes[:128].copy()
    again[:4] = 1 - again[:4]
    require_agreement(classes, classes[:128], again, EXACT)
    again[4:9] = 1 - again[4:9]
    with pytest.raises(AuditFailed):
        require_agreement(classes, classes[:128], again, EXACT)
    again = classes[:20].copy()
    again[0] = 1 - again[0]
    with pytest.raises(AuditFailed):
        require_agreement(classes, classes[:20], again, EXACT)


def test_a_number_that_is_missing_among_other_rows_is_a_difference(make: Make) -> None:
    body = "p = X @ state\nif len(X) < 200:\n    p[:5] = np.nan\nreturn p"
    model = make(source(body)).candidate.fit(X, y)
    with pytest.raises(AuditFailed, match="and nan among others"):
        model.predict(X, chunks=1)


SHARED = """
import numpy as np
def fit(X, y, *, seed): return 0
def predict(state, X): return X[:, 0] + 2 * np.sign(X[:, 1].mean())
"""


def test_a_statistic_that_all_chunks_share_is_found_out(make: Make) -> None:
    """All rows of a fold have moved together: any half of them tells where to."""
    moved = X + 5.0
    with pytest.raises(AuditFailed, match="may depend neither on the other rows"):
        make(SHARED).candidate.fit(X - 5.0, y).predict(moved)


def test_it_is_found_out_where_fit_has_seen_folds_of_either_kind(make: Make) -> None:
    days = np.repeat(np.random.default_rng(2).choice([-3.0, 3.0], 20), 20)
    with pytest.raises(AuditFailed):
        make(SHARED).candidate.fit(X + days[:, None], y).predict(X + 3.0)


def test_it_is_found_out_where_the_first_fit_shows_no_such_rows(make: Make) -> None:
    """Nothing is known of the fold but its rows: chunks lean to a side that nobody can foresee."""
    random = np.random.default_rng(5)
    case = make(SHARED)
    caught = 0
    for _ in range(12):
        table = random.normal(size=(400, 2)) + np.array([0.0, 0.15])
        model = case.candidate.fit(np.zeros((5, 1)), np.zeros(5))
        try:
            model.predict(table)
        except AuditFailed:
            caught += 1
            break
    assert caught


@pytest.mark.parametrize("kind", ["frame", "polars", "sparse", "texts", "dict", "series"])
def test_any_table_has_rows_of_fit_as_company(make: Make, kind: str) -> None:
    body = {
        "frame": "X['a'].to_numpy() + mean(X['b'])",
        "polars": "X['a'].to_numpy() + mean(X['b'].to_numpy())",
        "sparse": "np.asarray(X.todense())[:, 0] + mean(np.asarray(X.todense())[:, 1])",
        "texts": "np.array([float(x) for x in X]) * 0 + mean([float(x) for x in X])",
        "dict": "X['a'] + mean(X['b'])",
        "series": "X.to_numpy() * 0 + mean(X)",
    }[kind]
    text = (
        "import numpy as np\ndef mean(x): return float(np.sign(np.mean(x)))\n"
        f"def fit(X, y, *, seed): return 0\ndef predict(state, X): return {body}\n"
    )
    honest = text.replace("np.sign(np.mean(x))", "0")
    for source, cheats in ((honest, False), (text, True)):
        model = make(source).candidate.fit(table(kind, -3.0), np.zeros(60))
        if cheats:
            with pytest.raises(AuditFailed):
                model.predict(table(kind, 3.0))
        else:
            assert model.predict(table(kind, 3.0)).shape == (60,)


def table(kind: str, middle: float) -> object:
    """60 rows of one kind whose second column lies around ``middle``."""
    numbers = np.random.default_rng(3).normal(size=(60, 2)) + np.array([0.0, middle])
    if kind == "frame":
        return pytest.importorskip("pandas").DataFrame(numbers, columns=["a", "b"])
    if kind == "polars":
        return pytest.importorskip("polars").DataFrame({"a": numbers[:, 0], "b": numbers[:, 1]})
    if kind == "sparse":
        return pytest.importorskip("scipy.sparse").csr_matrix(numbers)
    if kind == "texts":
        return [str(one) for one in numbers[:, 1]]
    if kind == "series":
        return pytest.importorskip("pandas").Series(numbers[:, 1])
    return {"a": numbers[:, 0], "b": numbers[:, 1]}


@pytest.mark.parametrize("kind", ["frame", "polars", "sparse", "texts", "dict", "series", "array"])
def test_chunks_lean_to_a_side(kind: str) -> None:
    found = (
        [table(kind, 0.0)] if kind != "array" else [np.random.default_rng(1).normal(size=(60, 3))]
    )
    numbers = leaning(found[0], np.random.default_rng(0))
    assert numbers.shape == (60,)
    assert np.unique(numbers).size > 5


@pytest.mark.parametrize("odd", [np.full((2, 1), np.nan), ["", ""]])
def test_without_numbers_rows_are_only_shuffled(odd: object) -> None:
    assert np.unique(leaning(odd, np.random.default_rng(0))).size == 1


@pytest.mark.parametrize(
    "values",
    [
        np.array([b"\xff", b"a"]),
        np.array([b"\xff", "a", None], object),
        np.array([(1, b"\xff")], dtype=[("a", int), ("b", "S1")]),
        np.array([1j, 2.0]),
        np.array(["2020-01-01", "NaT"], "datetime64[D]"),
    ],
)
def test_any_values_put_rows_in_an_order(values: Any) -> None:
    assert np.isfinite(leaning(values, np.random.default_rng(0))).all()


def test_a_cheat_on_large_companies_only_is_found_out(make: Make) -> None:
    """The company of strangers is as large as a chunk: its size tells a process nothing."""
    crowds = SHARED.replace("2 * np.sign", "(len(X) > 2900) * 2 * np.sign")
    table = np.random.default_rng(4).normal(size=(6000, 2))
    model = make(crowds).candidate.fit(np.tile(table, (4, 1)) - 5.0, np.zeros(24_000))
    with pytest.raises(AuditFailed):
        model.predict(table + 5.0)


@pytest.mark.parametrize(
    "known",
    [np.zeros((0, 2)), {"rows": np.zeros(3), "more": np.zeros(2)}],
    ids=["no rows", "no one table"],
)
def test_what_has_no_rows_is_no_company(make: Make, known: Any) -> None:
    model = make(
        "import numpy as np\n\ndef fit(X, y, *, seed):\n    return 0\n\ndef predict(state, X):\n"
        "    return np.zeros(len(X['rows']) if isinstance(X, dict) else len(X))\n"
    )
    asked = {"rows": y, "more": y} if isinstance(known, dict) else X
    assert model.candidate.fit(known, y).predict(asked).shape == (400,)
