"""Build a little experiment in a test: a git repository with a frozen test and an editable model.

>>> project = Project(tmp_path)
>>> project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
>>> result = project.search()
>>> [record.status.word for record in result.experiments]
['KEPT']
"""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pygit2

from .records import Part, Record

CONFTEST = '''
from dataclasses import dataclass

import numpy as np
import pytest


@dataclass
class Fold:
    train_X: np.ndarray
    train_y: np.ndarray
    test_X: np.ndarray
    test_y: np.ndarray


class Line:
    """y = 3 x + 1 with noise; a split shuffles the rows."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.X = rng.normal(size=(300, 2))
        self.y = 3 * self.X[:, 0] + 1 + rng.normal(scale=0.1, size=300)

    def folds(self, split):
        order = np.random.default_rng(split).permutation(len(self.y))
        parts = np.array_split(order, 3)
        return [
            Fold(self.X[rest], self.y[rest], self.X[part], self.y[part])
            for i, part in enumerate(parts)
            for rest in [np.concatenate(parts[:i] + parts[i + 1:])]
        ]


@pytest.fixture(scope="session")
def line():
    return Line()
'''
TEST = """
import numpy as np
import pytest


@pytest.mark.timeout(20)
@pytest.mark.autoresearch(metric="rmse", direction="minimize", editable=["model.py"])
def test_line(candidate, experiment, line):
    for fold in experiment.race(line.folds):
        model = candidate.fit(fold.train_X, fold.train_y)
        error = model.predict(fold.test_X) - fold.test_y
        experiment.score(float(np.sqrt(np.mean(error**2))))
    assert experiment.improves
"""
MODEL = """
import numpy as np

# How steep the line is.
SLOPE = 2.0


def fit(X, y, *, seed):
    rng = np.random.default_rng(seed)
    return {"noise": rng.normal(scale=0.01)}


# Where the line starts.
OFFSET = 0.5


def predict(state, X):
    return SLOPE * X[:, 0] + OFFSET + state["noise"]
"""


def run(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a process of its own, with nothing on its standard input."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@dataclass(frozen=True)
class Result:
    """What a search left behind."""

    returncode: int
    stdout: str
    stderr: str
    folder: Path
    xml: Path

    @cached_property
    def lines(self) -> list[dict[str, object]]:
        """The lines of the journal of the run that was written last."""
        journals = sorted(
            self.folder.glob(".autoresearch/*/journal.jsonl"), key=lambda p: p.stat().st_mtime
        )
        if not journals:
            return []
        return [json.loads(line) for line in journals[-1].read_text("utf-8").splitlines()]

    @cached_property
    def records(self) -> list[Record]:
        """The records of the journal, oldest first."""
        return [Record.from_json(line) for line in self.lines if line["kind"] == "finished"]

    @property
    def experiments(self) -> list[Record]:
        """The records of experiments proper."""
        return [record for record in self.records if record.part is Part.EXPERIMENT]

    @cached_property
    def testcases(self) -> dict[str, ET.Element]:
        """The XML's testcases by name."""
        return {case.get("name", ""): case for case in ET.parse(self.xml).iter("testcase")}

    def properties(self, name: str) -> dict[str, str]:
        """A testcase's properties."""
        found = self.testcases[name].iter("property")
        return {prop.get("name", ""): prop.get("value", "") for prop in found}


class Project:
    """A project in a folder of its own, committed, with patches for ``replay``.

    ``files`` are written beside the defaults (``conftest.py``, ``test_line.py``, ``model.py``) or over
    them; ``where`` is a folder below the repository's root that holds it all. Commands are run by `run`.
    """

    run = staticmethod(run)

    def __init__(
        self, folder: Path, files: Mapping[str, str] | None = None, *, where: str = ""
    ) -> None:
        self.root = folder
        self.folder = folder / where
        self.files = {
            "conftest.py": CONFTEST,
            "test_line.py": TEST,
            "model.py": MODEL,
            **(files or {}),
        }
        self.patches = folder.parent / f"{folder.name}-patches"
        self.patches.mkdir(parents=True, exist_ok=True)
        self._where = where
        self.folder.mkdir(parents=True, exist_ok=True)
        pygit2.init_repository(str(self.root), initial_head="main")
        for name, text in self.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.commit()

    def commit(self, message: str = "start") -> str:
        """Commit everything in the work tree to HEAD."""
        repository = pygit2.Repository(str(self.root))
        index = repository.index
        index.add_all()
        index.write()
        who = pygit2.Signature("A person", "person@example.org", 1_700_000_000, 0)
        parents = [] if repository.head_is_unborn else [repository.head.target]
        return str(repository.create_commit("HEAD", who, who, message, index.write_tree(), parents))

    def add_patch(self, text: str, description: str = "") -> Path:
        """Add a patch to the folder that `search` replays, in order."""
        number = len(list(self.patches.glob("*.patch"))) + 1
        path = self.patches / f"{number:02d}.patch"
        path.write_text(f"{description}\n\n{text}" if description else text, encoding="utf-8")
        return path

    def replace(self, old: str, new: str, *, path: str = "model.py", description: str = "") -> Path:
        """Add a patch that replaces ``old`` by ``new`` in a file."""
        text = self.files[path]
        if old not in text:
            raise ValueError(f"{path} does not contain {old!r}")
        return self.add_patch(self.diff(path, text, text.replace(old, new, 1)), description)

    def diff(self, path: str, before: str, after: str) -> str:
        """A unified diff relative to the repository's root."""
        name = f"{self._where}/{path}" if self._where else path
        lines = difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            f"a/{name}",
            f"b/{name}",
        )
        return f"diff --git a/{name} b/{name}\n{''.join(lines)}"

    def command(self, *arguments: str) -> list[str]:
        """The command line of a search that replays the patches."""
        return [
            sys.executable, "-m", "pytest", "--autoresearch", "-p", "no:cacheprovider",
            "--autoresearch-isolation", "none", "--autoresearch-agent", f"replay:{self.patches}",
            "--junitxml", str(self.xml), *arguments,
        ]  # fmt: skip

    @property
    def xml(self) -> Path:
        """Where `search` lets pytest write the JUnit XML."""
        return self.patches.parent / f"{self.root.name}.xml"

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a search: this process's, without pytest's own variables."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GITHUB_"))}
        return {**kept, **(extra or {})}

    def search(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        timeout: float = 300,
        command: Sequence[str] = (),
    ) -> Result:
        """Run a search to its end in a process of its own."""
        done = self.run(
            list(command) or self.command(*arguments),
            cwd=self.folder,
            env=self.environment(env),
            timeout=timeout,
        )
        return Result(done.returncode, done.stdout, done.stderr, self.folder, self.xml)

    def pytest(self, *arguments: str, timeout: float = 300) -> Result:
        """Run plain pytest in the project."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        return self.search(command=command, timeout=timeout)
