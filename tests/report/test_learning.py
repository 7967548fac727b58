"""LEARNING.md has what a run has taught, each thing with the experiment that it comes from."""

from __future__ import annotations

from dataclasses import replace

from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.report.learning import learning_md

from .builders import look, night, record, summary


def test_it_says_what_a_run_has_taught() -> None:
    records = [
        record(0, Status.BASELINE),
        record(1, Status.KEPT, theme="features", description="ratio of a to b", lessons=("ratios help",)),
        record(2, theme="features", z=1.1, delta=-0.001, lessons=("Ratios help",), agent="llm:m"),
        record(3, theme="nets", z=-2.0),
        record(4, theme="nets", z=-1.0),
        record(5, theme="nets", z=-3.0),
        record(6, Status.CRASH, reason="CandidateError: KeyError: 'a'"),
        Record(item="0007-analysis", part=Part.ANALYSIS, experiment=None, status=Status.ANALYSIS,
               description="what is null?", output="secret", lessons=("b is often null",)),
    ]  # fmt: skip
    text = learning_md(summary(records))
    assert text.casefold().count("ratios help") == 1
    assert "- Ratios help (#2, llm:m)" in text
    assert "- b is often null (0007-analysis)" in text
    assert "## What worked\n\n- #1 features: ratio of a to b" in text
    assert "## Near misses, closest first\n\n- #2" in text
    assert "- nets: 3 experiments, none kept, none near" in text
    assert "KeyError: 'a' (1, first in #6)" in text
    assert "- what is null? (0007-analysis)" in text
    assert "secret" not in text


def test_a_run_that_has_taught_nothing_says_so() -> None:
    assert "Nothing yet." in learning_md(summary([record(0, Status.BASELINE)]))


def test_nothing_of_a_vault_is_in_it() -> None:
    records = night(30)
    assert learning_md(summary(records, looks=[look()])) == learning_md(summary(records))


def test_words_of_agents_stay_on_their_line() -> None:
    bad = "x\n\n# Heading\n```\n<script>\x1b[2J"
    records = [
        record(0, Status.BASELINE),
        record(1, description=bad, theme=bad, lessons=(bad,), agent=bad),
    ]
    records += [replace(records[1], item="0002", experiment=2, status=Status.CRASH, reason=bad)]
    text = learning_md(summary(records))
    assert not [line for line in text.splitlines() if line.startswith("# Heading")]
    assert "\x1b" not in text
    assert "\n```" not in text
    assert "<script>" not in text.replace("\\<script>", "")
