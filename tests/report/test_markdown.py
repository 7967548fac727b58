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
from pytest_autoresearch.report.written.report import report_md

from .builders import gained, look, night, record, summary

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


def test_the_report_says_what_was_kept_what_was_tried_and_why_not() -> None:
    text = report_md(summary(RECORDS))
    assert text.startswith("# digits: log_loss 0.25 -> 0.24 (-0.01, -4.0%)\n")
    assert (
        "The champion is experiment 1, a \\| b (log_loss 0.24, measured afresh). Its hypothesis: it overfits"
        in text
    )
    assert "| kept | 1 |\n| not better | 1 |\n| crashed | 1 |" in text
    assert r"| NameError: name '\_x' is not defined | 1 | 2 |" in text
    assert "git diff bbbbbbb..autoresearch/digits-2025-11-20" in text


def test_the_report_shows_the_picture_that_is_there(tmp_path: Path) -> None:
    run = summary(RECORDS, folder=str(tmp_path))
    assert "progress.png" not in report_md(run)
    (tmp_path / "progress.png").touch()
    assert "](progress.png)" in report_md(run)


def test_the_report_of_a_run_without_a_keep_offers_nothing_to_take() -> None:
    text = report_md(summary([RECORDS[0]]))
    assert "Nothing: the champion is what it was." in text
    assert "No experiment was evaluated." in text
    assert "git " not in text


WORDS = "overfitting the evaluation: 50% of the search's gain is left on the vault"


def test_the_report_says_how_much_better_with_noise_gain_and_effects() -> None:
    text = report_md(gained(RECORDS))
    section = text[text.index("## How much better") : text.index("## What was kept")]
    assert "has a standard error of 0.0031" in section
    assert "**+0.0098 ± 0.0031** on the search data, by passes that did not choose it" in section
    assert "other data only, a vault's" in section
    assert "| 1 | 0.24 | -0.01 | +0.0091 ± 0.0035 | `1000000` | a \\| b |" in text


def test_every_look_into_the_vault_stands_in_the_report() -> None:
    looks = [look(), look(2, 9, level="warn", words=WORDS)]
    text = report_md(gained(RECORDS, looks=looks))
    section = text[text.index("## How much better") : text.index("## What was kept")]
    assert "2 looks of 3" in section
    rows = [line for line in section.splitlines() if line.startswith(("| 1 |", "| 2 |"))]
    assert rows[0] == (
        "| 1 | 2025-11-20 05:00 | 1 | 0.26 | 0.25 "
        "| +0.0200 ± 0.0033 | +0.0100 ± 0.0049 | +0.0100 ± 0.0059 |"
    )
    assert rows[1].startswith("| 2 | 2025-11-20 05:00 | 9 |")
    assert f"**O{WORDS[1:]}.**" in section


def test_the_step_summary_has_the_gains_in_one_line() -> None:
    text = step_summary(gained(RECORDS, looks=[look(level="warn", words=WORDS)]))
    (line,) = [line for line in text.splitlines() if line.startswith("Search gain")]
    assert "Search gain +0.0098 ± 0.0031 (90% interval). Vault gain +0.0100 ± 0.0049" in line
    assert line.endswith(f"**O{WORDS[1:]}.**")
    assert "gain" not in step_summary(summary(RECORDS))


def test_a_run_that_measured_no_noise_has_no_section_about_it() -> None:
    assert "How much better" not in report_md(summary(RECORDS))


def test_confirmations_stand_apart_with_scores_of_their_own() -> None:
    apart = [record(1, Status.KEPT, stage="test_digits_confirm", score=0.55, delta=-0.05, z=1.0)]
    text = report_md(summary(RECORDS, confirmations=apart))
    section = text[text.index("## Confirmations") : text.index("## How to take it")]
    assert "test_digits_confirm: 1 of 1 wins held." in section
    assert "| 1 | test_digits_confirm | 0.55 | - | -0.05 | +1.0 | kept |" in section
    assert "0.55" not in text.replace(section, "")
    assert "Confirmations" not in report_md(summary(RECORDS))


def test_every_table_has_equal_columns() -> None:
    whole = gained(night(60), looks=[look(), look(2)], confirmations=[record(3, stage="c")])
    runs = (summary(night(60)), whole)
    for text in [made(run) for made in (report_md, step_summary) for run in runs]:
        for block in text.split("\n\n"):
            rows = [line.replace("\\|", "") for line in block.splitlines() if line[:1] == "|"]
            assert len({row.count("|") for row in rows}) <= 1


@pytest.mark.parametrize("finished", [True, False])
def test_the_report_of_a_finished_run_says_how_to_go_on_with_it(finished: bool) -> None:
    text = report_md(summary(RECORDS, finished=finished))
    way = "To go on: `--autoresearch-run digits-2025-11-20 --autoresearch-experiments 13`."
    assert (way in text) is finished
