"""JUnit properties say what was measured, and nothing else."""

from __future__ import annotations

from pytest_autoresearch.records import Part, Pass, Status
from pytest_autoresearch.report.properties import properties, suite_properties

from .builders import gained, look, record, summary

CONTRACT = (
    "experiment status reason metric direction score champion delta z passes commit base origin "
    "agent description hypothesis theme fit_seconds seconds peak_memory_mb peak_gpu_memory_mb "
    "cost_usd isolation trust log.ece"
)


def test_a_full_record_has_every_property_of_the_contract_in_order() -> None:
    full = record(
        42,
        Status.KEPT,
        reason="auc 0.8312 against 0.8330",
        champion=0.3,
        delta=-0.05,
        z=2.5,
        passes=(Pass(0, 1, (0.25,)), Pass(1, 2, (0.3,))),
        commit="0123456789abcdef",
        base="fedcba9876543210",
        origin=(3, 17),
        agent="tune",
        hypothesis="it overfits",
        theme="regularisation",
        fit_seconds=1.5,
        seconds=3.25,
        peak_memory_mb=100.0,
        peak_gpu_memory_mb=0.5,
        cost_usd=0.01,
        trust="sealed",
        log={"ece": 0.1},
    )
    pairs = properties(full)
    assert [name for name, _ in pairs] == [f"autoresearch.{name}" for name in CONTRACT.split()]
    values = dict(pairs)
    assert values["autoresearch.experiment"] == "42"
    assert values["autoresearch.status"] == "KEPT"
    assert values["autoresearch.passes"] == "2"
    assert values["autoresearch.commit"] == "0123456"
    assert values["autoresearch.base"] == "fedcba9"
    assert values["autoresearch.origin"] == "3 17"
    assert values["autoresearch.delta"] == "-0.05"


def test_what_was_not_measured_is_absent() -> None:
    refused = record(1, Status.REFUSED, commit="", base="", description="", isolation="")
    names = {name.removeprefix("autoresearch.") for name, _ in properties(refused)}
    assert names == {"experiment", "status", "metric", "direction"}


def test_an_item_without_a_number_has_no_experiment() -> None:
    item = record(1, Status.SKIPPED, part=Part.SKIPPED, experiment=None)
    assert "autoresearch.experiment" not in dict(properties(item))


def test_zero_is_a_measurement() -> None:
    values = dict(properties(record(0, Status.BASELINE, score=0.0, delta=0.0, cost_usd=0.0)))
    assert values["autoresearch.experiment"] == "0"
    assert values["autoresearch.score"] == values["autoresearch.delta"] == "0.0"
    assert values["autoresearch.cost_usd"] == "0.0"


def test_a_score_reads_back_as_the_same_number() -> None:
    score = 0.1 + 0.2
    assert float(dict(properties(record(1, score=score)))["autoresearch.score"]) == score


def test_the_suite_says_how_the_search_ended() -> None:
    run = summary([record(0, Status.BASELINE), record(1, Status.KEPT, score=0.2), record(2)])
    assert suite_properties(run) == [
        ("autoresearch.run", "digits-2025-11-20"),
        ("autoresearch.branch", "autoresearch/digits-2025-11-20"),
        ("autoresearch.baseline", "0.25"),
        ("autoresearch.champion", "0.2"),
        ("autoresearch.kept", "1"),
        ("autoresearch.tried", "2"),
    ]


def test_the_suite_names_a_cost_only_when_an_agent_has_a_price() -> None:
    free = summary([record(0, Status.BASELINE)])
    paid = summary([record(1, cost_usd=0.5)], cost_usd=0.5)
    assert "autoresearch.cost" not in dict(suite_properties(free))
    assert dict(suite_properties(paid))["autoresearch.cost"] == "0.5"


def test_the_suite_says_what_the_last_look_into_the_vault_saw() -> None:
    records = [record(0, Status.BASELINE), record(1, Status.KEPT)]
    assert "autoresearch.vault" not in dict(suite_properties(gained(records)))
    run = gained(records, looks=[look(), look(2, level="warn", words="overfitting")])
    assert suite_properties(run)[-1] == (
        "autoresearch.vault",
        "+0.0100 +/- 0.0049, search +0.0200 +/- 0.0033, look 2 of 3, warn",
    )
