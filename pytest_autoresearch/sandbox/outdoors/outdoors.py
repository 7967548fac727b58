"""Runs coding agents, confined where that can be had or unconfined where a person trusts them."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from ...exceptions import Interrupted, UsageProblem
from ..handing.files import discard
from ..walls.tiers import remedy_of
from .bounds import Bounds, Looks
from .launch import BUBBLEWRAP, NAMESPACES, start
from .run import Ended, Heard, Running
from .view import Scene

PROBE_SECONDS = 60.0
PROBE = """
import os, sys
secret, judge = sys.argv[1:]
breaches = []
try:
    open(secret)
    breaches.append("read a file outside")
except FileNotFoundError:
    pass
for path in ("/usr", "/etc", ""):
    path += f"/autoresearch-{judge}"
    try:
        os.mkdir(path)
        os.rmdir(path)
        breaches.append("write a file outside")
    except OSError:
        pass
try:
    os.kill(int(judge), 0)
    breaches.append("signal the judge")
except ProcessLookupError:
    pass
status = open("/proc/self/status").read()
if "NoNewPrivs:\\t1" not in status or "CapEff:\\t0000000000000000" not in status:
    breaches.append("gain rights")
open("own", "w").close()
print(breaches[0] if breaches else "held", end="")
"""
"""What a world must not let happen, tried in one; the child's program, never the judge's."""


class Outdoors:
    """A place for coding agents: ``builder`` makes their worlds, empty where they run unconfined.

    ``private`` are folders that they see only as far as their paths are listed (the repository, say),
    ``hidden`` are paths that they never see: the run's folder, data, what the sandbox marker hides.
    """

    def __init__(
        self,
        builder: str = NAMESPACES,
        *,
        private: Sequence[str | Path] = (),
        hidden: Sequence[str | Path] = (),
        bounds: Bounds | None = None,
    ) -> None:
        self.builder = builder
        self.private = [str(path) for path in private]
        self.hidden = [str(path) for path in hidden]
        self.bounds = (bounds or Bounds()).here()

    @property
    def confined(self) -> bool:
        """Whether there are walls; without them every record has to say ``agent unconfined``."""
        return bool(self.builder)

    def hide(self, paths: Sequence[str | Path]) -> None:
        """Hide more, from the next call on."""
        self.hidden += [str(path) for path in paths]

    def sees(self, path: str, listed: Sequence[str]) -> bool:
        """Whether a program in its world finds this file."""
        if not self.confined:
            return True
        return Scene(self.private, self.hidden, listed).shows(path)

    def run(
        self,
        argv: Sequence[str],
        *,
        work: Path,
        home: Path,
        env: Mapping[str, str],
        paths: Sequence[str] = (),
        seconds: float,
        stopped: Callable[[], bool] = lambda: False,
        heard: Heard = lambda name, more: None,
    ) -> Ended:
        """Run a program in the folder ``work``; ``home`` is writable as well, ``paths`` are readable.

        ``argv`` begins with an absolute path. Returns when nothing of it is left. Raises `Interrupted`
        when it was ``stopped``.
        """
        folders = [Path(os.path.realpath(path)) for path in (work, home)]
        scene = Scene(self.private, self.hidden, paths, [str(path) for path in folders])
        with ExitStack() as stack:
            near, far = socket.socketpair()
            stack.callback(far.close)
            out, its_out = os.pipe()
            err, its_err = os.pipe()
            theirs = [far.fileno(), its_out, its_err]
            base = stack.enter_context(tempfile.TemporaryDirectory())
            errand = {
                **{"argv": list(argv), "cwd": str(folders[0]), "env": dict(env)},
                **dict(zip(("link", "out", "err"), theirs, strict=True)),
                "largest": self.bounds.disk,
            }
            try:
                process = start(self.builder, scene.entries(), errand, theirs, base)
            except OSError as error:
                for fd in (out, err):
                    os.close(fd)
                near.close()
                return Ended(f"it could not be started: {error}", None, b"", b"", 0.0)
            finally:
                os.close(its_out)
                os.close(its_err)
            far.close()
            running = Running(
                process,
                near,
                (out, err),
                confined=self.confined,
                bounds=self.bounds,
                heard=heard,
            )
            ended = running.watch(Looks(self.bounds, folders, running.tree), seconds, stopped)
        if stopped():
            raise Interrupted("the session ends while an agent thinks")
        return ended

    def discard(self, folder: Path) -> None:
        """Remove a folder, whatever a program has made of it."""
        discard(folder)

    def fault(self) -> str:
        """Build a world and attack it from inside; what is wrong with it, empty when it holds."""
        with tempfile.TemporaryDirectory() as folder:
            work, home, secret = (Path(folder, name) for name in ("work", "home", "secret"))
            work.mkdir()
            home.mkdir()
            secret.write_bytes(b"secret")
            ended = self.run(
                [sys.executable, "-I", "-B", "-c", PROBE, str(secret), str(os.getpid())],
                work=work,
                home=home,
                env={"PATH": os.defpath},
                seconds=PROBE_SECONDS,
            )
            if ended.reason:
                return ended.reason.removeprefix("it could not be started: ")
            said = ended.stdout.decode("utf-8", "replace")
            if said == "held":
                return "" if (work / "own").exists() else "its folder cannot be written to"
        if ended.status:
            lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
            return lines[-1][:300] if lines else f"exit status {ended.status}"
        return f"a program inside could {said}"


def choose(
    *,
    trusted: bool,
    private: Sequence[str | Path] = (),
    hidden: Sequence[str | Path] = (),
    bounds: Bounds | None = None,
) -> Outdoors:
    """A place for coding agents, tried out; unconfined when a person says that they are ``trusted``.

    Raises `UsageProblem` that names what is missing, its remedy and the option.
    """
    if trusted:
        return Outdoors("", private=private, hidden=hidden, bounds=bounds)
    faults = []
    for builder in (NAMESPACES, *([BUBBLEWRAP] if shutil.which("bwrap") else [])):
        place = Outdoors(builder, private=private, hidden=hidden, bounds=bounds)
        if not (fault := place.fault()):
            return place
        faults.append(fault)
    raise UsageProblem(
        f"a coding agent cannot be confined here: {faults[0]}; {remedy_of(faults[0])}, or run an agent "
        "that you trust without walls, --autoresearch-trust-agent"
    )
