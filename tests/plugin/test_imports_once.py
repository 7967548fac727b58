"""What is imported once is a person's choice, and what cannot be is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.testing import TEST, Project

Run = Callable[..., pytest.RunResult]

BUSY = """
from sklearn.ensemble import HistGradientBoostingRegressor
HistGradientBoostingRegressor(max_iter=1).fit([[float(i)] for i in range(50)], range(50))
"""


def choose(project: Project, names: str) -> None:
    """Name in the frozen test what is imported once."""
    marker = f"@pytest.mark.sandbox(env={{'AUTORESEARCH_IMPORTS': {names!r}}})\n"
    text = TEST.replace("@pytest.mark.timeout", f"{marker}@pytest.mark.timeout")
    (project.folder / "test_line.py").write_text(text)
    project.commit("choose")


def test_a_module_that_computes_at_import_is_left_to_each_process_and_that_is_said(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "busy.py").write_text(BUSY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    choose(project, "numpy busy")
    result = project.search("--autoresearch-experiments", "1")
    assert result.returncode == 0, result.stdout
    assert (
        "each process imports its libraries itself: after the imports a parallel" in result.stdout
    )
    assert [record.status.word for record in result.experiments] == ["KEPT"]


def test_what_is_no_module_ends_the_session_at_once(project: Project, search: Run) -> None:
    choose(project, "numpy -c")
    result = search(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "'-c' is not the name of a module" in result.stdout.str() + result.stderr.str()
