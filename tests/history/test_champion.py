"""The champion record's file: written the same way every time, read with suspicion, never lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.history.champion import (
    Champion,
    Conditions,
    decode,
    encode,
    path_of,
)
from pytest_autoresearch.history.paths import EditableSet
from pytest_autoresearch.records import Fingerprint, Pass, Status

from .builders import FILES, OBJECTIVE, Project, attempt, evaluate, experiment

CHAMPION = Champion(
    objective="conversion",
    metric="auc",
    direction="maximize",
    score=0.8,
    noise=0.01,
    passes=(Pass(0, 7, (0.81, 0.79)), Pass(1, 8, (0.8, 1 / 3))),
    seconds=1.5,
    conditions=Conditions(
        budget=60.0,
        isolation="none",
        files={"test_it.py": "0" * 40},
        arguments="abc",
        data={},
        fingerprint=Fingerprint("a [processor]", "", 2, {"numpy": "2.4.6", "python": "3.12.1"}),
    ),
)
PATH = "conversion.champion.json"


def read(fields: Any) -> Champion:
    return decode(json.dumps(fields).encode(), PATH, "pytest -x")


def test_what_is_written_is_read_again() -> None:
    content = encode(CHAMPION.to_json())
    assert decode(content, PATH, "") == CHAMPION


def test_the_same_record_is_the_same_bytes_and_a_pass_is_one_line() -> None:
    content = encode(CHAMPION.to_json())
    shuffled = dict(reversed(json.loads(content).items()))
    assert encode(shuffled) == content
    text = content.decode()
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")
    assert '      "scores": [0.81, 0.79],\n' in text
    assert '    "device": "a [processor]",\n' in text
    assert [line.split('"')[1] for line in text.splitlines() if line.startswith('  "')] == sorted(
        json.loads(text)
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"<<<<<<< HEAD\n{}",
        b'{"schema": "one"}',
        b"[" * 100_000,
        b" " * (1 << 20) + encode(CHAMPION.to_json()),
    ],
    ids=["empty", "binary", "null", "list", "bare", "conflict", "schema", "deep", "large"],
)
def test_a_damaged_file_is_named_with_the_ways_out(content: bytes) -> None:
    with pytest.raises(UsageProblem) as caught:
        decode(content, PATH, "pytest --again")
    text = str(caught.value)
    assert text.startswith(f"{PATH} is no champion record any more (")
    assert f"`git checkout -- {PATH}`" in text
    assert "`pytest --again`" in text


@pytest.mark.parametrize(
    "spoil",
    [
        {"score": None},
        {"score": "0.8"},
        {"noise": float("nan")},
        {"score": 10**400},
        {"direction": "upwards"},
        {"passes": []},
        {"passes": [{"split": 1, "seed": 1, "scores": [1]}]},
        {"passes": [{"split": 0, "seed": -1, "scores": [1]}]},
        {"passes": [{"split": 0, "seed": 1 << 64, "scores": [1]}]},
        {"passes": [{"split": 0, "seed": 1, "scores": []}]},
        {"evaluation": {"files": [], "arguments": "", "data": {}}},
        {"fingerprint": {"device": "x", "gpu": None, "threads": 1, "packages": {}}},
    ],
)
def test_values_of_another_kind_are_damage(spoil: dict[str, Any]) -> None:
    with pytest.raises(UsageProblem, match="no champion record any more"):
        read({**CHAMPION.to_json(), **spoil})


def test_the_command_that_restores_it_can_be_pasted_whatever_the_folder_is_called() -> None:
    with pytest.raises(UsageProblem, match=r"`git checkout -- 'my tests/it\.champion\.json'`"):
        decode(b"", "my tests/it.champion.json", "pytest")


def test_keys_of_a_later_version_are_ignored_and_a_later_schema_is_refused() -> None:
    fields = CHAMPION.to_json()
    assert read({**fields, "later": 1}) == CHAMPION
    with pytest.raises(UsageProblem, match="schema 2 is newer than 1: update"):
        read({**fields, "schema": 2})


def test_a_record_can_never_be_editable() -> None:
    globs = ["*", "**", "*.json", path_of(OBJECTIVE)]
    assert EditableSet(globs, [path_of(OBJECTIVE), "sub/Other.CHAMPION.JSON"], []).paths == ()


@pytest.mark.parametrize("before", [False, True])
def test_a_kept_commit_that_is_gone_is_made_again_with_the_same_record(
    tmp_path: Path, before: bool
) -> None:
    files = {**FILES, PATH: b"{}\n"} if before else FILES
    project = Project(tmp_path / "p", files)
    run = project.create()
    run.begin_session()
    evaluate(run, experiment(run, 0), Status.BASELINE)
    attempt(project, run, 1, Status.KEPT, champion_record=CHAMPION.to_json())
    attempt(project, run, 2, Status.DISCARD)
    kept, rejected = (run.records[n].commit for n in (1, 2))
    run.release()
    content = project.git("show", f"{kept}:{PATH}") + "\n"
    assert content.encode() == encode(CHAMPION.to_json())
    assert project.git("diff", "--name-only", kept, rejected) == "model.py"
    blob = project.git("rev-parse", f"{kept}:{PATH}")
    tree = project.git("rev-parse", f"{kept}^{{tree}}")
    refs = ("refs/autoresearch", "refs/heads/autoresearch")
    for ref in project.git("for-each-ref", "--format=%(refname)", *refs).split():
        project.git("update-ref", "-d", ref)
    for name in (kept, rejected, tree, blob):
        (project.root / ".git/objects" / name[:2] / name[2:]).unlink()
    again = project.resume()
    assert again.champion == kept
    assert project.git("show", f"{kept}:{PATH}") + "\n" == content
    assert [record.commit for record in again.records[1:]] == [kept, rejected]
    project.git("fsck", "--strict")
