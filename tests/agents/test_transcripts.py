"""Every byte that was sent to an agent or came from it is kept, under the item that it led to."""

from __future__ import annotations

from pathlib import Path

from pytest_autoresearch.agents.transcripts import Transcripts


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def session(folder: Path, number: int, *drafts: str) -> Transcripts:
    """A session that probes its agent, then has these items thought out."""
    paper = Transcripts()
    paper.write("request.json", b"ready %d?" % number)
    paper.attach(folder, number)
    for item in drafts:
        name = paper.begin()
        paper.write("request.json", item.encode())
        paper.settle(name, item)
    return paper


def test_what_was_said_before_a_run_was_open_is_kept_of_each_session(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        session(tmp_path, number)
    assert contents(tmp_path) == {
        "probe/01-request.json": b"ready 1?",
        "probe-2/01-request.json": b"ready 2?",
        "probe-3/01-request.json": b"ready 3?",
    }


def test_a_draft_has_the_name_of_the_item_that_it_became(tmp_path: Path) -> None:
    session(tmp_path, 1, "0001", "s0001")
    found = contents(tmp_path)
    assert found["0001/01-request.json"] == b"0001"
    assert found["s0001/01-request.json"] == b"s0001"


def test_names_of_drafts_are_never_used_again(tmp_path: Path) -> None:
    names = {session(tmp_path, number).begin() for number in (1, 2, 3)}
    assert len(names) == 3


def test_an_item_that_is_settled_twice_loses_nothing(tmp_path: Path) -> None:
    session(tmp_path, 1, "report")
    session(tmp_path, 2, "report")
    assert {"report/01-request.json", "report-2/01-request.json"} < contents(tmp_path).keys()
