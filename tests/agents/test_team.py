"""Several agents as one: turns, handing over, thinking ahead, and what each hears."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from pytest_autoresearch.agents.allocation import FORCED, Tally, chosen, tally
from pytest_autoresearch.agents.member import Member
from pytest_autoresearch.agents.office import Office
from pytest_autoresearch.agents.purse import Purse
from pytest_autoresearch.agents.team import MOST_REPEATS, Team
from pytest_autoresearch.exceptions import AgentFailed, CapReached
from pytest_autoresearch.records import (
    Analysis,
    Briefing,
    Draft,
    Part,
    Proposal,
    Record,
    Status,
)

BRIEFING = Briefing("toy", "auc", "maximize", "champion", None, {})


def record(agent: str, status: Status = Status.DISCARD, **values: object) -> Record:
    part = Part.SKIPPED if status is Status.SKIPPED else Part.EXPERIMENT
    number = values.pop("experiment", 1)
    return Record(
        item="0001",
        part=part,
        experiment=number,  # type: ignore[arg-type]
        status=status,
        agent=agent,
        **values,  # type: ignore[arg-type]
    )


@dataclass
class Quick:
    """Proposes what it is asked for, in whichever thread it is asked."""

    name: str
    most: int = 1000
    overlaps: bool = False
    fails: Callable[[], object] = lambda: None
    cost: float | None = None
    heard: list[Record] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    seen: list[Briefing] = field(default_factory=list)
    count: int = 0

    def propose(self, briefing: Briefing) -> Proposal | Analysis | None:
        self.threads.add(threading.current_thread().name)
        self.seen.append(briefing)
        self.fails()
        self.count += 1
        if self.count > self.most:
            return None
        return Proposal(
            files={"a.py": f"{self.name} {self.count}"},
            description=f"{self.name} {self.count}",
            cost_usd=self.cost,
        )

    def told(self, record: Record) -> None:
        self.threads.add(threading.current_thread().name)
        self.heard.append(record)


class Slow(Quick):
    """Thinks until it is let go."""

    def __init__(self, name: str, **values: object) -> None:
        super().__init__(name, overlaps=True, **values)  # type: ignore[arg-type]
        self.go = threading.Event()
        self.began = threading.Event()
        self.ended = threading.Event()

    def propose(self, briefing: Briefing) -> Proposal | Analysis | None:
        self.began.set()
        try:
            assert self.go.wait(10)
            return super().propose(briefing)
        finally:
            self.ended.set()


def team(*agents: Quick, cap: float | None = None, ahead: int = 1) -> Team:
    members = [Member(agent.name, agent, ahead=ahead) for agent in agents]
    return Team(members, Office(Purse(cap)))


def taken(team: Team, count: int) -> list[str]:
    """The agents of the next drafts, each told as rejected."""
    names = []
    for _ in range(count):
        draft = team.propose(BRIEFING)
        assert draft is not None
        names.append(draft.agent)
        team.told(record(draft.agent, seconds=1.0))
    return names


def test_every_agent_has_its_turn_before_any_is_preferred() -> None:
    names = taken(team(Quick("a"), Quick("b"), Quick("c")), 3 * FORCED)
    assert [names.count(name) for name in "abc"] == [FORCED] * 3
    assert names[:6] == ["a", "b", "c", "a", "b", "c"]


def test_an_agent_that_earns_more_for_its_cost_is_asked_more_often() -> None:
    draw = random.Random(0)
    good, bad = Tally(20, 6, 0.6, 20.0, 0.2), Tally(20, 1, 0.05, 20.0, 0.2)
    picks = [chosen({"good": good, "bad": bad}, draw) for _ in range(300)]
    assert picks.count("good") > 240
    assert picks.count("bad") > 0
    dear = replace(good, usd=20.0, seconds=2000.0)
    picks = [chosen({"dear": dear, "bad": bad}, draw) for _ in range(300)]
    assert picks.count("bad") > 200


def test_what_an_agent_earned_is_what_was_kept_in_the_direction_asked_for() -> None:
    records = [
        record("a", Status.KEPT, delta=-0.5, direction="minimize", seconds=2.0, cost_usd=0.25),
        record("a", Status.DISCARD, delta=-9.0, seconds=1.0, waited_seconds=3.0),
        record("a", Status.SKIPPED, cost_usd=0.25, experiment=None),
        record("a", Status.INTERRUPTED, seconds=1.0),
        record("b", Status.KEPT, delta=1.0),
    ]
    assert tally(records, "a") == Tally(2, 1, 0.5, 7.0, 0.5)


def test_one_that_fails_for_good_hands_over_and_is_named() -> None:
    def fail() -> None:
        raise RuntimeError("no more")

    said: list[str] = []
    both = Team(
        [Member("bad", Quick("bad", fails=fail)), Member("good", Quick("good"))],
        Office(),
        warn=said.append,
    )
    assert taken(both, 3) == ["good"] * 3
    assert said == ["agent bad is given up: agent bad raised RuntimeError: no more"]


def test_when_all_have_failed_the_search_hears_why() -> None:
    def fail() -> None:
        raise AgentFailed("the key is refused")

    with pytest.raises(AgentFailed, match="the key is refused"):
        team(Quick("a", fails=fail), Quick("b", most=0)).propose(BRIEFING)


def test_when_all_have_run_out_there_is_nothing_more() -> None:
    assert team(Quick("a", most=0), Quick("b", most=0)).propose(BRIEFING) is None


def test_at_the_cap_an_agent_that_costs_nothing_goes_on() -> None:
    both = team(Quick("paid", cost=0.4), Quick("free"), cap=1.0)
    names = taken(both, 8)
    assert names.count("paid") == 2
    assert names[-3:] == ["free"] * 3


def test_at_the_cap_a_search_of_paid_agents_ends_before_it_is_broken() -> None:
    alone = team(Quick("paid", cost=0.4), cap=1.0)
    assert taken(alone, 2) == ["paid", "paid"]
    with pytest.raises(CapReached):
        alone.propose(BRIEFING)
    assert alone.office.purse.usd == 0.8


def test_an_agent_that_takes_its_time_thinks_while_something_else_runs() -> None:
    slow = Slow("slow")
    alone = team(slow)
    alone.look_ahead(lambda: BRIEFING)
    assert slow.began.wait(5)
    assert alone.waiting == 1
    slow.go.set()
    draft = alone.propose(BRIEFING)
    assert draft is not None
    assert draft.made_on == "champion"
    assert slow.threads == {"agents"}
    alone.close()


def test_no_more_is_thought_out_ahead_than_asked_for() -> None:
    slow = Slow("slow")
    slow.go.set()
    alone = team(slow, ahead=2)
    alone.look_ahead(lambda: BRIEFING)
    end = time.monotonic() + 5
    while alone.waiting < 2 and time.monotonic() < end:
        time.sleep(0.01)
    alone.look_ahead(lambda: BRIEFING)
    time.sleep(0.05)
    assert alone.waiting == 2
    # The second thought knew of the first one's proposal.
    assert [one.description for one in slow.seen[1].under_way] == ["slow 1"]
    alone.close()


def test_an_agent_with_no_proposals_ahead_thinks_only_when_it_is_asked() -> None:
    slow = Slow("slow")
    slow.go.set()
    alone = team(slow, ahead=0)
    alone.look_ahead(lambda: BRIEFING)
    assert alone.waiting == 0
    draft = alone.propose(BRIEFING)
    assert draft is not None
    assert draft.effort.waited == pytest.approx(draft.effort.seconds, abs=0.2)
    alone.close()


def test_both_methods_of_an_agent_that_thinks_are_called_in_one_thread() -> None:
    slow = Slow("slow")
    slow.go.set()
    alone = team(slow)
    taken(alone, 3)
    alone.look_ahead(lambda: BRIEFING)
    assert alone.propose(BRIEFING) is not None
    assert slow.threads == {"agents"}
    assert len(slow.heard) == 3
    alone.close()


def test_turns_are_taken_between_one_that_thinks_and_one_that_does_not() -> None:
    slow, quick = Slow("slow"), Quick("quick")
    slow.go.set()
    both = team(slow, quick)
    names = []
    for _ in range(2 * FORCED):
        draft = both.propose(BRIEFING)
        assert draft is not None
        names.append(draft.agent)
        both.look_ahead(lambda: BRIEFING)
        both.told(record(draft.agent, seconds=1.0))
    assert sorted(names) == ["quick"] * FORCED + ["slow"] * FORCED
    assert quick.threads == {threading.main_thread().name}
    both.close()


def test_what_an_agent_in_the_thread_raises_reaches_who_waits() -> None:
    def fail() -> None:
        raise SystemExit(3)

    slow = Slow("slow", fails=fail)
    slow.go.set()
    alone = team(slow)
    with pytest.raises(AgentFailed, match="agent slow raised SystemExit: 3"):
        alone.propose(BRIEFING)
    alone.close()


def test_the_end_does_not_wait_for_a_thought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_autoresearch.agents.team.GOODBYE", 0.05)
    slow = Slow("slow")
    alone = team(slow)
    alone.look_ahead(lambda: BRIEFING)
    assert slow.began.wait(5)
    alone.close()
    assert not slow.ended.is_set()
    slow.go.set()
    assert slow.ended.wait(5)


def test_what_was_thought_out_and_not_taken_comes_first_next_time() -> None:
    slow = Slow("slow")
    slow.go.set()
    alone = team(slow)
    left: list[Draft] = []
    alone.noted = left.append
    alone.look_ahead(lambda: BRIEFING)
    end = time.monotonic() + 5
    while not left and time.monotonic() < end:
        time.sleep(0.01)
    alone.close()
    assert [one.agent for one in left] == ["slow"]
    again = team(Quick("other"))
    again.resume(left)
    first, second = again.propose(BRIEFING), again.propose(BRIEFING)
    assert isinstance(first, Draft)
    assert isinstance(second, Draft)
    assert (first.agent, second.agent) == ("slow", "other")


def test_an_agent_that_is_to_be_avoided_is_asked_only_when_alone() -> None:
    both = team(Quick("a"), Quick("b"))
    both.avoided = "a"
    assert taken(both, 4) == ["b"] * 4
    alone = team(Quick("a"))
    alone.avoided = "a"
    assert taken(alone, 2) == ["a"] * 2


def test_an_agent_that_only_repeats_itself_is_given_up_where_another_can_take_over() -> None:
    both = team(Quick("parrot"), Quick("other"))
    for _ in range(MOST_REPEATS):
        both.told(record("parrot", Status.SKIPPED, experiment=None))
    assert taken(both, 3) == ["other"] * 3


def test_one_that_fails_when_it_is_told_hands_over_too() -> None:
    class Deaf(Quick):
        def told(self, record: Record) -> None:
            raise ValueError("I cannot hear this")

    both = team(Deaf("deaf"), Quick("other"))
    both.told(record("other"))
    assert taken(both, 2) == ["other"] * 2
    alone = team(Deaf("deaf"))
    with pytest.raises(AgentFailed, match="told of"):
        alone.told(record("deaf"))


def test_what_a_proposal_cost_is_on_record_and_nonsense_is_refused() -> None:
    alone = team(Quick("paid", cost=0.125))
    draft = alone.propose(BRIEFING)
    assert draft is not None
    assert draft.effort.cost_usd == 0.125
    assert alone.office.purse.usd == 0.125


def test_one_that_hands_in_nonsense_is_dismissed_and_another_takes_over() -> None:
    def refused(what: object, agent: str) -> Proposal:
        if agent == "odd":
            raise AgentFailed("agent odd proposed notes of type set")
        assert isinstance(what, Proposal)
        return what

    said: list[str] = []
    both = Team(
        [Member("odd", Quick("odd")), Member("good", Quick("good"))],
        Office(),
        warn=said.append,
        admitted=refused,
    )
    assert taken(both, 2) == ["good"] * 2
    assert "notes of type set" in said[0]


def test_what_was_thought_out_in_the_thread_is_noted_before_anybody_takes_it() -> None:
    slow = Slow("slow")
    slow.go.set()
    alone = team(slow)
    noted: list[Draft] = []
    alone.noted = noted.append
    draft = alone.propose(BRIEFING)
    assert draft is not None
    assert [one.what for one in noted] == [draft.what]
    alone.close()


def test_nothing_is_thought_out_ahead_that_could_not_be_tried() -> None:
    slow = Slow("slow")
    slow.go.set()
    alone = team(slow, ahead=4)
    alone.room = lambda waiting: waiting < 2
    alone.look_ahead(lambda: BRIEFING)
    end = time.monotonic() + 5
    while alone.waiting < 2 and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.05)
    assert alone.waiting == 2
    alone.close()


def test_a_cost_that_a_person_declares_is_paid_for_each_proposal_and_held_to_the_cap() -> None:
    agent = Quick("mine")
    alone = Team([Member("mine", agent, most_usd=0.4, cost=0.4)], Office(Purse(1.0)))
    assert taken(alone, 2) == ["mine"] * 2
    with pytest.raises(CapReached):
        alone.propose(BRIEFING)
    assert agent.count == 2
    assert alone.office.purse.usd == 0.8


def test_one_whose_turn_it_was_is_not_asked_once_it_is_dismissed() -> None:
    def fail() -> None:
        raise AgentFailed("gone")

    slow, quick = Slow("slow", fails=fail), Quick("quick")
    slow.go.set()
    both = team(slow, quick)
    both.look_ahead(lambda: BRIEFING)
    assert taken(both, 3) == ["quick"] * 3
    assert len(slow.seen) == 1
    both.close()
