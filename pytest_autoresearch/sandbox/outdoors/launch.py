"""How the first process of a coding agent's world is started."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...records import Json, Limits
from ..inside.errand import KEPT
from ..walls.environment import environment
from ..walls.view import INSIDE
from .view import BOX, COVER, LINK, SHOW, Entry

NAMESPACES, BUBBLEWRAP = "namespaces", "bubblewrap"
VERSION_SECONDS = 10
SHARED_BYTES = str(64 << 20)


def start(
    builder: str,
    entries: Sequence[Entry],
    errand: Mapping[str, Json],
    fds: Sequence[int],
    base: str,
) -> subprocess.Popen[bytes]:
    """Start it; ``builder`` is empty for no world at all. ``errand`` is as in `inside.errand`.

    ``base`` is an empty folder that stays until the end. Raises `OSError` when that cannot be done.
    """
    with tempfile.TemporaryFile() as told:
        told.write(json.dumps({"errand": _with_world(builder, entries, errand, base)}).encode())
        told.seek(0)
        python = [sys.executable, "-B", "-P", "-s", str(INSIDE)]
        wrap = _bubblewrap(entries) if builder == BUBBLEWRAP else []
        return subprocess.Popen(
            [*wrap, *python],
            pass_fds=fds,
            env=environment(Limits(), Path("/")),
            cwd="/" if builder else str(errand["cwd"]),
            stdin=told,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C in a terminal is for the judge, which then ends the agents in order.
            start_new_session=True,
        )


def _with_world(
    builder: str, entries: Sequence[Entry], errand: Mapping[str, Json], base: str
) -> dict[str, Json]:
    world: dict[str, Json] | None = None
    if builder == BUBBLEWRAP:
        world = {"built": True}
    elif builder:
        writable = [path for kind, path, *_ in entries if kind not in (SHOW, LINK, COVER)]
        world = {"built": False, "entries": entries, "devices": [], "base": base, "kept": KEPT}
        world["writable"] = writable
    return {**errand, "world": world}


def _bubblewrap(entries: Sequence[Entry]) -> list[str]:
    """The same world by bwrap(1)."""
    names = ("user", "pid", "ipc", "uts")
    command = ["bwrap", *(f"--unshare-{name}" for name in names), "--unshare-cgroup-try"]
    command += ["--disable-userns"] if closes_namespaces() else []
    command += ["--as-pid-1", "--cap-drop", "ALL", "--proc", "/proc", "--dev", "/dev"]
    command += ["--size", SHARED_BYTES, "--tmpfs", "/dev/shm"]
    for entry in entries:
        command += _argument(*entry)
    covers = [path for kind, path, *_ in entries if kind == COVER and os.path.isdir(path)]
    for path in ("/proc", "/dev", *reversed(covers), "/"):
        command += ["--remount-ro", path]
    return [*command, "--"]


@functools.cache
def closes_namespaces() -> bool:
    """Whether bubblewrap can keep programs from making namespaces of their own; from version 0.8 on."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run(
            ["bwrap", "--help"], capture_output=True, timeout=VERSION_SECONDS, check=False
        )
        return b"--disable-userns" in said.stdout + said.stderr
    return False


def _argument(kind: str, path: str, target: str = "") -> list[str]:
    if kind == LINK:
        return ["--symlink", target, path]
    if kind == SHOW:
        return ["--ro-bind", path, path]
    if kind == COVER:
        return ["--tmpfs", path] if os.path.isdir(path) else []
    if kind == BOX:
        return ["--perms", "1777", "--size", target, "--tmpfs", path]
    return ["--bind", path, path]
