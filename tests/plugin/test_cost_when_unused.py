"""A plugin that nobody uses costs a session next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HEAVY = {
    "libcst", "litellm", "lxml", "matplotlib", "numpy", "optuna", "pandas", "polars", "pyflakes",
    "pygit2", "scipy", "sklearn", "torch", "xml.etree.ElementTree",
}  # fmt: skip
NEEDED = {
    "pytest_autoresearch",
    "pytest_autoresearch.exceptions",
    "pytest_autoresearch.hookspecs",
    "pytest_autoresearch.marks",
    "pytest_autoresearch.options",
    "pytest_autoresearch.plugin",
    "pytest_autoresearch.records",
}
MOST = 4
"""Modules of the standard library that it may load beyond those that pytest has anyway."""
LISTING = """
import json, sys

def pytest_unconfigure(config):
    with open("modules.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""


def loaded(folder: Path, *arguments: str) -> set[str]:
    """The modules of a session of one ordinary test, at its end."""
    (folder / "conftest.py").write_text(LISTING)
    (folder / "test_it.py").write_text("def test_it(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return set(json.loads((folder / "modules.json").read_text()))


def test_an_unused_plugin_loads_a_handful_of_its_own_modules(tmp_path: Path) -> None:
    without = loaded(tmp_path, "-p", "no:autoresearch")
    more = loaded(tmp_path) - without
    assert not {name for name in more if name in HEAVY or name.partition(".")[0] in HEAVY}
    ours = {name for name in more if name.partition(".")[0] == "pytest_autoresearch"}
    assert ours == NEEDED - without
    assert len(more - ours) <= MOST, sorted(more - ours)
