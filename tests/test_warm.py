"""A fork of the warm process is to its caller what a new interpreter is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_autoresearch import testing
from pytest_autoresearch.testing import Project

TEST = """
import os, signal, sys, time

def test_it():
    print("öffentlich", sys.stdin.read(), sys.argv[1:], os.getcwd(), sys.path, os.environ["WORD"])
    print("cried", file=sys.stderr)
    END
"""


def ran(run: object, folder: Path, end: str, timeout: float = 60) -> tuple[int, str, str]:
    (folder / "test_it.py").write_text(TEST.replace("END", end), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", "test_it.py"]
    env = {**os.environ, "WORD": "Wort"}
    assert callable(run)
    done = run(command, cwd=folder, env=env, timeout=timeout)
    return done.returncode, re.sub(r"\d+\.\d+s", "", done.stdout), done.stderr


@pytest.mark.parametrize(
    ("end", "status"),
    [("pass", 0), ("assert not sys.argv", 1), ("os.kill(os.getpid(), signal.SIGKILL)", -9)],
)
def test_it_says_and_ends_the_same(tmp_path: Path, end: str, status: int) -> None:
    warm = ran(Project.run, tmp_path, end)
    assert warm == ran(testing.run, tmp_path, end)
    assert warm[0] == status


def test_one_that_takes_too_long_is_killed_and_the_next_one_runs(tmp_path: Path) -> None:
    end = "open('pid', 'w').write(str(os.getpid())) and time.sleep(3600)"
    with pytest.raises(subprocess.TimeoutExpired):
        ran(Project.run, tmp_path, end, timeout=8)
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert ran(Project.run, tmp_path, "pass")[0] == 0
