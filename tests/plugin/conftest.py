"""Runs pytest in a little project, in this very process where that is enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib.backends.backend_agg
import matplotlib.figure
import numpy as np
import pytest

import pytest_autoresearch.controller  # noqa: F401 - kept loaded, see below
from pytest_autoresearch.testing import Project

Run = Callable[..., pytest.RunResult]

# pytester forgets what an inner session imported, and these cannot be loaded twice, or take long to.
assert np.__version__
assert matplotlib.__version__


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one patch that is better."""
    made = Project(tmp_path / "p")
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    return made


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run(project, "--co")``: pytest in the project's folder, in this process."""

    def run(project: Project, *arguments: str) -> pytest.RunResult:
        monkeypatch.chdir(project.folder)
        # A test file that is rewritten within a second must not be read from its cache.
        monkeypatch.setattr("sys.dont_write_bytecode", True)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)

    return run


@pytest.fixture
def search(run: Run) -> Run:
    """``search(project)``: a search that replays the project's patches, in this process."""

    def search(project: Project, *arguments: str) -> pytest.RunResult:
        # Without the interpreter, `-m pytest`, `-p no:cacheprovider`, which `run` has.
        return run(project, *project.command(*arguments)[3:])

    return search
