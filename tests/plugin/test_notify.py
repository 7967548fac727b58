"""A person is called when the search gets nowhere, and what the command does costs the search nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.testing import Project

Run = Callable[..., pytest.RunResult]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Eleven patches that all crash alike, and a command that is told of it."""
    made = Project(tmp_path_factory.mktemp("broken") / "p")
    for number in range(11):
        made.replace("SLOPE = 2.0", f"SLOPE = {number}.0 / 0")
    return made


def test_a_cause_that_stays_calls_a_person_everywhere_and_the_search_goes_on(
    broken: Project,
) -> None:
    result = broken.search("-o", "autoresearch_notify=sh -c 'cat >> told.jsonl'")
    assert result.returncode == 0, result.stdout
    assert len(result.experiments) == 11
    events = [json.loads(line) for line in (broken.folder / "told.jsonl").read_text().splitlines()]
    names = [event["event"] for event in events]
    assert names == ["started", "first_results", "needs_person", "ended"]
    asked = events[2]
    assert asked["since"] == 1
    assert asked["tried"] == 10
    assert "10 of the last 10 proposals" in asked["reason"]
    assert "division by zero" in asked["reason"]
    assert (asked["about"]["level"], asked["about"]["kind"]) == (3, "failures")
    assert "needs a person: 11 of the last 11 proposals" in result.stdout
    [path] = broken.folder.glob(".autoresearch/*/status.json")
    status = json.loads(path.read_text())
    assert status["needs_person"] is True
    assert status["stuck"]["since"] == 1


def test_a_command_that_fails_costs_a_line_of_warning(tmp_path: Path) -> None:
    made = Project(tmp_path / "p")
    made.replace("SLOPE = 2.0", "SLOPE = 2.9")
    result = made.search("-o", "autoresearch_notify=false")
    assert result.returncode == 0, result.stdout
    assert "autoresearch_notify: 4 of 4 events were not told" in result.stdout


def test_a_command_that_is_not_there_starts_nothing(project: Project, search: Run) -> None:
    result = search(project, "-o", "autoresearch_notify=no-such-program-here")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "no-such-program-here" in result.stderr.str()
    assert not (project.folder / ".autoresearch").exists()
