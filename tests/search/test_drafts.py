"""What agents hand in: proposals made on an earlier champion, analyses, preflight, and code tried before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from pytest_autoresearch.exceptions import AgentFailed, Outdated
from pytest_autoresearch.records import (
    Analysis,
    Briefing,
    Draft,
    Effort,
    Experiment,
    Outcome,
    Part,
    Proposal,
    Record,
    Status,
)
from pytest_autoresearch.search.loop import MOST_ANALYSES, Search
from pytest_autoresearch.search.proposals import admitted

from .world import Memory, Numbers, evaluate, objective, search


def proposal(tree: str) -> Proposal:
    return Proposal(files={"model.py": tree}, description=tree)


@dataclass
class Hands:
    """An agent that hands in what it is given."""

    what: list[Draft | Proposal | Analysis]
    heard: list[Record] = field(default_factory=list)

    def propose(self, briefing: Briefing) -> Draft | Proposal | Analysis | None:
        return self.what.pop(0) if self.what else None

    def told(self, record: Record) -> None:
        self.heard.append(record)


def handed(
    *what: Draft | Proposal | Analysis, memory: Memory | None = None, analysis: str | None = "data"
) -> Search:
    found = search(memory=memory, objective=replace(objective(), analysis=analysis))
    found.agent = Hands(list(what))
    return found


def run(searching: Search) -> list[Record]:
    records = []
    while (experiment := searching.ask()) is not None:
        records.append(searching.tell(experiment, outcome_of(searching, experiment)))
    return records


def outcome_of(searching: Search, experiment: Experiment) -> Outcome:
    if experiment.part is Part.ANALYSIS:
        return Outcome(output="42 rows")
    if experiment.refused:
        return Outcome(status=Status.REFUSED, reason=experiment.refused)
    if experiment.broken:
        return Outcome(status=Status.CRASH, reason=experiment.broken)
    return evaluate(searching, experiment)


def experiments(records: list[Record]) -> list[Record]:
    return [one for one in records if one.part in (Part.EXPERIMENT, Part.SKIPPED, Part.ANALYSIS)]


def rebasing(searching: Search, found: Callable[[str, str], str]) -> None:
    """Have proposals of earlier champions merged by ``found(made_on, champion)``."""

    class Rebasing(Numbers):
        def rebased(self, proposal: Proposal, made_on: str, champion: str, base: str) -> str:
            return found(made_on, champion)

    assert isinstance(searching.project, Numbers)
    searching.project = Rebasing(searching.project.memory)


def test_a_proposal_made_on_an_earlier_champion_is_merged_onto_the_present_one() -> None:
    searching = handed(Draft(proposal("1.0"), "a", "base"), Draft(proposal("0.5"), "b", "base"))
    asked = []
    rebasing(searching, lambda made_on, champion: asked.append((made_on, champion)) or "1.5")  # type: ignore[func-returns-value]
    first, second = experiments(run(searching))
    assert first.status is Status.KEPT
    assert asked == [("base", "0001")]
    assert second.tree == "1.5"
    assert (first.agent, second.agent) == ("a", "b")
    opened = searching.history.open[-2]  # type: ignore[attr-defined]
    assert opened.made_on == "base"


def test_one_that_conflicts_with_what_was_kept_meanwhile_is_dropped_with_the_reason_told() -> None:
    searching = handed(Draft(proposal("1.0"), "a", "base"), Draft(proposal("0.5"), "a", "base"))

    def conflict(made_on: str, champion: str) -> str:
        raise Outdated(f"made on {made_on}, and the champion is {champion} by now")

    rebasing(searching, conflict)
    records = experiments(run(searching))
    assert [one.item for one in records] == ["0001", "s0001"]
    assert records[1].status is Status.SKIPPED
    assert "made on base" in records[1].reason
    agent = searching.agent
    assert isinstance(agent, Hands)
    assert agent.heard[-1].reason == records[1].reason


def test_an_interrupted_proposal_keeps_what_it_was_made_on() -> None:
    memory = Memory()
    searching = handed(
        Draft(proposal("1.0"), "a", "base"), Draft(proposal("0.5"), "a", "base"), memory=memory
    )
    rebasing(searching, lambda made_on, champion: "1.5")
    while (experiment := searching.ask()) is not None:
        if experiment.number == 2:
            searching.tell(experiment, Outcome(status=Status.INTERRUPTED, reason="stopped"))
            break
        searching.tell(experiment, outcome_of(searching, experiment))
    again = handed(memory=memory)
    asked = []
    rebasing(again, lambda made_on, champion: asked.append((made_on, champion)) or "1.5")  # type: ignore[func-returns-value]
    while (experiment := again.ask()) is not None and experiment.number != 2:
        again.tell(experiment, outcome_of(again, experiment))
    assert experiment is not None
    assert asked == [("base", "0001")]
    assert experiment.tree == "1.5"


def test_an_analysis_is_an_item_of_its_own_and_its_output_is_told() -> None:
    analysis = Analysis("def analyse(data): ...", "how many rows?", lessons=("look first",))
    searching = handed(analysis, analysis, proposal("1.0"))
    found = experiments(run(searching))
    assert [one.item for one in found] == ["0001-analysis", "0001-analysis-2", "0001"]
    first = found[0]
    assert (first.status, first.experiment) == (Status.ANALYSIS, None)
    assert (first.description, first.lessons) == ("how many rows?", ("look first",))
    agent = searching.agent
    assert isinstance(agent, Hands)
    told = [one for one in agent.heard if one.part is Part.ANALYSIS]
    assert [one.output for one in told] == ["42 rows", "42 rows"]


def test_after_many_analyses_in_a_row_an_experiment_is_due() -> None:
    searching = handed(*[Analysis(f"# {n}") for n in range(MOST_ANALYSES + 1)], proposal("1.0"))
    found = experiments(run(searching))
    assert [one.status for one in found[: MOST_ANALYSES + 1]] == [
        *[Status.ANALYSIS] * MOST_ANALYSES,
        Status.SKIPPED,
    ]
    assert "an experiment is due" in found[MOST_ANALYSES].reason
    assert found[-1].status is Status.KEPT


def test_without_a_fixture_to_look_at_an_analysis_is_skipped_and_says_why() -> None:
    asked = Analysis("def analyse(data): ...", lessons=("no data here",))
    found = experiments(run(handed(asked, analysis=None)))
    assert [one.item for one in found] == ["s0001"]
    assert found[0].lessons == ("no data here",)
    assert "names no fixture" in found[0].reason


def test_after_a_fault_of_its_fixture_no_more_analyses_are_tried_in_a_session() -> None:
    searching = handed(Analysis("# 1"), Analysis("# 2"), proposal("1.0"))
    found = []
    while (experiment := searching.ask()) is not None:
        fault = Outcome(status=Status.FAILED, reason="set-up failed")
        outcome = outcome_of(searching, experiment)
        found.append(
            searching.tell(experiment, fault if experiment.part is Part.ANALYSIS else outcome)
        )
    ends = [(one.item, one.status) for one in experiments(found)]
    assert ends == [
        ("0001-analysis", Status.FAILED), ("s0001", Status.SKIPPED), ("0001", Status.KEPT)
    ]  # fmt: skip


def test_what_the_preflight_finds_is_a_crash_that_costs_no_pass() -> None:
    searching = handed(proposal("1.0"))
    searching.preflight = lambda tree: ("preflight: model.py:1: undefined name 'np'", "")
    (found,) = experiments(run(searching))
    assert found.status is Status.CRASH
    assert found.passes == ()
    assert "undefined name" in found.reason


def test_code_that_differs_in_formatting_only_names_the_experiment_that_it_repeats() -> None:
    searching = handed(proposal("1.0"), proposal("1.00"))
    searching.preflight = lambda tree: ("", "the baseline's" if tree == "0" else "one shape")
    first, second = experiments(run(searching))
    assert first.shape == "one shape"
    assert second.status is Status.SKIPPED
    assert second.reason == "repeats experiment 1, but for formatting and comments"


def test_code_that_is_the_baselines_but_for_formatting_is_no_experiment() -> None:
    searching = handed(proposal("1.0"))
    searching.preflight = lambda tree: ("", "one shape")
    (found,) = experiments(run(searching))
    assert found.reason == "repeats experiment 0, but for formatting and comments"


def test_what_needs_no_preflight_has_none() -> None:
    searching = handed(Draft(proposal("1.0"), "tune", "base", vetted=True))
    asked: list[str] = []
    searching.preflight = lambda tree: (asked.append(tree) or "", "")  # type: ignore[func-returns-value]
    run(searching)
    assert asked == []


def test_what_a_draft_took_is_on_its_record() -> None:
    effort = Effort(cost_usd=0.25, tokens=1200, seconds=3.5, waited=1.5)
    searching = handed(Draft(proposal("1.0"), "a", "base", effort, protocol="v1"))
    (found,) = experiments(run(searching))
    assert (found.cost_usd, found.tokens) == (0.25, 1200)
    assert (found.thinking_seconds, found.waited_seconds) == (3.5, 1.5)
    assert found.protocol == "v1"
    measured = [one for one in searching.history.records if one.part is Part.CALIBRATION]
    assert measured[0].thinking_seconds is None


def test_agents_can_think_ahead_once_there_is_a_baseline_and_know_what_is_under_way() -> None:
    searching = handed(proposal("1.0"), proposal("2.0"))
    seen: list[Briefing] = []
    searching.look_ahead = lambda briefing: seen.append(briefing())
    run(searching)
    under_way = [[one.description for one in briefing.under_way] for briefing in seen]
    assert ["1.0"] in under_way
    assert ["2.0"] in under_way
    assert [] in under_way


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Analysis(code=3), "code of type int"),  # type: ignore[arg-type]
        (Analysis("x" * 5_000_000), "5000000 characters"),
        (Analysis("", cost_usd=-1.0), "cost_usd"),
        (Analysis("", lessons="one"), "lessons"),  # type: ignore[arg-type]
        (Proposal(cost_usd=float("nan")), "cost_usd"),
    ],
)
def test_an_analysis_of_the_wrong_shape_fails_its_agent_by_name(value: object, words: str) -> None:
    with pytest.raises(AgentFailed, match=words):
        admitted(value, "script")
