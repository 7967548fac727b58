"""Simpler candidates that are as good are kept, compared with the last champion that won by its score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from pytest_autoresearch.records import Outcome, Part, Pass, Record, Status
from pytest_autoresearch.search.keep import Finding, Plan, Rule, explained, replayed
from pytest_autoresearch.search.loop import Search
from pytest_autoresearch.search.noise import Reference
from pytest_autoresearch.search.race import not_simpler
from pytest_autoresearch.search.racing import race
from pytest_autoresearch.search.standing import tied

from .world import Memory, champion, constant, run, search, walk

SEEDS = (11, 12, 13)
SHORTER = "3 fewer lines of code"
KNOWN = champion(runs=10)
"""A champion that is known so well that its own luck decides nothing."""
NOISE = KNOWN.standard_error(KNOWN.folds)


class Asked:
    """An answer that counts how often it was asked for."""

    def __init__(self, answer: str = SHORTER) -> None:
        self.answer = answer
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        return self.answer


def raced(
    value: float,
    simpler: Callable[[], str] = not_simpler,
    reference: Reference | None = None,
    seeds: Sequence[int] = SEEDS,
) -> Plan:
    plan = race(Rule(), reference or KNOWN, "maximize", seeds, simpler)
    walk(plan, value)
    return plan


def kept(value: float, simpler: Callable[[], str] = not_simpler, **known: Reference) -> int:
    """How many of 100 candidates are kept."""
    seeds = [(3 * n, 3 * n + 1, 3 * n + 2) for n in range(100)]
    return sum(raced(value, simpler, seeds=each, **known).finding.better for each in seeds)


def test_of_candidates_that_change_nothing_many_are_kept_if_they_are_simpler() -> None:
    assert kept(0.0, lambda: SHORTER) >= 35 > 5 * kept(0.0)


def test_a_simpler_candidate_that_loses_a_whole_passs_noise_is_hardly_ever_kept() -> None:
    assert kept(-NOISE, lambda: SHORTER) <= 8
    assert kept(-2 * NOISE, lambda: SHORTER) == 0


def test_a_tie_says_what_is_simpler_and_that_it_held() -> None:
    found = next(
        plan.finding
        for n in range(100)
        if (plan := raced(0.0, lambda: SHORTER, seeds=(n, n + 500, n + 900))).finding.better
        and plan.finding.why.startswith("as good")
    )
    assert found.why in {f"as good, with {SHORTER}; held in {passes} passes" for passes in (2, 3)}
    text = explained(found, "auc", 1.65)
    assert "needs" not in text
    assert f"; {found.why}, mean lead " in text


def test_it_is_asked_at_most_once_and_only_when_the_answer_decides() -> None:
    winner, loser, close = Asked(), Asked(), Asked("")
    assert raced(1.0, winner).finding.better
    assert not raced(-2.0, loser).finding.better
    assert winner.times == loser.times == 0
    counts = []
    for n in range(60):
        close.times = 0
        raced(-NOISE, close, seeds=(n, n + 500, n + 900))
        counts.append(close.times)
    assert set(counts) == {0, 1}


def test_a_simpler_candidate_is_not_asked_about_again() -> None:
    for n in range(60):
        simple = Asked()
        raced(0.0, simple, seeds=(n, n + 500, n + 900))
        assert simple.times <= 1


@pytest.mark.parametrize(("z", "better"), [(1.64, False), (1.66, True)])
def test_a_tie_needs_1_65_standard_errors_with_one_passs_noise_added(
    z: float, better: bool
) -> None:
    known = replace(KNOWN, freedom=0)
    lead = z * NOISE * (0.1 + 0.9 / 3) ** 0.5 - NOISE
    second = 1.5 * NOISE * (0.1 + 0.9 / 2) ** 0.5 - NOISE
    late = replace(Rule(), start=-9.0)
    plan = race(late, known, "maximize", SEEDS, lambda: SHORTER)
    by_pass = (second, second, 3 * lead - 2 * second)
    passes = [
        Pass(split, 0, tuple(mean + by_pass[split] for mean in known.means[split]))
        for split in range(3)
    ]
    found = replayed(plan, passes, 5)
    assert plan.done
    assert len(plan.passes) == 3
    assert found.better is better


def test_what_wins_by_its_score_is_no_tie_however_simple_it_is() -> None:
    assert raced(1.0, lambda: SHORTER).finding.why.startswith("held in")


def test_without_an_answer_a_candidate_is_dropped_where_it_would_have_been() -> None:
    for n in range(60):
        seeds = (n, n + 500, n + 900)
        silent, asked = raced(0.0, seeds=seeds), raced(0.0, lambda: "", seeds=seeds)
        assert silent.passes == asked.passes
        assert silent.finding == asked.finding


def test_a_tie_replays_from_its_scores_and_the_answer() -> None:
    for n in range(60):
        plan = raced(0.0, lambda: SHORTER, seeds=(n, n + 500, n + 900))
        again = race(Rule(), KNOWN, "maximize", SEEDS, lambda: SHORTER)
        assert replayed(again, plan.passes, 5) == plan.finding


def test_small_losses_do_not_add_up() -> None:
    """Each tie may lose a little against the anchor, not against the tie before it."""
    fallen = {s: tuple(x - 2 * NOISE for x in row) for s, row in KNOWN.means.items()}
    beside = replace(KNOWN, means=fallen)
    assert kept(-2 * NOISE, lambda: SHORTER, reference=beside) >= 35
    below = replace(beside, anchor=KNOWN.means)
    assert kept(-2 * NOISE, lambda: SHORTER, reference=below) == kept(-2 * NOISE, reference=below)


STEADY = {0: [1.0, 1.0], 1: [2.0, 2.0], 2: [3.0, 3.0]}


def told(*passes: list[float], anchor: float = 0.0) -> Finding:
    """What the race of a simpler candidate against a champion without luck finds."""
    known = constant(STEADY)
    if anchor:
        means = {s: tuple(x + anchor for x in row) for s, row in known.means.items()}
        known = replace(known, anchor=means)
    plan = race(Rule(), known, "maximize", SEEDS, lambda: SHORTER)
    for scores in passes:
        for index, score in enumerate(scores, start=1):
            if not plan.done:
                plan.told(score, last=index == len(scores))
    return plan.finding


def test_without_noise_a_tie_is_worse_in_no_pass() -> None:
    equal = [1.0, 1.0], [2.0, 2.0], [1.0, 1.0]
    assert told(*equal).better
    assert told(*equal).why == f"as good, with {SHORTER}; held in 3 passes"
    assert told([1.1, 0.9 + 1e-9], [2.0, 2.0], [1.1, 0.9 + 1e-9]).better
    assert not told([1.0, 0.99], [2.0, 2.0], [1.0, 0.99]).better
    assert not told([1.0, 1.0], [2.0, 1.99], [1.0, 1.0]).better
    assert not told([1.0, 1.0], [2.0, 2.0], [1.0, 0.5]).better


def test_without_the_champions_luck_a_candidate_with_luck_shows_a_tie_by_its_own() -> None:
    assert not told([1.1, 0.9], [2.1, 1.9], [0.9, 1.1]).better
    assert told([1.01, 1.0], [2.0, 2.0], [1.0, 1.0]).better


def test_without_noise_too_the_anchor_is_what_a_tie_may_not_fall_behind() -> None:
    equal = [1.0, 1.0], [2.0, 2.0], [1.0, 1.0]
    assert not told(*equal, anchor=0.01).better
    assert told(*equal, anchor=-0.01).better


def test_where_no_noise_is_known_nothing_is_kept_as_a_tie() -> None:
    plan = race(Rule(), constant({0: [1.0, 1.0]}), "maximize", SEEDS, lambda: SHORTER)
    walk(plan, 9.0, folds=2, sd=0.0)
    assert not plan.finding.better


# In a search


def simplified(searching: Search) -> list[Record]:
    """A search in which every candidate says that it is simpler, as soon as its race asks."""
    records = []
    while (experiment := searching.ask()) is not None:
        asked = Asked()
        plan = searching.plan(experiment, asked)
        walk(plan, float(experiment.tree))
        outcome = Outcome(plan.passes, complete=plan.done, asked=True, folds="callable")
        simpler = SHORTER if asked.times else ""
        records.append(searching.tell(experiment, replace(outcome, simpler=simpler)))
    return records


def test_a_search_keeps_ties_and_its_records_say_which_they_are() -> None:
    values = ["1.0", *(f"1.{'0' * n}" for n in range(2, 14)), "2.5"]
    records = simplified(search(values))
    ours = [r for r in records if r.part is Part.EXPERIMENT]
    ties = [r for r in ours if tied(r)]
    assert ties
    assert all("as good, with" in r.reason for r in ties)
    assert [r.tree for r in ours if r.status is Status.KEPT and not tied(r)] == ["1.0", "2.5"]
    assert not any("as good" in r.reason for r in ours if not tied(r))


def test_the_anchor_is_read_from_the_records() -> None:
    memory = Memory()
    records = simplified(search([f"0.{'0' * n}" for n in range(1, 14)], memory))
    assert any(tied(r) for r in records)
    later = search([], memory)
    known = later.reference()
    first = [one for one in later.passes_of(0) if one.split == 0]
    assert known.anchor is not None
    assert known.anchor[0][0] == pytest.approx(sum(one.scores[0] for one in first) / len(first))
    assert known.means[0] != known.anchor[0]
    run(search(["3.0"], memory))
    assert search([], memory).reference().anchor is None


def test_a_candidates_own_noise_widens_no_margin() -> None:
    """Who adds noise and is simpler may not lie further behind for it."""

    def share(sd: float) -> float:
        seeds = [(3 * n, 3 * n + 1, 3 * n + 2) for n in range(300)]
        found = 0
        for each in seeds:
            plan = race(Rule(), KNOWN, "maximize", each, lambda: SHORTER)
            walk(plan, -2 * NOISE, sd=sd)
            found += plan.finding.better
        return found / len(seeds)

    assert share(0.1) <= 0.01
    assert share(0.8) <= 0.04


def test_an_answer_that_is_open_is_asked_for_again() -> None:
    """Less memory is known at the end of the first pass: before it nothing is decided by it."""
    answers: list[str | None] = []

    def later() -> str | None:
        answers.append(SHORTER if len(plan.passes[0].scores) == 5 else None)
        return answers[-1]

    at_once = [
        raced(0.0, lambda: SHORTER, seeds=(n, n + 1, n + 2)).finding for n in range(0, 90, 3)
    ]
    found = []
    for n in range(0, 90, 3):
        plan = race(Rule(), KNOWN, "maximize", (n, n + 1, n + 2), later)
        walk(plan, 0.0)
        found.append(plan.finding)
    assert None in answers
    assert [one.better for one in found] == [one.better for one in at_once]
