"""What a tool prints and writes is read with suspicion: bounded, fast, and never believed beyond reason."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest

from pytest_autoresearch.agents.command import safely
from pytest_autoresearch.agents.command.bills import (
    Bill,
    of_aider,
    of_any,
    of_claude,
    of_codex,
    of_opencode,
)
from pytest_autoresearch.agents.command.words import Words, read_words, tail
from pytest_autoresearch.agents.command.workplace import folder_of


def lines(*objects: object) -> bytes:
    return b"\n".join(json.dumps(one).encode() for one in objects) + b"\n"


# As printed by the versions that docs/agents.md names.


def test_claudes_bill() -> None:
    usage = {"input_tokens": 2000, "cache_creation_input_tokens": 5, "output_tokens": 1000}
    result = {"type": "result", "total_cost_usd": 0.021, "usage": usage, "result": "Done."}
    output = b"noise\n" + lines({"type": "system"}, {"type": "assistant"}, result)
    assert of_claude(output) == Bill(0.021, 3005, said="Done.")


def test_codexs_bill() -> None:
    output = lines(
        {"type": "thread.started", "thread_id": "01a1"},
        {"type": "item.completed", "item": {"type": "agent_message", "text": "Done."}},
        {"type": "turn.completed", "usage": {"input_tokens": 2000, "output_tokens": 1000}},
    )
    assert of_codex(output) == Bill(None, 3000, "01a1", "Done.")


def test_opencodes_bill() -> None:
    tokens = {"total": 1500, "input": 1000, "output": 500, "reasoning": 0, "cache": {"read": 7}}
    step = {
        "type": "step_finish",
        "part": {"type": "step-finish", "tokens": tokens, "cost": 0.0105},
    }
    text = {"type": "text", "part": {"type": "text", "text": "Done."}}
    assert of_opencode(lines(step, text, step)) == Bill(0.021, 3014, said="Done.")


def test_aiders_bill() -> None:
    output = (
        b"Tokens: 2.1k sent, 150 received. Cost: $0.01 message, $0.01 session.\n"
        b"Tokens: 2.5k sent, 90 received. Cost: $0.02 message, $0.03 session.\n"
    )
    assert of_aider(output) == Bill(0.03)
    assert of_aider(b"Cost: $1,234.50 message, $1,234.50 session.") == Bill(1234.5)


def test_a_scripts_bill() -> None:
    assert of_any(b'x\n{"cost_usd": 0.5}\n{"other": 1}\nend') == Bill(0.5)


@pytest.mark.parametrize(
    "value", ["-1", "NaN", "Infinity", "1e999", '"1"', "true", "null", "[1]", "9" * 5000, "1e12"]
)
def test_what_nobody_would_pay_is_not_believed(value: str) -> None:
    line = f'{{"type": "result", "total_cost_usd": {value}, "cost_usd": {value}}}\n'.encode()
    assert of_claude(line).usd is None
    assert of_any(line).usd is None


@pytest.mark.parametrize("read", [of_any, of_claude, of_codex, of_opencode, of_aider])
def test_garbage_is_no_bill(read: object) -> None:
    assert callable(read)
    draw = random.Random(5)
    for output in (
        b"",
        b"{" * 100_000 + b"}" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"type": "result", "usage": {"input_tokens": "many", "output_tokens": -5}}',
        b'{"type": "step_finish", "part": [], "usage": 3}\n{"type": "turn.completed", "usage": []}',
        bytes(draw.randrange(256) for _ in range(10_000)),
        b"Cost: $. message, $. session",
    ):
        bill = read(output)
        assert bill.usd is None
        assert bill.tokens == 0


def test_words_are_bounded_clean_and_in_no_order() -> None:
    content = (
        b"\n\n## A title\x1b[31m\r\n\r\nTheme: depth\r\n* **Hypothesis**: deeper\r\nis better\r\n\r\n"
        b"prose that belongs to nothing: really\r\nlessons: one\r\nLesson: two\r\nExpected: "
        + b"x"
        * 5000
    )
    found = read_words(content)
    assert found.description == "A title [31m"
    assert (found.theme, found.hypothesis) == ("depth", "deeper is better")
    assert found.lessons == ("one", "two")
    assert len(found.expected) == 2000


def test_words_of_nothing_are_empty() -> None:
    assert read_words(b"") == Words()
    assert read_words(b"\x00\x1b\n\x07") == Words()
    assert read_words(b"Hypothesis: only that").description == "only that"


@pytest.mark.parametrize("piece", [b"*", b"# ", b"Lesson: x\n", b"a: ", b"\xf0\x9f", b"- _ "])
def test_words_are_read_in_no_time(piece: bytes) -> None:
    content = (piece * (1 << 16))[: 1 << 16]
    began = time.process_time()
    found = read_words(content)
    assert time.process_time() - began < 5
    assert len(found.lessons) <= 10


def test_the_tail_of_an_output_is_one_clean_line() -> None:
    assert tail(b"first\nTraceback\n\x1b[1mError: bad\r\n\n  \n") == "[1mError: bad"
    assert tail(b"") == tail(b"\n \n") == ""
    assert len(tail(b"x" * 100_000)) == 300


# Files


def test_only_a_regular_file_of_its_own_is_read(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to("../outside/file")
    (root / "folder").symlink_to("../outside")
    os.mkfifo(root / "pipe")
    (root / "large").write_bytes(b"x" * 11)
    (root / "fits").write_bytes(b"x" * 10)
    assert safely.read(root, "fits", 10) == b"x" * 10
    for path in ("link", "folder/file", "pipe", "large", ".", "missing", "fits/below"):
        with pytest.raises(
            (safely.Unfit, FileNotFoundError, NotADirectoryError, OSError)
        ) as raised:
            safely.read(root, path, 10)
        assert safely.why(raised.value)


def test_a_file_is_written_over_links_and_never_through_them(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"old")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to("../outside/file")
    (root / "folder").symlink_to("../outside")
    os.mkfifo(root / "pipe")
    (root / "empty").mkdir()
    for path in ("link", "folder/file", "pipe", "empty", "new/deep/file"):
        safely.write(root, path, b"new")
        assert safely.read(root, path, 10) == b"new"
    assert (tmp_path / "outside" / "file").read_bytes() == b"old"
    safely.remove(root, "folder/file")
    safely.remove(root, "never/there")
    assert (tmp_path / "outside" / "file").exists()


def test_files_are_listed_without_links_dots_and_caches(tmp_path: Path) -> None:
    for name in ("b/two", "a/one", ".git/config", "c/__pycache__/x.pyc", "node_modules/x", "top"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to(".")
    assert list(safely.files(tmp_path)) == ["loop", "top", "a/one", "b/two"]


def test_a_deep_folder_ends(tmp_path: Path) -> None:
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(200):
        os.mkdir("d", dir_fd=at)
        deeper = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = deeper
    os.close(at)
    assert list(safely.files(tmp_path)) == []


def test_folders_of_different_agents_are_different() -> None:
    names = ["claude", "command:claude", "command claude", "é", "", "x" * 100, "x" * 101]
    folders = [folder_of(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all(name.replace("-", "").isalnum() and len(name) < 60 for name in folders)
