"""Large arguments are written once a session: the same bytes are handed over again, and only the same."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox, pack
from pytest_autoresearch.sandbox.handing import parcel, sealing, stock
from pytest_autoresearch.sandbox.handing.parcel import Parcel
from pytest_autoresearch.sandbox.handing.stock import Stock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_autoresearch.sandbox.walls.tiers import Tier

    from .conftest import Make

MIB = 1 << 20
y = np.zeros(8)
SUMS = """
def fit(X, y, *, seed):
    before = total(X)
    if isinstance(X, dict):
        X = X["part0"]
    X[:] = 7
    return before

def total(X):
    return float(sum(v.sum() for v in X.values()) if isinstance(X, dict) else X.sum())

def predict(state, X):
    return X[:, 0] * 0 + state
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(Limits(), tmp_path / "own", ["numpy"]) as sandbox:
        yield sandbox


def fitted(make: Make, own: Sandbox, X: Any) -> float:
    """What a candidate's fit found the sum of its X to be, before it wrote into it."""
    model = make(SUMS, sandbox=own).candidate.fit(X, y)
    return float(model.predict(np.zeros((1, 1)))[0])


def test_the_second_job_with_the_same_data_writes_no_large_file(make: Make, own: Sandbox) -> None:
    X = np.arange(1 << 18, dtype=float)
    assert fitted(make, own, X) == X.sum()
    assert own._stock.written == 1
    assert fitted(make, own, X) == X.sum()
    assert fitted(make, own, X.copy()) == X.sum()
    assert own._stock.written == 1


def test_what_a_candidate_writes_reaches_neither_the_judge_nor_the_next_candidate(
    make: Make, own: Sandbox
) -> None:
    X = np.ones((1 << 16, 4))
    for _ in range(3):
        assert fitted(make, own, X) == 1 << 18
    assert (X == 1).all()
    assert own._stock.written == 1


MARKS = """
import os

def fit(X, y, *, seed):
    X[0] += 1
    return 100 * sum(map(is_file, range(3, 200))) + float(X[0])

def is_file(fd):
    try:
        return os.fstat(fd).st_size >= 1 << 20
    except OSError:
        return False

def predict(state, X):
    return X[:, 0] * 0 + state
"""


def test_in_every_tier_the_next_candidate_finds_data_as_the_judge_sent_them(
    make: Make, tmp_path: Path, walled: Tier
) -> None:
    X = np.zeros(1 << 18)
    with Sandbox(Limits(), tmp_path / "walled", ["numpy"], tier=walled) as sandbox:
        for _ in range(3):
            model = make(MARKS, sandbox=sandbox).candidate.fit(X, y)
            assert model.predict(np.zeros((1, 1))).tolist() == [1.0], "held files are hundreds"
        assert sandbox._stock.written == 1


@pytest.mark.parametrize("place", [0, 70_001, -1])
def test_data_that_a_test_has_written_to_is_sent_anew(make: Make, own: Sandbox, place: int) -> None:
    X = np.zeros(1 << 18)
    assert fitted(make, own, X) == 0
    X[place] = 3
    assert fitted(make, own, X) == 3
    X[place] = 0
    assert fitted(make, own, X) == 0


@pytest.mark.parametrize("cut", ["gaps", "frame", "odd"])
def test_every_kind_of_large_buffer_is_found_again_and_compared_as_a_whole(
    tmp_path: Path, cut: str
) -> None:
    whole = np.arange(1 << 19, dtype="float64").reshape(-1, 8)
    given: Any = {
        "gaps": whole[1::2, 1:7],
        "frame": pd.DataFrame(whole),
        "odd": whole.reshape(-1).view("uint8")[: 3 * MIB + 5],
    }[cut]
    kept = Stock()
    written = []
    for value in (given, given.copy(), given):
        parcel.parcel({"op": "fit"}, pack("fit", (value,), {}), kept, tmp_path).close()
        written.append(kept.written)
    assert written == [1, 1, 1]
    whole[4_001 if cut != "odd" else 4_000, 3] = -1
    # pandas may share the array that a frame is made of, or copy it.
    changed = pd.DataFrame(whole) if cut == "frame" else given
    found = parcel.parcel({"op": "fit"}, pack("fit", (changed,), {}), kept, tmp_path)
    assert kept.written == 2
    assert b"".join(sealing.blocks(pack("fit", (changed,), {}).buffers[0])) == contents(found)[1]
    found.close()
    kept.clear()


def contents(found: Parcel) -> list[bytes]:
    return [os.pread(file.fd, file.size, 0) for file in found.files]


def test_rows_to_predict_are_kept_only_when_they_come_again(make: Make, own: Sandbox) -> None:
    model = make(SUMS, sandbox=own).candidate.fit(np.zeros((2, 2)), y)
    rows = np.random.default_rng(0).random((1 << 17, 2))
    model.predict(rows)
    assert len(own._stock) == 0
    case = make("def total(X):\n    return X.sum()\n", sandbox=own)
    before, written = own._stock.written, []
    for _ in range(3):
        case.candidate.call("model.py:total", rows, shape=())
        written.append(own._stock.written - before)
    assert written == [1, 2, 2]
    assert len(own._stock) == 1


def test_many_large_arrays_share_files(make: Make, own: Sandbox) -> None:
    X = {f"part{number}": np.full(MIB // 8, float(number)) for number in range(300)}
    found = parcel.parcel({"op": "fit"}, pack("fit", (X,), {}), own._stock, own.folder)
    assert 40 < len(found.fds) <= parcel.MOST_FILES
    found.close()
    written = own._stock.written
    assert fitted(make, own, X) == sum(range(300)) * (MIB // 8)
    X["part7"][5] += 1
    assert fitted(make, own, X) == sum(range(300)) * (MIB // 8) + 1
    assert own._stock.written == written + 1


def send(kept: Stock, folder: Path, number: int, size: int = MIB) -> None:
    X = np.full(size, number, "uint8")
    parcel.parcel({"op": "fit"}, pack("fit", (X,), {}), kept, folder).close()


@pytest.mark.parametrize("name", ["MOST_MEMORY", "MOST_KEPT"])
def test_the_least_recently_used_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(stock, name, 3 * MIB if name == "MOST_MEMORY" else 3)
    kept = Stock()
    for number in (1, 2, 3, 1, 4):
        send(kept, tmp_path, number)
    assert (len(kept), kept.written) == (3, 4)
    send(kept, tmp_path, 1)
    assert kept.written == 4
    send(kept, tmp_path, 2)
    assert kept.written == 5
    kept.clear()


def test_what_is_larger_than_all_room_is_not_kept_and_drives_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "MOST_MEMORY", 3 * MIB)
    kept = Stock()
    send(kept, tmp_path, 1)
    send(kept, tmp_path, 2, size=4 * MIB)
    assert len(kept) == 1
    send(kept, tmp_path, 1)
    assert kept.written == 2
    kept.clear()


def test_files_on_disk_are_kept_too(
    make: Make, own: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcel, "LARGE", MIB)
    X = np.ones(1 << 18)
    for _ in range(2):
        assert fitted(make, own, X) == X.size
    assert own._stock.written == 1
    assert [kept.file.on_disk for kept in own._stock._kept.values()] == [True]
    monkeypatch.setattr(stock, "DISK_SHARE", 0.0)
    assert fitted(make, own, X + 1) == 2 * X.size
    assert fitted(make, own, X + 1) == 2 * X.size
    assert own._stock.written == 3


def test_without_room_what_was_kept_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Stock()
    send(kept, tmp_path, 1)
    fill, full = sealing._fill, iter([True, False, False])

    def filled(fd: int, placed: sealing.Placed) -> None:
        if next(full):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fill(fd, placed)

    monkeypatch.setattr(sealing, "_fill", filled)
    send(kept, tmp_path, 2)
    assert len(kept) == 1
    send_again = kept.written
    monkeypatch.setattr(sealing, "_fill", fill)
    send(kept, tmp_path, 2)
    assert kept.written == send_again
    kept.clear()


def test_the_files_are_closed_with_the_sandbox(
    make: Make, tmp_path: Path, open_files: Callable[[], int]
) -> None:
    before = open_files()
    with Sandbox(Limits(), tmp_path / "short", ["numpy"]) as sandbox:
        for number in range(3):
            for _ in range(2):
                fitted(make, sandbox, np.full(1 << 17, float(number)))
        assert len(sandbox._stock) == 3
    assert open_files() == before
