"""What a candidate is given costs it nothing; what it makes of it, wherever it puts it, does."""

from __future__ import annotations

import errno
import os
import shutil
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from pytest_autoresearch.datasets import Door
from pytest_autoresearch.exceptions import HarnessFault, OutOfMemory, ProtocolError
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox, pack
from pytest_autoresearch.sandbox.handing import parcel, sealing
from pytest_autoresearch.sandbox.handing.arguments import admit
from pytest_autoresearch.sandbox.handing.stock import Stock
from pytest_autoresearch.sandbox.watching import memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Make

MIB = 1 << 20
GIB = 1 << 30
X = np.zeros((8, 2))
y = np.zeros(8)
HONEST = """
import numpy as np

def means(X, images):
    parts = sorted(images.iterdir())
    assert [part.stat().st_size for part in parts] == [3 << 29, 3 << 29]
    with parts[1].open("rb") as file:
        file.seek(1 << 30)
        assert file.read(5) == b"photo"
    return X.mean(axis=0) + np.memmap(parts[0], mode="r")[: 64 << 20].mean()
"""
COPIES = "def copy(X):\n    X = X + 1.0\n    return X[:1]\n"


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox whose candidates may use 200 MiB."""
    with Sandbox(Limits(memory=200 * MIB), tmp_path / "narrow", ["numpy"]) as sandbox:
        yield sandbox


def test_data_and_arguments_may_be_larger_than_the_memory(make: Make, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name in ("a", "b"):
        (images / name).touch()
        os.truncate(images / name, 3 << 29)
    with (images / "b").open("r+b") as file:
        file.seek(GIB)
        file.write(b"photo")
    door = Door("images", str(images))
    assert door.line.endswith("2 files, 3 GiB")
    large = np.zeros((3 << 20, 64))
    large[0] = 3.0
    limits = Limits(memory=GIB, data={"images": door.path})
    with Sandbox(limits, tmp_path / "own", ["numpy"]) as sandbox:
        case = make(HONEST, sandbox=sandbox)
        found = case.candidate.call("model.py:means", large, shape=(64,))
        assert found == pytest.approx(np.full(64, 3.0 / (3 << 20)))
        assert case.ledger.usage[0][2] < 300
        hog = make(COPIES, sandbox=sandbox).candidate
        with pytest.raises(OutOfMemory, match="the limit is 1024 MiB"):
            hog.call("model.py:copy", large, shape=(1, 64))
        assert [one.name for one in sandbox.folder.iterdir()] == []
    shutil.rmtree(images)


OWN = """
import mmap, os, time

HOLD = 5

def forked(work, hold=HOLD):
    for _ in range(3):
        if os.fork() == 0:
            held = work()
            time.sleep(hold)
            os._exit(0)
    for _ in range(3):
        os.wait()

def shared():
    memory = mmap.mmap(-1, 240 << 20)
    for start in range(0, len(memory), 4096):
        memory[start] = 1
    return memory

def unmapped():
    for _ in range(3):
        fd = os.memfd_create("own")
        for block in range(80):
            os.pwrite(fd, bytes(1 << 20), block << 20)

def named():
    for name in NAMES:
        with open(name, "wb", buffering=0) as file:
            for _ in range(80):
                file.write(bytes(1 << 20))
            time.sleep(0.2)

def fit(X, y, *, seed):
    held = WORK
    time.sleep(HOLD)
"""


@pytest.mark.parametrize("work", ["shared()", "forked(shared)", "unmapped()", "forked(unmapped)"])
def test_memory_that_it_shares_is_charged_beside_large_arguments(
    make: Make, narrow: Sandbox, work: str
) -> None:
    case = make(OWN.replace("WORK", work), sandbox=narrow)
    with pytest.raises(OutOfMemory, match="the limit is 200 MiB"):
        case.candidate.fit(np.zeros(30 << 20), y)


def test_files_in_memory_are_charged_though_nobody_holds_them(make: Make, narrow: Sandbox) -> None:
    names = [f"/dev/shm/autoresearch-test-{os.getpid()}-{number}" for number in range(3)]
    source = OWN.replace("WORK", "named()").replace("NAMES", repr(names))
    try:
        with pytest.raises(OutOfMemory, match="the limit is 200 MiB"):
            make(source, sandbox=narrow).candidate.fit(X, y)
    finally:
        for name in names:
            if os.path.exists(name):
                os.unlink(name)


@pytest.mark.parametrize("work", ["X.sum()", "forked(X.sum)"])
def test_arguments_that_are_read_are_not_charged(
    make: Make, narrow: Sandbox, tmp_path: Path, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = np.zeros(30 << 20)
    case = make(OWN.replace("WORK", work).replace("= 5", "= 0.5"), sandbox=narrow)
    case.candidate.fit(large, y)
    monkeypatch.setattr(parcel, "LARGE", MIB)
    case.candidate.fit(large, y)
    assert max(peak for _, _, peak in case.ledger.usage) < 120


def test_own_memory_beside_arguments_that_are_read_is_measured(make: Make, narrow: Sandbox) -> None:
    source = "import numpy as np, time\ndef fit(X, y, *, seed):\n    X.sum()\n    held = np.ones(SIZE << 17)\n    time.sleep(0.3)\n"
    good = make(source.replace("SIZE", "100"), sandbox=narrow)
    good.candidate.fit(np.zeros(30 << 20), y)
    assert 100 < good.ledger.usage[0][2] < 180
    with pytest.raises(OutOfMemory):
        make(source.replace("SIZE", "230"), sandbox=narrow).candidate.fit(np.zeros(30 << 20), y)


def test_what_is_swapped_out_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    status = b"Name:\tpython\nRssAnon:\t  1024 kB\nRssFile:\t 10 kB\nRssShmem:\t 0 kB\nVmSwap:\t 2048 kB\n"
    monkeypatch.setattr(memory, "contents", lambda _path: status)
    assert memory.resident([1, 2]) == memory.Pages(own=6 * MIB, shared=0, disk=20 << 10)


RESIDENT = """
def resident(X):
    import numpy as np
    X = X if hasattr(X, "ravel") else X.to_numpy()
    before = own()
    total = X.sum()
    return [own() - before, total, *X[-1][:3]]

def own():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024

BEFORE = own()
def table(X):
    return [own() - BEFORE]
"""


@pytest.mark.parametrize("kind", ["gaps", "columns", "map", "frame", "reversed", "transposed"])
def test_an_array_is_mapped_not_copied(
    make: Make, room: Sandbox, tmp_path: Path, kind: str
) -> None:
    whole = np.memmap(tmp_path / "map", "float64", "w+", shape=(1 << 20, 8))
    whole[-1] = np.arange(8)
    given: Any = {
        "gaps": whole[1::2],
        "columns": whole[:, 2:6],
        "map": whole[4:],
        "frame": pd.DataFrame(np.array(whole)).iloc[4:],
        "reversed": whole[::-1],
        "transposed": whole[:, 1:].T,
    }[kind]
    case = make(RESIDENT, sandbox=room)
    own, total, *last = case.candidate.call("model.py:resident", given, shape=(5,))
    values = np.asarray(given)
    assert last == values[-1][:3].tolist()
    assert total == values.sum()
    copied = case.candidate.call("model.py:table", given, shape=(1,))[0]
    assert own < 12
    assert copied < 12, "megabytes"


def test_the_judge_makes_no_second_copy(room: Sandbox) -> None:
    whole = np.zeros((4 << 20, 8))
    for given in (whole, whole[:, 1:5], pd.DataFrame(whole)):
        tracemalloc.start()
        try:
            packed = pack("fit", (admit(given, "X"),), {})
            parcel.parcel({}, packed, Stock(), room.folder).close()
            assert tracemalloc.get_traced_memory()[1] < 40 * MIB
        finally:
            tracemalloc.stop()


def test_a_file_of_arguments_is_nameless_and_its_descriptor_only_reads(
    room: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcel, "LARGE", MIB)
    before = len(os.listdir("/proc/self/fd"))
    packed = parcel.parcel({}, pack("fit", (np.ones(MIB),), {}), Stock(), room.folder)
    assert list(room.folder.glob("arguments-*")) == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.pwrite(packed.fds[1], b"x", 0)
    packed.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_no_room_for_arguments_is_no_fault_of_the_candidate(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(parcel, "LARGE", MIB)
    case = make("def fit(X, y, *, seed):\n    pass\n")
    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", full)
        with pytest.raises(
            HarnessFault, match=r"no room for 8 MiB of arguments in .*: No space left"
        ):
            case.candidate.fit(np.ones(MIB), y)
    assert case.ledger.failures == []
    case.candidate.fit(np.ones(MIB), y)


FILLS = """
import os, tempfile, time

def many():
    for number in range(40):
        with open(f"part{number}", "wb") as file:
            file.write(bytes(1 << 20))

def nameless():
    held = []
    for number in range(40):
        held.append(tempfile.TemporaryFile())
        held[-1].write(bytes(1 << 20))
        held[-1].flush()
    time.sleep(20)

def hidden():
    os.mkdir("d")
    os.chdir("d")
    many()
    os.chmod(".", 0)

def fit(X, y, *, seed):
    WORK
    THEN

def save(state, folder):
    os.chdir(folder)
    many()
    time.sleep(20)
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Sandbox]:
    limits = Limits(scratch=8 * MIB, artifact=9 * MIB)
    with Sandbox(limits, tmp_path / "small", ["numpy"]) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("work", "then", "words"),
    [
        ("many()", "time.sleep(20)", r"scratch folder takes \d+ MiB, more than scratch=8 MiB"),
        ("many()", "os._exit(0)", "scratch folder takes 40 MiB, more than scratch=8 MiB"),
        ("hidden()", "time.sleep(20)", "scratch folder takes .*, more than scratch=8 MiB"),
        ("nameless()", "", r"scratch folder takes \d+ MiB, more than scratch=8 MiB"),
        ("pass", "return 1", r"fitted state takes \d+ MiB, more than artifact=9 MiB"),
    ],
)
def test_all_files_together_have_a_limit_while_it_runs(
    make: Make, small: Sandbox, work: str, then: str, words: str
) -> None:
    case = make(FILLS.replace("WORK", work).replace("THEN", then), sandbox=small, budget=10)
    with pytest.raises(ProtocolError, match=words):
        case.candidate.fit(X, y)
    assert case.meter.used < 5


def test_files_that_a_script_was_given_take_none_of_its_room(make: Make, small: Sandbox) -> None:
    source = (
        "import time\nopen('own', 'wb').write(bytes(6 << 20))\ntime.sleep(0.4)\nprint('a: 1')\n"
    )
    case = make(source, entry="train.py", sandbox=small)
    given: dict[str, Any] = {"given": bytes(20 * MIB)}
    assert case.candidate.run("train.py", key="a", files=given) == 1


def test_a_memory_file_that_cannot_be_sealed_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel answers EBUSY now and then, when it moves the pages of a file that nobody writes to."""
    busy = iter([True, True, False, True, True, True])
    sealed = sealing.seal

    def seal(fd: int, *, writable: bool) -> None:
        if next(busy):
            raise OSError(errno.EBUSY, "Device or resource busy")
        sealed(fd, writable=writable)

    monkeypatch.setattr(sealing, "seal", seal)
    packed = pack("fit", (np.arange(5.0),), {})
    found = [parcel.parcel({}, packed, Stock(), tmp_path) for _ in range(2)]
    contents = [os.pread(one.fds[0], one.size, 0) for one in found]
    assert contents[0] == contents[1]
    assert len(contents[0]) == found[0].size
    with pytest.raises(OSError):  # noqa: PT011 - EPERM from a seal, EBADF from a read-only file
        os.pwrite(found[1].fds[0], b"x", 0)
    for one in found:
        one.close()
