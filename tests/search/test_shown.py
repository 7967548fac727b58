"""An agent sees of a record what the candidate and the scores say, and nothing of the judge's."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_autoresearch.records import Briefing, Part, Pass, Record, Status
from pytest_autoresearch.search.shown import (
    CHANGED,
    HIDDEN,
    JUDGED,
    OWN,
    PRINTED,
    Views,
    shown,
)

SECRET = "y_true holds 3.14159"
BRIEFED = {
    "objective": "a name",
    "metric": "a name",
    "direction": "a word",
    "champion": "a commit",
    "champion_score": "a score",
    "editable": "the champion's files, which the agent may change",
    "readable": "files that the frozen test's author shows",
    "records": "records as `shown` makes them",
    "earlier": "records as `shown` makes them",
    "experiments_left": "a number",
    "seconds_left": "a number",
    "protocol": "a person's words to the agent",
    "entry": "a path",
    "budget": "a number",
    "memory": "a number",
    "constraints": "what the marker says",
    "reading": "files that a person has named; none of the evaluation's, see test_readings",
    "analysis": "a fixture's name",
    "noise": "a number",
    "advice": "the search's own words about records as `shown` makes them",
    "usd_left": "a number",
    "under_way": "what agents handed in",
    "crashed": "editable and readable files of candidates that failed",
}
"""Each field of a briefing, and why it holds nothing of labels, evaluation or secrets."""


def record(status: Status, reason: str, **more: object) -> Record:
    values: dict[str, object] = {
        "item": "0001", "part": Part.EXPERIMENT, "experiment": 1, "status": status,
        "reason": reason, **more,
    }  # fmt: skip
    return Record(**values)  # type: ignore[arg-type]


def test_every_field_of_a_record_is_classified_once() -> None:
    tables = [OWN, JUDGED, PRINTED, HIDDEN, frozenset(CHANGED)]
    assert sorted(name for table in tables for name in table) == sorted(
        field.name for field in dataclasses.fields(Record)
    )


def test_every_field_of_a_briefing_is_classified() -> None:
    assert sorted(BRIEFED) == sorted(field.name for field in dataclasses.fields(Briefing))


@pytest.mark.parametrize(
    ("status", "reason", "notes", "seen"),
    [
        (Status.CRASH, f"ValueError: {SECRET}", {"in_test": True}, "ValueError: raised by"),
        (Status.CRASH, f"CandidateError: {SECRET}", {"in_test": True}, "CandidateError: raised"),
        (Status.CRASH, f"score() was given '{SECRET}'", {"in_test": True}, "the frozen test could"),
        (Status.CRASH, f"failed by another plugin: {SECRET}", {}, "the frozen test could not"),
        (Status.CRASH, f"ValueError: {SECRET}", {}, "ValueError: raised by the frozen test"),
        (Status.FAILED, f"set-up failed: {SECRET}", {}, "the frozen test could not be judged"),
        (Status.FAILED, f"CandidateError: {SECRET}", {}, "CandidateError: raised by the frozen"),
        (Status.INTERRUPTED, f"stopped by pytest.exit: {SECRET}", {}, "stopped before its end"),
    ],
)
def test_the_judges_exceptions_are_told_by_their_type_alone(
    status: Status, reason: str, notes: dict[str, object], seen: str
) -> None:
    told = shown(record(status, reason, notes=notes))
    assert told.reason.startswith(seen)
    assert SECRET not in repr(told)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.KEPT, "auc 0.81 against 0.80: +0.01, z +2.1 (needs +1.65)"),
        (Status.DISCARD, "constraint ece <= 0.1: 0.2"),
        (Status.CRASH, "CandidateError: KeyError: 'age'"),
        (Status.CRASH, "ProtocolError: predict returned 3 values that are not finite"),
        (Status.CRASH, "3 sessions were killed while it ran"),
        (Status.TIMEOUT, "OverBudget: over budget: stopped after 3 s"),
        (Status.AUDIT, "AuditFailed: predict gave a row 1 among some rows"),
        (Status.REFUSED, "the patch may not touch 'conftest.py'"),
        (Status.SKIPPED, "repeats experiment 3"),
    ],
)
def test_what_the_candidate_did_is_told(status: Status, reason: str) -> None:
    assert shown(record(status, reason)).reason == reason


def test_seeds_and_the_machine_are_not_told() -> None:
    passes = (Pass(0, 123456, (0.5, 0.25)), Pass(1, 654321, (0.75,)))
    told = shown(record(Status.KEPT, "", passes=passes, champion_record={"fingerprint": SECRET}))
    assert told.passes == (Pass(0, 0, (0.5, 0.25)), Pass(1, 0, (0.75,)))
    assert told.champion_record is None


def test_an_agent_cannot_change_the_searchs_own() -> None:
    own = record(Status.KEPT, "", notes={"tune": {"values": {"a": 1}}}, log={"ece": 0.5})
    told = shown(own)
    assert (told.notes, told.log) == (own.notes, own.log)
    told.notes["tune"]["values"]["a"] = 2
    told.log["ece"] = 0.0  # type: ignore[index]
    assert own.notes == {"tune": {"values": {"a": 1}}}
    assert own.log == {"ece": 0.5}


def test_a_view_is_made_once_for_each_record() -> None:
    views = Views()
    one, other = record(Status.KEPT, "a"), record(Status.KEPT, "b")
    first = views.of([one, other])
    assert [view.reason for view in first] == ["a", "b"]
    assert views.of([one, other])[1] is first[1]
