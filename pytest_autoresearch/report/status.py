"""What pytest's terminal shows for each status: category, letter and coloured word."""

from __future__ import annotations

import pytest

from ..records import Status
from .text import ELLIPSIS

TestStatus = tuple[str, str, tuple[str, dict[str, bool]]]

_MARKUP: dict[str, dict[str, bool]] = {
    "BASELINE": {"green": True},
    "MEASURED": {"green": True},
    "KEPT": {"green": True, "bold": True},
    "REJECTED": {},
    "FAILED": {"red": True},
}
_NEUTRAL = {"yellow": True}


def teststatus(status: Status) -> TestStatus:
    """What `pytest_report_teststatus` returns; the category is the word of the totals line."""
    markup = _MARKUP.get(status.word, _NEUTRAL)
    return status.word.lower(), status.letter, (status.word, dict(markup))


ENOUGH = 40
"""Columns in which a reason still says something."""
_PERCENT = len("  [100%]")


def _room(report: pytest.CollectReport | pytest.TestReport, config: pytest.Config) -> int:
    """The columns that pytest has left for a reason, behind the node id and the word."""
    if config.get_verbosity() > 1 or not config.pluginmanager.has_plugin("terminalreporter"):
        return ENOUGH  # it is not cut
    return (
        config.get_terminal_writer().fullwidth
        - len(report.nodeid)
        - len(" REJECTED (rejected: )")
        - _PERCENT
    )


def _needed(reason: str) -> int:
    """The columns that a reason needs to say something: those of score, difference and z in a race."""
    _status, _, said = reason.partition(": ")
    figures, _needs, behind = said.partition(" (needs ")
    return max(ENOUGH, len(figures) + len(ELLIPSIS)) if behind else ENOUGH


class Words:
    """Gives the reports of experiments their own words.

    Those carry ``autoresearch_status``, and ``autoresearch_note`` for what stands behind the word.
    pytest itself puts the reason of a rejection there, as much of it as the line has room for: the note
    stands in where it would not do for a race's figures, or be next to nothing of another reason.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport, config: pytest.Config
    ) -> TestStatus | None:
        """Our words for a setup or call report that carries a status; pytest's for all others."""
        name = getattr(report, "autoresearch_status", None)
        # pytest keeps failures and errors apart by category: the sections it prints need that.
        if name is None or report.failed or report.when == "teardown":
            return None
        category, letter, (word, markup) = teststatus(Status[name])
        note = getattr(report, "autoresearch_note", "")
        if hasattr(report, "wasxfail") and _room(report, config) >= _needed(report.wasxfail):
            note = ""
        return category, letter, (f"{word} ({note})" if note else word, markup)
