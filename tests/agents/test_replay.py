"""A person's own patches are proposed one after the other, each once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_autoresearch.agents.protocol import Agent
from pytest_autoresearch.agents.replay import MAX_HEAD, MAX_PATCH, Replay
from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.records import Briefing, Part, Record, Status

BRIEFING = Briefing("toy", "loss", "minimize", "c0", 1.0, {})

DIFF = "--- a/model.py\n+++ b/model.py\n@@ -1 +1 @@\n-C = 1\n+C = 2\n"

MAIL = (
    "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n"
    "From: A Person <a@example.org>\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\n"
    "Subject: [PATCH v2 1/3] Use a larger C for the\n regression\n"
    "\n"
    "Less shrinkage.\n"
    "\n"
    "It has enough rows.\n"
    "---\n"
    " model.py | 2 +-\n"
    " 1 file changed, 1 insertion(+), 1 deletion(-)\n"
    "\n"
    "diff --git a/model.py b/model.py\n" + DIFF
)


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / name.replace("_", ".")).write_bytes(text.encode())
    return tmp_path


def finished(name: object, status: Status = Status.DISCARD) -> Record:
    return Record(
        item="0001", part=Part.EXPERIMENT, experiment=1, status=status, notes={"file": name}
    )


def proposed(agent: Replay) -> list[object]:
    names = []
    while proposal := agent.propose(BRIEFING):
        names.append(proposal.notes["file"])
    return names


def test_replay_is_an_agent(tmp_path: Path) -> None:
    assert isinstance(Replay(folder(tmp_path, a_patch=DIFF)), Agent)


def test_patches_come_in_the_order_of_their_names_and_then_none(tmp_path: Path) -> None:
    files = {"10_patch": DIFF, "02_diff": DIFF, "01_patch": DIFF, "notes_txt": "not a patch"}
    agent = Replay(folder(tmp_path, **files))
    assert proposed(agent) == ["01.patch", "02.diff", "10.patch"]
    assert agent.propose(BRIEFING) is None


def test_text_above_the_diff_is_its_description(tmp_path: Path) -> None:
    text = "larger C\n\nLess shrinkage may help.\nIndeed.\n\n" + DIFF
    proposal = Replay(folder(tmp_path, a_patch=text)).propose(BRIEFING)
    assert proposal is not None
    assert proposal.description == "larger C"
    assert proposal.hypothesis == "Less shrinkage may help.\nIndeed."
    assert proposal.patch == DIFF


def test_a_patch_without_text_is_described_by_its_file(tmp_path: Path) -> None:
    proposal = Replay(folder(tmp_path, a_patch=DIFF)).propose(BRIEFING)
    assert proposal is not None
    assert (proposal.description, proposal.hypothesis, proposal.patch) == ("a", "", DIFF)


def test_mail_headers_and_diffstat_of_format_patch_are_left_out(tmp_path: Path) -> None:
    text = MAIL + "-- \n2.39.5\n\n"
    proposal = Replay(folder(tmp_path, a_patch=text)).propose(BRIEFING)
    assert proposal is not None
    assert proposal.description == "Use a larger C for the regression"
    assert proposal.hypothesis == "Less shrinkage.\n\nIt has enough rows."
    assert proposal.patch == "diff --git a/model.py b/model.py\n" + DIFF


def test_a_subject_with_encoded_words_is_read(tmp_path: Path) -> None:
    text = MAIL.replace("Use a larger C for the\n regression", "=?UTF-8?q?gr=C3=B6=C3=9Fer?=")
    proposal = Replay(folder(tmp_path, a_patch=text)).propose(BRIEFING)
    assert proposal is not None
    assert proposal.description == "größer"


def test_line_endings_of_the_diff_are_kept(tmp_path: Path) -> None:
    text = "more\r\n\r\n--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-C = 1\r\n+C = 2\r\n"
    proposal = Replay(folder(tmp_path, a_patch=text)).propose(BRIEFING)
    assert proposal is not None
    assert proposal.description == "more"
    assert proposal.patch == text[text.index("---") :]


@pytest.mark.parametrize("status", [Status.KEPT, Status.REFUSED, Status.INTERRUPTED])
def test_a_file_that_the_run_has_used_is_not_proposed_again(tmp_path: Path, status: Status) -> None:
    agent = Replay(folder(tmp_path, a_patch=DIFF, b_patch=DIFF))
    agent.told(finished("a.patch", status))
    agent.told(finished(["not", "a", "name"]))
    assert proposed(agent) == ["b.patch"]


def test_a_folder_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"nowhere.*No such file"):
        Replay(tmp_path / "nowhere")
    with pytest.raises(UsageProblem, match=r"holds no \*\.patch"):
        Replay(tmp_path)


def test_a_file_that_cannot_be_used_is_named_before_the_search(tmp_path: Path) -> None:
    (tmp_path / "big.patch").write_bytes(b"x" * (MAX_PATCH + 1))
    with pytest.raises(UsageProblem, match=r"big\.patch.*1 MiB"):
        Replay(tmp_path)
    (tmp_path / "big.patch").write_bytes(b"x" * MAX_PATCH)
    (tmp_path / "latin.patch").write_bytes(b"caf\xe9")
    with pytest.raises(UsageProblem, match=r"latin\.patch.*UTF-8 \(byte 3\)"):
        Replay(tmp_path)
    (tmp_path / "latin.patch").unlink()
    (tmp_path / "gone.patch").symlink_to(tmp_path / "nothing")
    with pytest.raises(UsageProblem, match=r"gone\.patch.*cannot be read"):
        Replay(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.patch")
    with pytest.raises(UsageProblem, match=r"pipe\.patch.*not a file"):
        Replay(tmp_path)


def test_a_huge_mail_head_is_not_parsed_whole(tmp_path: Path) -> None:
    head = "Subject: " + "a " * 20_000 + "\n\n"
    proposal = Replay(folder(tmp_path, a_patch=head + DIFF)).propose(BRIEFING)
    assert proposal is not None
    assert proposal.patch == DIFF
    assert len(proposal.description) <= MAX_HEAD
