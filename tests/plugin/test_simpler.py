"""What is as good as the champion is kept when it is simpler, and only then."""

from __future__ import annotations

import pytest

from pytest_autoresearch.testing import MODEL, Project, Result

USELESS = """

def unused(X):
    '''Nobody calls it.'''
    total = X.sum()
    return total
"""
PLAIN = MODEL.replace("rng.normal(scale=0.01)", "0.0")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A search where other seeds change nothing: what is as good scores the same."""
    project = Project(tmp_path_factory.mktemp("simpler") / "line", {"model.py": PLAIN + USELESS})
    project.replace(
        "    total = X.sum()\n    return total",
        "    total = X.sum(); return total",
        description="joined",
    )
    project.replace("    '''Nobody calls it.'''\n", "", description="no docstring")
    project.replace("SLOPE = 2.0", "SLOPE = 2.0\nUNUSED = 1.0", description="longer")
    project.replace(USELESS, "\nSLOPE = 1.9\n", description="shorter and worse")
    project.replace(USELESS, "", description="shorter")
    return project.search()


def test_a_candidate_that_is_as_good_and_shorter_is_kept(result: Result) -> None:
    assert result.returncode == 0, result.stdout + result.stderr
    [kept] = [one for one in result.experiments if one.description == "shorter"]
    assert kept.status.word == "KEPT"
    assert kept.simpler == "3 fewer lines of code"
    assert "3 fewer lines of code" in kept.reason


def test_lines_that_are_only_joined_and_a_docstring_less_are_no_experiment(result: Result) -> None:
    skipped = {one.description: one.reason for one in result.records if one.item.startswith("s")}
    assert skipped.keys() == {"joined", "no docstring"}
    assert all("repeats experiment 0, but for formatting" in why for why in skipped.values())


def test_what_is_as_good_but_no_simpler_or_simpler_but_worse_is_not(result: Result) -> None:
    words = {one.description: one.status.word for one in result.experiments}
    assert words.pop("shorter") == "KEPT"
    assert words == {"longer": "REJECTED", "shorter and worse": "REJECTED"}
    assert {one.status.tsv for one in result.experiments} == {"keep", "discard"}
