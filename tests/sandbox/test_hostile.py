"""A candidate that attacks the processes that watch it harms only itself."""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pytest_autoresearch.exceptions import (
    CandidateExited,
    CandidateFailure,
    OverBudget,
    ProtocolError,
    UsageProblem,
)
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox, size_of
from pytest_autoresearch.sandbox.handing import files
from pytest_autoresearch.sandbox.handing.answer import Answer
from pytest_autoresearch.sandbox.handing.parcel import parcel
from pytest_autoresearch.sandbox.handing.payload import Payload
from pytest_autoresearch.sandbox.handing.sealing import memory_file
from pytest_autoresearch.sandbox.handing.stock import Stock
from pytest_autoresearch.sandbox.watching.kin import Kin
from pytest_autoresearch.sandbox.watching.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .conftest import Make

X = np.zeros((8, 2))
y = np.zeros(8)
GOOD = "def fit(X, y, *, seed):\n    return 1\ndef predict(state, X):\n    return X[:, 0]\n"
EVIL = """
import os, signal, time

def parent(pid):
    return int(open(f"/proc/{{pid}}/stat").read().rpartition(")")[2].split()[1])

def fit(X, y, *, seed):
    zygote = parent(os.getpid())
    guard = parent(zygote)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            note("orphan", os.getpid())
            while True: time.sleep(1)
        os._exit(0)
    os.wait()
    while not os.path.exists({folder!r} + "/orphan"):
        time.sleep(0.005)
    time.sleep(0.2)
    note("zygote", zygote)
    note("guard", guard)
    note("self", os.getpid())
    {then}

def note(name, pid):
    with open({folder!r} + "/" + name, "w") as file:
        file.write(str(pid))
"""
KILL = """
    os.kill(guard, signal.SIGKILL)
    time.sleep(0.1)
    os.kill(zygote, signal.SIGKILL)
    time.sleep(60)
"""
STOP = """
    os.kill(zygote, signal.SIGSTOP)
    os.kill(guard, signal.SIGSTOP)
    time.sleep(60)
"""
STOP_THEN_KILL = STOP.replace("guard, signal.SIGSTOP", "guard, signal.SIGKILL")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(Limits(memory=64 << 20), tmp_path / "own", ["numpy"]) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        (KILL, "killed from outside"),
        (STOP, "stopped the processes that watch it"),
        (STOP_THEN_KILL, "stopped the processes that watch it"),
    ],
    ids=["killed", "stopped", "zygote stopped, guard killed"],
)
def test_who_ends_or_stops_its_watchers_does_not_outlive_them(
    make: Make,
    own: Sandbox,
    tmp_path: Path,
    alive: Callable[[int], bool],
    wait_for: Callable[[Callable[[], Any]], Any],
    then: str,
    reason: str,
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    make(GOOD, sandbox=own).candidate.fit(X, y)  # so that a spare process waits
    case = make(EVIL.format(folder=str(notes), then=then), sandbox=own, budget=1.5)
    with pytest.raises(CandidateExited, match=reason):
        case.candidate.fit(X, y)
    pids = [int(path.read_text()) for path in notes.iterdir()]
    assert len(pids) == 4
    wait_for(lambda: not [pid for pid in pids if alive(pid)])
    next_one = make(GOOD, sandbox=own)
    next_one.candidate.fit(X, y).predict(X)
    assert next_one.ledger.failures == []


def test_a_spare_process_without_its_zygote_gets_no_job(make: Make, own: Sandbox) -> None:
    make(GOOD, sandbox=own).candidate.fit(X, y)
    spare = own._spare
    assert spare is not None
    spare.greet()
    os.kill(spare.zygote, 9)
    select.select([spare.control], [], [], 20)
    with pytest.raises(ConnectionResetError, match="while it waited"):
        spare.give(parcel({}, Payload(b""), Stock(), own.folder), None)
    make(GOOD, sandbox=own).candidate.fit(X, y)


def test_a_number_that_is_used_again_is_not_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    kin = Kin()
    kin.add([os.getpid(), 0])
    kin._began[os.getpid()] += 1
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("another process would be killed"))
    kin.kill()


def test_an_answer_that_came_over_budget_is_not_taken(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = Watch._turn

    def sleepy(watch: Watch, selector: Any) -> None:
        time.sleep(0.7)
        turn(watch, selector)

    monkeypatch.setattr(Watch, "_turn", sleepy)
    case = make(GOOD, budget=0.5)
    with pytest.raises(OverBudget):
        case.candidate.fit(X, y)


SPARSE = """
import os, struct, sys
def table():
    answer = sys._getframe(1).f_locals["result"]
    os.pwrite(answer, struct.pack("<8q", 1000, 1000, *[0] * 6), 0)
    frame = sys._getframe()
    while frame.f_code.co_name != "work":
        frame = frame.f_back
    frame.f_locals["link"].sendall(b"K")
    os._exit(0)
"""


def test_an_answer_of_holes_is_refused_before_it_takes_our_memory(
    make: Make, own: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make(SPARSE, sandbox=own)
    monkeypatch.setattr(np, "empty", lambda *_, **__: pytest.fail("room was made for it"))
    with pytest.raises(ProtocolError, match="a shorter answer than it announced"):
        case.candidate.call("model.py:table", shape=(None, None))


def test_zeros_that_were_written_are_no_holes(make: Make, own: Sandbox) -> None:
    source = "import numpy as np\ndef table():\n    return np.zeros((1000, 700))\n"
    case = make(source, sandbox=own)
    assert not case.candidate.call("model.py:table", shape=(None, 700)).any()


@pytest.mark.parametrize("shape", [(3000, 3000), (None, 9_000_000)])
def test_an_answer_larger_than_the_memory_cannot_be_asked_for(
    make: Make, own: Sandbox, shape: tuple[int | None, ...]
) -> None:
    case = make("def table():\n    pass\n", sandbox=own)
    with pytest.raises(UsageProblem, match=r"shape \(.*\) takes 69 MiB, more than .* 64 MiB"):
        case.candidate.call("model.py:table", shape=shape)
    assert case.ledger.failures == []


def test_the_file_for_an_answer_is_no_larger_than_the_memory(
    make: Make, own: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def noted(size: int) -> int:
        sizes.append(size)
        return memory_file(size)

    monkeypatch.setattr("pytest_autoresearch.sandbox.session.memory_file", noted)
    case = make("def table():\n    return [[1.0]]\n", sandbox=own)
    case.candidate.call("model.py:table", shape=(None, None))
    assert Answer((None, None), (10_000_000, 1024)).capacity > sizes[0] == 64 << 20


def test_too_many_files_to_count_are_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        (tmp_path / f"folder{number}").mkdir()
        (tmp_path / f"folder{number}" / "file").write_bytes(b"x")
    assert size_of(tmp_path) == 6
    monkeypatch.setattr(files, "MAX_ENTRIES", 8)
    assert size_of(tmp_path) > 1 << 60


def test_folders_too_deep_to_walk_are_too_large(make: Make, own: Sandbox) -> None:
    source = """
import os
def fit(X, y, *, seed): pass
def save(state, folder):
    os.chdir(folder)
    for _ in range(1900):
        os.mkdir("d")
        os.chdir("d")
"""
    with pytest.raises(CandidateFailure, match="more than artifact="):
        make(source, sandbox=own).candidate.fit(X, y)
