"""A project in git for every test that wants one."""

from __future__ import annotations

from pathlib import Path

import pytest

from .builders import Project


@pytest.fixture(autouse=True)
def no_git_settings_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "no-such-file"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")
