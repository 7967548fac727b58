"""An interval shows the digits that it has."""

from __future__ import annotations

import math

import pytest

from pytest_autoresearch.records import Z90, Effect
from pytest_autoresearch.report.gains import interval


@pytest.mark.parametrize(
    ("gain", "half", "words"),
    [
        (0.0098, 0.0031, "+0.0098 +/- 0.0031"),
        (0.00981234, 0.0312, "+0.010 +/- 0.031"),
        (-0.5, 0.25, "-0.50 +/- 0.25"),
        (1234.5, 1.23, "+1234.5 +/- 1.2"),
        (123456.0, 789.0, "+123456 +/- 789"),
        (1e-9, 2.5e-10, "+0.00000000100 +/- 0.00000000025"),
        (0.0, 0.1, "+0.00 +/- 0.10"),
    ],
)
def test_two_digits_of_the_half_interval_are_shown(gain: float, half: float, words: str) -> None:
    assert interval(Effect(gain, half / Z90)) == words


@pytest.mark.parametrize("error", [0.0, math.nan, math.inf])
def test_a_gain_without_an_error_stands_alone(error: float) -> None:
    assert interval(Effect(0.0123, error)) == "+0.0123"


def test_the_sign_between_is_of_ones_choice() -> None:
    assert interval(Effect(0.5, 0.1), "±") == "+0.50 ± 0.16"
