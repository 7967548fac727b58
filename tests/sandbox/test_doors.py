"""What needs a door of the sandbox marker says which one, in its error, and at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoresearch.exceptions import CandidateError, CandidateExited
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox
from pytest_autoresearch.sandbox.inside.doors import EXEC, FORK, NETWORK, PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoresearch.sandbox.walls.tiers import Tier

    from .conftest import Make

SOURCE = """
import asyncio, ctypes, multiprocessing, os, socket, subprocess, urllib.request
from concurrent.futures import ProcessPoolExecutor

def fork():
    if os.fork() == 0:
        os._exit(0)
def fork_and_hide_why():
    try:
        fork()
    except OSError:
        raise RuntimeError("no worker started") from None
def pool():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
def executor():
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        assert list(pool.map(abs, [-1, -2])) == [1, 2]
def manager():
    with multiprocessing.get_context("fork").Manager() as manager:
        assert list(manager.list([1])) == [1]
def several():
    try:
        fork()
    except OSError as error:
        raise ExceptionGroup("two", [ValueError("one"), error]) from None
def fresh_interpreters():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(abs, [-1, -2])
def run():
    subprocess.run(["true"], check=True)
def shell():
    os.system("true")
def piped():
    os.popen("true").read()
def spawn():
    os.posix_spawn("/bin/true", ["true"], {})
def loop_of_programs():
    async def start():
        await (await asyncio.create_subprocess_exec("true")).wait()
    asyncio.run(start())
def replace():
    os.execv("/bin/true", ["true"])
def download():
    urllib.request.urlopen("http://127.0.0.1:9/")
def connect():
    socket.create_connection(("127.0.0.1", 9))
def look_up():
    socket.getaddrinfo("labels.example.org", 80)
"""
FORKING = ("fork", "fork_and_hide_why", "pool", "executor", "manager", "several")
PROGRAMS = ("fresh_interpreters", "run", "shell", "piped", "spawn", "loop_of_programs")
ONLINE = {"download": NETWORK, "connect": NETWORK, "look_up": NETWORK}
REPLACE = {"replace": EXEC}
ALL = (*FORKING, *PROGRAMS, *REPLACE, *ONLINE)
SENTENCES = (FORK, PROGRAM, EXEC, NETWORK)


def said(make: Make, sandbox: Sandbox) -> dict[str, str]:
    """The sentence in each function's error; a function that worked is left out."""
    found = {}
    for name in ALL:
        source = f"{SOURCE}\ndef attempt():\n    {name}()\n    return [1.0]\n"
        case = make(source, sandbox=sandbox, budget=30.0)
        try:
            assert case.candidate.call("model.py:attempt", shape=(1,)) == [1.0]
        except CandidateError as error:
            text = str(error)
            found[name] = next((one for one in SENTENCES if one in text), text)
        except CandidateExited:
            assert name == "replace"
    return found


def test_without_doors_each_error_names_the_door(make: Make, walled: Tier, tmp_path: Path) -> None:
    with Sandbox(Limits(), tmp_path, ["numpy"], tier=walled) as sandbox:
        refused = said(make, sandbox)
    expected = dict.fromkeys(FORKING, FORK) | dict.fromkeys(PROGRAMS, PROGRAM) | REPLACE | ONLINE
    assert refused == expected


def test_without_programs_each_error_names_the_door(
    make: Make, walled: Tier, tmp_path: Path
) -> None:
    with Sandbox(Limits(processes=True), tmp_path, ["numpy"], tier=walled) as sandbox:
        refused = said(make, sandbox)
    assert refused == dict.fromkeys(PROGRAMS, PROGRAM) | REPLACE | ONLINE


def test_with_both_doors_only_the_network_is_refused(
    make: Make, walled: Tier, tmp_path: Path
) -> None:
    limits = Limits(processes=True, exec=True)
    with Sandbox(limits, tmp_path, ["numpy"], tier=walled) as sandbox:
        refused = said(make, sandbox)
    assert refused == ONLINE


def test_an_event_loop_and_threads_need_no_door(make: Make, walled: Tier, tmp_path: Path) -> None:
    source = """
import asyncio, threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

async def later(value):
    await asyncio.sleep(0)
    return await asyncio.to_thread(abs, value)

def attempt():
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(abs, [-1, -2]))
    with ThreadPool(2) as pool:
        found += pool.map(abs, [-4])
    return [asyncio.run(later(-3)), *found]
"""
    with Sandbox(Limits(), tmp_path, ["numpy"], tier=walled) as sandbox:
        case = make(source, sandbox=sandbox, budget=30.0)
        assert case.candidate.call("model.py:attempt", shape=(4,)).tolist() == [3, 1, 2, 4]


def test_a_refusal_that_was_dealt_with_is_not_brought_up(
    make: Make, walled: Tier, tmp_path: Path
) -> None:
    source = """
import os
def attempt():
    try:
        os.fork()
    except OSError:
        pass
    raise ValueError("of its own")
"""
    with Sandbox(Limits(), tmp_path, ["numpy"], tier=walled) as sandbox:
        case = make(source, sandbox=sandbox)
        with pytest.raises(CandidateError, match=r"of its own$"):
            case.candidate.call("model.py:attempt", shape=(3,))


def test_locks_of_multiprocessing_work_among_threads(
    make: Make, walled: Tier, tmp_path: Path
) -> None:
    source = """
import multiprocessing, threading

def attempt():
    lock, again = multiprocessing.Lock(), multiprocessing.RLock()
    total = multiprocessing.Semaphore(2)
    assert total.acquire() and total.acquire() and not total.acquire(False)
    assert not total.acquire(timeout=0.05)
    threading.Timer(0.05, total.release).start()
    assert total.acquire(timeout=10)
    with again, again:
        found = []
        other = threading.Thread(target=lambda: found.append(again.acquire(False)))
        other.start()
        other.join()
        assert found == [False]
    for kept in (lock, again):
        try:
            kept.release()
        except (ValueError, AssertionError):
            continue
        raise AssertionError("released what was not held")
    count = [0]
    def add():
        for _ in range(2000):
            with lock:
                before = count[0]
                count[0] = before + 1
    threads = [threading.Thread(target=add) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    ready, seen = multiprocessing.Condition(), []
    def wait():
        with ready:
            seen.append(ready.wait(10))
    waiting = threading.Thread(target=wait)
    waiting.start()
    while not seen:
        with ready:
            ready.notify_all()
    waiting.join()
    queue = multiprocessing.SimpleQueue()
    queue.put(5)
    return [count[0], seen[0], queue.get()]
"""
    with Sandbox(Limits(), tmp_path, ["numpy"], tier=walled) as sandbox:
        case = make(source, sandbox=sandbox, budget=30.0)
        found = case.candidate.call("model.py:attempt", shape=(3,)).tolist()
    assert found == [8000, 1, 5]
