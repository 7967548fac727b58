"""Other data are told from data in which the seed or the candidate has a say."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from pytest_autoresearch.frozen.table_digest import TableDigest
from pytest_autoresearch.frozen.tables import Tables, Walk
from pytest_autoresearch.sandbox.handing.columns import taken_apart
from pytest_autoresearch.sandbox.handing.payload import pack

BASELINE = [
    Walk("champion", 0, 1, ["a", "b", "c"], free=2),
    Walk("champion", 0, 2, ["a", "b", "c"], free=2),
]


def tables(*walks: Walk) -> Tables:
    """What a later session knows, by the journal."""
    return Tables(json.loads(json.dumps([dataclasses.asdict(walk) for walk in walks])))


def differs(known: Tables, *calls: str, tree: str = "patch", seed: int = 9, free: int = 2) -> bool:
    """Whether the last call of a walk is seen to be other data."""
    return known.differs(Walk(tree, 0, seed, list(calls), min(free, len(calls))))


def test_other_first_data_are_seen_in_whatever_candidate_and_seed() -> None:
    known = tables(*BASELINE)
    assert not differs(known, "a")
    assert differs(known, "x")
    assert not differs(known, "a", "b")
    assert differs(known, "a", "x")


def test_data_that_the_seed_decides_are_compared_for_that_seed_only() -> None:
    other = dataclasses.replace(BASELINE[1], calls=["x", "y", "z"])
    known = tables(BASELINE[0], other)
    assert not differs(known, "q")
    assert not differs(known, "a", seed=1)
    assert differs(known, "q", seed=1)


def test_a_test_that_has_not_read_the_seed_hands_over_the_same_data_for_all_seeds() -> None:
    known = tables(dataclasses.replace(BASELINE[0], unseeded=1))
    assert known.differs(Walk("champion", 0, 9, ["x"], 1, 1))
    assert not known.differs(Walk("champion", 0, 9, ["x"], 1, 0))
    assert not known.differs(Walk("champion", 0, 9, ["a", "x"], 2, 2))


def test_one_pass_says_nothing_of_other_seeds_or_splits() -> None:
    assert not differs(tables(BASELINE[0]), "x")
    assert differs(tables(BASELINE[0]), "x", seed=1)
    assert not tables(*BASELINE).differs(Walk("patch", 1, 1, ["x"], 1))


def test_data_handed_over_after_an_answer_are_the_candidates_until_three_agree() -> None:
    assert not differs(tables(*BASELINE), "a", "b", "x")
    two = Walk("one", 0, 3, ["a", "b", "c"], 2)
    assert not differs(tables(*BASELINE, two), "a", "b", "x")
    three = Walk("two", 0, 4, ["a", "b", "c"], 2)
    assert differs(tables(*BASELINE, two, three), "a", "b", "x", tree="two")
    stacked = dataclasses.replace(three, calls=["a", "b", "other"])
    assert not differs(tables(*BASELINE, two, stacked), "a", "b", "x")


def test_a_candidate_that_is_new_may_be_the_first_to_answer_otherwise() -> None:
    others = [Walk(name, 0, seed, ["a", "b", "c"], 2) for seed, name in ((3, "one"), (4, "two"))]
    # Three candidates that changed the model only, then, in a later session, one that changes features.
    assert not differs(tables(*BASELINE, *others), "a", "b", "x", tree="features")


def test_within_a_session_later_data_are_the_candidates_doing() -> None:
    others = [Walk(name, 0, 5, ["a", "b", "c"], 2) for name in ("one", "two")]
    known = tables(*BASELINE, *others)
    known.ended(Walk("three", 0, 7, ["a", "b", "c"], 2))
    assert not differs(known, "a", "b", "x", tree="one")
    assert differs(known, "x")


def test_a_walk_is_written_down_while_it_adds_something() -> None:
    known = Tables()
    walks = [Walk(f"tree {n}", 0, n, ["a"], 1) for n in range(9)]
    assert [known.ended(walk) for walk in walks] == [True] * 3 + [False] * 6
    assert not known.ended(Walk("tree", 1, 0, [], 0))


# Digests


def of(digest: TableDigest, array: np.ndarray) -> str:
    return digest.of(pack("fit", (array,), {}))


@pytest.mark.parametrize("gaps", [False, True])
def test_one_changed_number_in_a_large_table_is_seen_in_the_next_session(gaps: bool) -> None:
    whole = np.random.default_rng(0).normal(size=(4000, 100))
    table = whole[:, :90] if gaps else whole
    before = of(TableDigest(), table)
    assert of(TableDigest(), table) == before
    table[1234, 56] += 1e-9
    assert of(TableDigest(), table) != before


def test_another_table_is_seen_in_the_same_session_too() -> None:
    digest, random = TableDigest(), np.random.default_rng(0)
    table = random.normal(size=(4000, 100))
    before = of(digest, table)
    assert of(digest, table.copy()) == before
    assert of(digest, random.normal(size=(4000, 100))) != before
    assert of(digest, table[:-1]) != before
    assert of(digest, table.astype(np.float32)) != before
    table[2000:2010] = 0
    assert of(digest, table) != before


def test_a_table_that_was_seen_before_is_not_read_whole_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digest, table = TableDigest(), np.zeros((1000, 1000))
    before = of(digest, table)
    monkeypatch.setattr("pytest_autoresearch.frozen.table_digest._whole", pytest.fail)
    assert of(digest, table) == before


def test_a_frame_is_the_same_however_pandas_keeps_its_columns() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0]})
    frame["b"], frame["c"] = [3.0, 4.0], ["x", "y"]
    joined = frame.copy()
    assert len(frame._mgr.blocks) != len(joined._mgr.blocks)
    digest = TableDigest()
    payloads = [taken_apart("fit", ({"X": one},), {}) for one in (frame, joined)]
    assert len({digest.of(payload) for payload in payloads if payload}) == 1
    renamed = taken_apart("fit", ({"X": frame.rename(columns={"a": "z"})},), {})
    assert renamed is not None
    assert digest.of(renamed) != digest.of(payloads[0] or renamed)


def test_a_sparse_matrix_is_the_same_once_it_is_sorted() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.csr_matrix(([1.0, 2.0], [1, 0], [0, 2]), shape=(1, 2))
    before = taken_apart("fit", (matrix.copy(),), {})
    matrix.sort_indices()
    after = taken_apart("fit", (), {"X": matrix})
    again = taken_apart("fit", (matrix,), {})
    assert before is not None
    assert again is not None
    assert TableDigest().of(before) == TableDigest().of(again)
    assert after is not None


def test_arrays_need_not_be_taken_apart() -> None:
    assert taken_apart("fit", (np.zeros(3), ["a"]), {"y": {"a": 1}}) is None
