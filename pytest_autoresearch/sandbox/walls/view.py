"""What candidate processes can see of the machine's files, beside the folders of their own job."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...records import Limits
from ..inside import landlock
from ..inside.imports import inside
from .environment import import_path

INSIDE = Path(__file__).parent.with_name("inside")
SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime"),
    *("/etc/mime.types", "/gnu/store", "/nix/store", "/sys/devices/system"),
)
"""Programs and libraries; of the machine's own settings only what finds them, and the time zone."""

GRAPHICS = ("/dev/nvidia*", "/dev/dri", "/dev/kfd")
GRAPHICS_FILES = ("/sys", "/etc/OpenCL", "/etc/vulkan", "/opt/rocm")
DEVICE_FILES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
QUOTAS = tuple(
    f"/sys/fs/cgroup/{name}"
    for name in ("cpu.max", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")
)
"""How much of the processors a container has: joblib, where it sees that they are there, must read them."""


@dataclass(frozen=True)
class View:
    """``entries`` build a sealed world (see `inside.world`), ``rules`` are Landlock's, for any tier.

    ``devices`` are names below ``/dev``.
    """

    entries: tuple[tuple[str, ...], ...]
    rules: tuple[tuple[str, int], ...]
    devices: tuple[str, ...] = ()


def view(workshop: Path, repository: Path | None, limits: Limits) -> View:
    """The view for one objective; ``workshop`` holds the folders of all jobs."""
    private = [str(workshop), *([os.path.realpath(repository)] if repository else [])]
    imported = _import_paths(private)
    files = [*imported, *limits.data.values()]
    if limits.gpu:
        files += filter(os.path.exists, GRAPHICS_FILES)
    links = [path for path in SYSTEM if os.path.islink(path)]
    folders = [path for path in SYSTEM if os.path.exists(path) and path not in links]
    shown = _outermost(_with_real([*folders, *files]))
    really = _outermost(_real([*folders, *files]))
    covers = sorted({*private, *map(os.path.realpath, limits.hidden)})
    aliases = _aliases([*folders, *files], covers)
    devices = tuple(_devices()) if limits.gpu else ()
    return View(
        entries=tuple(_entries(links, shown, sorted({*covers, *aliases}), str(workshop))),
        rules=tuple(_rules(really, covers, devices)),
        devices=devices,
    )


def _import_paths(private: Sequence[str]) -> list[str]:
    """Where libraries are imported from.

    What lies in the repository is not the environment's; a folder that holds the repository, or a whole
    home, would show too much and is left out.
    """
    shown = [sys.prefix, sys.base_prefix, sys.exec_prefix, str(INSIDE)]
    shown += [path for path in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if path]
    guarded = [*private, os.path.realpath(os.path.expanduser("~"))]
    for path in import_path():
        if not os.path.exists(path) or any(inside(path, one) for one in private):
            continue
        if not any(_below(one, os.path.realpath(path)) for one in guarded):
            shown.append(path)
    return [path for path in shown if os.path.exists(path)]


def _with_real(paths: Iterable[str]) -> list[str]:
    """The paths as they are written and as they really are: either may be used."""
    return sorted(
        {one for path in paths for one in (os.path.abspath(path), os.path.realpath(path))}
    )


def _real(paths: Iterable[str]) -> list[str]:
    """The paths as they really are: Landlock's rules are about files, whatever their paths."""
    return sorted(set(map(os.path.realpath, paths)))


def _aliases(paths: Iterable[str], covers: Iterable[str]) -> Iterator[str]:
    """Other paths to what is covered, by way of symbolic links in what is shown."""
    covers = list(covers)
    for path in paths:
        written, real = os.path.abspath(path), os.path.realpath(path)
        if written != real:
            yield from (
                written + one.removeprefix(real.rstrip("/")) for one in covers if _below(one, real)
            )


def _outermost(paths: Sequence[str]) -> list[str]:
    """Without what lies below another one; sorted, so that what is above comes first."""
    found: list[str] = []
    for path in paths:
        if not any(_below(path, one) for one in found):
            found.append(path)
    return found


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _entries(
    links: Sequence[str], shown: Sequence[str], covers: Sequence[str], workshop: str
) -> Iterator[tuple[str, ...]]:
    """What is above comes before what lies in it.

    The Python environment may lie in the repository, which is covered: then it is shown once more.
    """
    for path in links:
        yield "link", path, os.readlink(path)
    yield from (("show", path) for path in shown)
    for path in covers:
        if path != workshop and any(_below(path, one) for one in shown):
            yield "cover", path
            yield from (("show", one) for one in _needed() if _below(one, path) and one != path)
    yield "work", workshop


def _needed() -> list[str]:
    return _outermost(_with_real([sys.prefix, sys.base_prefix, str(INSIDE)]))


def _rules(
    shown: Sequence[str], covers: Sequence[str], devices: Sequence[str]
) -> Iterator[tuple[str, int]]:
    for path in shown:
        yield from _carved(path, covers)
    for path in _outermost(_real(_needed())):
        if any(_below(path, one) for one in covers):
            yield from _carved(path, [one for one in covers if _below(one, path)])
    yield from ((path, landlock.READ) for path in QUOTAS)
    yield from ((path, landlock.DEVICE) for path in DEVICE_FILES)
    yield from ((f"/dev/{name}", landlock.DEVICE) for name in devices)
    yield "/proc", landlock.READ


def _carved(path: str, covers: Sequence[str]) -> Iterator[tuple[str, int]]:
    """A folder without what is covered in it: Landlock can only allow, so its neighbours are allowed.

    The names in such a folder can be listed, as far as `confine` allows it.
    """
    if path in covers:
        return
    if not any(_below(one, path) for one in covers):
        yield path, landlock.READ
        return
    yield path, landlock.LIST
    for name in sorted(os.listdir(path)):
        one = os.path.join(path, name)
        if not os.path.islink(one):
            yield from _carved(one, covers)


def _devices() -> Iterator[str]:
    for pattern in GRAPHICS:
        for path in glob.glob(pattern):
            yield path.removeprefix("/dev/")
