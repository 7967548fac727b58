"""An interval shows the digits that it has."""

from __future__ import annotations

import math
import re

import pytest

from pytest_autoresearch.records import Z90, Effect, Status
from pytest_autoresearch.report.gains import gain_lines, gains_of, interval, vault_property
from pytest_autoresearch.report.written.report import report_md

from .builders import gained, look, record


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


@pytest.mark.parametrize(
    ("search", "vault", "shown"),
    [
        (0.3751, 0.3149, ("+0.375", "+0.315", "+0.060")),
        (0.38, 0.31, ("+0.38", "+0.31", "+0.07")),
        (0.3751, 0.31451, ("+0.3751", "+0.3145", "+0.0606")),
        (-0.3751, 0.3149, ("-0.38", "+0.31", "-0.69")),
    ],
)
def test_the_gains_of_a_look_add_up_as_they_are_shown(
    search: float, vault: float, shown: tuple[str, str, str]
) -> None:
    seen = look(search=Effect(search, 0.1), vault=Effect(vault, 0.1))
    assert tuple(text.split()[0] for text in gains_of(seen)) == shown
    run = gained([record(1, Status.KEPT)], gain=Effect(search, 0.1), looks=[seen])
    said = " ".join([*gain_lines(run), vault_property([seen]), report_md(run)])
    assert set(re.findall(r"gain \**([-+]\d\S+)", said)) == set(shown[:2])
    assert set(re.findall(r"gap ([-+]\d\S+)", said)) == {shown[2]}
    assert f"| {shown[0]} ± 0.16" in said


def test_a_finer_interval_beside_a_coarse_one_keeps_its_digits() -> None:
    seen = look(search=Effect(0.016812, 0.0002), vault=Effect(0.0092, 0.003))
    assert [text.split()[0] for text in gains_of(seen)] == ["+0.01681", "+0.0092", "+0.0076"]


@pytest.mark.parametrize("error", [0.0, math.nan, math.inf])
def test_gains_without_an_error_are_shown_as_ever(error: float) -> None:
    seen = look(search=Effect(0.3751, error), vault=Effect(0.3149, 0.1))
    assert gains_of(seen)[:2] == ("+0.375", "+0.31 +/- 0.16")
