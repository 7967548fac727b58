"""Lines of code are counted by a process of its own; layout, comments and docstrings are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.sandbox import lines, reading
from pytest_autoresearch.sandbox.inside.reader.lines import count
from pytest_autoresearch.sandbox.lines import Lines
from pytest_autoresearch.sandbox.walls import launch, tiers

SOURCE = '''"""A module.

That says a lot.
"""
# A comment.
import os  # Another one.

RATE = [
    0.5,  # and one more

    0.7,
]


def fit(X, *, seed):
    """Says "it".

    At length.
    """
    text = """kept,

    for it is no docstring"""
    return X, os, text


class Model:
    "One."

    def predict(self): "Two."; return RATE
'''
CODE_LINES = 1 + 4 + 1 + 2 + 1 + 1 + 1


def model(text: str | bytes) -> dict[str, bytes]:
    return {"model.py": text.encode() if isinstance(text, str) else text}


@pytest.fixture(scope="module")
def counter() -> Lines:
    return Lines()


@pytest.mark.parametrize(
    "text",
    [
        SOURCE,
        SOURCE.rstrip("\n"),
        SOURCE.replace("\n", "\r\n"),
        SOURCE.replace("\n", "\r"),
        "\ufeff" + SOURCE,
        SOURCE.replace("\n\n\n", "\n\x0c\n   \n# ü\n"),
    ],
    ids=["plain", "no newline at the end", "crlf", "cr", "bom", "more layout"],
)
def test_only_lines_with_code_count(text: str) -> None:
    counted = count(text.encode())
    assert counted is not None
    assert counted[0] == CODE_LINES


def test_a_line_taken_out_is_one_fewer(counter: Lines) -> None:
    assert (
        counter.fewer(model(SOURCE), model(SOURCE.replace("    0.5,  # and one more\n", ""))) == 1
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    At length.\n", ""),
        ("# A comment.\n", ""),
        ("\n\n\n", "\n"),
        ("[\n    0.5,  # and one more\n\n    0.7,\n]", "[0.5, 0.7,]"),
        ("text = ", "text = 1; text = "),
        ("RATE", "R"),
        ("import os", "import os\nimport sys"),
    ],
    ids=["docstring", "comment", "layout", "joined", "semicolon", "name", "more"],
)
def test_what_is_no_less_code_is_no_fewer_lines(counter: Lines, old: str, new: str) -> None:
    assert old in SOURCE
    assert counter.fewer(model(SOURCE), model(SOURCE.replace(old, new))) == 0


def test_lines_that_are_joined_by_semicolons_are_no_fewer(counter: Lines) -> None:
    assert counter.fewer(model("a = 1\nb = 2\nc = 3\n"), model("a = 1; b = 2; c = 3\n")) == 0


def test_more_lines_with_less_in_them_are_no_fewer(counter: Lines) -> None:
    assert counter.fewer(model("a = b + c + d + e\n"), model("a = 1\nb = 2\n")) == 0


def test_all_files_count_together(counter: Lines) -> None:
    before = {"a.py": b"x = 1\ny = 2\n", "b.py": b"z = 3\n", "same.py": b"x ="}
    assert counter.fewer(before, {**before, "a.py": b"x = 1\n"}) == 1
    assert counter.fewer(before, {"a.py": b"x = 1\ny = 2\n", "same.py": b"x ="}) == 1
    moved = {"a.py": b"x = 1\n", "b.py": b"y = 2\nz = 3\n", "same.py": b"x ="}
    assert counter.fewer(before, moved) == 0
    assert counter.fewer(before, {**before, "a.py": b"x = 1\n", "new.py": b"y = 2\n"}) == 0


def test_of_other_files_lines_that_are_not_empty_count(counter: Lines) -> None:
    before = {"conf.yaml": b"a: 1\n\n# b: 2\n  \r\nc: 3\n"}
    assert counter.fewer(before, {"conf.yaml": b"a: 1\n# b: 2\nc: 3\n"}) == 0
    assert counter.fewer(before, {"conf.yaml": b"a: 1\nc: 3\n"}) == 1
    assert counter.fewer(before, {"conf.yaml": b"a: 1 # b: 2 c: 3\n"}) == 0
    assert counter.fewer(before, {"conf.yaml": b"\xff\x00"}) == 2


BROKEN = {
    "open": b"x = (\n",
    "deep": b"x = " + b"(" * 20_000 + b"1" + b")" * 20_000 + b"\n",
    "minus": b"x = " + b"-" * 50_000 + b"1\n",
    "null": b"x = 'a\0b'\n",
    "latin": b"# caf\xe9\nx = 0.5\n",
    "coding": b"# coding: no-such\nx = 0.5\n",
    "indent": b"if x:\n        y\n    z\n",
    "huge": b"x = 0.5\n" * (lines.MAX_FILE // 8 + 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_python_counts_as_text_in_both_versions(
    counter: Lines, name: str
) -> None:
    code = b'x = 1\n"""Says\n\nmore."""\n# and more\n'
    assert counter.fewer(model(BROKEN[name] + code), model(BROKEN[name] + code[:-11])) == 1
    # What has docstrings and comments as text has no fewer lines for being read as Python.
    many = b"# x\n" * 60_000
    assert counter.fewer(model(BROKEN[name]), model(many)) == 0
    assert counter.fewer(model(many), model(BROKEN[name])) > 20_000


def test_a_broken_file_does_not_keep_the_others_from_being_counted(counter: Lines) -> None:
    broken = {f"{name}.py": data for name, data in BROKEN.items()}
    before = {**broken, "z.py": b"x = 1\n# y\nz = 3\n"}
    after = {path: data + b"\n" for path, data in broken.items()}
    assert counter.fewer(before, {**after, "z.py": b"x = 1\n# y\n"}) == 1


def test_each_content_is_read_once_and_what_differs_by_one_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    run = reading._run

    def counted(*args: object) -> tuple[bytes, bool]:
        asked.append(1)
        return run(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_run", counted)
    counter = Lines()
    before = {f"{n}.py": b"x = %d\ny = 2\n" % n for n in range(5)}
    after = {f"{n}.py": b"x = %d\n" % n for n in range(5)}
    assert counter.fewer(before, after) == 5
    assert counter.fewer(before, after) == 5
    assert len(asked) == 1
    assert counter.fewer(before, before) == 0
    assert len(asked) == 1


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Lets a script of ours answer in the child's place."""
    script = tmp_path / "child.py"
    script.write_text(f"import sys\nout = sys.stdout.buffer\n{body}\nout.flush()\n")
    monkeypatch.setattr(launch, "INSIDE", script)


@pytest.mark.parametrize(
    "answer", ["[-1, 0]", "[0, true]", "[0]", "[0, 0.0]", "{}", "[0, 999999]", "[[[", "null"]
)
def test_an_answer_that_is_not_as_promised_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    line = f"ready\n{answer}\n[1, 3]\n".encode()
    stand_in(tmp_path, monkeypatch, f"out.write({line!r})")
    assert Lines().fewer(model("x = 1\n# y\n\n"), model("x = 1\n")) == 1


def test_a_parser_that_does_not_start_or_takes_too_long_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "raise MemoryError")
    assert Lines().fewer(model("x = 1\ny = 2\n"), model("x = 1\n")) == 0
    monkeypatch.setattr(lines, "SECONDS", 0.3)
    stand_in(tmp_path, monkeypatch, "import time\ntime.sleep(60)")
    assert Lines().fewer(model("x = 1\ny = 2\n"), {}) == 0


@pytest.mark.parametrize("name", ["guarded", "sealed"])
def test_lines_are_counted_within_the_walls_of_the_tier(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = tiers.best()
    if name not in (best.name, "guarded") or best.name == "none":
        pytest.skip(f"this machine has {best.name}: {', '.join(best.lacks)}")
    started: list[str] = []
    start = launch.Launch

    def watched(tier: str, *args: Any) -> launch.Launch:
        started.append(tier)
        return start(tier, *args)

    monkeypatch.setattr("pytest_autoresearch.sandbox.reading.Launch", watched)
    fewer = Lines(tiers.choose(name)).fewer(model(SOURCE), model("import os\n"))
    assert fewer == CODE_LINES - 1
    assert started == [name]
