"""What agents cost is told to the cent, and not at all where they cost nothing."""

from __future__ import annotations

import pytest

from pytest_autoresearch.records import Spending, Status, Summary
from pytest_autoresearch.report.costs import cost_line, of_cap, usd, waiting, waiting_line
from pytest_autoresearch.report.markdown import step_summary
from pytest_autoresearch.report.terminal import summary_lines

from .builders import record, summary

RECORDS = [
    record(0, Status.BASELINE, seconds=10.0),
    record(1, Status.KEPT, seconds=30.0, cost_usd=0.012),
    record(2, seconds=40.0, cost_usd=0.03),
]
SPENT = Spending(
    usd=0.42, tokens=123456, cap_usd=10.0, agents={"llm:a": 0.42},
    thinking_seconds=60.0, waited_seconds=20.0,
)  # fmt: skip


def paid(**changes: object) -> Summary:
    return summary(RECORDS, **{"spending": SPENT, "cost_usd": 0.42, **changes})


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        *((0.0, "0.00"), (12.345, "12.35"), (1.0, "1.00"), (0.42, "0.42"), (0.1, "0.10")),
        *((0.0123, "0.012"), (0.00123, "0.0012"), (0.00000001, "0.000000"), (1234.5, "1234.50")),
    ],
)
def test_dollars_are_told_to_the_cent_and_small_ones_to_two_digits(
    amount: float, shown: str
) -> None:
    assert usd(amount) == shown


def test_a_sum_is_told_beside_its_cap() -> None:
    assert of_cap(0.42, 10.0) == "0.42 of 10 USD"
    assert of_cap(0.42, None) == "0.42 USD"


def test_the_summary_tells_cost_in_all_for_an_experiment_and_for_a_keep() -> None:
    line = "agents cost 0.42 of 10 USD, 123,456 tokens: 0.21 an experiment, 0.42 a keep"
    assert cost_line(paid()) == line
    assert line in summary_lines(paid())


def test_without_experiments_or_keeps_there_is_no_cost_of_one() -> None:
    assert cost_line(paid(kept=0)).endswith("tokens: 0.21 an experiment")
    assert cost_line(paid(kept=0, tried=0)).endswith("123,456 tokens")


def test_agents_that_cost_nothing_are_not_spoken_of() -> None:
    free = summary(RECORDS)
    assert (cost_line(free), waiting_line(free)) == ("", "")
    assert "cost" not in "".join(summary_lines(free))
    assert "USD" not in step_summary(free)


def test_what_nobody_knows_is_said() -> None:
    unknown = Spending(unpriced=("command:cli",))
    assert cost_line(paid(spending=unknown)) == (
        "agents cost 0.00 USD; what command:cli cost is not known"
    )


def test_the_share_of_time_spent_waiting_is_told() -> None:
    assert waiting(SPENT, RECORDS) == 0.2
    assert "20% of the time was spent waiting for agents, the rest evaluating" in summary_lines(
        paid()
    )


def test_a_person_who_has_to_look_is_called_in_the_terminal_and_in_ci() -> None:
    asked = paid(attention="12 of the last 12 proposals ended alike (crash)\x1b[31m")
    line = next(line for line in summary_lines(asked) if "needs a person" in line)
    assert line == "needs a person: 12 of the last 12 proposals ended alike (crash)[31m"
    assert "**Needs a person: 12 of the last 12" in step_summary(asked)


def test_the_ci_page_has_the_cost_in_words_and_for_each_keep() -> None:
    page = step_summary(paid())
    assert "Agents cost 0.42 of 10 USD, 123,456 tokens: 0.21 an experiment, 0.42 a keep." in page
    head, _, row = page.partition("| experiment |")[2].splitlines()[:3]
    at = [cell.strip() for cell in f"| experiment |{head}".split("|")].index("USD")
    assert row.split("|")[at].strip() == "0.012"
