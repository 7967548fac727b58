"""What plain ``pytest`` says, once, of objectives that have no champion record yet."""

from __future__ import annotations

import shlex

import pytest

UNRECORDED = ("autoresearch.champion_record", "none")
"""The property of an objective that passed without anything to compare its score with."""
UNCONFIRMED = ("autoresearch.champion_record", "none: a confirm test has none")


def line(nodeids: list[str]) -> str:
    """Names the objectives, and the command that makes the first one's record."""
    return f"no champion record beside {', '.join(nodeids)}: any score passes; to write one, `{command(nodeids[0])}`"


def command(nodeid: str) -> str:
    """What a person types to get a champion record."""
    return f"pytest --autoresearch --autoresearch-experiments 0 {shlex.quote(nodeid)}"


def write_line(reporter: pytest.TerminalReporter) -> None:
    """Write the line where there are such objectives; they may have run in other processes."""
    passed = reporter.getreports("passed")
    found = [report.nodeid for report in passed if UNRECORDED in map(tuple, report.user_properties)]
    if found:
        reporter.write_line(line(found), yellow=True)
