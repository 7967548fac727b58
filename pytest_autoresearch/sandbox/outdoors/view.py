"""What a coding agent can see of the machine's files, beside the folders that it may fill."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..walls.environment import import_path
from ..walls.view import INSIDE, SYSTEM

PROGRAMS = (*SYSTEM, "/opt", "/home/linuxbrew/.linuxbrew")
SETTINGS = tuple(
    f"/etc/{name}"
    for name in (
        *("ca-certificates", "ca-certificates.conf", "crypto-policies", "pki", "ssl"),
        *("gai.conf", "group", "host.conf", "hostname", "hosts", "nsswitch.conf", "passwd"),
        *("protocols", "resolv.conf", "services", "os-release", "terminfo", "timezone"),
    )
)
"""What it takes to find a host, to trust it, and to know who one is; no passwords are in these."""

CERTIFICATES = (
    *("CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"),
    *("REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
)
"""Variables that name certificates: the files are shown, and the variables passed on."""

PACKAGES = ("site-packages", "dist-packages")
ROOM, ROOM_BYTES = "/tmp", 512 << 20
MOST_LINKS = 40
MOST_BESIDE = 2000
"""Files beside a hidden one that are shown one by one; a folder with more is hidden as a whole."""

SHOW, LINK, COVER, WORK, BOX = "show", "link", "cover", "work", "room"
Entry = tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """Which paths are what: of two that lie in each other the deeper one counts.

    ``private`` are folders of the judge's and the person's that are not shown, but for what is named in
    them; ``hidden`` are shown under no circumstances, with all that lies in them. ``listed`` may be read;
    ``writable`` are the agent's own folders.
    """

    private: Sequence[str] = ()
    hidden: Sequence[str] = ()
    listed: Sequence[str] = ()
    writable: Sequence[str] = ()
    _plan: dict[str, Entry] = field(default_factory=dict)

    def entries(self) -> list[Entry]:
        """How the world is built, in the words of `inside.world`; parents come first."""
        plan = self._planned()
        return [plan[path] for path in sorted(plan, key=_depth) if _counts(plan, path)]

    def shows(self, path: str) -> bool:
        """Whether a file can be seen, where it really lies."""
        plan = self._planned()
        return _kind(plan, os.path.realpath(path)) in (SHOW, WORK)

    def _planned(self) -> Mapping[str, Entry]:
        if not self._plan:
            self._plan[ROOM] = (BOX, ROOM, str(ROOM_BYTES))
            for path in self._private():
                self._plan[path] = (COVER, path)
            for path in (*_environment(self._private()), *map(_absolute, self.listed)):
                self._show(path)
            for path in self.hidden:
                self._hide(os.path.realpath(_absolute(path)))
            for path in map(os.path.realpath, self.writable):
                self._plan[path] = (WORK, path)
        return self._plan

    def _private(self) -> list[str]:
        home = os.path.realpath(os.path.expanduser("~"))
        return [path for path in (*map(os.path.realpath, self.private), home) if path != "/"]

    def _show(self, path: str) -> None:
        """Show what a path leads to, where it really lies, and the links on the way."""
        real = os.path.realpath(path)
        if real == "/" or not os.path.exists(real):
            return
        for link in _links(path):
            self._plan[link] = (LINK, link, os.readlink(link))
        self._plan[real] = (SHOW, real)

    def _hide(self, path: str) -> None:
        """Hide a path whatever else is said; a file without even its name."""
        if not os.path.exists(path):
            return
        for one in [one for one in self._plan if _below(one, path)]:
            del self._plan[one]
        if os.path.isdir(path):
            self._plan[path] = (COVER, path)
            return
        folder = os.path.dirname(path)
        if _kind(self._plan, folder) != SHOW:
            return
        try:
            beside = sorted(os.listdir(folder))
        except OSError:
            beside = []
        self._plan[folder] = (COVER, folder)
        for name in beside if len(beside) <= MOST_BESIDE else ():
            one = os.path.join(folder, name)
            if one == path or one in self._plan:
                continue
            kept = (LINK, one, os.readlink(one)) if os.path.islink(one) else (SHOW, one)
            self._plan[one] = kept


def _environment(private: Sequence[str]) -> Iterator[str]:
    """Programs, settings, and where this Python imports from; of a home or the repository only that."""
    yield from (*PROGRAMS, *SETTINGS)
    yield from (os.environ[name] for name in CERTIFICATES if os.environ.get(name))
    prefixes = [sys.prefix, sys.base_prefix, sys.exec_prefix]
    for path in import_path():
        if any(_below(one, os.path.realpath(path)) for one in private):
            continue
        if any(part in PACKAGES for part in path.split(os.sep)):
            yield path
    yield from (*prefixes, str(INSIDE))
    for path in os.environ.get("PATH", "").split(os.pathsep):
        real = os.path.realpath(path)
        near = any(_below(real, one) or _below(one, real) for one in private)
        if os.path.isabs(path) and not near:
            yield path


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expandvars(os.path.expanduser(path)))


def _links(path: str) -> Iterator[str]:
    """The symbolic links that lead from a path to where it really lies, by their real places."""
    todo, at = [part for part in os.path.abspath(path).split("/") if part], "/"
    for _ in range(MOST_LINKS * 10):
        if not todo:
            return
        part = todo.pop(0)
        if part == "..":
            at = os.path.dirname(at)
            continue
        step = os.path.join(at, part)
        if not os.path.islink(step):
            at = step
            continue
        yield step
        target = os.readlink(step)
        at = "/" if target.startswith("/") else at
        todo = [part for part in target.split("/") if part not in ("", ".")] + todo


def _kind(plan: Mapping[str, Entry], path: str) -> str:
    """What a path is by the nearest entry above it; empty where there is none."""
    while path != "/":
        if path in plan and plan[path][0] != LINK:
            return plan[path][0]
        path = os.path.dirname(path)
    return ""


def _counts(plan: Mapping[str, Entry], path: str) -> bool:
    """Whether an entry changes anything: what is in a shown folder is there, in a covered one it is not."""
    kind, above = plan[path][0], _kind(plan, os.path.dirname(path))
    if kind in (SHOW, LINK):
        return above != SHOW
    return kind != COVER or above == SHOW


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path
