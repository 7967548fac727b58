"""What an agent hears of its own proposal before it is evaluated follows the level of disclosure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_autoresearch.records import Briefing, Part, Proposal, Record, Status
from pytest_autoresearch.runs.trial import Trial
from pytest_autoresearch.sandbox.preflight import Finding

FILES = {"model.py": b"def fit(X, y, *, seed):\n    return towns[0]\n"}
BROKEN = "model.py:2: KeyError: 'Zebulon'"
LOOK = Record(
    item="0001-analysis", part=Part.ANALYSIS, experiment=None, status=Status.ANALYSIS, agent="llm:a", output="Zebulon"
)  # fmt: skip


def trial(level: str, problem: str = "", records: tuple[Record, ...] = ()) -> Trial:
    project: Any = SimpleNamespace(
        build=lambda proposal, champion, base: "tree",
        visible=lambda tree: FILES,
        tree_of=lambda commit: "champion's",
    )
    bench: Any = SimpleNamespace(preflight=lambda files, champion: Finding(problem))
    run: Any = SimpleNamespace(records=records, pending=(), base="base")
    return Trial(lambda: project, lambda: bench, run, level)


def said(of: Trial) -> str:
    briefing = Briefing(
        objective="line",
        metric="auc",
        direction="maximize",
        champion="abc",
        champion_score=0.8,
        editable=FILES,
    )
    return of(Proposal(patch="a patch"), briefing)


def test_at_level_code_a_failed_preflight_is_told_by_its_kind() -> None:
    assert said(trial("code", BROKEN)) == "preflight: it cannot be imported"
    parses = "model.py:2: SyntaxError: invalid syntax: return towns[0"
    assert said(trial("code", parses)) == "preflight: a file does not parse"


def test_at_level_errors_its_values_are_masked_and_at_level_all_it_is_told_in_full() -> None:
    told = said(trial("errors", BROKEN))
    assert told == "model.py, line 2: KeyError: '…'\n    return towns[0]"
    assert said(trial("all", BROKEN)) == BROKEN


@pytest.mark.parametrize(
    ("level", "agent", "words"),
    [
        ("code", "llm:a", "the …"),
        ("errors", "llm:a", "the …"),
        ("all", "llm:a", "the Zebulon"),
        ("errors", "llm:b", "the Zebulon"),
    ],
)
def test_words_of_who_has_seen_data_are_masked_where_analyses_may_not_be_told(
    level: str, agent: str, words: str
) -> None:
    twin = Record(
        item="0002",
        part=Part.EXPERIMENT,
        experiment=2,
        status=Status.DISCARD,
        agent=agent,
        tree="tree",
        description="the Zebulon",
    )
    assert said(trial(level, records=(LOOK, twin))) == (
        f"it repeats experiment 2 ({twin.status.word.lower()}: “{words}”); propose something else"
    )
