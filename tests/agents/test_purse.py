"""No payment is forgotten, counted twice, or made against the cap."""

from __future__ import annotations

import math
import random
import threading
import time
from fractions import Fraction
from typing import Any

import pytest

from pytest_autoresearch.agents.purse import Purse
from pytest_autoresearch.exceptions import AgentFailed, CapReached, HarnessFault
from pytest_autoresearch.records import Json, Part, Record, Status

Line = dict[str, Json]


class Paper:
    """A journal in a list."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def note(self, kind: str, **fields: Json) -> None:
        self.lines.append({"kind": kind, **fields})


def spent(usd: float | None, agent: str = "llm:a", tokens: int = 10) -> Line:
    return {"kind": "spent", "agent": agent, "usd": usd, "tokens": tokens, "what": "0001"}


@pytest.mark.parametrize("seed", range(20))
def test_many_small_payments_add_up_exactly(seed: int) -> None:
    draw, purse = random.Random(seed), Purse()
    paid = [round(draw.random() * 10 ** -draw.randrange(7), 9) for _ in range(2000)]
    for usd in paid:
        purse.spend(draw.choice("ab"), usd, draw.randrange(5000), "draft")
    exact = sum(map(Fraction, map(repr, paid)))
    assert purse.usd == float(exact)
    assert math.fsum(purse.spending().agents.values()) == pytest.approx(float(exact), abs=1e-12)


def test_ten_payments_of_a_tenth_just_fit_under_a_cap_of_one() -> None:
    purse = Purse(1.0)
    for _ in range(10):
        purse.require("llm:a", 0.1)
        purse.spend("llm:a", 0.1, 0, "draft")
    assert (purse.usd, purse.left) == (1.0, 0.0)
    with pytest.raises(CapReached):
        purse.require("llm:a", 0.000001)


def test_a_call_that_could_break_the_cap_is_refused_before_it_is_made() -> None:
    purse = Purse(1.0)
    purse.spend("llm:a", 0.7, 0, "draft")
    with pytest.raises(
        CapReached, match=r"agent llm:a: the next call may cost 0\.4 USD, 0\.3 of 1"
    ):
        purse.require("llm:a", 0.4)
    purse.require("llm:a", 0.3)
    assert purse.usd == 0.7


def test_at_the_cap_what_costs_nothing_goes_on() -> None:
    purse = Purse(0.0)
    purse.require("llm:ollama/llama3", 0.0)
    with pytest.raises(CapReached):
        purse.require("llm:a", 0.01)


def test_a_payment_larger_than_was_thought_is_counted_whole() -> None:
    purse = Purse(1.0)
    purse.spend("llm:a", 1.5, 0, "draft")
    assert (purse.usd, purse.left) == (1.5, 0.0)


def test_without_a_cap_everything_may_be_paid() -> None:
    purse = Purse()
    purse.require("llm:a", 1e9)
    assert purse.left is None


@pytest.mark.parametrize("usd", [-0.01, math.nan, math.inf, -math.inf, True, "0.1"])
def test_what_is_no_amount_is_refused_and_not_counted(usd: Any) -> None:
    purse = Purse(1.0)
    with pytest.raises(AgentFailed, match="agent cli reports a cost of"):
        purse.spend("cli", usd, 0, "draft")
    with pytest.raises(AgentFailed, match="agent cli reports a cost of"):
        purse.require("cli", usd)
    assert purse.expenses == []


@pytest.mark.parametrize("tokens", [-1, 1.5, True])
def test_what_is_no_number_of_tokens_is_refused(tokens: Any) -> None:
    purse = Purse()
    with pytest.raises(AgentFailed, match="tokens: they have to be a whole number"):
        purse.spend("cli", 0.1, tokens, "draft")
    assert purse.usd == 0


def test_tokens_are_capped_for_each_agent_alone() -> None:
    purse = Purse(most_tokens={"llm:a": 1000})
    purse.spend("llm:b", 0.0, 5000, "draft")
    purse.spend("llm:a", 0.0, 900, "draft")
    purse.require("llm:a", 0.0, 100)
    with pytest.raises(CapReached, match="agent llm:a: 900 of 1000 tokens are used"):
        purse.require("llm:a", 0.0, 101)
    purse.spend("llm:a", 0.0, 100, "draft")
    with pytest.raises(CapReached):
        purse.require("llm:a", 0.0)
    purse.require("llm:b", 0.0)


def test_what_was_paid_before_the_run_was_open_is_written_down_first() -> None:
    purse, paper = Purse(), Paper()
    purse.spend("llm:a", 0.25, 7, "probe")
    purse.attach(paper.note)
    purse.spend("llm:b", None, 9, "draft-1")
    assert paper.lines == [
        {"kind": "spent", "agent": "llm:a", "usd": 0.25, "tokens": 7, "what": "probe", "call": ""},
        {
            "kind": "spent",
            "agent": "llm:b",
            "usd": None,
            "tokens": 9,
            "what": "draft-1",
            "call": "",
        },
    ]


def test_a_resumed_run_goes_on_counting_where_it_was() -> None:
    purse, paper = Purse(1.0), Paper()
    purse.remember([{"kind": "session"}, spent(0.5), spent(0.3, "llm:b", 20)])
    purse.spend("llm:a", 0.1, 1, "probe")
    purse.attach(paper.note)
    assert (purse.usd, purse.tokens) == (0.9, 31)
    assert purse.spending().agents == {"llm:a": 0.6, "llm:b": 0.3}
    assert [line["what"] for line in paper.lines] == ["probe"]
    with pytest.raises(CapReached):
        purse.require("llm:a", 0.2)


def test_each_share_of_the_cap_is_told_once_and_in_order() -> None:
    told: list[float] = []
    purse = Purse(1.0, crossed=told.append)
    purse.attach(Paper().note)
    for usd, so_far in [(0.49, []), (0.01, [0.5]), (0.1, [0.5]), (0.5, [0.5, 0.9, 1.0])]:
        purse.spend("llm:a", usd, 0, "draft")
        assert told == so_far
    purse.spend("llm:a", 3.0, 0, "draft")
    assert told == [0.5, 0.9, 1.0]


def test_a_share_that_an_earlier_session_reached_is_not_told_again() -> None:
    told: list[float] = []
    purse = Purse(1.0, crossed=told.append)
    purse.remember([spent(0.6)])
    purse.attach(Paper().note)
    assert told == []
    purse.spend("llm:a", 0.3, 0, "draft")
    assert told == [0.9]


def test_a_share_that_only_the_probe_reached_is_told_when_the_run_is_open() -> None:
    told: list[float] = []
    purse = Purse(1.0, crossed=told.append)
    purse.remember([spent(0.4)])
    purse.spend("llm:a", 0.2, 0, "probe")
    assert told == []
    purse.attach(Paper().note)
    assert told == [0.5]


def test_one_agent_that_is_too_dear_is_no_end_but_that_of_all_is() -> None:
    told: list[float] = []
    purse = Purse(1.0, crossed=told.append)
    purse.exhausted()
    with pytest.raises(CapReached):
        purse.require("llm:dear", 2.0)
    purse.spend("llm:cheap", 0.1, 0, "draft")
    assert told == []
    for _ in range(2):
        purse.exhausted()
    assert told == [1.0]


def test_the_end_of_an_agents_tokens_is_not_that_of_the_money() -> None:
    told: list[float] = []
    purse = Purse(1.0, {"llm:a": 10}, told.append)
    with pytest.raises(CapReached):
        purse.require("llm:a", 0.1, 11)
    purse.exhausted()
    assert told == []


# Calls


def killed(*calls: tuple[str, float, int]) -> list[Line]:
    """What a session leaves behind that is killed while these calls are made."""
    purse, paper = Purse(), Paper()
    purse.attach(paper.note)
    for agent, usd, tokens in calls:
        purse.begin(agent, usd, tokens, "proposal")
    return paper.lines


def test_a_call_that_was_killed_counts_as_the_most_that_it_can_cost() -> None:
    lines = killed(("llm:a", 0.3, 900))
    assert lines[0]["what"] == "proposal: begun, counted as the most until it ends"
    purse = Purse(1.0, {"llm:a": 1000})
    purse.remember(lines)
    purse.attach(Paper().note)
    assert (purse.usd, purse.tokens, purse.left, purse.under_way) == (0.3, 900, 0.7, 0.0)
    with pytest.raises(CapReached):
        purse.require("llm:a", 0.0, 101)


def test_a_loop_of_killed_calls_ends_at_the_cap() -> None:
    lines: list[Line] = []
    for _ in range(3):
        purse, paper = Purse(1.0), Paper()
        purse.remember(lines)
        purse.attach(paper.note)
        purse.require("llm:a", 0.3)
        purse.begin("llm:a", 0.3, 0, "proposal")
        lines += paper.lines
    purse = Purse(1.0)
    purse.remember(lines)
    with pytest.raises(CapReached, match=r"0\.1 of 1 USD are left"):
        purse.require("llm:a", 0.3)


def test_a_call_that_ends_counts_once_as_what_it_cost() -> None:
    purse, paper = Purse(1.0), Paper()
    purse.attach(paper.note)
    first, second = (purse.begin("llm:a", 0.4, 900, "proposal") for _ in range(2))
    purse.spend("llm:b", 0.1, 5, "proposal")
    purse.settle(second, 0.02, 60, "proposal")
    purse.settle(first, 0.01, 50, "proposal")
    again = Purse(1.0)
    again.remember(paper.lines)
    again.attach(Paper().note)
    for one in (purse, again):
        assert (one.usd, one.tokens, one.left) == (0.13, 115, 0.87)
        assert [(e.agent, e.usd, e.tokens) for e in one.expenses] == [
            ("llm:a", 0.01, 50), ("llm:a", 0.02, 60), ("llm:b", 0.1, 5),
        ]  # fmt: skip
    names = [line["call"] for line in paper.lines]
    assert names == [first, second, "", second, first]
    assert len({first, second, ""}) == 3


def test_a_call_under_way_is_kept_free_and_not_yet_told_as_spent() -> None:
    told: list[float] = []
    purse = Purse(1.0, {"llm:a": 1000}, told.append)
    purse.attach(Paper().note)
    call = purse.begin("llm:a", 0.75, 900, "proposal")
    purse.spend("llm:b", 0.125, 1, "proposal")
    assert (purse.left, purse.under_way) == (0.125, 0.75)
    with pytest.raises(CapReached):
        purse.require("llm:b", 0.2)
    with pytest.raises(CapReached):
        purse.require("llm:a", 0.0, 101)
    spending = purse.spending()
    assert (purse.usd, spending.usd, spending.tokens, purse.tokens) == (0.125, 0.125, 1, 1)
    assert (spending.agents, spending.used) == (
        {"llm:a": 0.0, "llm:b": 0.125},
        {"llm:a": 0, "llm:b": 1},
    )
    assert [one.usd for one in purse.expenses] == [0.75, 0.125]
    assert told == []
    purse.settle(call, 0.5, 100, "proposal")
    assert told == [0.5]
    assert (purse.usd, purse.under_way) == (0.625, 0.0)


def test_what_nobody_waits_for_any_more_counts_as_the_most_until_it_ends() -> None:
    purse = Purse(1.0)
    purse.attach(Paper().note)
    call = purse.begin("llm:a", 0.75, 900, "proposal")
    purse.abandon()
    assert (purse.usd, purse.tokens, purse.under_way) == (0.75, 900, 0.0)
    purse.settle(call, 0.25, 100, "proposal")
    assert (purse.usd, purse.tokens) == (0.25, 100)


def test_a_call_that_costs_nothing_in_the_end_leaves_no_expense() -> None:
    purse, paper = Purse(1.0), Paper()
    purse.attach(paper.note)
    purse.settle(purse.begin("llm:a", 0.5, 100, "proposal"), 0.0, 0, "proposal: refused")
    again = Purse(1.0)
    again.remember(paper.lines)
    for one in (purse, again):
        assert (one.expenses, one.usd, one.tokens, one.spending().agents) == ([], 0.0, 0, {})


def test_a_call_whose_cost_nobody_knows_in_the_end_counts_as_the_most() -> None:
    purse = Purse(1.0)
    purse.settle(purse.begin("llm:a", 0.5, 100, "proposal"), None, 70, "proposal")
    assert (purse.usd, purse.tokens) == (0.5, 70)


@pytest.mark.parametrize(("usd", "tokens"), [(-1.0, 0), (math.nan, 0), (0.1, -1)])
def test_what_is_no_amount_replaces_nothing(usd: float, tokens: int) -> None:
    purse = Purse(1.0)
    call = purse.begin("llm:a", 0.5, 100, "proposal")
    with pytest.raises(AgentFailed):
        purse.settle(call, usd, tokens, "proposal")
    assert purse.left == 0.5


def test_a_probe_that_ended_before_the_run_was_open_is_one_line() -> None:
    purse, paper = Purse(), Paper()
    purse.settle(purse.begin("llm:a", 0.5, 100, "probe"), 0.25, 7, "probe")
    purse.settle(purse.begin("llm:a", 0.5, 100, "probe"), 0.0, 0, "probe: refused")
    assert purse.usd == 0.25
    purse.attach(paper.note)
    assert [(line["usd"], line["what"]) for line in paper.lines] == [(0.25, "probe")]
    assert purse.usd == 0.25


def test_a_call_that_cannot_be_written_down_is_not_made_and_not_counted() -> None:
    purse, paper, full = Purse(1.0), Paper(), [True]

    def note(kind: str, **fields: Json) -> None:
        paper.note(kind, **fields)
        if full:
            raise HarnessFault("the disk is full")

    purse.attach(note)
    with pytest.raises(HarnessFault):
        purse.begin("llm:a", 0.5, 100, "proposal")
    assert (purse.left, purse.under_way, purse.expenses) == (1.0, 0.0, [])
    full.clear()
    purse.spend("llm:b", 0.25, 1, "proposal")
    again = Purse(1.0)
    again.remember(paper.lines)
    assert (again.usd, again.tokens) == (0.25, 1)


def test_who_is_told_of_a_share_may_ask_how_much_is_left() -> None:
    left: list[float | None] = []
    purse = Purse(1.0)
    purse.crossed = lambda share: left.append(purse.left)
    purse.attach(Paper().note)
    purse.spend("llm:a", 0.75, 0, "draft")
    assert left == [0.25]


def test_threads_write_one_after_the_other_and_lose_no_payment() -> None:
    purse, paper = Purse(), Paper()
    inside: list[int] = []
    met: list[int] = []

    def note(kind: str, **fields: Json) -> None:
        met.extend(inside)
        inside.append(threading.get_ident())
        time.sleep(0.0005)
        paper.note(kind, **fields)
        inside.remove(threading.get_ident())

    def pay() -> None:
        for _ in range(50):
            purse.spend("llm:a", 0.01, 1, "draft")

    purse.attach(note)
    threads = [threading.Thread(target=pay) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == []
    assert (purse.usd, purse.tokens, len(paper.lines)) == (2.0, 200, 200)


def test_a_payment_that_cannot_be_written_down_counts_and_is_written_later() -> None:
    purse, paper, full = Purse(1.0), Paper(), [True]

    def note(kind: str, **fields: Json) -> None:
        if full:
            raise HarnessFault("the disk is full")
        paper.note(kind, **fields)

    purse.attach(note)
    with pytest.raises(HarnessFault):
        purse.spend("llm:a", 0.75, 1, "draft-1")
    assert purse.left == 0.25
    full.clear()
    purse.spend("llm:a", 0.125, 1, "draft-2")
    assert [line["what"] for line in paper.lines] == ["draft-1", "draft-2"]


def test_the_spending_names_agents_without_a_price_and_counts_thinking_once() -> None:
    purse = Purse(5.0)
    purse.spend("llm:a", 0.5, 100, "draft")
    purse.spend("command:cli", None, 0, "draft")
    cut = Record(
        item="0001", part=Part.EXPERIMENT, experiment=1, status=Status.INTERRUPTED,
        thinking_seconds=8.0, waited_seconds=2.0,
    )  # fmt: skip
    again = Record.from_json({**cut.to_json(), "status": "KEPT"})
    confirmed = Record.from_json({**again.to_json(), "stage": "test_confirm"})
    found = purse.spending([cut, again, confirmed])
    assert (found.usd, found.tokens, found.cap_usd) == (0.5, 100, 5.0)
    assert found.agents == {"llm:a": 0.5, "command:cli": 0.0}
    assert found.unpriced == ("command:cli",)
    assert (found.thinking_seconds, found.waited_seconds) == (8.0, 2.0)


def test_what_each_agent_used_is_told_apart_and_adds_up() -> None:
    purse = Purse()
    purse.spend("llm:a", 0.25, 100, "propose")
    purse.spend("llm:a", 0.25, 50, "write")
    purse.spend("command:b", None, 7, "propose")
    spent = purse.spending()
    assert spent.used == {"llm:a": 150, "command:b": 7}
    assert sum(spent.used.values()) == spent.tokens
