"""Makes pytest's reports say what the verdict says."""

from __future__ import annotations

import pytest

from .records import Record
from .report.properties import properties
from .report.text import one_line


def reword(report: pytest.TestReport, record: Record) -> None:
    """Set outcome, reason and status word from a record; tracebacks stay for faults only."""
    status = record.status
    if status.outcome == "failed":
        turn_red(report, record.reason, keep=report.failed)
        return
    report.autoresearch_status = status.name  # type: ignore[attr-defined]
    if status.outcome == "passed":
        report.outcome, report.longrepr = "passed", None
        report.autoresearch_note = _note(record)  # type: ignore[attr-defined]
    elif status.outcome == "xfailed":
        report.outcome, report.longrepr = "skipped", None
        report.wasxfail = f"{status.word.lower()}: {one_line(record.reason)}"
        report.autoresearch_note = _note(record) or status.tsv  # type: ignore[attr-defined]
    else:
        report.outcome = "skipped"
        path, line, _name = report.location
        report.longrepr = (path, line or 0, one_line(record.reason))


def _note(record: Record) -> str:
    """What an item's line says behind its word: the score, how much it moved, and z."""
    if record.score is None:
        return ""
    moved = "" if record.delta is None else f", {record.delta:+.3g}"
    luck = "" if record.z is None else f", z {record.z:+.1f}"
    return f"{record.metric} {record.score:.6g}{moved}{luck}"


def turn_red(report: pytest.TestReport, text: str, *, keep: bool = False) -> None:
    """A failure; ``keep`` leaves the traceback that pytest made of it."""
    report.outcome = "failed"
    if not keep:
        report.longrepr = text
    for name in ("wasxfail", "autoresearch_status"):
        report.__dict__.pop(name, None)


def setup_reason(report: pytest.TestReport) -> str:
    """Why a frozen fixture failed or skipped, in one line."""
    if isinstance(report.longrepr, tuple):
        return f"the test was skipped at set-up: {report.longrepr[2]}"
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(getattr(crash, "message", "") or report.longrepr).strip()
    return f"set-up failed: {text.splitlines()[0][:300]}"


def failed_by_others(report: pytest.TestReport) -> str:
    """Why a test failed that raised nothing, in one line."""
    lines = [line for line in report.longreprtext.splitlines() if line.strip()]
    return (
        f"failed by another plugin: {lines[0].strip()[:300]}"
        if lines
        else "failed by another plugin"
    )


def interrupted(item: pytest.Item, record: Record) -> list[pytest.TestReport]:
    """The reports of an item whose protocol a signal cut short."""
    path, line, _name = item.location
    call = pytest.TestReport(
        item.nodeid,
        item.location,
        {},
        "skipped",
        (path, line or 0, record.reason),
        "call",
    )
    call.autoresearch_status = record.status.name  # type: ignore[attr-defined]
    teardown = pytest.TestReport(item.nodeid, item.location, {}, "passed", None, "teardown")
    teardown.user_properties = [(name, value) for name, value in properties(record)]
    return [call, teardown]


def torn_down(session: pytest.Session) -> pytest.TestReport:
    """Tear down every fixture that is still up; a failure is reported as the last item's.

    pytest does this when the last item ends, but which one is the last is known only afterwards.
    """
    call = pytest.CallInfo.from_call(
        lambda: session._setupstate.teardown_exact(None), when="teardown"
    )
    return pytest.TestReport.from_item_and_call(session.items[-1], call)
