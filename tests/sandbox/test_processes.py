"""Behind the door ``processes=True``: workers work, find each other, and none outlives its job."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_autoresearch.exceptions import OverBudget
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox

if TYPE_CHECKING:
    from pytest_autoresearch.sandbox.walls.tiers import Tier

    from .conftest import Make

X = np.random.default_rng(0).random((64, 4))
y = (X[:, 0] > 0.5).astype(float)

FORKS = Limits(processes=True)
PROGRAMS = Limits(processes=True, exec=True, scratch=512 << 20)


def answer(
    make: Make,
    source: str,
    tier: Tier,
    folder: Path,
    limits: Limits = FORKS,
    imports: tuple[str, ...] = ("numpy",),
    budget: float = 60.0,
) -> list[float]:
    """What ``attempt`` of a candidate returns."""
    with Sandbox(limits, folder, imports, tier=tier) as sandbox:
        case = make(source, sandbox=sandbox, budget=budget)
        found: list[float] = case.candidate.call("model.py:attempt", shape=(None,)).tolist()
        return found


LISTENERS = """
import multiprocessing, os, signal, time
from multiprocessing.connection import Client, Listener

fork = multiprocessing.get_context("fork")

def serve(listener):
    with listener.accept() as link:
        link.send(link.recv() + 1)

def attempt():
    # What a child offers its parent finds, what a parent offers its child; long paths are no matter.
    deep = os.path.join(os.environ["TMPDIR"], "d" * 100)
    os.mkdir(deep)
    answers = []
    for address in (None, os.path.join(deep, "listener") if DEEP else None):
        with Listener(address, authkey=b"key") as listener:
            child = fork.Process(target=ask, args=(listener.address, 41))
            child.start()
            serve(listener)
            child.join()
            answers.append(child.exitcode)
    reader, writer = fork.Pipe(duplex=False)
    child = fork.Process(target=offer, args=(writer,))
    child.start()
    answers.append(ask(reader.recv(), 1))
    return answers

def ask(address, number):
    with Client(address, authkey=b"key") as link:
        link.send(number)
        assert link.recv() == number + 1
    return 0

def offer(writer):
    with Listener(authkey=b"key") as listener:
        writer.send(listener.address)
        serve(listener)
"""


def test_processes_connect_to_each_other(make: Make, walled: Tier, tmp_path: Path) -> None:
    source = f"DEEP = {walled.name == 'guarded'}\n{LISTENERS}"
    assert answer(make, source, walled, tmp_path) == [0, 0, 0]


ABSENT = """
import multiprocessing, os, signal, threading, time
from multiprocessing.connection import Client, Listener

fork = multiprocessing.get_context("fork")

def refused(address):
    began = time.monotonic()
    try:
        Client(address)
    except (ConnectionRefusedError, FileNotFoundError, ConnectionResetError, EOFError):
        return time.monotonic() - began < 10
    return False

def silent(writer):
    listener = Listener()
    writer.send(listener.address)
    time.sleep(60)

def attempt():
    listener = Listener()
    address = listener.address
    with open(address + ".kept", "w") as file:
        file.write(open(address).read() if os.path.isfile(address) else "")
    listener.close()
    closed = refused(address)
    if os.path.getsize(address + ".kept"):
        closed = closed and refused(address + ".kept")

    # A listener that is killed while somebody waits for it.
    reader, writer = fork.Pipe(duplex=False)
    child = fork.Process(target=silent, args=(writer,))
    child.start()
    address = reader.recv()
    threading.Timer(0.3, child.kill).start()
    waited = refused(address)
    child.kill()
    child.join()
    return [closed, waited, refused(address)]
"""


def test_who_connects_to_nobody_is_told_and_does_not_wait(
    make: Make, walled: Tier, tmp_path: Path
) -> None:
    assert answer(make, ABSENT, walled, tmp_path) == [1, 1, 1]


def test_listeners_that_ended_make_room_for_others(
    make: Make, walled: Tier, tmp_path: Path
) -> None:
    source = """
import multiprocessing, os
from multiprocessing.connection import Listener

fork = multiprocessing.get_context("fork")

def listen(number):
    Listener()
    if number % 2:
        os._exit(0)

def attempt():
    done = 0
    for number in range(100):
        child = fork.Process(target=listen, args=(number,))
        child.start()
        child.join()
        done += child.exitcode == 0
    kept = [Listener() for _ in range(30)]
    return [done]
"""
    assert answer(make, source, walled, tmp_path) == [100]


def test_pools_managers_and_shared_memory_work(make: Make, walled: Tier, tmp_path: Path) -> None:
    source = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.shared_memory import SharedMemory

def double(value):
    return 2 * value

def fill(name):
    memory = SharedMemory(name)
    memory.buf[0] = 7
    memory.close()

def attempt():
    fork = multiprocessing.get_context("fork")
    with fork.Pool(2) as pool:
        found = pool.map(double, [1, 2])
    with ProcessPoolExecutor(2, fork) as pool:
        found += pool.map(double, [3])
    with fork.Manager() as manager:
        shared = manager.list([4])
        child = fork.Process(target=shared.append, args=(5,))
        child.start()
        child.join()
        found += list(shared)
    memory = SharedMemory(create=True, size=16)
    child = fork.Process(target=fill, args=(memory.name,))
    child.start()
    child.join()
    found.append(memory.buf[0])
    memory.close()
    memory.unlink()
    return found
"""
    limits = PROGRAMS  # shared memory is tracked by a fresh interpreter
    assert answer(make, source, walled, tmp_path, limits) == [2, 4, 6, 4, 5, 7]


SURVIVORS = """
import ctypes, os, signal, time

def daemon(name):
    if os.fork():
        return
    os.setsid()
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0 and os.fork() == 0:
        ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)
    while True:
        time.sleep(0.01)

def fit(X, y, *, seed):
    for _ in range(3):
        daemon(NAME)
    time.sleep(60 if FOREVER else 1)

def predict(state, X):
    return X[:, 0]
"""


class Census:
    """Counts processes by the name that they have given themselves."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.most = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def count(self) -> int:
        found = 0
        for path in Path("/proc").glob("[0-9]*/comm"):
            try:
                found += path.read_text().strip() == self.name
            except OSError:
                continue
        return found

    def _look(self) -> None:
        while not self._stop.wait(0.02):
            self.most = max(self.most, self.count())

    def __enter__(self) -> Census:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.parametrize("forever", [False, True], ids=["fit returns", "fit is over budget"])
def test_who_forks_twice_and_leaves_the_session_dies_with_the_job(
    make: Make, walled: Tier, tmp_path: Path, forever: bool
) -> None:
    name = f"left-{time.monotonic_ns() % 10**10}"
    source = f"NAME = {name!r}\nFOREVER = {forever}\n{SURVIVORS}"
    with Sandbox(FORKS, tmp_path, ["numpy"], tier=walled) as sandbox:
        case = make(source, sandbox=sandbox, budget=3.0)
        with Census(name) as census:
            if forever:
                with pytest.raises(OverBudget):
                    case.candidate.fit(X, y)
            else:
                case.candidate.fit(X, y)
            left = census.count()
        assert census.most == 3, "the survivors were never there"
        assert left == 0
        make("def attempt():\n    return [1.0]\n", sandbox=sandbox).candidate.call(
            "model.py:attempt", shape=(1,)
        )


def test_what_one_job_leaves_in_shared_memory_the_next_does_not_find(
    make: Make, walled: Tier, tmp_path: Path
) -> None:
    name = f"left-{time.monotonic_ns()}"
    source = f"""
import multiprocessing, os
def fit(X, y, *, seed):
    leave()
def predict(state, X):
    leave()
    return X[:, 0]
def leave():
    assert not os.path.exists("/dev/shm/{name}"), os.listdir("/dev/shm")
    with open("/dev/shm/{name}", "w") as file:
        file.write("state")
    multiprocessing.get_context("fork").Lock()
"""
    before = set(os.listdir("/dev/shm"))
    with Sandbox(FORKS, tmp_path, ["numpy"], tier=walled) as sandbox:
        for _ in range(2):
            make(source, sandbox=sandbox).candidate.fit(X, y).predict(X)
    assert name not in set(os.listdir("/dev/shm")) - before
