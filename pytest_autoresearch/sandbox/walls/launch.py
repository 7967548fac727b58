"""How the first process of a sandbox is started, in the world that its tier asks for."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...records import Json, Limits
from ..inside.confine import SEALED
from ..inside.world import DEVICES
from .view import INSIDE, View

SHARED = 16
"""Shared memory takes at most one such part of the memory, or `LEAST_SHARED`."""

LEAST_SHARED = 64 << 20
BASE = "root"
BUBBLEWRAP = "bubblewrap"


@dataclass(frozen=True)
class Launch:
    """One start: ``tier`` and ``builder`` as in `tiers.Tier`, ``workshop`` the folder of all jobs."""

    tier: str
    builder: str
    limits: Limits
    workshop: Path
    view: View

    @property
    def command(self) -> list[str]:
        """The command to run; its standard input is `order`'s file."""
        python = [sys.executable, "-B", "-P", "-s", str(INSIDE)]
        return [*self._bubblewrap(), "--", *python] if self._wrapped else python

    @contextmanager
    def order(self, more: Mapping[str, Json]) -> Iterator[IO[bytes]]:
        """A file with what the process is told, ``more`` and its walls; too long for an argument."""
        told = {"probe": False, "world": self._world(), "walls": self._walls(), **more}
        with tempfile.TemporaryFile(dir=self.workshop) as file:
            file.write(json.dumps(told).encode())
            file.seek(0)
            yield file

    @property
    def _wrapped(self) -> bool:
        return self.tier == SEALED and self.builder == BUBBLEWRAP

    def _walls(self) -> dict[str, Json]:
        limits = self.limits
        return {
            "tier": self.tier,
            "workshop": str(self.workshop),
            "rules": self.view.rules,
            "shared": max(LEAST_SHARED, limits.memory // SHARED),
            "processes": limits.processes,
            "exec": limits.exec,
            "gpu": bool(limits.gpu),
        }

    def _world(self) -> dict[str, Json]:
        """What a sealed world is built of; empty without one."""
        if self.tier != SEALED:
            return {}
        if self._wrapped:
            return {"built": True}
        base = self.workshop / BASE
        base.mkdir(exist_ok=True)
        found = {"entries": self.view.entries, "devices": self.view.devices, "base": str(base)}
        return {"built": False, **found}

    def _bubblewrap(self) -> list[str]:
        """The same world by bwrap(1). The rights it keeps are rights in that world only."""
        names = ("user", "pid", "net", "ipc", "uts")
        command = ["bwrap", *(f"--unshare-{name}" for name in names), "--unshare-cgroup-try"]
        command += ["--cap-add", "ALL", "--tmpfs", "/", "--dir", "/dev/shm"]
        command += ["--bind", "/proc", "/proc"]
        for name in (*DEVICES, *self.view.devices):
            if os.path.exists(f"/dev/{name}"):
                command += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
        for kind, path, *target in self.view.entries:
            command += _argument(kind, path, *target)
        return [*command, "--chdir", str(self.workshop)]


def _argument(kind: str, path: str, target: str = "") -> list[str]:
    if kind == "link":
        return ["--symlink", target, path]
    if kind == "show":
        return ["--ro-bind", path, path]
    if kind == "cover":
        return ["--tmpfs", path] if os.path.isdir(path) else ["--ro-bind", "/dev/null", path]
    return ["--bind", path, path]
