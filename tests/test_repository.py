"""The repository keeps what it says of itself: set-up, packaging, continuous integration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import pytest_autoresearch

ROOT = Path(__file__).parent.parent
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\s\[<>=!~]", line)[0] for line in requirements}


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run our Makefile in a folder that holds nothing else of the project."""
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    # Under `make test` the outer make hands its variables down.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    for name in ("PYTHON", "PYTEST_ARGS"):
        environment.pop(name, None)
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    assert settings()["project"]["entry-points"]["pytest11"] == {
        "autoresearch": "pytest_autoresearch.plugin"
    }


def test_the_core_stays_small() -> None:
    core = names(settings()["project"]["dependencies"])
    assert core == {
        *("pytest", "pytest-timeout", "pytest-xdist"),
        *("pygit2", "numpy", "optuna", "libcst", "pyflakes"),
    }


def test_all_means_every_extra_for_users() -> None:
    extras = settings()["project"]["optional-dependencies"]
    assert set(extras) == {"llm", "tabular", "torch", "report", "all", "dev"}
    assert extras["all"] == ["pytest-autoresearch[llm,report,tabular,torch]"]


def test_the_package_says_that_it_is_typed() -> None:
    assert "Typing :: Typed" in settings()["project"]["classifiers"]
    assert (ROOT / "pytest_autoresearch" / "py.typed").is_file()


def test_the_default_protocol_travels_with_the_wheel() -> None:
    included = settings()["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {"protocol.md": "pytest_autoresearch/protocol.md"}
    assert (ROOT / "protocol.md").read_text(encoding="utf-8").strip()


def test_a_bare_search_at_the_root_finds_its_objective() -> None:
    nodeid = settings()["tool"]["pytest"]["ini_options"]["autoresearch_objective"]
    path, name = nodeid.split("::")
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_the_changelog_knows_this_version() -> None:
    version = settings()["project"]["version"]
    assert pytest_autoresearch.__version__ == version
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_ci_runs_the_commands_that_people_run() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert re.search(r"^make .*\bcheck$", text, re.MULTILINE)
    assert re.search(r"^make .*\btest\b", text, re.MULTILINE)


@needs_make
@pytest.mark.parametrize("target", ["test", "demo"])
def test_the_commands_are_printed_for_people_without_make(target: str, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    lines = make(tmp_path, "--dry-run", target).stdout.splitlines()
    typed = [line for line in lines if not line.startswith((" ", "test -e", "python3 -c", "touch"))]
    assert typed[0] == "python3 -m venv .venv"
    assert typed[1].startswith(".venv/bin/python -m pip install ")
    assert typed[2].startswith(".venv/bin/python -m pytest")


@needs_make
@pytest.mark.parametrize("body", ["exit 1", "nonsense-that-does-not-exist"])
def test_an_unusable_python_is_named_with_the_remedy(body: str, tmp_path: Path) -> None:
    old = tmp_path / "old-python"
    old.write_text(f"#!/bin/sh\n{body}\n")
    old.chmod(0o755)
    done = make(tmp_path, "PYTHON=./old-python", "test")
    assert done.returncode != 0
    assert "./old-python is missing or older than Python 3.11" in done.stdout
    assert "make PYTHON=python3.12 test" in done.stdout
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_a_python_without_venv_is_named_with_the_remedy(tmp_path: Path) -> None:
    bare = tmp_path / "bare-python"
    bare.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n')
    bare.chmod(0o755)
    done = make(tmp_path, "PYTHON=./bare-python", "test")
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stdout


@needs_make
def test_a_demo_outside_a_clone_says_what_to_do(tmp_path: Path) -> None:
    done = make(tmp_path, "demo")
    assert done.returncode != 0
    assert "git init" in done.stdout
    assert not (tmp_path / ".venv").exists()
