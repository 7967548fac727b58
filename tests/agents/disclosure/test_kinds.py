"""At level ``code`` a preflight that failed is told by its kind: no message, no place, no line of source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_autoresearch.agents.disclosure import disclosed, masked_text
from pytest_autoresearch.agents.disclosure.kinds import IMPORTS, KINDS, PREFLIGHT
from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.sandbox.inside.preflight.main import answer

MODEL = "def fit(X, y, *, seed):\n    return {}\n\n\ndef predict(state, X):\n    return X\n"
PARSES, NAMES, CALLS = (words for _, words in KINDS)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (f"ZEBULON = = 3\n{MODEL}", PARSES),
        (f"if 1:\nZEBULON = 3\n{MODEL}", PARSES),
        (MODEL.replace("return X\n", "  return ZEBULON\n return X"), PARSES),
        (f"{MODEL}ZEBULON = '\0'", PARSES),
        (MODEL.replace("return {}", "return zebulon"), NAMES),
        (MODEL.replace("return {}", "zebulon += 1"), NAMES),
        (MODEL.replace("return {}", "print(X)\n    X = zebulon = [zebulon]"), NAMES),
        (MODEL.replace("def fit", "def zebulon"), CALLS),
        (MODEL.replace("(X, y, *, seed)", "(X, y)"), CALLS),
        (MODEL.replace("(state, X)", "(state, X, zebulon=[')'], *zebulons, more)"), CALLS),
        (MODEL.replace("(state, X)", "(X)"), CALLS),
        (MODEL.replace("(state, X)", "(state, X, zebulon)"), CALLS),
        ("", CALLS),
        (None, CALLS),
    ],
)
@pytest.mark.parametrize("path", ["model.py", "my models/the model.py"])
def test_each_complaint_has_its_kind(
    tmp_path: Path, made: str | None, kind: str, path: str
) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    if made is not None:
        (tmp_path / path).write_text(made, "utf-8")
    order = {
        "tree": str(tmp_path),
        "entry": path,
        "changed": [path] if made is not None else [],
        "asked": [],
        "supplied": {"fit": ["seed"]},
    }
    problems = json.loads(answer(order, {path: MODEL.encode()}))["problems"]
    assert problems
    for text in ("\n".join(problems), problems[0]):
        assert masked_text(text, "code", {path: (made or "").encode()}) == PREFLIGHT + kind


@pytest.mark.parametrize(
    "said",
    [
        "model.py:3: ModuleNotFoundError: No module named 'zebulon'",
        "model.py:3: ValueError: zebulon",
        "zebulon",
        "a.py:1: b.py:2: SyntaxError: zebulon",
        "SyntaxError: zebulon",
        "zebulon.py:1: zebulon(",
        "\n",
    ],
)
def test_all_that_a_failed_import_says_is_told_as_one_sentence(said: str) -> None:
    assert masked_text(said, "code", {"zebulon.py": b"zebulon"}) == PREFLIGHT + IMPORTS


def test_nothing_found_is_nothing_told() -> None:
    for level in ("code", "errors", "all"):
        assert masked_text("", level, {}) == ""


def test_a_record_is_told_by_the_same_kind() -> None:
    files = {"model.py": b"a = 1\nzebulon = 2\n"}
    complaint = "model.py:2: SyntaxError: invalid syntax: zebulon = ="
    crash = Record(
        item="0001",
        part=Part.EXPERIMENT,
        experiment=1,
        status=Status.CRASH,
        reason=f"preflight: {complaint}",
        output="zebulon",
    )
    told = disclosed(crash, "code", champion=files, files=files)
    assert (told.reason, told.output) == (masked_text(complaint, "code", files), "")
    assert "zebulon" not in repr(told)
