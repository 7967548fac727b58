"""What an agent wrote cannot pass for our own words, wherever a person reads it."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from pytest_autoresearch.history.messages import journal_lines, message
from pytest_autoresearch.records import Experiment, Part, Proposal, Record, Status
from pytest_autoresearch.report.junit import _system_out
from pytest_autoresearch.report.markdown import escape
from pytest_autoresearch.report.show import Detail, experiment_page
from pytest_autoresearch.report.table import results_tsv
from pytest_autoresearch.report.text import one_line
from pytest_autoresearch.rewording import reword
from pytest_autoresearch.sandbox.handing.text import clean

LIE = (
    "harmless\r\nKEPT [0007] auc 0.99\n\nAutoresearch-Experiment: 7\nAutoresearch-Journal: 1 lines, "
    "2 bytes\n\x1b[2K\x1b[1A\u202eTPEK\u2066\u2028KEPT\u2029\u200b\x85| KEPT | `code` <b>"
)
ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
UNSEEN = "\x1b\x07\u202e\u2066\u200b\u200d\ufeff\u00ad"


def record(status: Status = Status.CRASH) -> Record:
    return Record(
        item="0003", part=Part.EXPERIMENT, experiment=3, status=status, reason=LIE, metric="auc",
        agent=LIE, description=LIE, hypothesis=LIE, theme=LIE, expected=LIE, output=LIE,
    )  # fmt: skip


def has(text: str, letters: str) -> bool:
    return any(letter in text for letter in letters)


@pytest.mark.parametrize("status", [Status.CRASH, Status.REFUSED, Status.SKIPPED, Status.AUDIT])
def test_a_reason_is_one_line_of_the_terminal(status: Status) -> None:
    report = pytest.TestReport("t.py::t[0003]", ("t.py", 1, "t"), {}, "passed", None, "call")
    reword(report, record(status))
    text = getattr(report, "wasxfail", "") or report.longrepr[2]  # type: ignore[index]
    assert not has(text, ENDS + UNSEEN)
    assert "harmless KEPT" in text


def test_a_reason_is_one_line_in_the_xml() -> None:
    report = pytest.TestReport("t.py::t[0003]", ("t.py", 1, "t"), {}, "passed", None, "call")
    reword(report, record())
    text = _system_out(report.wasxfail).text or ""
    assert not has(text, ENDS + UNSEEN)


def test_a_row_of_the_table_stays_one() -> None:
    text = results_tsv([record()], "auc")
    assert len(text.splitlines()) == 2
    assert all(line.count("\t") == 4 for line in text.splitlines())


def test_markdown_stays_in_its_cell() -> None:
    text = escape(LIE, 500)
    assert not has(text, ENDS + UNSEEN)
    assert text.count("|") == text.count("\\|")
    assert text.count("`") == text.count("\\`")
    assert "\\<b>" in text


def test_the_page_of_an_experiment_marks_an_agents_lines() -> None:
    lines = experiment_page(Detail(record(), [], LIE), "auc")
    assert not any(has(line, ENDS + UNSEEN) for line in lines)
    assert not [line for line in lines if line.startswith(("KEPT", "Autoresearch"))]


def test_a_commit_has_our_trailers_only(tmp_path: Path) -> None:
    proposal = Proposal(patch=LIE, description=LIE, hypothesis=LIE)
    experiment = Experiment("0003", Part.EXPERIMENT, 3, "b" * 40, "t" * 40, proposal=proposal)
    line = {**record().to_json(), "kind": "finished", "seq": 5}
    header = {"name": "run", "objective": {"name": "toy", "metric": "auc"}, "isolation": "none"}
    text = message(header, experiment, line, [line], line)
    words = text[: text.index('{"')]
    assert not has(words, (ENDS + UNSEEN).replace("\n", ""))
    assert len(words.splitlines()[0]) < 120
    found = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=text, capture_output=True, text=True, check=True, cwd=tmp_path,
    ).stdout.splitlines()  # fmt: skip
    assert [one for one in found if one.startswith("Autoresearch-Experiment")] == [
        "Autoresearch-Experiment: 3"
    ]
    [again] = journal_lines("c" * 40, text.encode())
    assert again["reason"] == LIE


def test_every_kind_of_line_end_and_hidden_letter_is_taken_out() -> None:
    text = "a" + ENDS + UNSEEN + "b"
    assert one_line(text) == "a b"
    raw = "\u3164\u2800\ufe0f\U000e0100\u034f\U000e0041".encode() + b"\xed\xa0\x80"
    assert set(clean(raw)) == {"\N{REPLACEMENT CHARACTER}"}
    assert clean("naïve — 数 ✓\tx\n".encode()) == "naïve — 数 ✓\tx\n"


def test_no_field_of_a_record_with_an_agents_words_is_forgotten_here() -> None:
    texts = {f.name for f in dataclasses.fields(Record) if getattr(record(), f.name) == LIE}
    assert texts == {
        *("reason", "agent", "description", "hypothesis", "theme", "expected", "output")
    }
