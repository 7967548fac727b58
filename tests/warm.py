"""Searches in processes of their own that need not import everything again: forks of one that has."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_autoresearch import testing

PYTEST = [sys.executable, "-m", "pytest"]
PROGRAM = Path(__file__).parent / "warmed.py"


class Warm:
    """Runs commands as `subprocess.run` does; those that run pytest in forks of a warm process."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None
        self._settings: dict[str, str] = {}

    def run(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; raises `subprocess.TimeoutExpired` after ``timeout`` seconds."""
        if list(command[:3]) != PYTEST or (self._server and _settings(env) != self._settings):
            return testing.run(command, cwd=cwd, env=env, timeout=timeout)
        if self._server is None:
            self._server, self._settings = _started(env), _settings(env)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            order = {"arguments": command[3:], "cwd": str(cwd), "env": dict(env), "folder": name}
            status = _asked(self._server, order, timeout)
            if status is None:
                raise subprocess.TimeoutExpired(list(command), timeout)
            out, err = ((folder / each).read_text("utf-8") for each in ("out", "err"))
            return subprocess.CompletedProcess(list(command), status, out, err)

    def close(self) -> None:
        if self._server is not None:
            self._server.communicate()
            self._server = None


def _settings(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that a process reads only when it starts."""
    return {name: value for name, value in env.items() if name.startswith("PYTHON")}


def _started(env: Mapping[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True, bufsize=1)


def _asked(server: subprocess.Popen[str], order: Mapping[str, Any], timeout: float) -> int | None:
    """The child's exit status, negative where a signal ended it; ``None`` when it took too long."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(order) + "\n")
    child = int(server.stdout.readline())
    late = not select.select([server.stdout], [], [], timeout)[0]
    if late:
        os.kill(child, signal.SIGKILL)
    status = int(server.stdout.readline())
    return None if late else status
