"""`status.json` and the live line say where a search stands."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from pytest_autoresearch.report.progress import Progress, status_line, write_status

FIELDS = (
    "run objective metric experiment phase kept tried baseline champion started updated hours_left "
    "cost_usd tokens cap_usd projected_usd waiting needs_person stuck"
)


def test_the_file_holds_every_field(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    write_status(path, Progress(run="night", objective="digits", champion=0.25, hours_left=1.5))
    values = json.loads(path.read_text())
    assert list(values) == FIELDS.split()
    assert (values["champion"], values["hours_left"], values["baseline"]) == (0.25, 1.5, None)


def test_a_number_that_json_cannot_hold_becomes_null(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    write_status(path, Progress(run="night", objective="digits", champion=math.nan))
    assert json.loads(path.read_text())["champion"] is None


def test_the_line_says_what_is_known() -> None:
    progress = Progress(
        run="night",
        objective="digits",
        metric="log_loss",
        experiment="0012",
        phase="evaluating",
        kept=3,
        tried=11,
        baseline=0.25,
        champion=0.2,
        hours_left=5.2,
    )
    assert status_line(progress) == (
        "autoresearch: 0012 evaluating, 3 kept of 11 tried, log_loss 0.2 (baseline 0.25), 5.2 h left"
    )


def test_the_line_leaves_out_what_is_not() -> None:
    line = status_line(Progress(run="night", objective="digits"))
    assert line == "autoresearch: 0 kept of 0 tried"


@pytest.mark.parametrize(
    ("hours", "words"),
    [(12, "12.0 h left"), (0.5, "30 min left"), (0.01, "36 s left"), (-1, "0 s left")],
)
def test_the_time_left_is_said_in_a_fitting_unit(hours: float, words: str) -> None:
    line = status_line(Progress(run="night", objective="digits", hours_left=hours))
    assert line.endswith(words)


def test_the_line_says_what_agents_cost_and_will_have_cost() -> None:
    line = status_line(Progress(run="r", objective="o", cost_usd=0.42, cap_usd=10))
    assert line.endswith(", 0.42 of 10 USD")
    more = Progress(run="r", objective="o", cost_usd=12.5, projected_usd=31.456)
    assert status_line(more).endswith(", 12.50 USD, 31.46 by the end")


def test_the_line_says_nothing_of_agents_that_cost_nothing() -> None:
    assert "USD" not in status_line(Progress(run="r", objective="o", cap_usd=10, tokens=500))


def test_the_line_calls_for_a_person() -> None:
    assert status_line(Progress(run="r", objective="o", needs_person=True)).endswith(
        ", needs a person"
    )


def test_the_file_says_how_the_search_is_stuck(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    found = {"level": 3, "what": "12 of the last 12", "since": 31, "cost_usd": math.inf}
    write_status(path, Progress(run="r", objective="o", needs_person=True, stuck=found))
    values = json.loads(path.read_text())
    assert values["needs_person"] is True
    assert values["stuck"] == {**found, "cost_usd": None}
