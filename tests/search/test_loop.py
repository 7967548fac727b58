"""The search asks in the right order, gives numbers once, and never keeps what must not be kept."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from pytest_autoresearch.exceptions import AgentFailed, UsageProblem
from pytest_autoresearch.records import (
    Briefing,
    Experiment,
    Outcome,
    Part,
    Proposal,
    Record,
    Status,
)
from pytest_autoresearch.search.constraints import parse
from pytest_autoresearch.search.loop import Search
from pytest_autoresearch.search.measuring import SAME_CRASH
from pytest_autoresearch.search.proposals import admitted

from .world import Memory, Script, evaluate, objective, run, search


def items(records: list[Record]) -> list[str]:
    return [record.item for record in records]


def test_baseline_and_calibration_come_first_and_a_new_champion_is_measured_at_once() -> None:
    records = run(search(["1.0", "-1.0", "2.0"]))
    assert items(records) == [
        "0000", "0000-calibration", "0001", "0001-reference", "0002", "0003", "0003-reference",
    ]  # fmt: skip
    words = [record.status.word for record in records]
    assert words == ["BASELINE", "MEASURED", "KEPT", "MEASURED", "REJECTED", "KEPT", "MEASURED"]


def test_each_split_of_a_champion_is_measured_twice_and_the_screening_pass_never_counts() -> None:
    searching = search(["1.0"])
    records = run(searching)
    reference = records[-1]
    kept = next(r for r in records if r.status is Status.KEPT)
    assert sorted(p.split for p in [*kept.passes[1:], *reference.passes]) == [0, 0, 1, 1, 2, 2]
    assert searching.reference().runs == 2


def test_all_seeds_differ() -> None:
    records = run(search(["1.0", "-1.0", "2.0"]))
    seeds = [one.seed for record in records for one in record.passes]
    assert len(seeds) == len(set(seeds))


def test_a_later_patch_is_compared_with_the_new_champion() -> None:
    records = run(search(["1.0", "0.5"]))
    rejected = next(r for r in records if r.item == "0002")
    assert rejected.base == "0001"
    assert rejected.status is Status.DISCARD


def test_a_tree_that_was_tried_before_takes_no_number() -> None:
    records = run(search(["-1.0", "-1.0", "0", "-0.5"]))
    assert items(records) == ["0000", "0000-calibration", "0001", "s0001", "s0002", "0002"]
    skipped = [r for r in records if r.part is Part.SKIPPED]
    assert [r.reason for r in skipped] == ["repeats experiment 1", "repeats experiment 0"]
    assert all(r.experiment is None and r.status is Status.SKIPPED for r in skipped)


def test_an_empty_proposal_takes_no_number() -> None:
    records = run(search(["", "-1.0"]))
    assert items(records) == ["0000", "0000-calibration", "s0001", "0001"]
    assert records[2].reason == "no proposal: it has neither a patch nor files"


def test_a_proposal_that_leaves_the_champion_as_it_is_repeats_it() -> None:
    records = run(search(["1.0", "1.0"]))
    assert [r.reason for r in records if r.part is Part.SKIPPED] == ["repeats experiment 1"]


def test_an_experiment_whose_session_was_killed_is_recorded_as_interrupted_and_made_again() -> None:
    memory = Memory()
    killed = search(["-1.0"], memory)
    for _ in range(2):
        experiment = killed.ask()
        assert experiment is not None
        killed.tell(experiment, evaluate(killed, experiment))
    assert killed.ask() is not None

    again = search([], memory)
    assert [r.status for r in memory.records if r.item == "0001"] == [Status.INTERRUPTED]
    assert isinstance(again.agent, Script)
    assert again.agent.heard[-1].status is Status.INTERRUPTED
    assert items(run(again)) == ["0001"]


def test_a_patch_that_kills_session_after_session_is_rejected() -> None:
    memory = Memory()
    first = search(["1.0"], memory)
    for _ in range(2):
        experiment = first.ask()
        assert experiment is not None
        first.tell(experiment, evaluate(first, experiment))
    assert first.ask() is not None
    for _ in range(2):
        again = search([], memory).ask()
        assert again is not None
        assert again.item == "0001"
    last = search(["2.0"], memory)
    record = next(r for r in memory.records if r.item == "0001")
    assert (record.status, record.reason) == (Status.CRASH, "3 sessions were killed while it ran")
    assert items(run(last))[0] == "0002"


@pytest.mark.parametrize(
    ("proposal", "words"),
    [
        (Proposal(patch=b"x"), "patch of type bytes"),  # type: ignore[arg-type]
        (Proposal(files=[("a", "b")]), "files of type list"),  # type: ignore[arg-type]
        (Proposal(files={"a": b"b"}), "files of type bytes"),  # type: ignore[dict-item]
        (Proposal(files={5: "b"}), "files of type int"),  # type: ignore[dict-item]
        (Proposal(description=5), "description of type int"),  # type: ignore[arg-type]
        (Proposal(notes=None), "notes of type NoneType"),  # type: ignore[arg-type]
        (Proposal(notes={"a": {1}}), "cannot be written as JSON"),
        (Proposal(notes={"a": float("nan")}), "cannot be written as JSON"),
        (Proposal(notes={"a": "x" * 100_000}), "notes take"),
    ],
)
def test_an_odd_proposal_is_named_before_anything_is_written(
    proposal: Proposal, words: str
) -> None:
    class Once(Broken):
        def propose(self, briefing: Briefing) -> Proposal | None:
            return proposal

    searching: Search = search()
    searching.agent = Once()
    with pytest.raises(AgentFailed, match=words):
        run(searching)
    assert all(one.part is not Part.EXPERIMENT for one in searching.history.pending)


def test_too_much_code_is_no_proposal_and_its_agent_is_told_the_limit() -> None:
    found = admitted(Proposal(patch="x" * (5 << 20), description="all of it"), "script")
    assert isinstance(found, Proposal)
    assert found.patch is None
    assert found.description == "no proposal: 5242880 characters of code; the limit is 4194304"


def test_long_words_are_cut_and_read_only_mappings_are_fine() -> None:
    found = admitted(
        Proposal(files=MappingProxyType({"a": "b"}), hypothesis="x" * 30_000), "script"
    )
    assert isinstance(found, Proposal)
    assert found.files == {"a": "b"}
    assert len(found.hypothesis) < 21_000


def test_an_agent_that_leaves_by_sys_exit_is_named() -> None:
    class Leaves(Broken):
        def propose(self, briefing: Briefing) -> Proposal | None:
            raise SystemExit(3)

    searching: Search = search()
    searching.agent = Leaves()
    with pytest.raises(AgentFailed, match="SystemExit"):
        run(searching)


def test_a_refused_patch_takes_a_number_and_is_not_evaluated() -> None:
    records = run(search(["refuse", "1.0"]))
    refused = next(r for r in records if r.item == "0001")
    assert refused.status is Status.REFUSED
    assert refused.reason == "touches the test file"
    assert refused.passes == ()
    assert refused.tree == "0"
    assert records[-2].item == "0002"


def test_the_limit_counts_experiments_of_the_run() -> None:
    memory = Memory()
    run(search(["-1.0", "-2.0", "-3.0"], memory, limit=2))
    assert memory.next_number == 3
    later = search(["-3.0", "-4.0"], memory, limit=3)
    assert items(run(later)) == ["0003"]
    assert later.reached_limit
    assert not later.exhausted


def test_limit_zero_measures_the_baseline_only() -> None:
    assert items(run(search(["1.0"], limit=0))) == ["0000", "0000-calibration"]


def test_an_agent_that_has_run_out_ends_the_search() -> None:
    searching = search([])
    run(searching)
    assert searching.exhausted


def test_an_interrupted_experiment_is_evaluated_first_under_its_own_number() -> None:
    memory = Memory()
    first = search(["-1.0", "1.0"], memory)
    for _ in range(3):
        experiment = first.ask()
        assert experiment is not None
        first.tell(experiment, evaluate(first, experiment))
    under_way = first.ask()
    assert under_way is not None
    assert under_way.item == "0002"
    first.tell(under_way, Outcome(status=Status.INTERRUPTED, reason="stopped by a signal"))

    again = search(["-5.0"], memory)
    resumed = again.ask()
    assert resumed is not None
    assert (resumed.item, resumed.tree) == ("0002", "1.0")
    record = again.tell(resumed, evaluate(again, resumed))
    assert record.status is Status.KEPT
    assert [r.item for r in memory.records].count("0002") == 1


def test_a_resumed_search_tells_its_agent_everything_and_goes_on_without_measuring_again() -> None:
    memory = Memory()
    run(search(["1.0"], memory, limit=1))
    again = search(["2.0"], memory)
    assert isinstance(again.agent, Script)
    assert items(list(again.agent.heard)) == ["0000", "0000-calibration", "0001"]
    assert items(run(again))[:2] == ["0001-reference", "0002"]


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(status=Status.TIMEOUT, reason="OverBudget: over budget"),
        Outcome(status=Status.CRASH, reason="ValueError: odd", in_test=True),
    ],
)
def test_a_failure_sticks_whatever_the_scores_say(outcome: Outcome) -> None:
    searching = search(["1.0"])
    for _ in range(2):
        experiment = searching.ask()
        assert experiment is not None
        searching.tell(experiment, evaluate(searching, experiment))
    experiment = searching.ask()
    assert experiment is not None
    good = evaluate(searching, experiment)
    record = searching.tell(
        experiment,
        Outcome(good.passes, outcome.status, outcome.reason, True, True, "callable"),
    )
    assert record.status is outcome.status
    assert record.reason == outcome.reason


@pytest.mark.parametrize(("complete", "asked"), [(False, True), (True, False)])
def test_a_test_that_did_not_reach_its_verdict_is_never_a_keep(complete: bool, asked: bool) -> None:
    searching = search(["1.0"])
    for _ in range(2):
        experiment = searching.ask()
        assert experiment is not None
        searching.tell(experiment, evaluate(searching, experiment))
    experiment = searching.ask()
    assert experiment is not None
    good = evaluate(searching, experiment)
    record = searching.tell(
        experiment, Outcome(good.passes, complete=complete, asked=asked, folds="callable")
    )
    assert record.status is Status.CRASH


def test_a_forged_outcome_with_too_few_passes_is_not_kept() -> None:
    searching = search(["1.0"])
    for _ in range(2):
        experiment = searching.ask()
        assert experiment is not None
        searching.tell(experiment, evaluate(searching, experiment))
    experiment = searching.ask()
    assert experiment is not None
    good = evaluate(searching, experiment)
    record = searching.tell(
        experiment, Outcome(good.passes[:1], complete=True, asked=True, folds="callable")
    )
    assert record.status is not Status.KEPT


def test_the_same_exception_in_the_test_from_three_patches_measures_the_champion_again() -> None:
    searching = search([str(-n) for n in range(1, 6)])
    crash = Outcome(status=Status.CRASH, reason="ValueError: y contains NaN", in_test=True)
    seen = []
    for _ in range(2 + SAME_CRASH + 1):
        experiment = searching.ask()
        assert experiment is not None
        seen.append(experiment.item)
        whole = experiment.part is not Part.EXPERIMENT
        searching.tell(experiment, evaluate(searching, experiment) if whole else crash)
    assert seen[-1] == "0000-reference"


FAILS = Outcome(status=Status.CRASH, reason="ValueError: broken", in_test=True)


def until(searching: Search, part: Part) -> Experiment:
    """Evaluate honestly until an evaluation of this kind is asked for."""
    while (experiment := searching.ask()) is not None and experiment.part is not part:
        searching.tell(experiment, evaluate(searching, experiment))
    assert experiment is not None
    return experiment


@pytest.mark.parametrize("part", [Part.BASELINE, Part.CALIBRATION])
def test_a_baseline_that_cannot_be_measured_is_hopeless(part: Part) -> None:
    searching = search(["1.0"])
    searching.tell(until(searching, part), FAILS)
    assert searching.hopeless == "ValueError: broken"


def test_a_new_champions_references_get_a_second_try() -> None:
    searching = search(["1.0"])
    searching.tell(until(searching, Part.REFERENCE), FAILS)
    first = searching.hopeless
    again = searching.ask()
    assert again is not None
    assert again.item == "0001-reference-2"
    searching.tell(again, FAILS)
    assert [first, searching.hopeless] == ["", "ValueError: broken"]


def test_a_champion_that_fails_where_it_once_succeeded_is_hopeless() -> None:
    searching = search([str(-n) for n in range(1, 6)])
    for _ in range(SAME_CRASH):
        searching.tell(until(searching, Part.EXPERIMENT), FAILS)
    checked = searching.ask()
    assert checked is not None
    assert checked.item == "0000-reference"
    searching.tell(checked, FAILS)
    assert searching.hopeless == "ValueError: broken"


def test_a_search_in_which_nothing_could_ever_be_kept_is_hopeless_after_calibration() -> None:
    searching = search(["1.0"])
    for _ in range(2):
        experiment = searching.ask()
        assert experiment is not None
        plan = searching.plan(experiment)
        while not plan.done:
            plan.told(0.5, last=True)
        searching.tell(experiment, Outcome(plan.passes, complete=True, asked=True, folds="none"))
    assert "the noise cannot be measured" in searching.hopeless


def test_a_broken_constraint_rejects_a_winner_and_names_the_numbers() -> None:
    searching = search(["1.0"], objective=objective(ece="<= 1.1 * baseline"))
    while (experiment := searching.ask()) is not None:
        honest = evaluate(searching, experiment)
        ece = 0.2 if experiment.part is Part.EXPERIMENT else 0.1
        outcome = Outcome(honest.passes, None, "", True, True, "callable", {"ece": ece})
        record = searching.tell(experiment, outcome)
    assert record.status is Status.DISCARD
    assert record.reason == "constraint ece <= 0.11 broken: 0.2"


def test_a_constraint_that_is_never_logged_fails_the_baseline() -> None:
    searching = search(objective=objective(fairness=">= 0.8"))
    experiment = searching.ask()
    assert experiment is not None
    record = searching.tell(experiment, evaluate(searching, experiment))
    assert record.status is Status.FAILED
    assert "fairness" in record.reason


@pytest.mark.parametrize("text", ["0.8", "=> 1", "<= x", "<= 1.1 * champion", "", "<= nan"])
def test_a_constraint_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="is not a bound"):
        parse("ece", text)


class Broken:
    def propose(self, briefing: Briefing) -> Proposal | None:
        raise RuntimeError("no quota")

    def told(self, record: Record) -> None: ...


class Odd(Broken):
    def propose(self, briefing: Briefing) -> Proposal | None:
        return "a patch"  # type: ignore[return-value]


@pytest.mark.parametrize(("agent", "words"), [(Broken(), "no quota"), (Odd(), "proposed a str")])
def test_a_broken_agent_is_named(agent: Broken, words: str) -> None:
    searching: Search = search()
    searching.agent = agent
    with pytest.raises(AgentFailed, match=words):
        run(searching)


def test_an_agent_that_only_repeats_itself_ends_the_search() -> None:
    with pytest.raises(AgentFailed, match="times in a row"):
        run(search(["0"] * 500))
