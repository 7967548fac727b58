"""Of a failure an agent is told its type, its place and its line of source; the rest as the level allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_autoresearch.agents.disclosure import (
    LEVELS,
    disclosed,
    informed,
    masked_text,
    masked_words,
    shows_analyses,
)
from pytest_autoresearch.records import Part, Proposal, Record, Status

CHAMPION = {"model.py": b"def fit(X, y, *, seed):\n    return X.mean()\n"}
FILES = {
    "model.py": b"import helper\n\ndef fit(X, y, *, seed):\n    return helper.number(X['town'])\n",
    "helper.py": b"def number(column):\n    return [float(one) for one in column]\n",
}
TRACE = """\
some print of Zebulon
Traceback (most recent call last):
  File "model.py", line 4, in fit
    return helper.number(X['town'])
           ^^^^^^^^^^^^^^^^^^^^^^^^
  File "helper.py", line 2, in number
    the text of this line is the candidate's word: Zebulon
ValueError: could not convert string to float: 'Zebulon'
"""
REASON = "CandidateError: ValueError: could not convert string to float: 'Zebulon'"


def record(status: Status = Status.CRASH, reason: str = REASON, **more: Any) -> Record:
    values: dict[str, Any] = {
        "item": "0001",
        "part": Part.EXPERIMENT,
        "experiment": 1,
        "status": status,
        "reason": reason,
        "output": TRACE,
        "agent": "llm:m",
    }
    return Record(**{**values, **more})


def told(one: Record, level: str = "errors", files: Any = FILES, **more: Any) -> Record:
    return disclosed(one, level, champion=CHAMPION, files=files, **more)


def test_an_error_is_told_by_type_place_and_source_line() -> None:
    seen = told(record())
    assert seen.reason == "CandidateError: ValueError: could not convert string to float: '…'"
    assert seen.output == "helper.py, line 2: return [float(one) for one in column]"


def test_at_level_code_a_crash_is_all_that_is_told() -> None:
    seen = told(record(), "code")
    assert (seen.reason, seen.output) == ("crashed", "")


def test_at_level_all_everything_is_told() -> None:
    assert told(record(), "all") == record()


def test_without_the_candidates_files_there_is_a_place_and_no_line() -> None:
    seen = told(record(), files=None)
    assert seen.output == "model.py, line 2" or seen.output == ""
    inside = TRACE.replace("line 4", "line 2").replace('"helper.py", line 2', '"helper.py", line 1')
    assert told(record(output=inside), files=None).output == "model.py, line 2"


@pytest.mark.parametrize(
    "frame",
    [
        'File "/home/user/Zebulon.csv", line 1, in fit',
        'File "Zebulon.py", line 1, in fit',
        'File "model.py", line 4711, in fit',
        'File "model.py", line 0, in fit',
        'File "../model.py", line 1, in Zebulon',
        'File "model.py", line 9999999999999, in fit',
    ],
)
def test_a_place_that_is_no_line_of_the_files_is_not_told(frame: str) -> None:
    text = f"Traceback (most recent call last):\n  {frame}\n    Zebulon\nKeyError: 'Zebulon'\n"
    seen = told(record(reason="CandidateError: KeyError: 'Zebulon'", output=text))
    assert (seen.reason, seen.output) == ("CandidateError: KeyError: '…'", "")


def test_a_type_that_is_made_up_is_not_told() -> None:
    text = 'Traceback (most recent call last):\n  File "model.py", line 4, in fit\n    x\nmodel.ZebulonError: no\n'
    seen = told(record(reason="CandidateError: model.ZebulonError: no", output=text))
    assert seen.reason == "CandidateError: an exception: no"
    assert seen.output.startswith("model.py, line 4")
    known = {**FILES, "errors.py": b"class TownError(Exception): pass\n"}
    named = record(reason="CandidateError: errors.TownError: no", output="")
    assert told(named, files=known).reason == "CandidateError: TownError: no"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.KEPT, "auc 0.8312 against 0.8330: +0.0018, z +2.1"),
        (Status.DISCARD, "auc 0.8312 against 0.8330: -0.0018, z -1.1 (needs +1.65)"),
        (Status.DISCARD, "constraint ece <= 0.1 broken: 0.2"),
        (Status.TIMEOUT, "OverBudget: over budget: stopped after 300 s"),
        (
            Status.TIMEOUT,
            "OverBudget: over budget: a predict process was stopped after 30 s; it may take 30 s, 25% of the "
            "budget, or as long as fit took (1.23 s), whichever is most",
        ),
        (
            Status.OOM,
            "OutOfMemory: out of memory: 9000 MiB in use, the limit is 8192 MiB (memory of the sandbox marker)",
        ),
        (
            Status.CRASH,
            "CandidateExited: fit: the process ended without an answer (killed by signal 11, SIGSEGV)",
        ),
        (Status.CRASH, "3 sessions were killed while it ran"),
        (Status.CRASH, "ValueError: raised by the frozen test, whose words are for people only"),
        (
            Status.STOPPED,
            "Stopped: stopped at 40% of its seconds: 3.4 sd behind the champion's curve and not catching up",
        ),
        (Status.REFUSED, "the patch may not touch 'conftest.py': the file is frozen"),
        (Status.SKIPPED, "repeats experiment 3"),
        (Status.STALE, "the champion moved"),
    ],
)
def test_what_the_judge_says_is_told_word_for_word(status: Status, reason: str) -> None:
    assert told(record(status, reason)).reason == reason


@pytest.mark.parametrize(
    ("status", "reason", "seen"),
    [
        (Status.OOM, "OutOfMemory: MemoryError: Unable to allocate 3 GiB for Zebulon",
         "OutOfMemory: MemoryError: Unable to allocate … for …"),
        (Status.CRASH, "ProtocolError: train.py printed nothing that matches 'x'; at its end: Zebulon 44",
         "ProtocolError: "),
        (Status.CRASH, "ProtocolError: predict returned 3 values that are not finite, the first in row 7",
         "ProtocolError: predict returned … values that are not finite, the first in row …"),
        (Status.AUDIT, "AuditFailed: predict gave a row 0.25 among some rows and 0.5 among others: the "
         "prediction of a row may depend on Zebulon",
         "AuditFailed: predict gave a row … among some rows and … among others: the prediction of a row may "
         "depend on …"),
        (Status.STOPPED, "Stopped: stopped: report(3.0, nan) is not finite",
         "Stopped: stopped: report(…) is not finite"),
        (Status.CRASH, "CandidateError: Zebulon: raised by the frozen test, whose words are for people only",
         "CandidateError: an exception: raised by the frozen test"),
        (Status.CRASH, "Zebulon: raised by the frozen test, whose words are for people only",
         "the frozen test could not be judged; why is for people only"),
        (Status.CRASH, "CandidateError: out of memory: Zebulon MiB in use", "CandidateError: out of memory: …"),
    ],
)  # fmt: skip
def test_what_a_candidate_can_word_is_masked(status: Status, reason: str, seen: str) -> None:
    found = told(record(status, reason, output="")).reason
    assert found.startswith(seen)
    assert not any(value in found for value in ("Zebulon", "0.25", "44", " 7"))


def test_what_the_candidate_printed_is_told_at_level_all_only() -> None:
    for status in Status:
        for level in ("code", "errors"):
            seen = told(record(status, "", output="Zebulon\n"), level)
            assert "Zebulon" not in repr(seen)


def test_a_preflights_complaint_has_its_place_and_line() -> None:
    reason = "preflight: model.py:4: undefined name 'helper'; helper.py:1: undefined name 'Zebulon'; Zebulon.py:9: x"
    seen = told(record(reason=reason, output=""))
    assert seen.reason == (
        "preflight: model.py, line 4: undefined name 'helper'; helper.py, line 1: undefined name '…'; …"
    )
    assert seen.output == "model.py, line 4: return helper.number(X['town'])"
    assert "Zebulon" not in repr(told(record(reason="preflight: Zebulon.py:4: Zebulon 'Zebulon'")))
    lines = "model.py:4: undefined name 'helper' Zebulon\nhelper.py:99: Zebulon\nhelper.py:2: bad"
    text = masked_text(lines, "errors", FILES)
    assert text.startswith("model.py, line 4: undefined name 'helper'")
    assert text.endswith("\nhelper.py, line 2: bad\n    return [float(one) for one in column]")
    assert "Zebulon" not in text
    assert masked_text("Zebulon", "all", FILES) == "Zebulon"
    assert masked_text("", "errors", FILES) == ""


def test_analyses_are_told_to_who_may_hear_of_data() -> None:
    look = record(Status.ANALYSIS, "", part=Part.ANALYSIS, output="Zebulon: 3 rows")
    assert told(look, analyses=True).output == "Zebulon: 3 rows"
    for level in LEVELS:
        assert told(look, level, analyses=False).output == ""
    assert shows_analyses("all", hosted=True)
    assert shows_analyses("errors", hosted=False)
    assert not shows_analyses("errors", hosted=True)


def test_words_of_an_agent_that_has_seen_data_are_masked_for_one_that_may_not() -> None:
    look = record(Status.ANALYSIS, "", part=Part.ANALYSIS, output="Zebulon churns")
    words = {
        "description": "drop Zebulon", "hypothesis": "Zebulon churns", "theme": "Zebulon",
        "expected": "Zebulon", "lessons": ("Zebulon churns",), "notes": {"a": "Zebulon"},
    }  # fmt: skip
    wins = record(Status.KEPT, "auc 0.8", **words)
    refused = record(Status.REFUSED, "the patch may not touch 'Zebulon.py': it is frozen", **words)
    who = informed([look, wins])
    assert who == {"llm:m"}
    assert "Zebulon" not in repr(told(wins, informed=who))
    assert "Zebulon" not in repr(told(refused, informed=who))
    assert told(wins, informed=who, analyses=True).description == "drop Zebulon"
    assert told(wins, informed=()).description == "drop Zebulon"
    assert told(replace(wins, agent="tune"), informed=who).description == "drop Zebulon"
    handed_in = Proposal(patch="Zebulon", files={"a.py": "Zebulon"}, **words)  # type: ignore[arg-type]
    assert "Zebulon" not in repr(masked_words(handed_in, CHAMPION))


def test_broken_text_is_no_hindrance() -> None:
    for output in (
        "",
        "\x00",
        "Traceback (most recent call last):",
        TRACE[:80],
        TRACE[60:],
        "é\ud800" * 99,
    ):
        for reason in ("", ":", ": ", "CandidateError: ", "CandidateError: \ud800", "a" * 9000):
            for files in (None, {}, {"model.py": b"\xff\xfe\x00"}):
                for status in Status:
                    for level in LEVELS:
                        told(record(status, reason, output=output), level, files)
