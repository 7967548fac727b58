"""A host to attack: a person's project, home, libraries, keys and services, and what changed there."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import signal
import stat
import struct
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_autoresearch.testing import Project

from .attack import MODEL
from .project import ARTIFACT, BUDGET, BUNDLED, CONFTEST, MEMORY, SCRATCH, frozen_test, labels
from .services import Services

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.shmat.restype = ctypes.c_void_p
ADD_KEY = {"x86_64": 248, "aarch64": 217}.get(os.uname().machine, -1)
USER_KEYRING = -4
GENERATION = 0x80087601
"""``FS_IOC_GETVERSION``."""

FOUND = re.compile(rb"BREACH ([a-z0-9-]+)")
GIT = ("HEAD", "index", "config", "hooks", "info", "refs/heads/main", "logs/HEAD")


class World:
    """Everything that an attack could reach, in folders of its own; removed by `close`.

    ``user`` will own it; with ``doors`` candidates may start processes and programs.
    """

    def __init__(self, user: int | None = None, *, doors: bool = False) -> None:
        self.user = user
        self._doors = doors
        self.nonce = f"attacks{secrets.token_hex(4)}"
        self.base = Path(tempfile.mkdtemp(prefix=f"{self.nonce}-"))
        self.base.chmod(0o755)
        self.secrets = {
            name: f"secret-{secrets.token_hex(16)}" for name in ("key", "login", "ring")
        }
        self.table = labels()
        self.home, self.site = self.base / "home", self.base / "site"
        self.hidden, self.side = self.site / "bundled", self.base / "side"
        self._make_home()
        self._make_site()
        self._make_copies()
        self.project = self._make_project()
        self.services = Services(
            self.table.encode(),
            self.nonce,
            (self.base / "socket", self.site / "s"),
            self.site / "pipe",
        )
        self._key, self._shared = self._share()
        self._ring = self._keep_in_ring()
        if user is not None:
            self._give(user)
        self.before = self._snapshot()

    def close(self) -> None:
        """End what outlived the search and remove every trace."""
        for pid in self.survivors():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.services.close()
        LIBC.shmctl(self._shared, 0, None)
        if self._ring > 0:
            LIBC.syscall(ctypes.c_long(ADD_KEY + 2), 9, self._ring, USER_KEYRING)
        for path in self._loose():
            path.unlink(missing_ok=True)
        shutil.rmtree(self.base, ignore_errors=True)

    @property
    def comm(self) -> str:
        """What attacks call their processes."""
        return f"at{self.nonce[-8:]}"

    def facts(self, judge: int) -> dict[str, Any]:
        """What the attacker knows."""
        repo = self.project.root
        place = repo.stat()
        return {
            **{"judge": judge, "repo": str(repo), "base": str(self.base), "home": str(self.home)},
            **{"site": str(self.site), "hidden": str(self.hidden), "side": str(self.side)},
            **{"tmp": f"/tmp/{self.nonce}", "shm": f"/dev/shm/{self.nonce}"},
            **{"port": self.services.port, "udp": self.services.udp},
            **{"abstract": self.services.abstract, "socket": str(self.base / "socket")},
            **{"key": self._key, "nonce": self.nonce, "comm": self.comm, "run": "attacks"},
            **{"device": place.st_dev, "inode": _inode(repo), "generation": _generation(repo)},
            **{"memory": MEMORY, "scratch": SCRATCH, "artifact": ARTIFACT, "budget": BUDGET},
            "root": os.geteuid() == 0 and self.user is None,
        }

    def environment(self) -> dict[str, str]:
        """The judge's environment."""
        return self.project.environment() | {
            "HOME": str(self.home),
            "API_KEY": self.secrets["key"],
            "PYTHONPATH": str(self.site),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GITHUB_STEP_SUMMARY": str(self.base / "summary.md"),
            "ATTACKS_SIGNALS": str(self.base / "signals"),
        }

    def marks(self) -> dict[str, str]:
        """Where attacks have left their names, by name."""
        found: dict[str, str] = {}
        for path in [*_files(self.base), *self._loose()]:
            if not any(own in path.parts for own in (".autoresearch", "repo-patches", "objects")):
                for name in FOUND.findall(_content(path)):
                    found[name.decode()] = str(path)
        return found

    def changes(self) -> list[str]:
        """Files of the host that are not as they were."""
        after = self._snapshot()
        return sorted(p for p in {*after, *self.before} if after.get(p) != self.before.get(p))

    def survivors(self) -> list[int]:
        """Processes of attacks that still run."""
        found = []
        for path in Path("/proc").glob("[0-9]*/comm"):
            with contextlib.suppress(OSError):
                if path.read_text().startswith(self.comm):
                    found.append(int(path.parent.name))
        return found

    def _make_home(self) -> None:
        (self.home / ".ssh").mkdir(parents=True)
        (self.home / "rmdir").mkdir()
        (self.home / ".ssh" / "id_ed25519").write_text(self.secrets["login"])
        (self.home / ".netrc").write_text(f"password {self.secrets['login']}\n")
        names = (".profile", "chmod", "chown", "utime", "xattr", "unlink", "rename", "truncate")
        for name in names:
            (self.home / name).write_text(f"{name}\n")
            (self.home / name).chmod(0o600)
        for name in ("cron.d", "side"):
            (self.base / name).mkdir()
        (self.side / "side.csv").write_text("1,2\n")
        (self.base / "signals").touch()

    def _make_site(self) -> None:
        self.hidden.mkdir(parents=True)
        (self.hidden / "__init__.py").write_text(BUNDLED)
        (self.hidden / "labels.csv").write_text(self.table)
        (self.site / "alias").symlink_to("bundled")
        (self.site / "plain.py").write_text("plain = 1\n")

    def _make_copies(self) -> None:
        for place in (f"/tmp/{self.nonce}-labels.csv", f"/dev/shm/{self.nonce}-labels.csv"):
            Path(place).write_text(self.table)
            Path(place).chmod(0o644)

    def _make_project(self) -> Project:
        texts = {
            "conftest.py": CONFTEST,
            "test_line.py": frozen_test(str(self.hidden), str(self.side), self._doors),
            "model.py": MODEL,
            "data/labels.csv": self.table,
            "answers.csv": self.table.replace("\n", "\n# old\n"),
        }
        project = Project(self.base / "repo", texts)
        (project.root / "answers.csv").unlink()
        project.commit("the answers do not belong here")
        return project

    def _share(self) -> tuple[int, int]:
        """Shared memory that holds the labels: its key and its number."""
        key = 0x40000000 + secrets.randbelow(1 << 28) * 4
        number = LIBC.shmget(key, 65536, 0o1666)
        place = LIBC.shmat(number, None, 0)
        ctypes.memmove(place, self.table.encode(), len(self.table))
        LIBC.shmdt(ctypes.c_void_p(place))
        return key, number

    def _keep_in_ring(self) -> int:
        secret = self.secrets["ring"].encode()
        name = self.nonce.encode()
        return int(
            LIBC.syscall(ctypes.c_long(ADD_KEY), b"user", name, secret, len(secret), USER_KEYRING)
        )

    def _give(self, user: int) -> None:
        os.chown(self.base, user, user)
        for parent, folders, names in os.walk(self.base):
            for name in [*folders, *names]:
                os.chown(os.path.join(parent, name), user, user, follow_symlinks=False)

    def _loose(self) -> list[Path]:
        """Files with our name in folders that all share."""
        shared = (Path("/tmp"), Path("/dev/shm"), Path("/var/tmp"))
        found = [path for folder in shared for path in folder.glob(f"*{self.nonce}*")]
        return [path for path in found if not path.is_dir()]

    def _snapshot(self) -> dict[str, tuple[object, ...]]:
        repo = self.project.root
        paths = [*_files(self.home), *_files(self.site), *_files(self.side)]
        paths += [*_files(self.base / "cron.d"), *self.base.glob("*.py"), *self._loose()]
        paths += [path for path in _files(repo) if not {".git", ".autoresearch"} & set(path.parts)]
        for name in GIT:
            path = repo / ".git" / name
            paths += _files(path) if path.is_dir() else [path]
        return {str(path): _state(path) for path in paths if path.is_symlink() or path.exists()}


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        # The judge's own caches.
        folders[:] = [name for name in folders if name not in (".cache", ".config")]
        for name in [*folders, *names]:
            yield Path(parent, name)


def _state(path: Path) -> tuple[object, ...]:
    """What an attack could have changed about a file."""
    found = path.lstat()
    times = (found.st_mtime_ns,) if stat.S_ISREG(found.st_mode) else ()
    names = os.listxattr(path, follow_symlinks=False)
    digest = hashlib.sha256(_content(path)).hexdigest()
    return found.st_mode, found.st_uid, *times, tuple(names), digest


def _content(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        if stat.S_ISREG(path.lstat().st_mode):
            return path.read_bytes()
    return b""


def _inode(repo: Path) -> int:
    return (repo / "data" / "labels.csv").stat().st_ino


def _generation(repo: Path) -> int:
    """With the inode's number, what names a file of ext4 without any path."""
    with open(repo / "data" / "labels.csv", "rb") as file:
        room = bytearray(8)
        with contextlib.suppress(OSError):
            fcntl.ioctl(file, GENERATION, room)
        return int(struct.unpack("<I4x", room)[0])


def summary(found: Mapping[str, str]) -> str:
    """Marks as lines for a message."""
    return "".join(f"\n  {name}: {where}" for name, where in sorted(found.items()))
