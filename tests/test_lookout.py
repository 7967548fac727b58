"""Agents are advised, another one is preferred, a person is called: each when it is due, and taken back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_autoresearch.agents.purse import Purse
from pytest_autoresearch.notifying import Events
from pytest_autoresearch.records import Json, Part, Record, Status
from pytest_autoresearch.runs import lookout as module
from pytest_autoresearch.runs.lookout import Lookout, attention, spending_in


def crashed(number: int, **changes: Any) -> Record:
    values = {
        "item": f"{number:04d}", "part": Part.EXPERIMENT, "experiment": number,
        "status": Status.CRASH, "reason": "CandidateError: KeyError: 'a'", "agent": "llm:a",
        "protocol": "p1", "seconds": 6.0, "cost_usd": 0.02,
    }  # fmt: skip
    return Record(**{**values, **changes})


class House:
    """What a lookout looks after, without a search."""

    def __init__(self, cap: float | None = None, limit: int | None = None) -> None:
        self.records: list[Record] = []
        self.heard: list[dict[str, Json]] = []
        self.version = "p1"
        self.purse = Purse(cap)
        self.search = SimpleNamespace(records=self.records)
        self.team = SimpleNamespace(office=SimpleNamespace(purse=self.purse), avoided="")
        self.project = SimpleNamespace(advice="", usd_left=None, version=lambda: self.version)
        events = Events(lambda event: self.heard.append(dict(event)), dict)
        search, team, project = cast(Any, (self.search, self.team, self.project))
        self.lookout = Lookout(search, team, project, events, limit)
        self.lookout.begin()

    def hear(self, record: Record) -> None:
        self.records.append(record)
        self.lookout.heard(record)


def test_advice_comes_first_then_another_agent_then_a_person_and_a_keep_takes_it_back() -> None:
    house = House()
    seen = []
    for number in range(1, 12):
        house.hear(crashed(number))
        called = [one for one in house.heard if one["event"] == "needs_person"]
        seen.append((bool(house.project.advice), house.team.avoided, len(called)))
    assert seen[2] == (False, "", 0)
    assert seen[3] == (True, "", 0)
    assert seen[6] == (True, "llm:a", 0)
    assert seen[9] == seen[10] == (True, "llm:a", 1)
    house.hear(crashed(12, status=Status.KEPT, reason=""))
    assert (house.project.advice, house.team.avoided) == ("", "")


def test_a_changed_protocol_takes_it_back_before_the_next_experiment() -> None:
    house = House()
    for number in range(1, 12):
        house.hear(crashed(number))
    house.version = "p2"
    house.lookout.look()
    assert (house.project.advice, house.team.avoided) == ("", "")
    assert attention(house.lookout.stuck) == ""


def test_a_person_reads_what_since_when_and_what_it_took() -> None:
    house = House()
    for number in range(1, 11):
        house.hear(crashed(number))
    assert attention(house.lookout.stuck) == (
        "10 of the last 10 proposals of agent llm:a ended alike (crash), the last one: CandidateError: "
        "KeyError: 'a' (since experiment 1; it took 60 s and 0.20 USD). The search goes on; to answer, "
        "edit the protocol"
    )


def test_a_search_that_waits_for_a_file_calls_a_person_once() -> None:
    house = House()
    for _ in range(3):
        house.lookout.paused(["data.csv"])
    [asked] = house.heard
    assert (asked["event"], asked["since"]) == ("needs_person", "data.csv")
    assert asked["reason"] == "paused: data.csv changed, restore it"


def test_agents_are_told_what_is_left() -> None:
    house = House(cap=1.0)
    house.purse.spend("llm:a", 0.25, 0, "draft")
    house.lookout.look()
    assert house.project.usd_left == 0.75


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_the_cost_at_the_end_is_what_was_spent_and_the_same_again_for_the_time_left(
    clock: list[float],
) -> None:
    house = House()
    assert house.lookout.projected_usd(3600) is None
    house.purse.spend("llm:a", 0.5, 0, "draft")
    clock[0] += 600
    assert house.lookout.projected_usd(1200) == 1.5
    assert house.lookout.projected_usd(None) is None


def test_the_cost_at_the_end_of_so_many_experiments(clock: list[float]) -> None:
    house = House(limit=10)
    house.purse.spend("llm:a", 0.5, 0, "draft")
    house.records.append(crashed(1))
    house.records.append(crashed(2))
    clock[0] += 10
    assert house.lookout.projected_usd(None) == 2.5
    assert house.lookout.projected_usd(10) == 1.0


def test_the_cost_at_the_end_is_no_more_than_the_cap(clock: list[float]) -> None:
    house = House(cap=1.0)
    house.purse.spend("llm:a", 0.5, 0, "draft")
    clock[0] += 10
    assert house.lookout.projected_usd(3600) == 1.0


def test_what_earlier_sessions_spent_is_no_measure_of_this_one(clock: list[float]) -> None:
    house = House()
    line = {"kind": "spent", "agent": "llm:a", "usd": 5.0, "tokens": 1, "what": "draft"}
    house.purse.remember([line])
    house.lookout.begin()
    clock[0] += 10
    assert house.lookout.projected_usd(3600) is None


def test_a_journal_alone_tells_what_was_spent() -> None:
    lines: list[dict[str, Json]] = [
        {"kind": "run"},
        {"kind": "session", "cap_usd": 1.0},
        {"kind": "spent", "agent": "a", "usd": 0.1, "tokens": 5, "what": "probe"},
        {"kind": "session", "cap_usd": 2.0},
        {"kind": "spent", "agent": "a", "usd": 0.2, "tokens": 5, "what": "draft"},
    ]
    found = spending_in(lines, [crashed(1, thinking_seconds=3.0)])
    assert (found.usd, found.tokens, found.cap_usd) == (0.3, 10, 2.0)
    assert found.thinking_seconds == 3.0
    assert spending_in([{"kind": "session"}], []).cap_usd is None
