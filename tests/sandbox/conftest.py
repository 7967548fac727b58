"""Small candidates, and an evaluation that remembers what it is told."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from pytest_autoresearch.candidate import Candidate
from pytest_autoresearch.exceptions import CandidateFailure, UsageProblem
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Meter, Sandbox, materialise
from pytest_autoresearch.sandbox.walls import tiers
from pytest_autoresearch.sandbox.walls.tiers import Tier


class Ledger:
    """What a candidate told its evaluation."""

    def __init__(self) -> None:
        self.seed = 7
        self.folds_left = 1
        self.scrutiny = 0.0
        self.failures: list[CandidateFailure] = []
        self.usage: list[tuple[str, float, float]] = []
        self.text = ""
        self.trusts: list[str] = []
        self.reports: list[tuple[float, float]] = []
        self.stop = ""

    def listener(self) -> Callable[[float, float], str]:
        return self.heard

    def heard(self, share: float, value: float) -> str:
        self.reports.append((share, value))
        return self.stop

    def failed(self, failure: CandidateFailure) -> None:
        self.failures.append(failure)

    def used(self, phase: str, seconds: float, peak_mb: float) -> None:
        self.usage.append((phase, seconds, peak_mb))

    def printed(self, text: str) -> None:
        self.text += text

    def trust(self, word: str) -> None:
        self.trusts.append(word)

    def unprobed(self) -> None:
        self.trusts.append("unprobed")


class Case:
    """A candidate with the evaluation and the meter that it reports to."""

    def __init__(
        self, candidate: Candidate, ledger: Ledger, meter: Meter, sandbox: Sandbox
    ) -> None:
        self.candidate = candidate
        self.ledger = ledger
        self.meter = meter
        self.sandbox = sandbox


class Make(Protocol):
    """Builds a case from the source of ``model.py`` and further files by path."""

    def __call__(
        self,
        source: str = ...,
        *,
        files: dict[str, str] | None = ...,
        entry: str = ...,
        roots: tuple[str, ...] = ...,
        budget: float = ...,
        limits: Limits | None = ...,
        sandbox: Sandbox | None = ...,
        deadline: float | None = ...,
    ) -> Case: ...


@pytest.fixture(scope="session", params=["sealed", "guarded"])
def walled(request: pytest.FixtureRequest) -> Tier:
    """Each tier that has walls; where this machine cannot build them, the test is skipped."""
    try:
        return tiers.choose(request.param)
    except UsageProblem as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for many tests; it imports NumPy only."""
    with Sandbox(Limits(), tmp_path_factory.mktemp("room"), ["numpy"]) as sandbox:
        yield sandbox


@pytest.fixture
def make(room: Sandbox) -> Make:
    def build(
        source: str = "",
        *,
        files: dict[str, str] | None = None,
        entry: str = "model.py",
        roots: tuple[str, ...] = (".",),
        budget: float = 60.0,
        limits: Limits | None = None,
        sandbox: Sandbox | None = None,
        deadline: float | None = None,
    ) -> Case:
        where = sandbox or room
        where.workshop.mkdir(exist_ok=True)
        tree = Path(tempfile.mkdtemp(dir=where.workshop, prefix="tree-"))
        texts = {entry: source, **(files or {})}
        materialise({name: text.encode() for name, text in texts.items()}, tree)
        ledger, meter = Ledger(), Meter(budget, deadline)
        candidate = Candidate(
            where, tree, entry, roots=roots, meter=meter, evaluation=ledger, limits=limits
        )
        return Case(candidate, ledger, meter, where)

    return build


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Whether a process runs; one that has ended and is not collected yet does not."""

    def ask(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    return ask


@pytest.fixture
def wait_for() -> Callable[[Callable[[], Any]], Any]:
    """Ask until the answer is true; fail after 20 seconds."""

    def wait(condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if answer := condition():
                return answer
            time.sleep(0.01)
        return pytest.fail("it did not happen in 20 seconds")

    return wait


@pytest.fixture
def open_files() -> Callable[[], int]:
    """How many descriptors this process holds."""
    return lambda: len(os.listdir("/proc/self/fd"))
