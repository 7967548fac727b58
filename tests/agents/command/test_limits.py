"""A coding agent ends at its limits with all that it started, and costs no experiment."""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.exceptions import AgentFailed, Interrupted
from pytest_autoresearch.records import Proposal
from pytest_autoresearch.sandbox.outdoors.bounds import Bounds

from .conftest import MODEL, Desk, Furnish

MIB = 1 << 20
SMALL = Bounds(printed=4 * MIB, kept=MIB, disk=16 * MIB, memory=256 * MIB, processes=60)
FAR = 60.0
"""Seconds that nothing of this may take, by far."""


@pytest.fixture(params=["confined", "unconfined"])
def small(request: pytest.FixtureRequest, furnish: Furnish) -> Desk:
    return furnish(confined=request.param == "confined", bounds=SMALL)


def given_up(desk: Desk, body: str, timeout: float = 60.0) -> str:
    found = desk.agent(body, timeout=timeout).propose(desk.briefing())
    assert isinstance(found, Proposal)
    assert not found.files
    assert found.patch is None
    return found.description


def test_one_that_hangs_is_ended_after_its_time(small: Desk) -> None:
    said = given_up(
        small, "(here / 'src/model.py').write_text('half')\ntime.sleep(1000)", timeout=1
    )
    assert said == "no proposal: it took longer than 1 s"


def test_three_that_hang_are_a_failure(furnish: Furnish) -> None:
    desk = furnish()
    agent = desk.agent("time.sleep(1000)", timeout=0.5)
    for _ in range(2):
        agent.propose(desk.briefing())
    with pytest.raises(AgentFailed, match="longer than"):
        agent.propose(desk.briefing())


def test_one_that_ignores_signals_ends_as_well(small: Desk) -> None:
    body = """
    import signal
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    time.sleep(1000)
    """
    assert "longer than 1 s" in given_up(small, body, timeout=1)


DAEMON = """
mark = "{mark}"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(1000)", mark])
    os._exit(0)
os.wait()
time.sleep({wait})
(here / "src/model.py").write_text("RATE = 2\\n")
"""


@pytest.mark.parametrize("wait", [0.3, 1000], ids=["that ends", "that hangs"])
def test_nothing_is_left_of_one_that_leaves_processes_behind(
    small: Desk, alive: Callable[[str], bool], wait: float
) -> None:
    mark = uuid.uuid4().hex
    agent = small.agent(DAEMON.format(mark=mark, wait=wait), timeout=2)
    found = agent.propose(small.briefing())
    assert isinstance(found, Proposal)
    assert bool(found.files) is (wait < 1)
    assert not alive(mark)


def test_one_that_fills_its_disk_is_ended(small: Desk) -> None:
    body = """
    block = b"x" * (1 << 20)
    for n in range(100_000):
        with open(f"f{n}", "wb") as file:
            file.write(block)
        time.sleep(0.002)
    """
    began = time.monotonic()
    assert "MiB of disk, at most 16 may be" in given_up(small, body, timeout=FAR)
    assert time.monotonic() - began < FAR
    used = sum(path.stat().st_size for path in small.work.rglob("*"))
    assert used < 3000 * MIB


def test_no_file_grows_beyond_its_disk(small: Desk) -> None:
    body = """
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    file = open(here / "../home/large", "wb")
    written = 0
    try:
        while True:
            written += file.write(b"x" * (1 << 20))
    except OSError as error:
        print(error.strerror, written >> 20)
    file.truncate(0)
    (here / "src/model.py").write_text("RATE = 2\\n")
    """
    said = small.agent(body).propose(small.briefing())
    assert isinstance(said, Proposal)
    folder = small.office.transcripts.path
    assert folder is not None
    printed = [path.read_text() for path in folder.iterdir() if path.name.endswith("-stdout")]
    assert printed == ["File too large 16\n"] or "16 may be" in said.description


def test_full_folders_are_emptied_before_the_next_call(furnish: Furnish) -> None:
    desk = furnish(bounds=SMALL)
    body = """
    if "BRIEFING.md" in os.listdir() and "emptied" not in open("BRIEFING.md").read():
        for n in range(40):
            (here / f"../home/{n}").write_bytes(b"x" * (1 << 20))
        time.sleep(1000)
    (here / "src/model.py").write_text("RATE = 2\\n")
    """
    agent = desk.agent(body)
    full = agent.propose(desk.briefing())
    assert isinstance(full, Proposal)
    assert "they are emptied" in full.description
    found = agent.propose(desk.briefing())
    assert isinstance(found, Proposal)
    assert found.files == {MODEL: "RATE = 2\n"}


def test_files_without_a_name_count_as_well(small: Desk) -> None:
    body = """
    kept = []
    for n in range(30):
        file = open(f"f{n}", "wb")
        os.unlink(f"f{n}")
        file.write(b"x" * (1 << 20))
        file.flush()
        kept.append(file)
    time.sleep(1000)
    """
    assert "MiB of disk" in given_up(small, body, timeout=FAR)


def test_one_that_floods_its_output_is_ended(small: Desk) -> None:
    body = """
    line = b"y" * 65_536
    while True:
        os.write(1, line)
        os.write(2, line)
    """
    assert given_up(small, body, timeout=FAR) == "no proposal: it printed more than 4 MiB"
    folder = small.office.transcripts.path
    assert folder is not None
    kept = sum(path.stat().st_size for path in folder.iterdir())
    assert kept < 2 * MIB
    stdout = next(path for path in folder.iterdir() if path.name.endswith("-stdout")).read_bytes()
    assert b"bytes are left out here" in stdout


def test_beginning_and_end_of_a_long_output_are_kept(furnish: Furnish) -> None:
    desk = furnish(bounds=SMALL)
    body = """
    print("the beginning")
    print("x" * 2_000_000)
    print("the end")
    (here / "src/model.py").write_text("RATE = 2\\n")
    """
    desk.agent(body).propose(desk.briefing())
    folder = desk.office.transcripts.path
    assert folder is not None
    stdout = next(path for path in folder.iterdir() if path.name.endswith("-stdout")).read_text()
    assert stdout.startswith("the beginning")
    assert stdout.endswith("the end\n")


def test_one_that_takes_too_much_memory_is_ended(small: Desk) -> None:
    body = """
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20) * 8))
        time.sleep(0.002)
    """
    assert "MiB of memory, at most 256" in given_up(small, body, timeout=FAR)


def test_a_bomb_of_processes_is_ended(small: Desk, alive: Callable[[str], bool]) -> None:
    mark = uuid.uuid4().hex
    body = f"""
    import subprocess
    for n in range(200):
        subprocess.Popen(["/bin/sh", "-c", "sleep 1000 # {mark}; true"])
    time.sleep(1000)
    """
    said = given_up(small, body, timeout=FAR)
    assert "processes and threads" in said
    assert not alive(mark)


def test_it_ends_with_the_session(small: Desk, alive: Callable[[str], bool]) -> None:
    mark = uuid.uuid4().hex
    agent = small.agent(f"mark = '{mark}'\n(here / 'begun').touch()\ntime.sleep(1000)", more=mark)
    threading.Timer(1.0, agent.stop).start()
    with pytest.raises(Interrupted):
        agent.propose(small.briefing())
    assert not alive(mark)


def test_it_thinks_no_longer_than_the_session_lasts(furnish: Furnish) -> None:
    end = time.monotonic() + 1
    desk = furnish(seconds_left=lambda: end - time.monotonic())
    with pytest.raises(Interrupted):
        desk.agent("time.sleep(1000)").propose(desk.briefing())


def test_when_the_judge_is_killed_nothing_of_it_is_left(
    built: str, tmp_path: Path, alive: Callable[[str], bool]
) -> None:
    mark = uuid.uuid4().hex
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    script = f"""
import sys
from pathlib import Path
from pytest_autoresearch.sandbox.outdoors import Outdoors
here = Path(sys.argv[1])
Outdoors(sys.argv[2]).run([sys.executable, "-c", "import os,time; os.fork(); open('begun','w'); time.sleep(1000)",
    "{mark}"], work=here / "work", home=here / "home", env={{}}, seconds=1000)
"""
    for builder in (built, ""):
        (tmp_path / "work" / "begun").unlink(missing_ok=True)
        judge = os.spawnv(
            os.P_NOWAIT, sys.executable, [sys.executable, "-c", script, str(tmp_path), builder]
        )
        wait_for((tmp_path / "work" / "begun").exists)
        assert alive(mark)
        os.kill(judge, 9)
        os.waitpid(judge, 0)
        wait_for(lambda: not alive(mark))


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + FAR
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_unconfined_one_that_kills_those_that_watch_it_ends_all_the_same(
    furnish: Furnish, alive: Callable[[str], bool]
) -> None:
    desk, mark = furnish(confined=False), uuid.uuid4().hex
    body = f"""
    import subprocess
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", "{mark}"])
    time.sleep(0.5)
    os.kill(os.getppid(), 9)
    time.sleep(1000)
    """
    assert "the process that watched it was ended" in given_up(desk, body)
    assert not alive(mark)


def test_a_good_one_is_none_of_these(small: Desk) -> None:
    found = small.agent("(here / 'src/model.py').write_text('RATE = 2\\n')").propose(
        small.briefing()
    )
    assert isinstance(found, Proposal)
    assert found.files == {MODEL: "RATE = 2\n"}
