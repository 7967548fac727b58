"""What other plugins are told equals what the journal says, and what they break costs nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_autoresearch.others import Others
from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.testing import CONFTEST, Project, Result

TELLING = """

import json

def pytest_autoresearch_experiment_finished(record):
    with open(LOG, "a") as file:
        file.write(json.dumps(record.to_json()) + "\\n")
    record.log["mine"] = 1.0
    record.notes["mine"] = "x"
    try:
        record.score = 0.0
    except dataclasses.FrozenInstanceError:
        pass
    else:
        raise SystemExit("a record is not frozen")

def pytest_autoresearch_search_finished(summary):
    with open(LOG + ".end", "a") as file:
        file.write(f"{summary.run} {summary.kept} {summary.tried} {summary.ended}\\n")
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, list[dict[str, object]], str]:
    folder = tmp_path_factory.mktemp("told")
    log = folder / "told.jsonl"
    text = CONFTEST + TELLING.replace("LOG", repr(str(log)))
    made = Project(folder / "p", {"conftest.py": text})
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    result = made.search()
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    return result, lines, Path(f"{log}.end").read_text("utf-8")


def test_every_record_is_told_as_the_journal_has_it(
    told: tuple[Result, list[dict[str, object]], str],
) -> None:
    result, lines, _ = told
    assert result.returncode == 0, result.stdout + result.stderr
    written = [line for line in result.lines if line["kind"] == "finished"]
    assert [
        {key: line[key] for key in one} for one, line in zip(lines, written, strict=True)
    ] == lines


def test_who_changes_a_record_changes_only_a_copy(
    told: tuple[Result, list[dict[str, object]], str],
) -> None:
    assert "mine" not in json.dumps(told[0].lines)


def test_the_end_is_told_once(told: tuple[Result, list[dict[str, object]], str]) -> None:
    result, _, end = told
    [line] = end.splitlines()
    assert line.startswith(f"{result.lines[0]['name']} 1 2 agent replay:")


def test_a_hook_that_raises_loses_no_work_and_is_named(tmp_path: Path) -> None:
    raising = """

def pytest_autoresearch_experiment_finished(record):
    raise RuntimeError("the chat is down")

def pytest_autoresearch_search_finished(summary):
    raise RuntimeError("the mail is down")
"""
    made = Project(tmp_path / "p", {"conftest.py": CONFTEST + raising})
    made.replace("SLOPE = 2.0", "SLOPE = 2.9")
    result = made.search()
    assert result.returncode == 0, result.stdout + result.stderr
    assert [r.status for r in result.experiments] == [Status.KEPT]
    assert result.xml.is_file()
    assert (
        "pytest_autoresearch_experiment_finished raised RuntimeError: the chat is down "
        "(at [0000]), 4 times" in result.stdout
    )
    assert (
        "pytest_autoresearch_search_finished raised RuntimeError: the mail is down" in result.stdout
    )


def test_an_interrupt_in_a_hook_is_one(pytestconfig: pytest.Config) -> None:
    class Impatient:
        def pytest_autoresearch_experiment_finished(self, record: Record) -> None:
            raise KeyboardInterrupt

    plugin = Impatient()
    pytestconfig.pluginmanager.register(plugin)
    record = Record(item="0001", part=Part.EXPERIMENT, experiment=1, status=Status.KEPT)
    try:
        with pytest.raises(KeyboardInterrupt):
            Others(pytestconfig).finished(record)
    finally:
        pytestconfig.pluginmanager.unregister(plugin)
