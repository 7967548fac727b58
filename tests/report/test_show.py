"""The pages of `--autoresearch-show` say how much was measured, why it ended, and what is comparable."""

from __future__ import annotations

from pytest_autoresearch.records import Part, Pass, Status
from pytest_autoresearch.report.show import Detail, experiment_page, run_page
from pytest_autoresearch.report.unnumbered import Unnumbered, item_page

from .builders import gained, look, record

PASSES = (Pass(0, 1, (0.2, 0.3)), Pass(1, 2, (0.21, 0.29)))
WHY = "log_loss 0.25 against 0.26: -0.0100, z +2.1 (needs +1.65); held in 2 passes"
CONFIRMED = record(
    1, Status.KEPT, stage="test_digits_confirm", score=0.55, passes=(Pass(0, 7, (0.55,)),), reason="it held"
)  # fmt: skip


def test_the_table_of_a_run_tells_how_many_folds_each_experiment_took() -> None:
    records = [record(0, Status.BASELINE), record(1, passes=PASSES), record(2, Status.CRASH)]
    head, *rows = run_page(gained(records))[:4]
    end = head.index("folds") + len("folds")
    assert [row[:end].split()[-1] for row in rows[:2]] == ["2", "4"]
    assert rows[2][head.index("folds") : end].strip() == ""


def test_the_page_of_an_experiment_says_how_much_was_measured_and_why_it_ended() -> None:
    lines = experiment_page(Detail(record(1, passes=PASSES, reason=WHY), [], ""), "log_loss")
    assert lines[0] == f"[0001] REJECTED  {WHY}"
    assert "measured   4 folds in 2 passes" in lines


def test_a_tie_says_in_what_it_is_simpler() -> None:
    tie = record(1, Status.KEPT, simpler="12 fewer lines of code")
    assert "simpler    12 fewer lines of code" in experiment_page(Detail(tie, [], ""), "log_loss")


def test_confirmations_are_a_table_of_their_own() -> None:
    lines = run_page(gained([record(0, Status.BASELINE), record(1)], confirmations=[CONFIRMED]))
    at = lines.index("confirmations of wins:")
    assert lines[at + 2].split()[:4] == ["0001", "test_digits_confirm", "KEPT", "0.55"]
    assert lines[at + 2].endswith("it held")
    assert not any("0.55" in line for line in lines[:at])


def test_scores_of_a_confirmation_are_told_from_the_objectives() -> None:
    lines = experiment_page(Detail(record(1, passes=PASSES), [CONFIRMED], ""), "log_loss")
    places = [line.split("  ")[0] for line in lines if line.startswith("0001")]
    assert places == ["0001", "0001", "0001 test_digits_confirm"]


def test_a_run_shows_its_gains_and_looks_too() -> None:
    lines = run_page(gained([record(0, Status.BASELINE), record(1, Status.KEPT)], looks=[look()]))
    assert any(line.startswith("search gain +0.0098") for line in lines)
    assert any(line.startswith("vault gain +0.0100") for line in lines)


ASKED = record(
    0, Status.ANALYSIS, part=Part.ANALYSIS, experiment=None, item="0001-analysis", agent="llm:x",
    score=None, description="which columns\x1b[31m drift?", output="age \x07drifts", tokens=1200,
    thinking_seconds=2.0, cost_usd=0.02,
)  # fmt: skip
LOST = record(
    0, Status.SKIPPED, part=Part.SKIPPED, experiment=None, item="s0001", agent="llm:x",
    description="wider", hypothesis="it is narrow", reason="repeats experiment 1",
)  # fmt: skip


def test_a_run_lists_analyses_and_what_was_skipped() -> None:
    lines = run_page(gained([record(0, Status.BASELINE), record(1), ASKED, LOST]))
    at = lines.index("analyses, and what was skipped:")
    assert [line.split(maxsplit=3) for line in lines[at + 1 : at + 4]] == [
        ["item", "status", "agent", "what"],
        ["0001-analysis", "ANALYSIS", "llm:x", "which columns[31m drift?"],
        ["s0001", "SKIPPED", "llm:x", "repeats experiment 1: wider"],
    ]
    assert "analyses, and what was skipped:" not in run_page(gained([record(0, Status.BASELINE)]))


def test_the_page_of_an_analysis_has_question_code_and_output() -> None:
    code = "def analyse(data):\n    return 1\n"
    lines = item_page(Unnumbered(ASKED, code, "/run/agents/0001-analysis"))
    assert lines[0] == "[0001-analysis] ANALYSIS"
    text = "\n".join(lines)
    assert "question:\n    which columns[31m drift?\n" in text
    assert "code:\n    def analyse(data):\n        return 1\n" in text
    assert "output:\n    age drifts\n" in text
    assert "the agent thought for 2.0 s, 1,200 tokens, 0.020 USD" in text
    assert text.endswith("every word to and from the agent: /run/agents/0001-analysis")
    assert "\x1b" not in text


def test_the_page_of_what_was_skipped_has_the_reason_and_the_agents_words() -> None:
    lines = item_page(Unnumbered(LOST, "--- a/model.py"))
    assert lines[0] == "[s0001] SKIPPED  repeats experiment 1"
    text = "\n".join(lines)
    assert "description:\n    wider\n\nhypothesis:\n    it is narrow" in text
    assert text.endswith("patch as it was proposed:\n    --- a/model.py")
    assert "output" not in text
