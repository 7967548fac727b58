"""What the attacks' searches found stands at the end of the report: `tests/conftest.py` prints it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Report = Callable[[str], None]


@pytest.fixture
def report_line(record_property: Callable[[str, object], None]) -> Report:
    """Tell a line to the summary; a property of a test reaches it from any process."""
    return lambda line: record_property("attacks", line)
