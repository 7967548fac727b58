"""Makes `report.md` of a search of 60 experiments on the conversion example, by an agent with a list of ideas.

    python -m benchmarks.report_of_a_night [--experiments 60] [--isolation auto] [--out FOLDER]

A search as any other: the frozen test, the keep rule, the vault. Only the agent is simple: it proposes the
ideas of `night_ideas.py` in their order, each with theme, hypothesis and what it expects, and notes lessons.
Nothing is paid for. `report.md` and `progress.png` are copied to ``--out``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pygit2
import pytest

from pytest_autoresearch import Briefing, Proposal, Record

from .night_ideas import IDEAS, Idea

ROOT = Path(__file__).parent.parent
FOLDER = "experiments/conversion"
NAME = "night"


class Analyst:
    """Proposes the ideas, each on the champion of its time; what does not fit any more is left out."""

    def __init__(self) -> None:
        self._ideas = list(IDEAS)

    def propose(self, briefing: Briefing) -> Proposal | None:
        """The next idea that changes something."""
        while self._ideas:
            idea = self._ideas.pop(0)
            path = f"{FOLDER}/{idea.file}"
            before = briefing.editable[path].decode()
            after = re.sub(idea.old, lambda _, new=idea.new: new, before, count=1)  # type: ignore[misc]
            if after != before:
                return _proposal(idea, path, after)
        return None

    def told(self, record: Record) -> None:
        """Ideas that earlier sessions had are not proposed again."""
        self._ideas = [idea for idea in self._ideas if idea.description != record.description]


def _proposal(idea: Idea, path: str, text: str) -> Proposal:
    return Proposal(
        files={path: text},
        description=idea.description,
        hypothesis=idea.hypothesis,
        theme=idea.theme,
        expected=idea.expected,
        lessons=(idea.lesson,) if idea.lesson else (),
    )


@pytest.hookimpl
def pytest_autoresearch_make_agent(config: pytest.Config, spec: str) -> Analyst | None:
    """The agent of `--autoresearch-agent night`."""
    return Analyst() if spec == NAME else None


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--experiments", type=int, default=60)
    parser.add_argument("--isolation", default="auto")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / NAME)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        project(Path(folder))
        run = searched(Path(folder), asked.experiments, asked.isolation)
        asked.out.mkdir(parents=True, exist_ok=True)
        for name in ("report.md", "progress.png"):
            shutil.copy(run / name, asked.out / name)
    print(f"{asked.out}/report.md")


def project(folder: Path) -> None:
    """The conversion example in a repository of its own."""
    shutil.copytree(ROOT / FOLDER, folder / FOLDER, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "conftest.py", folder)
    repository = pygit2.init_repository(str(folder), initial_head="main")
    repository.index.add_all()
    repository.index.write()
    who = pygit2.Signature("A person", "person@example.org")
    repository.create_commit("HEAD", who, who, "start", repository.index.write_tree(), [])


def searched(folder: Path, experiments: int, isolation: str) -> Path:
    """The folder of a run that has been searched to its end; raises `SystemExit` when it failed."""
    command = [
        *(sys.executable, "-m", "pytest", "--autoresearch", "-p", f"{__package__}.{Path(__file__).stem}"),
        *("--autoresearch-agent", NAME, "--autoresearch-run", NAME, "-p", "no:cacheprovider"),
        *("--autoresearch-experiments", str(experiments), "--autoresearch-isolation", isolation, FOLDER),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    return folder / ".autoresearch" / NAME


if __name__ == "__main__":
    main()
