"""Ways around the walls that were once open stay shut, in every tier that has walls."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox
from pytest_autoresearch.sandbox.inside import linux, seccomp
from pytest_autoresearch.sandbox.walls import tiers
from pytest_autoresearch.sandbox.walls.launch import BUBBLEWRAP
from pytest_autoresearch.sandbox.walls.tiers import NAMESPACES, Tier
from pytest_autoresearch.sandbox.walls.view import view

X, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
KINDS = ("guarded", BUBBLEWRAP, NAMESPACES)
MIB = 1 << 20
PIDFD_OPEN = 434


@pytest.fixture(params=KINDS)
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Tier:
    """Each tier that has walls, and each way to build it; skipped where this machine has it not."""
    if request.param == "guarded":
        return chosen("guarded")
    builders = tiers._builders()
    if request.param not in builders:
        pytest.skip(f"no {request.param} here")
    monkeypatch.setattr(tiers, "_builders", lambda: [request.param])
    return chosen("sealed")


def chosen(name: str) -> Tier:
    try:
        return tiers.choose(name)
    except UsageProblem as problem:
        pytest.skip(str(problem))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with data that candidates may read, of which one folder is hidden."""
    (tmp_path / "data" / "hidden").mkdir(parents=True)
    (tmp_path / "data" / "table.csv").write_text("1,2")
    (tmp_path / "data" / "hidden" / "labels").write_text("SECRET")
    return tmp_path


@pytest.fixture
def open_room(place: Path, tier: Tier) -> Iterator[Callable[..., Sandbox]]:
    rooms = []

    def build(data: str = "data", **limits: Any) -> Sandbox:
        shown = {"data": {"table": str(place / data)}, "hidden": (str(place / "data" / "hidden"),)}
        room = Sandbox(Limits(**shown | limits), place / "work", ["numpy"], tier=tier)
        rooms.append(room)
        return room

    yield build
    for room in rooms:
        room.close()


def told(make: Any, room: Sandbox, body: str) -> list[str]:
    """What the body of a ``fit`` prints, a line each, in two experiments one after the other."""
    source = "import ctypes, fcntl, mmap, os, socket, struct\n" + WITH
    source += "def fit(X, y, *, seed):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    lines: list[str] = []
    for _ in range(2):
        case = make(source, sandbox=room)
        case.candidate.fit(X, y)
        lines += case.ledger.text.splitlines()
    return lines


WITH = """
libc = ctypes.CDLL(None, use_errno=True)
def tried(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return error.errno
    return 0
"""


def test_what_is_hidden_stays_hidden_behind_a_symbolic_link(
    make: Any, open_room: Callable[..., Sandbox], place: Path
) -> None:
    (place / "link").symlink_to("data")
    body = f"""
for name in ("link", "data"):
    path = os.path.join({str(place)!r}, name)
    print(open(path + "/table.csv").read(), tried(open, path + "/hidden/labels") > 0)
"""
    assert told(make, open_room("link"), body) == ["1,2 True"] * 4


def test_the_names_of_what_is_hidden_are_hidden(
    make: Any, open_room: Callable[..., Sandbox], place: Path, tier: Tier
) -> None:
    """What keeps them secret in guarded hides the names beside them as well."""
    body = f"""
data = {str(place / "data")!r}
print(open(data + "/table.csv").read(), tried(os.listdir, data) > 0)
print(not tried(os.listdir, data + "/hidden") and os.listdir(data + "/hidden"))
"""
    expected = ["1,2 False", "[]"] if tier.name == "sealed" else ["1,2 True", "False"]
    assert told(make, open_room(), body) == expected * 2


def test_a_cover_is_known_by_every_path_that_is_shown(tmp_path: Path) -> None:
    (tmp_path / "real" / "in" / "hidden").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    limits = Limits(
        data={"a": str(tmp_path / "link" / "in")}, hidden=(str(tmp_path / "link/in/hidden"),)
    )
    covers = {
        path for kind, path, *_ in view(tmp_path / "w", None, limits).entries if kind == "cover"
    }
    assert {str(tmp_path / "link/in/hidden"), str(tmp_path / "real/in/hidden")} <= covers
    assert str(tmp_path / "link") not in "".join(
        path for path, _ in view(tmp_path / "w", None, limits).rules
    )


def test_no_mode_or_time_outside_the_scratch_folder_changes(
    make: Any, open_room: Callable[..., Sandbox], place: Path, tier: Tier
) -> None:
    """Nor is that a way to leave word for the next experiment."""
    sealed = tier.name == "sealed"
    paths = [place, *sorted((place / "data").rglob("*"))]
    before = [_signs(path) for path in (*paths, Path(os.devnull))]
    body = f"""
for path in {[str(path) for path in paths]!r}:
    if os.path.exists(path):
        state = os.stat(path)
        print(int(state.st_mtime) == 12345)
        tried(os.utime, path, (12345, 12345))
        tried(os.chmod, path, 0o711)
        tried(libc.syscall, 452, -100, path.encode(), 0o711, 0)
        if path.endswith(".csv"):
            file = os.open(path, os.O_RDONLY)
            tried(os.utime, file, (12345, 12345))
            tried(os.fchmod, file, 0o711)
tried(os.utime, {os.devnull!r}, (54321, 54321))
print({sealed} and not tried(os.utime, 0))
with open({os.devnull!r}, "w") as file:
    file.write("devices are for writing")
"""
    assert set(told(make, open_room(), body)) == {"False"}
    assert [_signs(path) for path in (*paths, Path(os.devnull))] == before


def _signs(path: Path) -> tuple[int, int]:
    found = path.stat()
    kept = found.st_mtime_ns if not stat.S_ISDIR(found.st_mode) else 0
    return stat.S_IMODE(found.st_mode), kept


def test_an_attribute_or_a_flag_of_a_file_is_no_way_to_leave_word(
    make: Any, open_room: Callable[..., Sandbox], place: Path
) -> None:
    body = f"""
path = {str(place)!r} + "/data"
for one in (path, path + "/hidden", path + "/table.csv", "."):
    print(tried(os.setxattr, one, "user.word", b"word"))
file = os.open(path + "/table.csv", os.O_RDONLY)
for request in (0x40086602, 0x40087602, 0x401c5820, 0x40806685, 0x5000940e):
    print(tried(fcntl.ioctl, file, request, bytes(128)))
for request in (1024, 1026):
    print(tried(fcntl.fcntl, file, request, 0))
"""
    expected = [str(errno.EPERM)] * 4 + [str(errno.ENOTTY)] * 5 + [str(errno.EPERM)] * 2
    assert told(make, open_room(), body) == expected * 2


def test_nobody_watches_what_others_do_in_a_folder(
    make: Any, open_room: Callable[..., Sandbox], place: Path
) -> None:
    body = f"""
watch = libc.inotify_init()
print(watch, libc.inotify_add_watch(watch, {str(place)!r}.encode(), 0xfff))
"""
    assert told(make, open_room(), body) == ["-1 -1"] * 2


def test_a_file_takes_no_room_that_its_size_does_not_show(
    make: Any, open_room: Callable[..., Sandbox]
) -> None:
    body = f"""
file = os.open("file", os.O_RDWR | os.O_CREAT)
libc.fallocate(file, 1, ctypes.c_long(0), ctypes.c_long({64 * MIB}))
print(os.fstat(file).st_blocks)
os.posix_fallocate(file, 0, {MIB})
print(os.fstat(file).st_size)
"""
    assert told(make, open_room(), body) == ["0", str(MIB)] * 2


def test_a_pipe_keeps_no_memory_that_nobody_is_charged_for(
    make: Any, open_room: Callable[..., Sandbox]
) -> None:
    body = """
reading, writing = os.pipe()
page = ctypes.create_string_buffer(4096)
piece = struct.pack("PN", ctypes.addressof(page), 4096)
print(libc.vmsplice(writing, piece, ctypes.c_ulong(1), 1))
print(libc.tee(reading, writing, ctypes.c_size_t(1), 2))
open("file", "wb").write(bytes(10))
near, far = socket.socketpair()
print(tried(os.sendfile, near.fileno(), os.open("file", os.O_RDONLY), 0, 1))
size = near.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
print(near.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == size)
print(libc.prctl(4, 0, 0, 0, 0))
"""
    assert told(make, open_room(), body) == ["-1", "-1", str(errno.EINVAL), "True", "-1"] * 2


def test_a_socket_in_a_folder_that_is_shown_is_out_of_reach(
    make: Any, open_room: Callable[..., Sandbox], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(place / "data")
        server.bind("socket")
        server.listen()
        body = f"""
os.chdir({str(place / "data")!r})
def call():
    with socket.socket(socket.AF_UNIX) as link:
        link.connect("socket")
print(tried(call) > 0)
"""
        assert told(make, open_room(), body) == ["True"] * 2


def test_only_folders_of_the_job_can_be_written_to(
    make: Any, open_room: Callable[..., Sandbox], tier: Tier
) -> None:
    if tier.name != "sealed":
        pytest.skip("guarded has no mounts of its own")
    body = """
for line in open("/proc/self/mountinfo"):
    words = line.split()
    if "ro" not in words[5].split(","):
        print(os.path.basename(words[4]).split("-")[0], "nosuid" in words[5], "nodev" in words[5])
"""
    found = told(make, open_room(), body)
    assert found == ["shm True True", "job True True", "model True True"] * 2


def test_a_shown_folder_on_a_read_only_mount_leaves_the_scratch_folder_writable(
    make: Any, open_room: Callable[..., Sandbox]
) -> None:
    body = """
os.mkdir("folder")
open("folder/file", "w").write("text")
os.chmod("folder/file", 0o600)
os.rename("folder/file", "file")
print(open("file").read())
"""
    assert told(make, open_room(), body) == ["text"] * 2


@pytest.mark.parametrize("name", seccomp.NEW)
def test_a_call_that_the_library_has_no_name_for_is_refused(name: str) -> None:
    """Old versions of libseccomp do not know new calls."""
    chosen("guarded")
    expected = 0 if name in seccomp.SIGNS else errno.EPERM
    assert _under_the_rules(seccomp.NEW[name]) == expected


def test_a_call_that_nobody_knew_when_the_rules_were_written_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen("guarded")
    assert _under_the_rules(PIDFD_OPEN) == errno.EINVAL
    monkeypatch.setattr(seccomp, "UNKNOWN_CALLS", range(PIDFD_OPEN, PIDFD_OPEN + 1))
    assert _under_the_rules(PIDFD_OPEN) == errno.ENOSYS
    monkeypatch.undo()
    assert min(seccomp.UNKNOWN_CALLS) == max(seccomp.NEW.values()) + 1


def _under_the_rules(number: int) -> int:
    """The error number of a call with impossible arguments in a process under the rules of guarded."""
    if (pid := os.fork()) == 0:
        code = 255
        try:
            rules = seccomp.Rules(
                processes=False, execute=False, alone=False, scoped=False, pid=os.getpid()
            )
            linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
            seccomp.build(rules).load()
            bad = [ctypes.c_long(-1)] * 6
            result = linux.libc.syscall(ctypes.c_long(number), *bad)
            code = ctypes.get_errno() if result < 0 else 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
