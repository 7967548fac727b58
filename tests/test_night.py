"""The agent of the sample report has enough ideas that fit the example, each with its reason."""

from __future__ import annotations

from pathlib import Path

from benchmarks.night_ideas import IDEAS
from benchmarks.report_of_a_night import FOLDER, Analyst
from pytest_autoresearch.records import Briefing

ROOT = Path(__file__).parent.parent
FILES = {
    f"{FOLDER}/{name}": (ROOT / FOLDER / name).read_bytes() for name in ("features.py", "model.py")
}


def test_there_are_sixty_different_ideas_and_more() -> None:
    agent = Analyst()
    briefing = Briefing("conversion", "auc", "maximize", "c" * 40, 0.7, FILES)
    found = []
    while (proposal := agent.propose(briefing)) is not None:
        ((path, text),) = proposal.files.items()
        assert text.encode() != FILES[path]
        found.append((path, text))
    assert len(set(found)) == len(found) >= 60


def test_every_idea_says_why_and_what_it_expects() -> None:
    assert all(one.theme and one.description and one.hypothesis and one.expected for one in IDEAS)
    assert len({one.description for one in IDEAS}) == len(IDEAS)


def test_the_sample_report_is_one_of_sixty_experiments() -> None:
    report = (ROOT / "benchmarks/results/night/report.md").read_text("utf-8")
    assert "of 60 experiments" in report
    assert (ROOT / "benchmarks/results/night/progress.png").stat().st_size < 300_000
