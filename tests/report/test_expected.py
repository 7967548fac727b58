"""What an agent expected is read from its words where they are plain, and not guessed where they are not."""

from __future__ import annotations

import pytest

from pytest_autoresearch.records import Direction
from pytest_autoresearch.report.written.expected import Expected, expected_of


@pytest.mark.parametrize(
    ("text", "direction", "expected"),
    [
        ("+0.003 auc", "maximize", Expected(1, 0.003)),
        ("0.003", "maximize", Expected(1, 0.003)),
        ("-0.003", "minimize", Expected(1, 0.003)),
        ("\u22120.003", "minimize", Expected(1, 0.003)),
        ("-0.003", "maximize", Expected(-1, 0.003)),
        ("a gain of 0.003", "minimize", Expected(1, 0.003)),
        ("+0.002 to +0.004", "maximize", Expected(1, 0.003)),
        ("-1 to +1", "maximize", None),
        ("2% better", "maximize", Expected(1)),
        ("1e-3", "maximize", Expected(1, 0.001)),
        ("lower log loss", "minimize", Expected(1)),
        ("lower auc", "maximize", Expected(-1)),
        ("higher", "maximize", Expected(1)),
        ("no change", "maximize", Expected(0)),
        ("neutral, 3 fewer lines", "maximize", Expected(0)),
        ("improves slightly", "minimize", Expected(1)),
        ("who knows", "maximize", None),
        ("", "maximize", None),
        ("1.2.3", "maximize", None),
    ],
)
def test_expectations(text: str, direction: Direction, expected: Expected | None) -> None:
    found = expected_of(text, direction)
    if expected and expected.size:
        assert found is not None
        assert found.sign == expected.sign
        assert found.size == pytest.approx(expected.size)
    else:
        assert found == expected


def test_words_of_any_length_are_read() -> None:
    assert expected_of("+0.1 " * 100_000, "maximize") == Expected(1)
