"""`status.json` and the live line say where a search stands."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from pytest_autoresearch.report.progress import Progress, status_line, write_status

FIELDS = (
    "run objective metric experiment phase kept tried baseline champion started updated hours_left"
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
