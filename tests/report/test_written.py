"""`report.md` says what was found, how sure it is, why, at what price, and what to do next."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.records import Effect, Part, Spending, Status, Summary
from pytest_autoresearch.report.account.writeup import Writeup
from pytest_autoresearch.report.markdown import step_summary
from pytest_autoresearch.report.written.report import report_md
from pytest_autoresearch.report.written.request import material, request

from .builders import gained, look, night, record, summary, themed

RECORDS = [
    record(0, Status.BASELINE, score=0.25),
    record(1, Status.KEPT, score=0.24, delta=-0.01, description="a | b", hypothesis="it overfits"),
    record(2, Status.CRASH, reason="NameError: name '_x' is not defined"),
    record(3, reason="log_loss 0.31 against 0.24"),
]
WORDS = "overfitting the evaluation: 50% of the search's gain is left on the vault"


def section(text: str, title: str) -> str:
    """What stands under a heading."""
    assert f"## {title}\n" in text, text
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_report_says_what_was_kept_what_was_tried_and_why_not() -> None:
    text = report_md(summary(RECORDS))
    assert text.startswith("# digits: log_loss 0.25 -> 0.24 (-0.01, -4.0%)\n")
    assert "The champion is #1, a \\| b (log_loss 0.24, measured afresh)." in text
    assert "- **#1** it overfits" in text
    assert "How they ended: 1 kept, 1 not better, 1 crashed." in text
    assert r"| NameError: name '\_x' is not defined | 1 | #2 |" in text
    assert "git diff bbbbbbb..autoresearch/digits-2025-11-20" in text


def test_the_first_paragraph_has_the_result_and_how_sure_it_is() -> None:
    first = report_md(themed()).split("\n\n")[1]
    assert first.startswith("**auc is better by +0.0200** on the search's data: 90% interval ")
    assert "+0.0134 to +0.0266, the luck of seeds and folds does not explain it." in first
    assert "3 kept of 10 experiments, 1 of them for being simpler, in 11 min" in first
    assert "The largest step was #1, change 1: +0.0100 ± 0.0033." in first
    doubtful = report_md(themed(gain=Effect(0.003, 0.004))).split("\n\n")[1]
    assert "which reaches zero, so it may be luck" in doubtful
    nothing = report_md(summary([RECORDS[0], RECORDS[3]], noise=0.003)).split("\n\n")[1]
    assert nothing.startswith("Nothing was better than the baseline by more than the noise, 0.003")


def test_the_first_paragraph_says_what_the_vault_left_of_it() -> None:
    first = report_md(themed(looks=[look(), look(2, 9)])).split("\n\n")[1]
    assert (
        "On the vault, data that no search has seen, the gain is +0.0100 ± 0.0049, 50% of" in first
    )


def test_of_the_wins_some_are_luck_and_the_doubtful_are_named() -> None:
    found = section(report_md(themed()), "How much better")
    assert "Of these 2 wins, one in four may be luck" in found
    assert "The interval of #10 reaches zero: doubt it first." in found


def test_who_has_to_look_is_told_at_the_top() -> None:
    assert "**Needs a person: no gain for 30 experiments.**" in report_md(
        themed(attention="no gain for 30 experiments")
    )
    assert "Needs a person" not in report_md(themed())


def test_themes_stand_with_what_came_of_them() -> None:
    found = section(report_md(themed()), "What was tried")
    assert "| Size | 4 | 2 | +0.0100 ± 0.0033 | +3.0 | 40% | 100% |" in found
    assert "| age | 3 | 0 |  | +0.3 | 30% | 0% |" in found
    assert "| no theme | 1 | 0 |" in found


def test_expectations_that_were_wrong_are_surprises() -> None:
    found = section(report_md(themed()), "Surprises").strip().splitlines()
    assert found == [
        "- **#10**, change 10: expected \u201cno change\u201d, and won by +0.0020 ± 0.0049.",
        "- **#1**, change 1: gained +0.0100 ± 0.0033, far more than expected (+0.002).",
        "- **#7**, change 7: nothing was lost by it, with 3 fewer lines of code.",
        "- **#2**, change 2: did harm (z -3.5), although: more is more",
        "- **#9**, change 9: better (z +2.1), and not kept: constraint ece \\<= 0.1 broken: 0.2.",
    ]


def test_near_misses_and_dead_ends_are_told_apart() -> None:
    text = report_md(themed())
    near = section(text, "Near misses")
    assert re.findall(r"\| #(\d+) ", near) == ["3", "8"]
    dead = section(text, "Dead ends")
    assert "**age**: 3 experiments, none kept, the best #4 with z +0.3; 2 not better." in dead
    assert "| KeyError: 'a secret' | 1 | #6 |" in dead


def test_what_to_try_next_follows_from_the_records() -> None:
    found = section(report_md(themed()), "What to try next")
    assert "- **#3** once more, or a stronger version of it: change 3 led with z +1.4." in found
    assert "- **#3** and **#8** together: each came near" in found
    assert "- More of **Size**: 2 of its 4 experiments won" in found
    assert "- Less of **age**: 3 experiments" in found
    tried = record(11, origin=(3, 8), direction="maximize", reason="r")
    again = report_md(themed(tried))
    assert "together: each" not in again


def test_costs_stand_by_run_and_by_agent() -> None:
    found = section(report_md(themed()), "What it cost")
    assert "Evaluating took 11 min, 66 s for each experiment" in found
    assert "Agents thought for 2 min, of which nothing else ran for 30 s." in found
    assert "Agents cost 0.50 of 10 USD, 2,000 tokens" in found
    assert "| llm:x | 7 | 3 | +3.0 |  | 1,000 | 0.50 USD |" in found
    assert "| tune | 3 | 0 | +0.3 |  |  | 0.00 USD |" in found
    assert "What it cost" not in report_md(summary([RECORDS[0]]))


def test_versions_of_the_protocol_are_compared_where_there_are_several() -> None:
    found = section(report_md(themed()), "Versions of the protocol")
    assert "| `1111111` | 7 | #1 | #10 | 3 | +3.0 |" in found
    assert "Versions" not in report_md(summary(RECORDS))


def test_lessons_are_told_once_with_where_they_come_from() -> None:
    later = record(11, lessons=("leaves  matter.", ""), reason="r")
    found = section(report_md(themed(later)), "Lessons")
    assert found.strip() == "As the agents noted them.\n\n- leaves matter. (#11)"


def test_how_large_the_kept_patches_are_is_told_where_it_is_known() -> None:
    assert "| lines |" not in report_md(themed())
    text = report_md(themed(), None, {1: (12, 3)})
    assert "| #1 | 0.71 | +0.01 | +0.002 | +0.0100 ± 0.0033 | +12/-3 |" in text


def test_experiments_link_to_every_word_of_their_agents(tmp_path: Path) -> None:
    (tmp_path / "agents/0001").mkdir(parents=True)
    text = report_md(themed(folder=str(tmp_path)))
    assert "| [#1](agents/0001/) |" in text
    assert "| #10 |" in text


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


def test_the_report_says_how_much_better_with_noise_gain_and_effects() -> None:
    text = report_md(gained(RECORDS))
    found = section(text, "How much better")
    assert "has a standard error of 0.0031" in found
    assert "**+0.0098 ± 0.0031** on the search data, by passes that did not choose it" in found
    assert "other data only, a vault's" in found
    assert "| #1 | 0.24 | -0.01 | +0.0091 ± 0.0035 | `1000000` | a \\| b |" in text


def test_every_look_into_the_vault_stands_in_the_report() -> None:
    looks = [look(), look(2, 9, level="warn", words=WORDS)]
    found = section(report_md(gained(RECORDS, looks=looks)), "How much better")
    assert "2 looks of 3" in found
    rows = [line for line in found.splitlines() if line.startswith(("| 1 |", "| 2 |"))]
    assert rows[0] == (
        "| 1 | 2025-11-20 05:00 | 1 | 0.26 | 0.25 "
        "| +0.0200 ± 0.0033 | +0.0100 ± 0.0049 | +0.0100 ± 0.0059 |"
    )
    assert rows[1].startswith("| 2 | 2025-11-20 05:00 | 9 |")
    assert f"**O{WORDS[1:]}.**" in found


def test_a_run_that_measured_no_noise_has_no_section_about_it() -> None:
    assert "How much better" not in report_md(summary(RECORDS))


def test_confirmations_stand_apart_with_scores_of_their_own() -> None:
    apart = [record(1, Status.KEPT, stage="test_digits_confirm", score=0.55, delta=-0.05, z=1.0)]
    text = report_md(summary(RECORDS, confirmations=apart))
    found = section(text, "Confirmations")
    assert "test_digits_confirm: 1 of 1 wins held." in found
    assert "| #1 | test_digits_confirm | 0.55 | - | -0.05 | +1.0 | kept |" in found
    assert "0.55" not in text.replace(found, "")
    assert "Confirmations" not in report_md(summary(RECORDS))


def test_every_table_has_equal_columns() -> None:
    whole = gained(night(60), looks=[look(), look(2)], confirmations=[record(3, stage="c")])
    runs = (summary(night(60)), whole, themed())
    for text in [made(run) for made in (report_md, step_summary) for run in runs]:
        for block in text.split("\n\n"):
            rows = [line.replace("\\|", "") for line in block.splitlines() if line[:1] == "|"]
            assert len({row.count("|") for row in rows}) <= 1


@pytest.mark.parametrize("finished", [True, False])
def test_the_report_of_a_finished_run_says_how_to_go_on_with_it(finished: bool) -> None:
    text = report_md(summary(RECORDS, finished=finished))
    way = "To go on: `--autoresearch-run digits-2025-11-20 --autoresearch-experiments 13`."
    assert (way in text) is finished


def test_the_report_stays_a_few_pages_however_long_the_run_and_its_words() -> None:
    long: dict[str, str] = dict.fromkeys(
        ("description", "hypothesis", "theme", "expected", "reason"), "x" * 5000
    )
    rows = [record(0, Status.BASELINE, score=0.25)]
    for number in range(1, 400):
        kept = Status.KEPT if number % 5 == 0 else Status.DISCARD
        words = {**long, "theme": f"theme {number % 50} {long['theme']}"}
        more = {"lessons": (f"{number} {long['theme']}",), "z": 1.0 + number / 1000, "delta": -0.1}
        rows.append(record(number, kept, **{**words, **more}))
    text = report_md(gained(rows))
    assert len(text) < 25_000
    assert "64 smaller keeps not shown, they are in `results.tsv`." in text
    assert len(report_md(gained(night(60)))) < 12_000


# The account of an agent


def test_an_account_stands_in_the_report_with_who_wrote_it_and_what_is_missing() -> None:
    account = Writeup("### Why\n\nIt is so.", "llm:x", left_out=2, cut=True, experiments=10)
    found = section(report_md(themed(), account), "The agent's account")
    assert found.startswith(
        "\n*Written by llm:x, after experiment 10; every figure in it stands in the journal. "
        "2 sentences were left out, for one that does not. Its end is cut off.*\n\n### Why\n"
    )
    assert "The agent's account" not in report_md(themed())
    assert "The agent's account" not in report_md(themed(), Writeup("", "llm:x"))
    assert "1 sentence was left out" in report_md(themed(), Writeup("", "llm:x", left_out=1))


def test_an_account_reads_back_from_its_line_of_the_journal() -> None:
    account = Writeup("### Why", "llm:x", left_out=2, cut=True, experiments=10)
    assert Writeup.from_json({**account.to_json(), "kind": "writeup", "seq": 3}) == account
    assert Writeup.from_json({"text": None, "left_out": True, "cut": 1}) == Writeup("", "")


def seen(run: Summary) -> str:
    return request(material(run))


def test_an_agent_that_writes_hears_nothing_of_the_vault() -> None:
    looks = [
        look(level="red", words="no gain shown by the vault", baseline=0.12345, champion=0.54321)
    ]
    text = seen(themed(looks=looks))
    assert "vault" not in text.lower()
    assert "0.12345" not in text
    assert "0.54321" not in text
    assert text == seen(themed())


def test_an_agent_that_writes_hears_no_words_of_errors_and_no_folder() -> None:
    text = seen(themed(folder="/home/ada/secret", ended="agent x raised 'a secret'"))
    assert "secret" not in text
    assert "KeyError" not in text
    assert "/home" not in text
    assert "#6 crashed" in text


def test_an_agent_that_writes_is_given_every_experiment_and_its_numbers() -> None:
    text = seen(themed())
    assert "- #3 not better; 0.25, change +0.004, z +1.4; size | change 3" in text
    for number in range(1, 11):
        assert f"#{number}" in text
    assert len(seen(gained(night(2000)))) < 40_000


def test_what_broke_again_and_again_is_worth_a_word_in_the_protocol() -> None:
    broken = [record(n, Status.CRASH, reason=f"ValueError: row {n}") for n in (11, 12, 13)]
    found = section(report_md(themed(*broken)), "What to try next")
    assert "- A word in the protocol: 3 experiments broke alike, by ValueError: row N." in found
    assert "ValueError" not in material(themed(*broken))


def test_a_theme_that_won_long_ago_is_not_advised_again() -> None:
    later = [
        record(n, z=0.0, reason="r", theme="size", direction="maximize") for n in range(11, 14)
    ]
    assert "More of **Size**" in report_md(themed(*later[:2]))
    assert "More of **Size**" not in report_md(themed(*later))


def test_where_nothing_came_near_the_closest_is_named() -> None:
    rows = [RECORDS[0], record(1, z=0.4, delta=-0.01, reason="r"), record(2, z=0.1, reason="r")]
    found = section(report_md(summary(rows)), "What to try next")
    assert "- Nothing came near; the closest was #1, change 1, with z +0.4." in found


def test_beside_something_kept_it_is_the_rest_that_came_near_or_not() -> None:
    rows = [*RECORDS[:2], record(2, z=0.4, delta=-0.01, reason="r")]
    found = section(report_md(summary(rows)), "What to try next")
    assert "- Of the rest, nothing came near; the closest was #2, change 2, with z +0.4." in found


def test_an_agents_row_has_all_that_it_cost_not_its_experiments_alone() -> None:
    own: dict[str, Any] = {
        "agent": "llm:x",
        "tokens": 500,
        "thinking_seconds": 60.0,
        "cost_usd": 0.1,
    }
    asked = record(
        0, Status.ANALYSIS, part=Part.ANALYSIS, experiment=None, item="0001-analysis", **own
    )
    lost = record(0, Status.SKIPPED, part=Part.SKIPPED, experiment=None, item="s0001", **own)
    rows = [RECORDS[0], record(1, seconds=60.0, **own), asked, lost]
    spent = Spending(
        1.25, 5500, None, {"llm:x": 1.0, "llm:silent": 0.25}, ("command:cli",), 180.0, 0.0,
        {"llm:x": 5000, "llm:silent": 500},
    )  # fmt: skip
    found = section(report_md(summary(rows, spending=spent)), "What it cost")
    assert "Agents cost 1.25 USD, 5,500 tokens" in found
    assert "Agents thought for 3 min." in found
    assert "| llm:x | 1 | 0 |  | 3 min | 5,000 | 1.00 USD |" in found
    assert "| llm:silent | 0 | 0 |  |  | 500 | 0.25 USD |" in found
    assert "| command:cli | 0 | 0 |  |  |  | not known |" in found
    # A journal without a purse: what the records say.
    found = section(report_md(summary(rows)), "What it cost")
    assert "| llm:x | 1 | 0 |  | 3 min | 1,500 | 0.30 USD |" in found


def test_what_agents_cost_is_told_of_a_run_in_which_nothing_was_evaluated() -> None:
    spent = Spending(0.25, 500, None, {"llm:x": 0.25}, used={"llm:x": 500})
    found = section(report_md(summary(RECORDS[:1], spending=spent)), "What it cost")
    assert "| llm:x | 0 | 0 |  |  | 500 | 0.25 USD |" in found
