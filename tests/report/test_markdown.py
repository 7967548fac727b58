"""Markdown for the CI page and the run's folder is short, true and harmless."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_autoresearch.records import Status
from pytest_autoresearch.report.markdown import (
    append_step_summary,
    escape,
    step_summary,
)

from .builders import gained, look, record, summary

RECORDS = [
    record(0, Status.BASELINE, score=0.25),
    record(1, Status.KEPT, score=0.24, delta=-0.01, description="a | b", hypothesis="it overfits"),
    record(2, Status.CRASH, reason="NameError: name '_x' is not defined"),
    record(3, reason="log_loss 0.31 against 0.24"),
]


def test_the_step_summary_says_the_result_first() -> None:
    first, *_ = step_summary(summary(RECORDS)).splitlines()
    assert first == "### digits: log_loss 0.25 -> 0.24 (-0.01, -4.0%)"


def test_the_step_summary_lists_keeps_counts_and_the_way_to_take_it() -> None:
    text = step_summary(summary(RECORDS))
    assert "| 1 | 0.24 | -0.01 | `1000000` | a \\| b |" in text
    assert "Not kept: 1 not better, 1 crashed." in text
    assert "Take it with `git merge autoresearch/digits-2025-11-20`." in text


def test_the_step_summary_stays_short_however_long_the_run() -> None:
    keeps = [
        record(number, Status.KEPT, score=0.2, description="x" * 10_000) for number in range(500)
    ]
    text = step_summary(summary(keeps))
    assert len(text) < 10_000
    assert "470 earlier keeps not shown." in text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a | b", r"a \| b"),
        ("two\nlines", "two lines"),
        ("<img src=x>", r"\<img src=x>"),
        ("![](http://x)", r"!\[\](http://x)"),
        ("log_loss of __init__", r"log_loss of \_\_init\_\_"),
        ("`rm` **now** #12", r"\`rm\` \*\*now\*\* \#12"),
        ("\\|", r"\\\|"),
    ],
)
def test_text_of_an_agent_has_no_markup(text: str, safe: str) -> None:
    assert escape(text) == safe


def test_the_step_summary_is_appended_where_github_asks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    assert append_step_summary(summary(RECORDS), {"GITHUB_STEP_SUMMARY": str(path)})
    assert path.read_text() == "before\n" + step_summary(summary(RECORDS)) + "\n"


def test_elsewhere_no_step_summary_is_written(tmp_path: Path) -> None:
    assert not append_step_summary(summary(RECORDS), {})
    assert not append_step_summary(summary(RECORDS), {"GITHUB_STEP_SUMMARY": ""})
    assert not append_step_summary(summary(RECORDS), {"GITHUB_STEP_SUMMARY": str(tmp_path)})


WORDS = "overfitting the evaluation: 50% of the search's gain is left on the vault"


def test_the_step_summary_has_the_gains_in_one_line() -> None:
    text = step_summary(gained(RECORDS, looks=[look(level="warn", words=WORDS)]))
    (line,) = [line for line in text.splitlines() if line.startswith("Search gain")]
    assert "Search gain +0.0098 ± 0.0031 (90% interval). Vault gain +0.0100 ± 0.0049" in line
    assert line.endswith(f"**O{WORDS[1:]}.**")
    assert "gain" not in step_summary(summary(RECORDS))
