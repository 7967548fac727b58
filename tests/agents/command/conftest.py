"""Scripts as coding agents, in a project that is as small as can be."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.agents.command import Command
from pytest_autoresearch.agents.command.line import Line
from pytest_autoresearch.agents.command.runner import Runner
from pytest_autoresearch.agents.office import Office
from pytest_autoresearch.agents.tables import Table
from pytest_autoresearch.agents.transcripts import Transcripts
from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.records import Briefing, Proposal
from pytest_autoresearch.sandbox.handing.files import discard
from pytest_autoresearch.sandbox.outdoors import Outdoors, choose
from pytest_autoresearch.sandbox.outdoors.bounds import Bounds
from pytest_autoresearch.sandbox.outdoors.run import Ended, Heard
from pytest_autoresearch.sandbox.walls import tiers

CHAMPION = b"RATE = 1\n"
MODEL, OLD, READABLE, TEST = "src/model.py", "src/old.py", "src/tables.py", "src/test_line.py"
FIRST = "#!" + sys.executable + "\nimport os, pathlib, sys, time\nhere = pathlib.Path('.')\n"


def closed(path: str) -> str:
    """As an objective with editable=["*.py"] in src/ has it."""
    if path in (TEST, READABLE):
        return "the file is frozen"
    folder, _, name = path.rpartition("/")
    if name == "conftest.py":
        return "conftest.py and the configuration of pytest, Python and builds are protected"
    fits = folder == "src" and name.endswith(".py") and not name.startswith((".", "test_"))
    return "" if fits else "it matches none of the editable globs"


@pytest.fixture(scope="session")
def built() -> str:
    """What builds worlds here; where nothing does, the test is skipped."""
    try:
        tiers.choose("sealed")
    except UsageProblem as problem:
        pytest.skip(str(problem))
    return choose(trusted=False).builder


class Direct:
    """Runs programs as they are: cheap, for tests that are about neither walls nor limits."""

    confined = True

    def sees(self, path: str, listed: Sequence[str]) -> bool:
        return True

    def run(
        self,
        argv: Sequence[str],
        *,
        work: Path,
        home: Path,
        env: Mapping[str, str],
        paths: Sequence[str] = (),
        seconds: float,
        stopped: Callable[[], bool] = lambda: False,
        heard: Heard = lambda name, more: None,
    ) -> Ended:
        done = subprocess.run(
            argv, cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        return Ended("", done.returncode, done.stdout, done.stderr, 0.0)

    def discard(self, folder: Path) -> None:
        discard(folder)


@dataclass
class Desk:
    """An agent in its surroundings; ``private`` is the repository, which it must not see."""

    folder: Path
    runner: Runner
    office: Office
    trials: list[Proposal] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def script(self, body: str, name: str = "agent") -> Path:
        """A program, beside the repository."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(FIRST + textwrap.dedent(body))
        path.chmod(0o755)
        return path

    def agent(self, body: str, *, more: str = "", **table: Any) -> Command:
        """The agent whose program does this."""
        table = {"timeout": 60.0, **table}
        line = Line.parse(f"'{self.script(body)}' {more}")
        return Command(line, self.office, self.runner, Table(name="script", spec="", **table))

    def briefing(self, **more: Any) -> Briefing:
        """What it is told, if nothing else is said."""
        values: dict[str, Any] = {
            "objective": "line",
            "metric": "accuracy",
            "direction": "maximize",
            "champion": "c0ffee",
            "champion_score": 0.5,
            "editable": {MODEL: CHAMPION, OLD: b"x = 1\ny = 2\n"},
            "readable": {READABLE: b"TABLE = {}\n"},
            "protocol": "Be bold.",
        }
        return Briefing(**{**values, **more})

    def trial(self, proposal: Proposal, briefing: Briefing) -> str:
        self.trials.append(proposal)
        return self.problems.pop(0) if self.problems else ""

    @property
    def work(self) -> Path:
        return self.folder / "agents" / "home-script" / "work"


Furnish = Callable[..., Desk]


@pytest.fixture
def furnish(built: str, tmp_path: Path) -> Furnish:
    """Makes a desk; confined unless told otherwise."""

    def make(*, confined: bool = True, bounds: Bounds | None = None, **more: Any) -> Desk:
        folder = tmp_path / "a place"
        runner = Outdoors(
            built if confined else "",
            private=[folder / "repository"],
            hidden=[folder / "agents"],
            bounds=bounds or Bounds(),
        )
        return _desk(folder, runner, **more)

    return make


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return _desk(tmp_path / "a place", Direct())


def _desk(folder: Path, runner: Runner, **more: Any) -> Desk:
    office = Office(transcripts=Transcripts(folder / "agents"), closed=closed, **more)
    (folder / "repository").mkdir(parents=True)
    desk = Desk(folder, runner, office)
    office.trial = desk.trial
    office.transcripts.begin()
    return desk


@pytest.fixture
def alive() -> Callable[[str], bool]:
    """Whether a process with these words in its command line runs."""

    def ask(words: str) -> bool:
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                line = Path(f"/proc/{name}/cmdline").read_bytes()
            except OSError:
                continue
            if words.encode() in line:
                return True
        return False

    return ask
