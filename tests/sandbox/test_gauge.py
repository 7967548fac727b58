"""No way of taking memory stays out of sight, and looking for it costs little."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_autoresearch.exceptions import OutOfMemory
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox
from pytest_autoresearch.sandbox.handing.parcel import parcel
from pytest_autoresearch.sandbox.handing.payload import Payload
from pytest_autoresearch.sandbox.handing.stock import Stock
from pytest_autoresearch.sandbox.inside.processes import contents
from pytest_autoresearch.sandbox.watching import floor, gauge, memory
from pytest_autoresearch.sandbox.watching.floor import Floor
from pytest_autoresearch.sandbox.watching.gauge import Gauge
from pytest_autoresearch.sandbox.watching.memory import Machine, Pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_autoresearch.sandbox.walls.tiers import Tier

    from .conftest import Make

MIB = 1 << 20
GIB = 1 << 30
y = np.zeros(8)


class Pretence:
    """A gauge over processes that do not exist; ``walks`` counts the walks over their pages."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        packed = parcel({}, Payload(b"", [memoryview(bytes(200 * MIB))]), Stock(), folder)
        self.gauge = Gauge(100 * MIB, packed, None, folder)
        packed.close()
        self.walks = 0
        self.pages = Pages()
        self.true = 0
        monkeypatch.setattr(gauge, "resident", lambda _pids: self.pages)
        monkeypatch.setattr(gauge, "charged", self._charged)
        # However fast the machine, the next walk is a long time off.
        monkeypatch.setattr(gauge, "SHARE", 1e12)
        monkeypatch.setattr(gauge, "LONGEST", 1e9)

    def _charged(self, *_: object) -> int:
        self.walks += 1
        time.sleep(0.001)
        return self.true

    def look(self, pids: Sequence[int], own: int, shared: int, true: int) -> int:
        """A look at processes with these MiB in their page tables, which really use ``true``."""
        self.pages, self.true = Pages(own * MIB, shared * MIB, 0), true * MIB
        return self.gauge.look(pids) // MIB


@pytest.fixture
def pretence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretence:
    return Pretence(tmp_path, monkeypatch)


def test_what_the_page_tables_decide_takes_no_walk(pretence: Pretence) -> None:
    assert pretence.look([-1], 40, 0, 40) == 40
    assert pretence.look([-1], 60, 30, 60) == 60
    assert pretence.look([-1], 101, 200, 101) == 101
    assert pretence.gauge.peak == 101 * MIB
    assert pretence.walks == 0


@pytest.mark.parametrize("pids", [[-1], [-1, -2]])
def test_own_memory_beside_large_arguments_is_seen_at_the_next_look(
    pretence: Pretence, pids: list[int]
) -> None:
    assert pretence.look(pids, 40, 200, 40) == 40
    assert pretence.look(pids, 50, 200, 50) == 50
    assert pretence.walks == 1
    assert pretence.look(pids, 101, 200, 101) == 101


def test_arguments_that_are_read_on_are_not_taken_for_memory_of_its_own(
    pretence: Pretence,
) -> None:
    assert pretence.look([-1], 40, 100, 40) == 40
    assert pretence.look([-1], 45, 190, 45) == 45
    assert pretence.gauge.peak == 45 * MIB


def test_another_process_or_less_shared_memory_makes_the_gauge_walk_again(
    pretence: Pretence,
) -> None:
    pretence.look([-1], 40, 200, 40)
    assert pretence.look([-1], 90, 150, 95) == 95
    assert pretence.look([-1, -2], 90, 150, 99) == 99
    assert pretence.walks == 3


def test_a_walk_and_the_page_tables_agree() -> None:
    held = np.ones(8 * MIB)
    here = [os.getpid()]
    pages = memory.resident(here)
    assert memory.charged(here, (), ()) == pytest.approx(pages.own + pages.shared, rel=0.02)
    assert pages.own > held.nbytes


def test_a_process_that_may_not_be_looked_at_is_charged_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(path: str) -> bytes:
        if path.endswith("smaps"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return contents(path)

    here = [os.getpid()]
    everything = memory.charged(here, (), ())
    monkeypatch.setattr(memory, "contents", refused)
    assert memory.charged(here, (), memory.memory_devices()) > 0.9 * everything


def test_a_process_that_is_gone_is_charged_for_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
        assert memory.charged([process.pid], (), ()) == 0


def test_a_file_that_the_judge_gave_counts_only_where_it_was_written_to(
    make: Make, narrow: Sandbox
) -> None:
    source = """
import time
def fit(X, y, *, seed):
    X.sum()
    X[: 60 << 17] = 1
    time.sleep(0.3)
"""
    X = np.zeros(30 * MIB)
    # The second time the judge has the file mapped too, when it has compared it.
    for _ in range(2):
        case = make(source, sandbox=narrow)
        case.candidate.fit(X, y)
        assert 60 < case.ledger.usage[0][2] < 160


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox whose candidates may use 200 MiB."""
    with Sandbox(Limits(memory=200 * MIB), tmp_path / "narrow", ["numpy"]) as sandbox:
        yield sandbox


MAPPED = """
import mmap, os, time

def fit(X, y, *, seed):
    for name in NAMES:
        fd = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(fd, 80 << 20)
        memory = mmap.mmap(fd, 80 << 20)
        os.closerange(fd, fd + 2)  # and the copy that the mapping holds
        for start in range(0, len(memory), 4096):
            memory[start] = 1
        time.sleep(0.1)
        memory.close()
    time.sleep(5)
"""


def test_files_in_memory_are_charged_after_they_were_unmapped(make: Make, narrow: Sandbox) -> None:
    names = [f"/dev/shm/autoresearch-mapped-{os.getpid()}-{number}" for number in range(3)]
    try:
        with pytest.raises(OutOfMemory, match="the limit is 200 MiB"):
            make(MAPPED.replace("NAMES", repr(names)), sandbox=narrow).candidate.fit(y, y)
    finally:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)


WORLD = "mount -t tmpfs -o size=64m,mode=700 own '{}' && head -c 5242880 /dev/zero > '{}'/x && echo ready && read end"


def test_a_file_system_of_its_own_that_is_memory_is_charged_whole(tmp_path: Path) -> None:
    place = tmp_path / "a place"
    place.mkdir()
    command = ["unshare", "-Urm", "sh", "-c", WORLD.format(place, place)]
    assert memory.private_folders(os.getpid()) == {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            pytest.skip("this machine allows no namespaces")
        found = memory.private_folders(process.pid)
        used = sum(memory.used_in(*one) for one in found.items())
        process.stdin.close()
    assert used == pytest.approx(5 * MIB, rel=0.01)


SHELF = """
import numpy as np

def fit(X, y, *, seed):
    held = np.ones(OWN << 17)
    with open("/dev/shm/own", "wb") as file:
        for _ in range(50):
            file.write(bytes(1 << 20))
    import time
    time.sleep(THEN)
"""


def test_a_sealed_candidates_own_shared_memory_is_charged(
    make: Make, tmp_path: Path, walled: Tier
) -> None:
    if walled.name != "sealed":
        pytest.skip("in the other tiers /dev/shm is the machine's")
    limits = Limits(memory=200 * MIB)
    with Sandbox(limits, tmp_path / "sealed", ["numpy"], tier=walled) as sandbox:
        little = SHELF.replace("OWN", "1").replace("THEN", "0.3")
        case = make(little, sandbox=sandbox)
        case.candidate.fit(y, y)
        assert 50 < case.ledger.usage[0][2] < 150
        hog = SHELF.replace("OWN", "150").replace("THEN", "20")
        case = make(hog, sandbox=sandbox, budget=15)
        with pytest.raises(OutOfMemory, match="the limit is 200 MiB"):
            case.candidate.fit(y, y)


HOG = """
import numpy as np
def fit(X, y, *, seed):
    X.sum()
    held = []
    while True:
        held.append(np.ones(1 << 17))
"""


def test_a_hog_ends_in_every_tier_with_large_arguments_at_hand(
    make: Make, tmp_path: Path, walled: Tier
) -> None:
    limits = Limits(memory=200 * MIB)
    with Sandbox(limits, tmp_path / "walled", ["numpy"], tier=walled) as sandbox:
        for _ in range(2):
            case = make(HOG, sandbox=sandbox, budget=20)
            with pytest.raises(OutOfMemory, match="the limit is 200 MiB"):
                case.candidate.fit(np.zeros(30 * MIB), y)
            assert 200 < case.ledger.usage[0][2] < 400


def test_another_file_system_over_it_is_not_asked(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    assert memory.used_in(device, str(tmp_path)) > 0
    assert memory.used_in(device + 1, str(tmp_path)) == 0
    assert memory.used_in(device, str(tmp_path / "gone")) == 0


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> list[Machine]:
    """What the machine's memory is, from look to look."""
    found: list[Machine] = []
    monkeypatch.setattr(floor, "machine", lambda: found.pop(0))
    return found


def test_who_takes_the_last_memory_of_the_machine_is_ended(machines: list[Machine]) -> None:
    machines += [Machine(16 * GIB, 8 * GIB, 0), Machine(16 * GIB, GIB, 0)]
    machines += [Machine(16 * GIB, 800 * MIB, 0)]
    net = Floor()
    net.check(4 * GIB, 9 * GIB)
    with pytest.raises(OutOfMemory, match="has 800 MiB left of 16384 MiB") as caught:
        net.check(4 * GIB, 9 * GIB)
    assert "4096 MiB of the limit's 9216 MiB in use (memory of the sandbox marker)" in str(
        caught.value
    )


def test_who_is_not_the_grower_is_left_alone(machines: list[Machine]) -> None:
    machines += [Machine(16 * GIB, 8 * GIB, 0), Machine(16 * GIB, 500 * MIB, 0)]
    Floor().check(3 * GIB, 9 * GIB)


def test_memory_that_belongs_to_no_process_counts_as_the_candidates(
    machines: list[Machine],
) -> None:
    machines += [Machine(16 * GIB, 8 * GIB, GIB), Machine(16 * GIB, 500 * MIB, 6 * GIB)]
    with pytest.raises(OutOfMemory, match="500 MiB left"):
        Floor().check(100 * MIB, GIB)


def test_a_machine_with_little_memory_keeps_half_of_it(machines: list[Machine]) -> None:
    machines += [Machine(GIB, 600 * MIB, 0), Machine(GIB, 310 * MIB, 0), Machine(GIB, 290 * MIB, 0)]
    net = Floor()
    net.check(290 * MIB, GIB)
    with pytest.raises(OutOfMemory):
        net.check(310 * MIB, GIB)


def test_the_last_net_is_part_of_every_look(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter([Machine(16 * GIB, 8 * GIB, 0)])
    monkeypatch.setattr(floor, "machine", lambda: next(states, Machine(16 * GIB, MIB, 8 * GIB)))
    case = make("import time\ndef fit(X, y, *, seed):\n    time.sleep(20)\n")
    with pytest.raises(OutOfMemory, match="the machine has 1 MiB left"):
        case.candidate.fit(y, y)
    assert case.meter.used < 10
