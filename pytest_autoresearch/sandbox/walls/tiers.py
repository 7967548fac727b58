"""Which walls this machine can build around candidates, found out by building them."""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...exceptions import UsageProblem
from ...records import Json, Limits
from ..inside.attempts import ATTEMPTS
from ..inside.confine import GUARDED, NONE, SEALED
from ..inside.landlock import ABI_SCOPES, ABI_TRUNCATE
from .environment import environment
from .launch import BUBBLEWRAP, Launch
from .view import view

PROBE_SECONDS = 60.0
NAMESPACES = "namespaces"


@dataclass(frozen=True)
class Tier:
    """How candidate code is kept in.

    ``builder`` makes a sealed world: ``bubblewrap``, or ``namespaces``, which is us. ``landlock`` is the
    kernel's version of it. ``lacks`` says what a better tier would have needed.
    """

    name: str = NONE
    builder: str = ""
    landlock: int = 0
    lacks: tuple[str, ...] = ()

    @property
    def layers(self) -> str:
        """What the walls are made of, for people."""
        kept = f"Landlock {self.landlock}, seccomp, no privileges"
        if self.name == SEALED:
            by = " by bubblewrap" if self.builder == BUBBLEWRAP else ""
            return f"namespaces{by}, {kept}"
        return kept if self.name == GUARDED else ""


UNWALLED = Tier()


@dataclass(frozen=True)
class Missing:
    """A layer that cannot be had: its name, the error number (0: none) and what was said."""

    layer: str
    errno: int
    text: str

    def __str__(self) -> str:
        code = errno.errorcode.get(self.errno, "")
        return f"{self.text} ({code})" if code else self.text


def choose(asked: str) -> Tier:
    """The tier that was asked for, or for ``auto`` the best there is, after trying it.

    Raises `UsageProblem` that names the missing layer, its remedy and the weaker tier.
    """
    if asked == NONE:
        return UNWALLED
    missing: list[Missing] = []
    if asked != GUARDED:
        for builder in _builders():
            found = _probed(Tier(SEALED, builder))
            if isinstance(found, Tier):
                return found
            missing.append(found)
    if asked == SEALED:
        raise UsageProblem(_refusal(SEALED, missing[-1]))
    found = _probed(Tier(GUARDED, lacks=tuple(_lack(one) for one in missing[-1:])))
    if isinstance(found, Tier):
        return found
    raise UsageProblem(_refusal(GUARDED, found))


@functools.cache
def best() -> Tier:
    """The best tier there is, `UNWALLED` where there are no walls at all; found out once."""
    try:
        return choose("auto")
    except UsageProblem:
        return UNWALLED


def require_doors(tier: Tier, limits: Limits, where: str) -> None:
    """Raise `UsageProblem` when the tier cannot keep in what the marker lets candidates do."""
    if tier.name == GUARDED and limits.processes and tier.landlock < ABI_SCOPES:
        raise UsageProblem(
            f"{where}: processes=True of the sandbox marker needs isolation sealed here: in guarded the "
            f"kernel has to keep signals in, which Landlock can from version {ABI_SCOPES} on (Linux "
            f"6.12), and this is version {tier.landlock}"
        )


def opened(tier: Tier, limits: Limits) -> list[str]:
    """What a door of the marker opens beyond the candidate's own world, in this tier."""
    if tier.name == GUARDED and limits.processes:
        return [
            "with processes=True isolation guarded leaves /dev/shm open: what this user's programs keep "
            "there can be read and changed"
        ]
    return []


def _builders() -> list[str]:
    return [BUBBLEWRAP, NAMESPACES] if shutil.which("bwrap") else [NAMESPACES]


def _lack(missing: Missing) -> str:
    return f"not sealed: {missing}; {_remedy(missing)}"


def _refusal(tier: str, missing: Missing) -> str:
    weaker = (
        "or type --autoresearch-isolation guarded, which needs no namespaces"
        if tier == SEALED
        else "or run patches that you trust without walls, --autoresearch-isolation none"
    )
    return f"isolation {tier} cannot be had here: {missing}; {_remedy(missing)}, {weaker}"


def remedy_of(fault: str) -> str:
    """What a person can do about a world that could not be built; ``fault`` names the layer."""
    refusals = (errno.EPERM, errno.EACCES)
    number = next((one for one in refusals if os.strerror(one) in fault), 0)
    return _remedy(Missing(fault.partition(":")[0], number, fault))


def _remedy(missing: Missing) -> str:
    """What a person can do; most refusals come from a container's or a distribution's own settings."""
    layer = missing.layer
    if layer == "seccomp" or "libseccomp" in missing.text:
        return "install it: `apt-get install libseccomp2`, `dnf install libseccomp`"
    if layer == "Landlock":
        return (
            f"it takes Linux 6.2 (Landlock {ABI_TRUNCATE}) or newer, for sealed Linux 5.13, with "
            "`landlock` among the `lsm=` of the kernel's command line"
        )
    if sys.platform != "linux":
        return "use Linux: on macOS and Windows in Docker or WSL2"
    if _has("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"):
        return "`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` allows it"
    if _has("/proc/sys/kernel/unprivileged_userns_clone", "0"):
        return "`sudo sysctl -w kernel.unprivileged_userns_clone=1` allows it"
    if _has("/proc/sys/user/max_user_namespaces", "0"):
        return "`sudo sysctl -w user.max_user_namespaces=10000` allows it"
    if missing.errno in (errno.EPERM, errno.EACCES):
        return (
            "in a container, start it with `--security-opt seccomp=unconfined --security-opt "
            "apparmor=unconfined --security-opt systempaths=unconfined`"
        )
    return "docs/platforms.md says what each platform has"


def _has(path: str, value: str) -> bool:
    try:
        return Path(path).read_text().strip() == value
    except OSError:
        return False


def _probed(tier: Tier) -> Tier | Missing:
    """The tier with what the kernel has of it, or what is missing of it."""
    if sys.platform != "linux":
        return Missing("Linux", 0, f"{sys.platform} has no such walls")
    with ExitStack() as stack:
        folder = Path(os.path.realpath(stack.enter_context(tempfile.TemporaryDirectory())))
        target = stack.enter_context(targets(folder, Limits()))
        found = _answer(tier, folder, target)
    if "layer" in found:
        return Missing(str(found["layer"]), int(found["errno"] or 0), str(found["text"]))
    if (breach := broken(found["breaches"])) is not None:
        return Missing("walls", 0, f"the walls do not hold: a process inside could {breach}")
    if tier.name == GUARDED and found["landlock"] < ABI_TRUNCATE:
        # A sealed world is read-only; here a file that may be read could still be cut short.
        return Missing("Landlock", 0, f"Landlock: version {found['landlock']} is too old")
    return Tier(tier.name, tier.builder, int(found["landlock"]), tier.lacks)


def _answer(tier: Tier, folder: Path, target: Mapping[str, Json]) -> dict[str, Any]:
    launch = Launch(tier.name, tier.builder, Limits(), folder, view(folder, None, Limits()))
    try:
        with launch.order({"probe": True, "target": target}) as order:
            ended = subprocess.run(
                launch.command,
                stdin=order,
                capture_output=True,
                env=environment(Limits(), folder),
                timeout=PROBE_SECONDS,
                check=False,
            )
        found: dict[str, Any] = json.loads(ended.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        said = "" if isinstance(error, OSError) else _last_line(locals().get("ended"))
        return {"layer": tier.builder, "errno": 0, "text": f"{tier.builder}: {said or error}"}
    return found


def _last_line(ended: subprocess.CompletedProcess[bytes] | None) -> str:
    text = ended.stderr.decode("utf-8", "replace").strip() if ended is not None else ""
    return text.splitlines()[-1][:300] if text else ""


def broken(flags: Mapping[int, float] | list[float]) -> str | None:
    """The first of `inside.attempts` that came through, in words; ``None`` when all walls held."""
    for (name, _), flag in zip(ATTEMPTS, flags, strict=True):
        if flag:
            return name
    return None


@contextmanager
def targets(folder: Path, limits: Limits) -> Iterator[dict[str, Json]]:
    """What a harmless attack aims at: a file in ``folder``, and two servers that live as long as this."""
    secret = folder / "secret"
    secret.write_bytes(b"secret")
    name = f"autoresearch-{os.getpid()}-{os.urandom(4).hex()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as named:
        named.bind("\0" + name)
        named.listen()
        try:
            yield {
                "secret": str(secret),
                "port": server.getsockname()[1],
                "name": name,
                "judge": os.getpid(),
                "processes": limits.processes,
                "exec": limits.exec,
            }
        finally:
            secret.unlink()
