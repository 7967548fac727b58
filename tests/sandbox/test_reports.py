"""What a candidate reports while it fits: heard in time, bounded, and never a word too many."""

from __future__ import annotations

import resource
import time

import numpy as np
import pytest

from pytest_autoresearch.exceptions import CandidateError, Stopped

from .conftest import Make

X, y = np.zeros((4, 2)), np.zeros(4)


def test_reports_come_with_the_share_of_the_seconds_that_is_spent(make: Make) -> None:
    source = """
import time
def fit(X, y, *, seed, seconds, report):
    began = time.monotonic()
    for step in range(4):
        time.sleep(seconds / 8)
        report(step, (time.monotonic() - began) / seconds)
"""
    case = make(source, budget=2.0)
    case.candidate.fit(X, y)
    case.candidate.fit(X, y)
    shares, own = zip(*case.ledger.reports, strict=True)
    assert len(shares) == 8
    assert all(-0.01 < share - mine < 0.3 for share, mine in zip(shares, own, strict=True))


def test_an_answer_to_a_report_stops_the_fit(make: Make) -> None:
    source = """
import time
def fit(X, y, *, seed, report):
    report(1, 0.5)
    time.sleep(60)
"""
    case = make(source)
    case.ledger.stop = "far behind"
    began = time.monotonic()
    with pytest.raises(Stopped, match="far behind"):
        case.candidate.fit(X, y)
    assert time.monotonic() - began < 30
    assert [str(failure) for failure in case.ledger.failures] == ["far behind"]


@pytest.mark.parametrize("then", ["return 1", "raise ValueError", "os._exit(0)"])
@pytest.mark.parametrize("last", ["inf", "0.7"])
def test_the_last_word_counts_however_busy_the_judge_was(
    make: Make, monkeypatch: pytest.MonkeyPatch, last: str, then: str
) -> None:
    # After the first one, reports are read at looks at the memory, or when the process has ended.
    monkeypatch.setattr("pytest_autoresearch.sandbox.watching.watch.EAGER", 0)
    source = f"""
import os, time
def fit(X, y, *, seed, report):
    report(1, 0.5)
    time.sleep(0.05)
    report(2, float("{last}"))
    {then}
"""
    for _ in range(5):
        case = make(source)
        monkeypatch.setattr(case.ledger, "heard", lambda share, value: "far" * (value == 0.7))
        with pytest.raises(Stopped, match=r"report\(2, inf\) is not finite|far"):
            case.candidate.fit(X, y)


def test_a_report_that_is_no_number_is_the_candidates_error(make: Make) -> None:
    with pytest.raises(CandidateError):
        make("def fit(X, y, *, seed, report):\n    report(1, 'good')\n").candidate.fit(X, y)


def test_a_flood_of_reports_costs_the_judge_little(make: Make) -> None:
    source = """
import time
def fit(X, y, *, seed, report):
    end = time.monotonic() + 2
    step = 0
    while time.monotonic() < end:
        report(step, 0.5)
        step += 1
"""
    case = make(source)
    before = resource.getrusage(resource.RUSAGE_SELF)
    case.candidate.fit(X, y)
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The judge slept for most of the two seconds, and was asked a bounded number of times.
    assert spent < 1
    assert len(case.ledger.reports) < 2000


def test_what_comes_after_a_flood_is_heard(make: Make) -> None:
    source = """
import time
def fit(X, y, *, seed, report):
    for step in range(50_000):
        report(step, 0.5)
    report(step, float("nan"))
    time.sleep(60)
"""
    case = make(source)
    with pytest.raises(Stopped, match="is not finite"):
        case.candidate.fit(X, y)


@pytest.mark.parametrize("step", ["10**30", "-10**30", "float('nan')", "float('inf')", "3.7"])
def test_any_number_is_a_step(make: Make, step: str) -> None:
    case = make(f"def fit(X, y, *, seed, report):\n    report({step}, 0.5)\n")
    case.candidate.fit(X, y)
    assert [value for _, value in case.ledger.reports] == [0.5]
