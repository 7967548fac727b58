"""What the reports conclude from a run's records."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_autoresearch.records import Part, Status
from pytest_autoresearch.report.digest import (
    CAUSES,
    Reason,
    causes,
    closest_miss,
    common_reasons,
    kept_of,
    not_kept,
    run_base,
)

from .builders import BASE, record, summary


def test_every_status_of_an_experiment_that_is_not_kept_has_words() -> None:
    listed = {status for status in Status if status.tsv}
    assert set(CAUSES) == listed - {Status.BASELINE, Status.KEPT}


def test_an_experiment_counts_once_by_its_last_status() -> None:
    records = [
        record(0, Status.BASELINE),
        record(1, Status.INTERRUPTED),
        record(1, Status.CRASH),
        record(2, Status.WON),
        record(2, Status.KEPT),
        record(3),
    ]
    assert causes(records) == [("not better", 1), ("crashed", 1)]
    assert [row.experiment for row in not_kept(records)] == [1, 3]


@pytest.mark.parametrize(
    ("simpler", "words"),
    [
        ((), "2 kept of 2 experiments"),
        ((2,), "2 kept of 2 experiments, 1 of them for being simpler"),
        ((1, 2), "2 kept of 2 experiments, 2 of them for being simpler"),
    ],
)
def test_what_was_kept_for_being_simpler_is_told_apart(
    simpler: tuple[int, ...], words: str
) -> None:
    kept = [
        replace(record(n, Status.KEPT), simpler="a fewer line" if n in simpler else "")
        for n in (1, 2)
    ]
    assert kept_of(summary(records=kept, kept=2, tried=2)) == words


def test_reasons_that_differ_in_numbers_only_are_one() -> None:
    records = [
        record(1, reason="auc 0.8312 against 0.8330: -0.0018, z -1.1"),
        record(2, Status.CRASH, reason="NameError: name 'x' is not defined"),
        record(3, reason="auc 0.84 against 0.8330: +0.007, z 1.2e-3"),
        record(4, Status.KEPT),
    ]
    assert common_reasons(records) == [
        Reason("auc N against 0.8330: N, z N", (1, 3)),
        Reason("NameError: name 'x' is not defined", (2,)),
    ]


def test_the_closest_miss_has_the_largest_z() -> None:
    records = [record(1, z=-2.0), record(2, z=1.2), record(3, Status.KEPT, z=4.0), record(4)]
    miss = closest_miss(summary(records))
    assert miss is not None
    assert miss.experiment == 2
    assert closest_miss(summary([record(1), record(2, z=-0.1)])) is None


LOST = "log_loss 0.2512 against 0.2530: -0.0018, z +0.1 (needs +0.50); did not hold in pass"


def test_a_win_that_another_test_rejected_is_counted_apart_and_named() -> None:
    records = [
        record(1, reason=f"{LOST} 2"),
        record(2, reason=f"test_x_full: {LOST} 1"),
        record(3, reason=f"{LOST} 2, mean lead +0.0012"),
        record(4, reason=f"test_x_full: {LOST} 2, mean lead -1.2e-05"),
        record(5, reason=f"test_x_long: {LOST} 2"),
        record(6, reason="other_metric: log loss 1; did not hold in pass 2"),
    ]
    assert common_reasons(records) == [
        Reason("did not hold in pass 2", (1, 3, 6)),
        Reason("test_x_full: did not hold in pass N", (2, 4)),
        Reason("test_x_long: did not hold in pass 2", (5,)),
    ]


def test_what_has_won_is_no_near_miss() -> None:
    records = [
        record(1, z=1.0, reason=f"{LOST} 1"),
        record(2, z=9.0, reason=f"test_x_full: {LOST} 1"),
        record(3, Status.WON, z=8.0),
        record(4, Status.CRASH, z=7.0, reason="NameError: name 'x' is not defined"),
    ]
    apart = [record(4, Status.CRASH, stage="test_x_full")]
    miss = closest_miss(summary(records, confirmations=apart))
    assert miss is not None
    assert miss.experiment == 1
    assert closest_miss(summary(records[1:], confirmations=apart)) is None


def test_the_run_starts_from_the_baselines_commit() -> None:
    assert run_base([record(0, Status.BASELINE)]) == BASE
    assert run_base([record(0, Status.BASELINE, base="", commit="c" * 40)]) == "c" * 40
    assert run_base([record(1)]) == ""


def test_a_failed_reference_does_not_unkeep_an_experiment() -> None:
    records = [record(1, Status.KEPT), record(1, Status.FAILED, part=Part.REFERENCE)]
    assert not_kept(records) == []
