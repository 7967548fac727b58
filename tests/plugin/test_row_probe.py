"""In a search, a patch whose rows lean on each other is rejected, and a test that allows it says so."""

from __future__ import annotations

from pathlib import Path

from pytest_autoresearch.records import Status
from pytest_autoresearch.testing import TEST, Project

HONEST = 'return SLOPE * X[:, 0] + OFFSET + state["noise"]'
LEANING = 'return SLOPE * (X[:, 0] - X[:, 0].mean()) + OFFSET + state["noise"]'


def test_a_patch_that_uses_the_other_rows_fails_the_audit_and_the_search_goes_on(
    tmp_path: Path,
) -> None:
    made = Project(tmp_path / "p")
    made.replace(HONEST, LEANING, description="centred")
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    result = made.search()
    assert result.returncode == 0, result.stdout + result.stderr
    leaning, steeper = result.experiments
    assert (leaning.status, steeper.status) == (Status.AUDIT, Status.KEPT)
    assert leaning.reason.startswith("AuditFailed: predict gave a row")
    assert not leaning.unprobed
    [table] = result.folder.rglob("results.tsv")
    assert table.read_text("utf-8").splitlines()[2].split("\t")[3] == "audit"


def test_a_test_that_allows_it_is_on_record(tmp_path: Path) -> None:
    allowing = TEST.replace("predict(fold.test_X)", "predict(fold.test_X, row_independent=False)")
    made = Project(tmp_path / "p", {"test_line.py": allowing})
    made.replace(HONEST, LEANING, description="centred")
    result = made.search()
    assert result.returncode == 0, result.stdout + result.stderr
    assert [one.status for one in result.experiments] == [Status.DISCARD]
    assert all(line["unprobed"] for line in result.lines if line["kind"] == "finished")
