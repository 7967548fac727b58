"""What earlier runs found out is used: losing trees are not evaluated again, scores are taken over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_autoresearch.records import Outcome, Part, Record, Status
from pytest_autoresearch.search.earlier import MOST, Earlier, EarlierRun
from pytest_autoresearch.search.keep import Rule
from pytest_autoresearch.search.standing import Standing

from .world import Memory, Numbers, evaluate, run, search


def past(
    trees: list[str], name: str = "monday", *, rule: Rule | None = None, same_machine: bool = True
) -> EarlierRun:
    """A run that tried the trees."""
    memory = Memory()
    run(search(trees, memory, seed=77))
    return EarlierRun(name, rule or Rule(), memory.records, same_machine)


def reasons(records: list[Record]) -> dict[str, str]:
    return {record.item: record.reason for record in records if record.part is Part.SKIPPED}


def test_a_tree_that_lost_in_an_earlier_run_takes_no_number() -> None:
    records = run(search(["-1.0", "-2.0"], earlier=Earlier([past(["-1.0"])])))
    assert reasons(records) == {"s0001": "repeats experiment 1 of run monday"}
    assert [r.item for r in records if r.part is Part.EXPERIMENT] == ["0001"]


def test_a_tree_that_was_kept_there_may_be_found_again() -> None:
    records = run(search(["1.0"], earlier=Earlier([past(["1.0"])])))
    assert [r.status for r in records if r.part is Part.EXPERIMENT] == [Status.KEPT]


@pytest.mark.parametrize("status", [Status.REFUSED, Status.FAILED, Status.INTERRUPTED])
def test_a_tree_that_came_to_no_result_there_is_tried(status: Status) -> None:
    old = past(["-1.0"])
    changed = [replace(r, status=status) if r.item == "0001" else r for r in old.records]
    records = run(search(["-1.0"], earlier=Earlier([replace(old, records=changed)])))
    assert reasons(records) == {}


def test_a_tree_that_lost_under_a_stricter_rule_is_tried() -> None:
    strict = past(["-1.0"], rule=Rule(z_keep=2.0))
    assert reasons(run(search(["-1.0"], earlier=Earlier([strict])))) == {}
    assert reasons(run(search(["-1.0"], earlier=Earlier([strict], Rule(z_keep=2.0))))) != {}


def test_what_took_too_long_on_another_machine_is_tried_here() -> None:
    for same_machine in (True, False):
        old = past(["-1.0"], same_machine=same_machine)
        slow = [replace(r, status=Status.TIMEOUT) if r.item == "0001" else r for r in old.records]
        records = run(search(["-1.0"], earlier=Earlier([replace(old, records=slow)])))
        assert bool(reasons(records)) is same_machine


def test_an_agent_is_told_of_earlier_experiments_oldest_first_and_of_no_more_than_the_latest() -> (
    None
):
    runs = [past(["-1.0", "-2.0"], "monday"), past(["-3.0"], "tuesday")]
    assert [record.tree for record in Earlier(runs).records] == ["-1.0", "-2.0", "-3.0"]
    one = runs[0].experiments[0]
    many = EarlierRun("sunday", Rule(), [replace(one, seq=n) for n in range(MOST + 5)])
    assert [r.seq for r in Earlier([many]).records] == list(range(5, MOST + 5))


def test_trees_that_differ_where_no_candidate_looks_are_the_same() -> None:
    earlier = Earlier([past(["-1.0"])], sight=lambda tree: str(float(tree)))
    assert earlier.twin("-1.00") == "repeats experiment 1 of run monday"
    assert Earlier([past(["-1.0"])], sight=lambda tree: "").twin("-1.0") == ""


def test_a_measured_champion_is_not_calibrated_again() -> None:
    records = run(search(["-1.0"], earlier=Earlier([past([])])))
    assert [r.item for r in records] == ["0000", "0001"]


def test_the_passes_taken_over_stand_in_the_journal_and_decisions_replay_from_it_alone() -> None:
    memory, earlier = Memory(), Earlier([past([])])
    run(search(["1.0"], memory, earlier=earlier))
    calibration = next(r for r in memory.records if r.part is Part.CALIBRATION)
    assert calibration.status is Status.MEASURED
    assert calibration.notes["reused"] == {"run": "monday", "experiment": 0}
    assert calibration.reason == "taken over from run monday, experiment 0"
    assert sorted(one.split for one in calibration.passes) == [0, 1, 1, 2, 2]

    alone = search([], memory)
    experiment = next(e for e in memory.open if e.item == "0001")
    record = next(r for r in memory.records if r.item == "0001")
    before = Memory([r for r in memory.records if r.seq < record.seq], memory.open)
    alone.history = before
    verdict = alone.judge(experiment, evaluate_again(record))
    assert (verdict.status, verdict.z) == (record.status, record.z)


def evaluate_again(record: Record) -> Outcome:
    return Outcome(passes=record.passes, complete=True, asked=True, folds="callable")


def test_a_kept_champion_of_an_earlier_run_is_known_when_it_has_become_the_base() -> None:
    old = past(["1.0"])
    memory = Memory()
    searching = search(["0.0"], memory, earlier=Earlier([old]))
    searching.project.tree_of = lambda commit: "1.0" if commit == "base" else commit  # type: ignore[method-assign]
    records = run(searching)
    assert [r.item for r in records] == ["0000", "0001"]
    reused = next(r for r in memory.records if r.part is Part.CALIBRATION)
    assert reused.notes["reused"] == {"run": "monday", "experiment": 1}


def test_scores_of_another_machine_are_not_taken_over() -> None:
    records = run(search(["-1.0"], earlier=Earlier([past([], same_machine=False)])))
    assert [r.item for r in records] == ["0000", "0000-calibration", "0001"]


def test_a_baseline_that_disagrees_is_calibrated_and_the_reason_noted() -> None:
    old = past([])
    moved = [
        replace(
            r, passes=tuple(replace(p, scores=tuple(s + 1 for s in p.scores)) for p in r.passes)
        )
        for r in old.records
    ]
    memory = Memory()
    records = run(search([], memory, earlier=Earlier([replace(old, records=moved)])))
    assert [r.item for r in records] == ["0000", "0000-calibration"]
    assert all("reused" not in r.notes for r in memory.records)
    note = Standing(Rule(), memory).note("stored")
    assert note["run"] == "monday"
    assert "standard errors" in note["differs"]


def test_where_no_seed_changes_a_score_every_fold_has_to_agree() -> None:
    old = Memory()
    run(search([], old), sd=0.0)
    same = Earlier([EarlierRun("monday", Rule(), old.records, True)])
    assert [r.item for r in run(search([], earlier=same), sd=0.0)] == ["0000"]
    off = [
        replace(
            r,
            passes=tuple(replace(p, scores=(p.scores[0] + 1e-6, *p.scores[1:])) for p in r.passes),
        )
        for r in old.records
    ]
    moved = Earlier([EarlierRun("monday", Rule(), off, True)])
    records = run(search([], earlier=moved), sd=0.0)
    assert [r.item for r in records] == ["0000", "0000-calibration"]


def test_what_an_earlier_run_had_not_measured_yet_is_measured() -> None:
    old = past([])
    partial = [
        replace(r, passes=r.passes[:2]) if r.part is Part.CALIBRATION else r for r in old.records
    ]
    memory = Memory()
    records = run(search([], memory, earlier=Earlier([replace(old, records=partial)])))
    assert [r.item for r in records] == ["0000", "0000-calibration-2"]
    passes = Standing(Rule(), memory).passes_of(0)
    assert sorted(one.split for one in passes) == [0, 0, 1, 1, 2, 2]


def test_what_was_taken_over_is_not_taken_over_a_second_time() -> None:
    memory = Memory()
    run(search([], memory, earlier=Earlier([past([])])))
    second = Earlier([EarlierRun("tuesday", Rule(), memory.records, True)])
    stored = second.stored("0")
    assert stored is not None
    assert len(stored.passes) == 1


def test_a_session_that_ended_before_it_took_over_does_so_in_the_next() -> None:
    memory, earlier = Memory(), Earlier([past([])])
    first = search([], memory, earlier=earlier)
    experiment = first.ask()
    assert experiment is not None
    first.tell(experiment, evaluate(first, experiment))
    again = search(["-1.0"], memory, earlier=earlier)
    assert [r.item for r in run(again)] == ["0001"]
    assert Numbers(memory).tree_of("base") == "0"
