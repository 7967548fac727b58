"""A search that gets nowhere is told so early, and a person is called only when there is something to see."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.search.stuck import Stuck, stuck

LINTER = "CandidateError: SyntaxError: line {} is too long (E501)"
CAUSES = (
    "CandidateError: NameError: name 'x{}' is not defined",
    "CandidateError: ValueError: shapes ({},4) and (5,) not aligned",
    "OverBudget: {} s were used up",
    "CandidateError: KeyError: 'column {}'",
)
THEMES = ("features", "depth", "learning rate", "blending", "regularisation")


def tried(number: int, status: Status = Status.DISCARD, **changes: Any) -> Record:
    values: dict[str, Any] = {
        "item": f"{number:04d}", "part": Part.EXPERIMENT, "experiment": number, "status": status,
        "reason": "auc 0.81 against 0.83: z -1.2 (needs +1.65)", "agent": "llm:a", "protocol": "p1",
        "z": -1.2 if status is Status.DISCARD else None,
    }  # fmt: skip
    return Record(**{**values, **changes})


def crashed(number: int, **changes: Any) -> Record:
    return tried(number, Status.CRASH, **{"reason": LINTER.format(number * 7), **changes})


def skipped(number: int, **changes: Any) -> Record:
    values = {"item": f"s{number:04d}", "part": Part.SKIPPED, "experiment": None, "z": None}
    return tried(
        number, Status.SKIPPED, **{**values, "reason": f"repeats experiment {number}", **changes}
    )


def level(records: list[Record], protocol: str = "") -> int:
    found = stuck(records, protocol)
    return found.level if found else 0


def night(
    seed: int,
    size: int = 100,
    keeps: Callable[[int], float] = lambda number: 0.14,
    crashes: float = 0.2,
    agents: int = 1,
) -> list[Record]:
    """A search in which luck alone decides what is kept, what fails, and how."""
    draw = random.Random(seed)
    records, theme = [tried(0, Status.BASELINE, part=Part.BASELINE)], THEMES[0]
    for number in range(1, size + 1):
        theme = draw.choice(THEMES) if draw.random() < 0.4 else theme
        words: dict[str, Any] = {"theme": theme, "agent": f"agent{draw.randrange(agents)}"}
        if draw.random() < 0.05:
            records.append(skipped(number, **words))
        chance = draw.random()
        if chance < keeps(number):
            records.append(tried(number, Status.KEPT, z=2.5, **words))
        elif chance < keeps(number) + crashes:
            reason = draw.choice(CAUSES).format(number)
            records.append(crashed(number, reason=reason, **words))
        else:
            records.append(tried(number, z=draw.gauss(-1, 1), **words))
    return records


def alarms(nights: int, wanted: int, **kwargs: Any) -> float:
    """In what share of nights a level is reached, looked at after every fifth experiment."""
    found = 0
    for seed in range(nights):
        records = night(seed, **kwargs)
        found += any(level(records[:end]) >= wanted for end in range(5, len(records) + 1, 5))
    return found / nights


@pytest.mark.parametrize("kwargs", [{}, {"agents": 2}, {"crashes": 0.4}], ids=str)
def test_a_night_of_bad_luck_calls_nobody(kwargs: dict[str, Any]) -> None:
    assert alarms(100, 3, **kwargs) < 0.02


def test_a_night_whose_keeps_get_rarer_calls_a_person_seldom() -> None:
    assert alarms(60, 3, keeps=lambda number: 3 / (number + 4)) < 0.15


def test_nothing_is_wrong_with_a_search_that_has_just_begun() -> None:
    assert stuck([]) is None
    assert stuck(night(0, size=1)) is None
    assert stuck([tried(n) for n in range(1, 6)]) is None


@pytest.mark.parametrize("before", [0, 40])
def test_one_cause_for_every_failure_is_seen_at_once_and_by_a_person_within_twelve(
    before: int,
) -> None:
    records = night(3, size=before)
    levels = []
    for number in range(before + 1, before + 13):
        records.append(crashed(number))
        levels.append(level(records))
    assert levels[3] >= 1
    assert levels[6] >= 2
    assert levels[9:] == [3, 3, 3]
    found = stuck(records)
    assert found is not None
    assert found.kind == "failures"
    assert found.since == before + 1
    assert found.what == (
        "12 of the last 12 proposals of agent llm:a ended alike (crash), the last one: "
        f"{LINTER.format((before + 12) * 7)}"
    )


def test_a_success_in_between_does_not_hide_a_cause() -> None:
    records = [crashed(n) for n in range(1, 13)]
    records[5] = tried(6)
    records[11] = tried(12)
    assert level(records) == 3


def test_a_keep_ends_it() -> None:
    records = [crashed(n) for n in range(1, 13)]
    assert stuck([*records, tried(13, Status.KEPT)]) is None


def test_different_causes_are_different_failures() -> None:
    records = [crashed(n, reason=CAUSES[n % 4].format(n)) for n in range(1, 10)]
    assert stuck(records) is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.TIMEOUT, "OverBudget: {} s were used up"),
        (Status.OOM, "OutOfMemory: {} MiB"),
        (Status.REFUSED, "touches test_line.py (line {})"),
        (Status.DISCARD, "constraint ece <= 0.1 broken: 0.{}"),
    ],
)
def test_every_kind_of_failure_counts(status: Status, reason: str) -> None:
    records = [tried(n, status, reason=reason.format(n)) for n in range(1, 13)]
    assert level(records) == 3


def test_proposals_that_only_repeat_are_a_failure_too() -> None:
    found = stuck([tried(1), *(skipped(n) for n in range(2, 13))])
    assert found is not None
    assert (found.level, found.kind, found.since) == (3, "failures", 1)
    assert "were empty or repeat earlier ones" in found.advice


def test_the_advice_quotes_no_reason() -> None:
    secret = "KeyError: 'Jane Doe'"
    found = stuck([crashed(n, reason=secret, theme="t") for n in range(1, 13)])
    assert found is not None
    assert secret in found.what
    assert "Jane" not in found.advice
    assert "see experiment 12" in found.advice


def test_an_agent_that_always_fails_is_found_beside_one_that_does_not() -> None:
    records = []
    for number in range(1, 25, 2):
        records.append(crashed(number, agent="llm:a"))
        records.append(tried(number + 1, agent="llm:b", z=0.2))
    found = stuck(records)
    assert found is not None
    assert (found.level, found.agent, found.since) == (3, "llm:a", 1)


def test_a_theme_that_never_wins_is_left_and_calls_nobody() -> None:
    records = night(1, size=30)
    levels = []
    for number in range(31, 61):
        records.append(tried(number, theme=" Stacking "))
        records.append(tried(number + 100, Status.KEPT, theme="features"))
        found = stuck(records)
        assert found is None or (found.kind, found.theme) == ("theme", "Stacking")
        levels.append(found.level if found else 0)
    assert set(levels) == {0, 1, 2}
    assert levels == sorted(levels)
    assert stuck([*records, tried(90, theme="stacking", z=1.3)]) is None


def test_a_theme_that_was_left_is_spoken_of_no_more() -> None:
    dead = [tried(n, theme="stacking") for n in range(1, 31)]
    kept = [tried(n, Status.KEPT, theme="features") for n in range(31, 37)]
    assert stuck([*dead, *kept]) is None


def test_no_gain_from_the_start_is_told_the_agent_first_and_a_person_last() -> None:
    records = [tried(0, Status.BASELINE, part=Part.BASELINE)]
    first = dict[int, int]()
    for number in range(1, 101):
        records.append(tried(number, z=0.5 if number == 7 else -1.0))
        found = stuck(records)
        if found:
            assert (found.kind, found.since, found.experiments) == ("gain", 1, number)
            first.setdefault(found.level, number)
    assert list(first) == [1, 2, 3]
    assert 10 <= first[1] <= 20
    assert first[3] >= 60
    assert found is not None
    assert found.what == ("nothing was kept in the last 100 experiments; the nearest was at z +0.5")


def test_a_search_that_keeps_often_is_missed_sooner_than_one_that_keeps_seldom() -> None:
    def barren_after(every: int) -> int:
        records = [tried(n, Status.DISCARD if n % every else Status.KEPT) for n in range(1, 41)]
        number = 40
        while level(records) < 2:
            number += 1
            records.append(tried(number))
        return number - 40

    assert barren_after(2) < barren_after(8) < barren_after(20)


def test_a_changed_protocol_is_an_answer() -> None:
    records = [crashed(n) for n in range(1, 13)]
    assert level(records, "p1") == 3
    assert level(records, "p2") == 0
    again = [crashed(n, protocol="p2") for n in range(13, 16)]
    assert level([*records, *again]) == 0
    more = [crashed(n, protocol="p2") for n in range(16, 23)]
    found = stuck([*records, *again, *more])
    assert found is not None
    assert (found.level, found.since) == (3, 13)


def test_what_it_cost_is_counted_from_the_first_one_concerned() -> None:
    dear = [
        crashed(n, cost_usd=0.1, seconds=2.0, thinking_seconds=1.0, reason=LINTER.format(n))
        for n in range(1, 11)
    ]
    found = stuck([tried(20, Status.KEPT, cost_usd=5.0), *dear])
    assert found is not None
    assert (found.cost_usd, found.seconds) == (1.0, 30.0)


def test_measurements_interruptions_and_open_wins_are_passed_over() -> None:
    noise = [
        tried(0, Status.MEASURED, part=Part.CALIBRATION, item="0000-calibration"),
        tried(50, Status.INTERRUPTED),
        tried(51, Status.WON),
        tried(52, Status.ANALYSIS, part=Part.ANALYSIS, item="0052-analysis"),
        tried(53, Status.MEASURED, part=Part.VAULT, item="vault"),
    ]
    records = [crashed(n) for n in range(1, 11)]
    assert stuck([*records, *noise]) == stuck(records)


def test_an_experiment_that_was_evaluated_again_counts_once() -> None:
    twice = [one for n in range(1, 8) for one in (tried(n, Status.INTERRUPTED), crashed(n))]
    found = stuck(twice)
    assert found == stuck([crashed(n) for n in range(1, 8)])
    assert isinstance(found, Stuck)


def test_an_experiment_that_was_evaluated_later_counts_when_it_ended() -> None:
    crashes = [crashed(n) for n in range(2, 13)]
    assert level([tried(1, Status.INTERRUPTED), *crashes]) == 3
    assert stuck([tried(1, Status.INTERRUPTED), *crashes, tried(1, Status.KEPT)]) is None


def test_it_tells_the_same_of_the_same_records() -> None:
    records = night(5, agents=3)
    assert stuck(records) == stuck([Record.from_json(one.to_json()) for one in records])
