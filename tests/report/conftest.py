"""A small project whose tests end with the statuses of experiments."""

from __future__ import annotations

import pytest

CONFTEST = """
import pytest
from pytest_autoresearch.records import Status

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    marker = item.get_closest_marker("ends")
    if marker is None:
        return report
    phase, status, reason = marker.kwargs.get("when", "call"), Status[marker.args[0]], marker.args[1:]
    if call.when != phase:
        return report
    report.autoresearch_status = status.name
    if report.failed:
        return report
    if status.outcome == "xfailed":
        report.outcome, report.wasxfail = "skipped", f"rejected: {reason[0]}"
    elif status.outcome == "skipped":
        report.outcome, report.longrepr = "skipped", (__file__, 1, f"Skipped: {reason[0]}")
    return report

def pytest_configure(config):
    config.addinivalue_line("markers", "ends(status, reason): how the item ends")
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose conftest gives items the status that their ``ends`` marker names."""
    pytester.makeconftest(CONFTEST)
    return pytester
