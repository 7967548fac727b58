"""The terminal says what was kept, why the rest was not, and what to do next."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_autoresearch.records import Effect, Objective, Part, Spending, Status
from pytest_autoresearch.report.terminal import header, plan, summary_lines

from .builders import gained, look, record, summary

RECORDS = [
    record(0, Status.BASELINE, score=0.25),
    record(1, Status.KEPT, score=0.24, delta=-0.01, description="lower\nlearning \x1b[31mrate"),
    record(2, Status.CRASH, reason="crash: NameError: name 'x' is not defined"),
    record(3, reason="log_loss 0.31 against 0.24: z -1.1 (needs +1.65)", z=-1.1),
    record(4, reason="log_loss 0.23 against 0.24: z +1.2 (needs +1.65)", z=1.2),
    record(
        5,
        Status.SKIPPED,
        part=Part.SKIPPED,
        experiment=None,
        item="s0001",
        reason="repeats experiment 3",
    ),
]


def test_the_first_line_says_the_tier_and_what_it_lacks() -> None:
    assert summary_lines(summary(RECORDS))[0] == (
        "isolation none: candidate code runs with your rights: "
        "files, network and other processes are open to it"
    )


def test_the_scores_and_counts_are_said() -> None:
    assert summary_lines(summary(RECORDS))[1:4] == [
        "run digits-2025-11-20, branch autoresearch/digits-2025-11-20",
        "ended: 12 experiments reached; to go on: --autoresearch-run digits-2025-11-20 "
        "--autoresearch-experiments 14",
        "log_loss 0.25 -> 0.24 (-0.01, -4.0%), lower is better: 1 kept of 4 experiments",
    ]


def test_each_kept_experiment_has_number_score_change_commit_and_description() -> None:
    (line,) = [line for line in summary_lines(summary(RECORDS)) if "learning" in line]
    assert line.split(maxsplit=4) == ["1", "0.24", "-0.01", "1000000", "lower learning [31mrate"]


def test_the_rest_is_explained_by_cause_and_reason() -> None:
    lines = summary_lines(summary(RECORDS))
    start = lines.index("not kept: 2 not better, 1 crashed")
    assert lines[start + 1 : start + 5] == [
        "     2 x log_loss N against 0.24: z N (needs +1.65)  (3, 4)",
        "     1 x crash: NameError: name 'x' is not defined  (2)",
        "     1 x skipped, tried before",
        "  nearest to a keep: 4, z +1.2, change 4",
    ]


def test_the_way_to_see_and_take_the_result_is_told(tmp_path: Path) -> None:
    (tmp_path / "results.tsv").touch()
    assert summary_lines(summary(RECORDS, folder=str(tmp_path)))[-4:] == [
        "look at it:  git log --oneline bbbbbbb..autoresearch/digits-2025-11-20",
        "             git diff bbbbbbb..autoresearch/digits-2025-11-20",
        f"             {tmp_path / 'results.tsv'}",
        "take it:     git merge autoresearch/digits-2025-11-20",
    ]


def test_nothing_is_offered_to_take_when_nothing_was_kept(tmp_path: Path) -> None:
    (tmp_path / "results.tsv").touch()
    lines = summary_lines(summary([RECORDS[0], RECORDS[2]], folder=str(tmp_path)))
    assert "nothing was kept: the champion is what it was" in lines
    assert lines[-1] == f"look at it:  {tmp_path / 'results.tsv'}"
    assert "git" not in "".join(lines[1:]).replace("digits", "")


def test_a_long_run_shows_its_last_keeps() -> None:
    keeps = [record(number, Status.KEPT, score=0.2) for number in range(1, 61)]
    lines = summary_lines(summary([RECORDS[0], *keeps]))
    assert "  ... 20 earlier ones, in results.tsv" in lines
    assert sum(bool(re.search(r"change \d+$", line)) for line in lines) == 40


def test_an_unfinished_run_says_how_to_go_on() -> None:
    lines = summary_lines(summary(RECORDS, ended="the deadline", finished=False))
    assert "ended: the deadline; the run is not finished, the same command goes on with it" in lines


def test_a_session_that_ended_at_the_cap_says_which_option_goes_on() -> None:
    why = "the cost cap is reached: agent llm:x: the next call may cost 0.1 USD, 0.05 of 2 USD are left"
    spent = Spending(1.95, 1000, 2.0, {"llm:x": 1.95})
    text = "\n".join(summary_lines(summary(RECORDS, ended=why, finished=False, spending=spent)))
    assert (
        f"ended: {why}; to go on: the same command with a larger --autoresearch-max-cost than 2"
        in text
    )
    assert "the same command goes on with it" not in text
    why = "the cost cap is reached: agent llm:x: 900 of 1000 tokens are used"
    text = "\n".join(summary_lines(summary(RECORDS, ended=why, finished=False)))
    assert f"{why}; to go on: the same command with a larger tokens in the agent's table" in text
    assert "max-cost" not in text


def test_the_summary_is_plain_text() -> None:
    looks = [look(level="red", words="on the vault the gain cannot be told from none")]
    text = "".join(summary_lines(gained(RECORDS, looks=looks), rejected=True))
    assert text.isascii()
    assert text.isprintable()


def test_the_gain_and_the_noise_are_said_under_the_scores() -> None:
    lines = summary_lines(gained(RECORDS))
    at = next(number for number, line in enumerate(lines) if "1 kept of 4" in line)
    assert lines[at + 1] == (
        "search gain +0.0098 +/- 0.0031 (90% interval), noise of one pass 0.0031"
    )
    assert "vault" not in "".join(lines)


def test_the_noise_is_said_when_nothing_was_kept() -> None:
    lines = summary_lines(gained([RECORDS[0], RECORDS[2]], gain=None, effects={}))
    assert "noise of one pass 0.0031, the standard error of a lead" in lines


def test_a_kept_experiment_shows_its_confirmed_gain_beside_the_winning_score() -> None:
    simpler = record(6, Status.KEPT, score=0.24, delta=0.0, simpler="12 fewer lines of code")
    lines = summary_lines(gained([*RECORDS, simpler]))
    at = lines.index("kept: score and change when it won, confirmed gain (90% interval)")
    assert lines[at + 1].split()[:6] == ["1", "0.24", "-0.01", "+0.0091", "+/-", "0.0035"]
    assert lines[at + 2].split()[:3] == ["6", "0.24", "+0"]
    assert lines[at + 2].endswith("change 6 (as good, with 12 fewer lines of code)")
    assert lines[at + 1].index("1000000") == lines[at + 2].index("6000000")
    assert lines[at + 1].index("lower learning") <= 64


def test_a_look_into_the_vault_gives_gain_gap_count_and_scores() -> None:
    lines = summary_lines(gained(RECORDS, looks=[look()]))
    assert (
        "vault gain +0.0100 +/- 0.0049, gap +0.0100 +/- 0.0059, look 1 of 3: 0.26 -> 0.25" in lines
    )


def test_a_look_at_an_earlier_champion_says_which() -> None:
    lines = summary_lines(gained(RECORDS, looks=[look(experiment=7)]))
    assert any("look 1 of 3, experiment 7: " in line for line in lines)


def test_the_last_of_several_looks_is_shown() -> None:
    lines = summary_lines(gained(RECORDS, looks=[look(), look(2, vault=Effect(0.005, 0.001))]))
    (line,) = [line for line in lines if line.startswith("vault gain")]
    assert "+0.0050" in line
    assert "look 2 of 3" in line


def test_wins_are_told_from_confirmed_wins() -> None:
    won = record(6, Status.WON, score=0.2)
    apart = [
        record(1, Status.KEPT, stage="test_digits_confirm"),
        record(7, Status.DISCARD, stage="test_digits_confirm"),
        record(8, Status.INTERRUPTED, stage="test_digits_confirm"),
    ]
    lines = summary_lines(summary([*RECORDS, won], confirmations=apart))
    assert "  test_digits_confirm: 1 of 2 wins held" in lines
    assert "  won, not confirmed yet: 6" in lines


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(
        f"""
        from pytest_autoresearch.records import *
        from pytest_autoresearch.report.terminal import write_summary

        LINES = {[one.to_json() for one in RECORDS]!r}
        LEVEL = "warn"
        LOOK = Look(
            number=1, experiment=1, commit="c", time="t", baseline=0.26, champion=0.25,
            search=Effect(0.02, 0.002), vault=Effect(0.01, 0.003),
            level=LEVEL, words="overfitting the evaluation: 50% is left",
        )

        def pytest_terminal_summary(terminalreporter):
            records = [Record.from_json(line) for line in LINES]
            write_summary(terminalreporter, Summary(
                run="night", branch="autoresearch/night", objective="digits", metric="log_loss",
                direction="minimize", isolation="none", folder=".", ended="done", finished=True,
                records=records, baseline=0.25, champion=0.24, kept=1, tried=4,
                looks=[LOOK],
            ))
        """
    )
    pytester.makepyfile("def test_own(): pass")
    return pytester


@pytest.mark.parametrize("arguments", [("-rx",), ("-ra",), ("-rA",)])
def test_the_rejected_are_listed_when_asked_for(
    project: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    project.runpytest(*arguments).stdout.fnmatch_lines(
        [
            "=* autoresearch =*",
            "REJECTED [[]0002] crash: NameError: name 'x' is not defined (change 2)",
            "REJECTED [[]0003] discard: log_loss 0.31 * (change 3)",
            "REJECTED [[]0004] discard: *",
        ]
    )


@pytest.mark.parametrize("arguments", [(), ("-rf",), ("-rxN",)])
def test_the_rejected_are_not_listed_unasked(
    project: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    result = project.runpytest(*arguments)
    result.stdout.fnmatch_lines(["not kept: 2 not better, 1 crashed"])
    result.stdout.no_fnmatch_line("REJECTED*")


def test_colour_comes_from_the_terminal_reporter_only(project: pytest.Pytester) -> None:
    assert "\x1b" not in project.runpytest("--color=no").stdout.str()
    assert "\x1b[32m     1 " in project.runpytest("--color=yes").stdout.str()


@pytest.mark.parametrize(("level", "colour"), [("warn", "33"), ("red", "31")])
def test_a_warning_of_the_vault_is_coloured(
    project: pytest.Pytester, level: str, colour: str
) -> None:
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace('LEVEL = "warn"', f'LEVEL = "{level}"'))
    shown = project.runpytest("--color=yes").stdout.str()
    assert f"\x1b[{colour}moverfitting the evaluation: 50% is left" in shown


def test_the_header_says_the_tier_the_agents_and_the_end() -> None:
    lines = header(
        "none", ["tune", "replay:patches"], hours=0.5, experiments=1, notes=["cap 10 USD"]
    )
    assert lines[0].startswith("autoresearch: isolation none: candidate code runs with your rights")
    assert lines[1:] == [
        "autoresearch: agent tune, replay:patches; for 0.5 h or until 1 experiment",
        "autoresearch: cap 10 USD",
    ]


@pytest.mark.parametrize(
    ("hours", "experiments", "words"),
    [
        (None, None, "until stopped (Ctrl-C, or a file STOP in its folder)"),
        (12.0, None, "for 12 h"),
        (None, 40, "until 40 experiments"),
        (None, 0, "measures the baseline only"),
    ],
)
def test_the_end_is_said_as_it_was_asked_for(
    hours: float | None, experiments: int | None, words: str
) -> None:
    assert header("sealed", ["tune"], hours=hours, experiments=experiments) == [
        "autoresearch: isolation sealed: memory is watched, not capped",
        f"autoresearch: agent tune; {words}",
    ]


def test_the_plan_says_what_is_searched_and_where() -> None:
    objective = Objective(
        name="digits",
        nodeid="experiments/digits/test_digits.py::test_digits",
        path="experiments/digits/test_digits.py",
        metric="log_loss",
        direction="minimize",
        editable=("experiments/digits/model.py",),
    )
    assert plan(objective, "night", "autoresearch/night", notes=["one more line"]) == [
        "autoresearch: experiments/digits/test_digits.py::test_digits: log_loss, lower is better, "
        "budget 300 s a pass",
        "autoresearch: may change: experiments/digits/model.py",
        "autoresearch: new run night, branch autoresearch/night",
        "autoresearch: one more line",
    ]
    resumed = plan(objective, "night", "autoresearch/night", resumed="12 experiments, 3 kept")
    assert resumed[2] == (
        "autoresearch: goes on with run night (12 experiments, 3 kept), branch autoresearch/night"
    )
