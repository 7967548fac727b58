"""Budget, memory and deadline are kept from outside, and nothing survives its job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pytest_autoresearch.exceptions import (
    CandidateError,
    CandidateExited,
    Interrupted,
    OutOfMemory,
    OverBudget,
)
from pytest_autoresearch.records import Limits, Status
from pytest_autoresearch.sandbox import Meter, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Make

X = np.zeros((8, 2))
y = np.zeros(8)

FAMILY = """
import os, signal, time

def note(name):
    with open({folder!r} + "/" + name, "w") as file:
        file.write(str(os.getpid()))

def linger(name):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(name)
    {linger}

def start():
    if os.fork() == 0:
        linger("child")
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            linger("orphan")
        os._exit(0)
    os.wait()
    while len(os.listdir({folder!r})) < 2:
        time.sleep(0.005)

def fit(X, y, *, seed):
    start()
    {then}
"""
FOREVER = "while True: time.sleep(1)"


@pytest.fixture
def pids(tmp_path: Path) -> Callable[[int], list[int]]:
    """Process ids that a family has noted, once there are so many."""
    (tmp_path / "pids").mkdir()

    def read(count: int) -> list[int]:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            texts = [path.read_text() for path in (tmp_path / "pids").iterdir()]
            if len(texts) == count and all(texts):
                return [int(text) for text in texts]
            time.sleep(0.01)
        return pytest.fail(f"there are no {count} processes")

    return read


def family(tmp_path: Path, then: str, linger: str = FOREVER) -> str:
    return FAMILY.format(folder=str(tmp_path / "pids"), then=then, linger=linger)


@pytest.mark.parametrize(
    ("then", "error"),
    [
        ("linger('self')", OverBudget),
        ("os._exit(0)", CandidateExited),
        ("raise ValueError", CandidateError),
    ],
)
def test_nothing_survives(
    make: Make,
    tmp_path: Path,
    pids: Callable[[int], list[int]],
    alive: Callable[[int], bool],
    then: str,
    error: type[Exception],
) -> None:
    case = make(family(tmp_path, then), budget=0.5)
    with pytest.raises(error):
        case.candidate.fit(X, y)
    found = pids(3 if error is OverBudget else 2)
    assert [pid for pid in found if alive(pid)] == []


def test_nothing_survives_a_good_end(
    make: Make, tmp_path: Path, pids: Callable[[int], list[int]], alive: Callable[[int], bool]
) -> None:
    make(family(tmp_path, "return 1")).candidate.fit(X, y)
    assert [pid for pid in pids(2) if alive(pid)] == []


def test_over_budget_says_after_how_long_and_sticks(make: Make) -> None:
    case = make("import time\ndef fit(X, y, *, seed):\n    time.sleep(60)\n", budget=0.2)
    with pytest.raises(OverBudget, match=r"^over budget: stopped after 0\.2 s$") as caught:
        case.candidate.fit(X, y)
    assert caught.value.status is Status.TIMEOUT
    assert case.ledger.failures == [caught.value]
    phase, seconds, _ = case.ledger.usage[0]
    assert phase == "fit"
    assert seconds >= 0.2


def test_the_budget_is_of_one_pass_and_counts_sandbox_time_only(make: Make) -> None:
    source = """
import time
def fit(X, y, *, seed):
    time.sleep(0.3)
def predict(state, X):
    return X[:, 0]
"""
    case = make(source, budget=0.5)
    for _ in range(3):
        case.meter.restart()
        case.candidate.fit(X, y)
        time.sleep(0.1)
    with pytest.raises(OverBudget):
        case.candidate.fit(X, y)


def test_the_deadline_interrupts_and_is_no_failure(
    make: Make, alive: Callable[[int], bool]
) -> None:
    source = "import time\ndef fit(X, y, *, seed):\n    print(1)\n    time.sleep(60)\n"
    case = make(source, deadline=time.monotonic() + 0.3)
    with pytest.raises(Interrupted):
        case.candidate.fit(X, y)
    with pytest.raises(Interrupted):
        case.candidate.fit(X, y)
    assert case.meter.interrupted
    assert case.ledger.failures == []


@pytest.fixture
def narrow(tmp_path: Path) -> Any:
    with Sandbox(Limits(memory=200 << 20), tmp_path / "narrow", ["numpy"]) as sandbox:
        yield sandbox


HOG = """
import os, time, numpy as np
def grow(kind):
    held = []
    for _ in range(100):
        if kind == "heap":
            held.append(np.ones(1 << 20))
        elif kind == "file":
            fd = held[0] if held else os.memfd_create("x")
            held or held.append(fd)
            import mmap
            os.ftruncate(fd, (len(held) << 23))
            m = mmap.mmap(fd, len(held) << 23)
            m[-(1 << 23):] = bytes(1 << 23)
            held.append(m)
        time.sleep(0.01)
def fit(X, y, *, seed):
    if os.fork() == 0 or {alone}:
        os.setsid()
        grow({kind!r})
        os._exit(0)
    os.wait()
"""


@pytest.mark.parametrize("kind", ["heap", "file"])
def test_a_memory_hog_is_killed(make: Make, narrow: Sandbox, kind: str) -> None:
    case = make(HOG.format(kind=kind, alone=False), sandbox=narrow)
    with pytest.raises(OutOfMemory, match=r"MiB in use, the limit is 200 MiB") as caught:
        case.candidate.fit(X, y)
    assert caught.value.status is Status.OOM
    _, _, peak = case.ledger.usage[0]
    assert 200 < peak < 600


def test_an_answer_is_charged_as_memory(make: Make, narrow: Sandbox) -> None:
    source = """
import os, sys, time
def flood():
    answer = sys._getframe(1).f_locals["result"]
    for block in range(400):
        os.pwrite(answer, bytes(1 << 20), block << 20)
        time.sleep(0.004)
"""
    case = make(source, sandbox=narrow)
    with pytest.raises(OutOfMemory):
        case.candidate.call("model.py:flood", shape=(None, None))


def test_memory_that_forked_workers_share_counts_once(make: Make, narrow: Sandbox) -> None:
    source = """
import os, time, numpy as np
def fit(X, y, *, seed):
    data = np.ones(15 << 20)
    for _ in range(4):
        if os.fork() == 0:
            time.sleep(0.2)
            os._exit(0)
    for _ in range(4):
        os.wait()
"""
    make(source, sandbox=narrow).candidate.fit(X, y)


def test_arguments_are_not_charged_but_copies_are(make: Make, narrow: Sandbox) -> None:
    source = """
import time
def fit(X, y, *, seed):
    X.sum()
    time.sleep(0.1)
    if y[0]:
        X += 1
        time.sleep(1)
"""
    large = np.zeros(26 << 20)
    make(source, sandbox=narrow).candidate.fit(large, y)
    with pytest.raises(OutOfMemory):
        make(source, sandbox=narrow).candidate.fit(large, y + 1)
    assert not large.any()


def test_an_impossible_allocation_is_out_of_memory(make: Make) -> None:
    source = "import numpy as np\ndef fit(X, y, *, seed):\n    np.ones(1 << 50)\n"
    with pytest.raises(OutOfMemory, match="MemoryError"):
        make(source).candidate.fit(X, y)


def test_peak_memory_is_measured(make: Make) -> None:
    case = make("import numpy as np\ndef fit(X, y, *, seed):\n    np.ones(25 << 20)\n")
    case.candidate.fit(X, y)
    plain = make("def fit(X, y, *, seed):\n    pass\n")
    plain.candidate.fit(X, y)
    assert case.ledger.usage[0][2] - plain.ledger.usage[0][2] == pytest.approx(200, abs=20)


def test_a_file_larger_than_allowed_is_not_written(make: Make, tmp_path: Path) -> None:
    source = """
def fit(X, y, *, seed):
    with open("big", "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
"""
    limits = Limits(scratch=8 << 20, artifact=8 << 20)
    with (
        Sandbox(limits, tmp_path / "small", ["numpy"]) as sandbox,
        pytest.raises(CandidateError, match="File too large"),
    ):
        make(source, sandbox=sandbox).candidate.fit(X, y)


def test_ctrl_c_kills_the_tree_and_goes_on(
    make: Make, tmp_path: Path, pids: Callable[[int], list[int]], alive: Callable[[int], bool]
) -> None:
    case = make(family(tmp_path, "linger('self')"))

    def interrupt() -> None:
        pids(3)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        case.candidate.fit(X, y)
    thread.join()
    assert [pid for pid in pids(3) if alive(pid)] == []
    assert case.ledger.failures == []
    good = "def fit(X, y, *, seed):\n    pass\n"
    make(good).candidate.fit(X, y)


JUDGE = """
import sys
from pathlib import Path
import numpy as np
from pytest_autoresearch.candidate import Candidate
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Meter, Sandbox

class Ledger:
    seed = folds_left = 1
    scrutiny = 0.0
    def failed(self, failure): pass
    def used(self, phase, seconds, peak_mb): pass
    def printed(self, text): pass
    def listener(self): pass
    def trust(self, word): pass

folder = Path(sys.argv[1])
sandbox = Sandbox(Limits(), folder / "scratch", ["numpy"])
Candidate(
    sandbox, folder / "tree", "model.py", roots=["."], meter=Meter(60), evaluation=Ledger()
).fit(np.zeros((2, 2)), np.zeros(2))
"""


@pytest.mark.parametrize("victim", ["judge", "zygote", "stopped zygote"])
def test_nothing_survives_kill_9(
    tmp_path: Path,
    pids: Callable[[int], list[int]],
    alive: Callable[[int], bool],
    wait_for: Callable[[Callable[[], Any]], Any],
    victim: str,
) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "model.py").write_text(family(tmp_path, "linger('self')"))
    root = str(next(p for p in map(_up, [__file__]) if p))
    with subprocess.Popen(
        [sys.executable, "-c", JUDGE, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": root},
        stderr=subprocess.DEVNULL,
    ) as judge:
        found = pids(3)
        guard = _children(judge.pid)[0]
        zygote = _children(guard)[0]
        found += [guard, zygote, *_children(zygote)]
        if victim == "stopped zygote":
            os.kill(zygote, signal.SIGSTOP)
        os.kill(zygote if victim == "zygote" else judge.pid, signal.SIGKILL)
        judge.wait(30)
    wait_for(lambda: not [pid for pid in found if alive(pid)])


def _up(path: str) -> str:
    return os.path.dirname(os.path.dirname(os.path.dirname(path)))


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(one) for one in file.read().split()]


def test_a_meter_counts_only_what_runs() -> None:
    now = [100.0]
    meter = Meter(10.0, deadline=130.0, clock=lambda: now[0])
    now[0] += 5
    assert (meter.used, meter.left, meter.next_limit) == (0.0, 10.0, 10.0)
    with meter.running():
        now[0] += 4
        assert meter.used == 4.0
        meter.restart()
        now[0] += 6
    now[0] += 7
    assert (meter.used, meter.left) == (6.0, 4.0)
    meter.check()
    with meter.running():
        now[0] += 4
    with pytest.raises(OverBudget, match="stopped after 10 s"):
        meter.check()
    meter.restart()
    assert meter.next_limit == 4.0
    now[0] += 4
    with pytest.raises(Interrupted):
        meter.check()
