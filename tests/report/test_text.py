"""Text from agents becomes harmless before a person reads it."""

from __future__ import annotations

import pytest

from pytest_autoresearch.report.text import change, exact, one_line


def test_a_line_has_no_breaks_and_no_control_characters() -> None:
    assert one_line("a\r\n\tb\u2028c\x07\x9b2J\x00") == "a b c2J"


def test_a_long_line_is_cut_to_its_width() -> None:
    assert one_line("abcdefghij", 8) == "abcde..."
    assert one_line("abcdefgh", 8) == "abcdefgh"


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e-300, 5e22, -0.0])
def test_an_exact_number_reads_back(value: float) -> None:
    assert float(exact(value)) == value


def test_a_change_says_its_size_and_share() -> None:
    assert change(0.25, 0.2) == "0.25 -> 0.2 (-0.05, -20.0%)"
    assert change(-2.0, -1.0) == "-2 -> -1 (+1, +50.0%)"


def test_a_change_says_only_what_was_measured() -> None:
    assert change(None, None) == "not measured"
    assert change(0.25, None) == change(0.25, 0.25) == "0.25"
    assert change(0.0, 0.5) == "0 -> 0.5 (+0.5)"
