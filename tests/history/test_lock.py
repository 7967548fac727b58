"""A run has one writer, and no killed writer keeps the next one out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.history.lock import STALE_AFTER, Lock

HOLD = """
import subprocess, sys, time
from pathlib import Path
from pytest_autoresearch.history.lock import Lock
lock = Lock(Path(sys.argv[1]))
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "lock"


def test_the_second_writer_is_told_who_has_the_run(path: Path) -> None:
    lock = Lock(path)
    with pytest.raises(UsageProblem, match=f"process {os.getpid()} on "):
        Lock(path)
    lock.release()
    lock.release()
    Lock(path).release()


def test_a_killed_writer_and_its_children_leave_the_lock_free(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        try:
            with pytest.raises(UsageProblem, match=f"process {holder.pid} on "):
                Lock(path)
            holder.kill()
            holder.wait()
            assert json.loads(path.read_text())["pid"] == holder.pid
            Lock(path).release()
        finally:
            os.kill(child, signal.SIGKILL)


def other_host(path: Path, age: float) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"host": "elsewhere", "boot": "b", "pid": 7, "started": "1"}))
    os.utime(path, (time.time() - age,) * 2)


def test_another_hosts_lock_is_respected(path: Path) -> None:
    other_host(path, 30)
    with pytest.raises(UsageProblem, match=r"process 7 on host elsewhere .* renewed"):
        Lock(path)


def test_another_hosts_stale_lock_is_taken_over_by_deleting_it(path: Path) -> None:
    other_host(path, STALE_AFTER + 60)
    with pytest.raises(UsageProblem, match=f"take the run over: delete {path}"):
        Lock(path)
    path.unlink()
    Lock(path).release()


def test_renewing_keeps_the_lock_young(path: Path) -> None:
    lock = Lock(path)
    os.utime(path, (1, 1))
    lock.renew()
    assert path.stat().st_mtime > 1
    lock.release()


def test_a_lock_file_written_half_stops_nobody(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"host": "els')
    Lock(path).release()


def test_a_held_lock_renews_itself_until_it_is_released(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_autoresearch.history.lock.RENEWED_EVERY", 0.02)
    held = Lock(path)
    os.utime(path, (0, 0))
    deadline = time.monotonic() + 10
    while path.stat().st_mtime == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.stat().st_mtime > 0
    held.release()
