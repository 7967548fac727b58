"""A coding agent's world: its own folders, the network and the environment, and nothing else of the machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.sandbox.outdoors import Outdoors, choose, launch, outdoors
from pytest_autoresearch.sandbox.outdoors.launch import BUBBLEWRAP, NAMESPACES
from pytest_autoresearch.sandbox.outdoors.view import Scene
from pytest_autoresearch.sandbox.walls import tiers
from pytest_autoresearch.sandbox.walls.view import INSIDE

ATTACK = r"""
import ctypes, errno, json, os, pathlib, signal, socket, subprocess, sys
told = json.loads(sys.argv[1])
found = {"fds": sorted(int(n) for n in os.listdir("/proc/self/fd"))}
status = dict(l.split(":\t", 1) for l in open("/proc/self/status").read().splitlines() if ":\t" in l)

def note(name):
    def run(function):
        try:
            found[name] = function()
        except OSError as error:
            found[name] = errno.errorcode.get(error.errno, str(error))
    return run

for number, path in enumerate(told["secrets"]):
    @note(f"secret {number}")
    def _():
        return open(path).read()

@note("write outside")
def _():
    open("/usr/breach", "w")

@note("write root")
def _():
    os.mkdir("/breach")

@note("write listed")
def _():
    open(told["listed"] + "/breach", "w")

@note("change listed")
def _():
    open(told["listed"] + "/notes.txt", "a")

@note("read listed")
def _():
    return open(told["listed"] + "/notes.txt").read()

@note("sysctl")
def _():
    open("/proc/sys/kernel/core_pattern", "w").write("|/bin/sh")

@note("judge")
def _():
    os.kill(told["judge"], 0)

@note("parent")
def _():
    os.kill(1, signal.SIGKILL)
    return os.path.exists("/proc/1")

@note("environment of the parent")
def _():
    return "SECRET" in open("/proc/1/environ").read()

@note("user namespace")
def _():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000 | 0x20000) == 0:
        return "made"
    raise OSError(ctypes.get_errno(), "unshare")

@note("abstract socket")
def _():
    with socket.socket(socket.AF_UNIX) as link:
        link.connect("\0" + told["abstract"])
        return "connected"

@note("loopback")
def _():
    with socket.create_connection(("127.0.0.1", told["port"]), timeout=5) as link:
        return link.recv(10).decode()

@note("tmp")
def _():
    open("/tmp/" + told["abstract"], "w").write("x")
    return sorted(os.listdir("/tmp"))

@note("numpy")
def _():
    return pathlib.Path(__import__("numpy").__file__).exists()

@note("home")
def _():
    pathlib.Path.home().joinpath("kept").write_text("x")
    return str(pathlib.Path.home())

@note("shell")
def _():
    return subprocess.run(["sh", "-c", "echo $0"], capture_output=True, text=True).stdout

@note("terminal")
def _():
    import pty
    return bool(pty.openpty())

found["stdin"] = sys.stdin.read()
found["processes"] = sorted(int(n) for n in os.listdir("/proc") if n.isdigit())
found["variables"] = sorted(os.environ)
found["capabilities"] = {status[n] for n in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
found["no new privileges"] = status["NoNewPrivs"]
found["hosts"] = os.path.exists("/etc/hosts")
print(json.dumps(found))
"""


class Grounds:
    """A machine with a repository, a home, data and a run; everything in it that is secret."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repository = root / "repository"
        self.run = self.repository / ".autoresearch" / "run"
        self.tools = root / "tools"
        self.data = root / "data" / "labels.csv"
        self.agent = self.run / "agents" / "home-x"
        self.work, self.home = self.agent / "work", self.agent / "home"
        for folder in (self.work, self.home, self.tools, root / "person", self.data.parent):
            folder.mkdir(parents=True)
        self.secrets = [
            self.repository / "test_line.py",
            self.run / "journal.jsonl",
            root / "person" / ".netrc",
            self.data,
            self.tools / "labels.csv",
            self.tools / "hidden" / "labels.csv",
        ]
        (self.tools / "hidden").mkdir()
        for path in self.secrets:
            path.write_text("the labels")
        (self.tools / "notes.txt").write_text("read me")
        (root / "link.csv").symlink_to(self.data)
        self.secrets.append(root / "link.csv")

    def place(self, builder: str) -> Outdoors:
        return Outdoors(
            builder,
            private=[self.repository],
            hidden=[self.run, self.data, self.tools / "labels.csv", self.tools / "hidden"],
        )


@pytest.fixture(scope="module", params=[NAMESPACES, BUBBLEWRAP])
def builder(request: pytest.FixtureRequest) -> str:
    """Each that can build a world here."""
    name = str(request.param)
    try:
        tiers.choose("sealed")
    except UsageProblem as problem:
        pytest.skip(str(problem))
    if name == BUBBLEWRAP and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    if fault := Outdoors(name).fault():
        pytest.fail(f"a candidate's world can be built here, and this cannot: {fault}")
    return name


@pytest.fixture(scope="module")
def found(
    builder: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Mapping[str, Any], Grounds]]:
    """What one attack found out, and where."""
    grounds = Grounds(tmp_path_factory.mktemp("grounds"))
    name = f"autoresearch-{uuid.uuid4().hex}"
    with (
        pytest.MonkeyPatch.context() as patch,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as named,
    ):
        patch.setenv("HOME", str(grounds.root / "person"))
        patch.setenv("SECRET", "the labels")
        named.bind("\0" + name)
        named.listen()
        told = {
            "secrets": [str(path) for path in grounds.secrets],
            "listed": str(grounds.tools),
            "judge": os.getpid(),
            "abstract": name,
            "port": server.getsockname()[1],
        }
        server.settimeout(30)
        inherited = os.open(grounds.data, os.O_RDONLY)
        os.set_inheritable(inherited, True)
        process = _greeting(server)
        ended = grounds.place(builder).run(
            [sys.executable, "-c", ATTACK, json.dumps(told)],
            work=grounds.work,
            home=grounds.home,
            env={"PATH": os.environ["PATH"], "HOME": str(grounds.home)},
            paths=[str(grounds.tools)],
            seconds=60,
        )
        os.close(inherited)
        process()
        assert ended.status == 0, ended
        yield json.loads(ended.stdout), grounds


def _greeting(server: socket.socket) -> Any:
    import threading

    def greet() -> None:
        link, _ = server.accept()
        with link:
            link.sendall(b"hello")

    thread = threading.Thread(target=greet)
    thread.start()
    return thread.join


Found = tuple[Mapping[str, Any], Grounds]


def test_a_label_file_read_by_its_absolute_path_is_not_there(found: Found) -> None:
    answers, grounds = found
    said = {str(path): answers[f"secret {n}"] for n, path in enumerate(grounds.secrets)}
    assert said == dict.fromkeys(said, "ENOENT")


def test_what_is_listed_can_be_read_and_not_changed(found: Found) -> None:
    answers, grounds = found
    assert answers["read listed"] == "read me"
    assert answers["change listed"] == "EROFS"
    assert not (grounds.tools / "breach").exists()


def test_nothing_outside_of_its_folders_can_be_written(found: Found) -> None:
    answers, grounds = found
    assert [answers[name] for name in ("write outside", "write root", "sysctl")] == ["EROFS"] * 3
    assert answers["home"] == str(grounds.home)
    assert (grounds.home / "kept").read_text() == "x"


def test_it_has_the_network_a_shell_a_terminal_and_the_environment(found: Found) -> None:
    answers, _ = found
    assert answers["loopback"] == "hello"
    assert answers["shell"] == "sh\n"
    assert answers["numpy"] is True
    assert answers["hosts"] is True
    assert answers["terminal"] is True


def test_its_temporary_folder_is_its_own(found: Found) -> None:
    answers, grounds = found
    shown = [Path(path) for path in (grounds.root, INSIDE, sys.prefix, sys.base_prefix)]
    below = {path.parts[2] for path in shown if path.is_relative_to("/tmp")}
    [own] = set(answers["tmp"]) - below
    assert own.startswith("autoresearch-")
    assert not Path("/tmp", own).exists()


def test_it_gets_nothing_from_the_judge(found: Found) -> None:
    answers, _ = found
    assert answers["fds"][:3] == [0, 1, 2]
    assert len(answers["fds"]) == 4
    assert answers["stdin"] == ""
    assert "SECRET" not in answers["variables"]
    assert answers["environment of the parent"] in (False, "EACCES")


def test_it_sees_and_reaches_no_other_process(found: Found) -> None:
    answers, _ = found
    assert answers["judge"] == "ESRCH"
    assert len(answers["processes"]) == 2
    assert answers["parent"] in (True, "EPERM")


def test_it_has_no_rights_and_no_way_to_any(found: Found) -> None:
    answers, _ = found
    assert answers["capabilities"] is True
    assert answers["no new privileges"] == "1"


def test_it_makes_no_namespaces_of_its_own(found: Found, builder: str) -> None:
    if builder == BUBBLEWRAP and not launch.closes_namespaces():
        pytest.skip("bubblewrap is older than 0.8")
    assert found[0]["user namespace"] == "ENOSPC"


def test_sockets_without_a_file_are_closed_where_the_kernel_can(found: Found) -> None:
    from pytest_autoresearch.sandbox.inside import landlock

    try:
        closed = landlock.scopes()
    except OSError:
        closed = False
    assert found[0]["abstract socket"] == ("EPERM" if closed else "connected")


# Which paths are shown


def test_what_is_hidden_wins_over_what_is_listed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "labels.csv").touch()
    (tmp_path / "data" / "notes").touch()
    labels, notes = str(tmp_path / "data" / "labels.csv"), str(tmp_path / "data" / "notes")
    for listed in (tmp_path / "data", tmp_path, tmp_path / "data" / "labels.csv"):
        for hidden in (tmp_path / "data", tmp_path / "data" / "labels.csv"):
            assert not Scene(hidden=[str(hidden)], listed=[str(listed)]).shows(labels)
    beside = Scene(hidden=[labels], listed=[str(tmp_path)])
    assert beside.shows(notes)
    assert not Scene(hidden=[labels]).shows(notes)


def test_a_repository_below_a_listed_folder_is_not_shown_but_for_what_is_listed_in_it(
    tmp_path: Path,
) -> None:
    for name in ("repository/test.py", "repository/tool/run", "notes"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    listed = [str(tmp_path), str(tmp_path / "repository" / "tool")]
    scene = Scene(private=[str(tmp_path / "repository")], listed=listed)
    shown = {
        name: scene.shows(str(tmp_path / name))
        for name in ("notes", "repository/test.py", "repository/tool/run")
    }
    assert shown == {"notes": True, "repository/test.py": False, "repository/tool/run": True}
    assert ("cover", str(tmp_path / "repository")) in scene.entries()


def test_a_folder_with_too_many_files_beside_a_hidden_one_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_autoresearch.sandbox.outdoors import view

    monkeypatch.setattr(view, "MOST_BESIDE", 2)
    for name in ("labels", "one", "two"):
        (tmp_path / name).touch()
    assert not Scene(hidden=[str(tmp_path / "labels")], listed=[str(tmp_path)]).shows(
        str(tmp_path / "one")
    )


def test_links_lead_where_they_lead_outside(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "tool").touch()
    (tmp_path / "bin").symlink_to("real")
    (tmp_path / "tool").symlink_to("bin/tool")
    scene = Scene(listed=[str(tmp_path / "tool")])
    links = [entry[1:] for entry in scene.entries() if entry[0] == "link"]
    assert (str(tmp_path / "tool"), "bin/tool") in links
    assert (str(tmp_path / "bin"), "real") in links
    assert scene.shows(str(tmp_path / "real" / "tool"))
    assert not scene.shows(str(tmp_path / "real"))


def test_a_link_in_a_circle_is_shown_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert not Scene(listed=[str(tmp_path / "a")]).shows(str(tmp_path / "a"))


def test_the_root_and_the_home_are_never_shown_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").touch()
    assert not Scene(listed=["/"]).shows(str(tmp_path / "file"))
    assert Scene(listed=["~/file"]).shows(str(tmp_path / "file"))


def test_an_environment_in_the_repository_is_shown_without_the_repository() -> None:
    root = Path(__file__).parents[2]
    if not Path(sys.prefix).is_relative_to(root):
        pytest.skip("this environment lies elsewhere")
    scene = Scene(private=[str(root)])
    assert scene.shows(sys.executable) or scene.shows(sys.prefix)
    assert not scene.shows(str(root / "README.md"))


# Where it cannot be had


def test_without_walls_it_takes_a_persons_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        outdoors.Outdoors, "fault", lambda self: "user namespace: Operation not permitted"
    )
    with pytest.raises(UsageProblem) as problem:
        choose(trusted=False)
    said = str(problem.value)
    assert "user namespace: Operation not permitted" in said
    assert "--autoresearch-trust-agent" in said
    assert " allows it" in said or "in a container" in said
    assert not choose(trusted=True).confined


def test_a_world_that_does_not_hold_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outdoors, "PROBE", "print('read a file outside', end='')")
    assert Outdoors("").fault() == "a program inside could read a file outside"


def test_unconfined_the_harmless_attack_comes_through() -> None:
    assert Outdoors("").fault().startswith("a program inside could ")


def test_a_program_that_is_not_there_is_told_apart(builder: str, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    ended = Outdoors(builder).run(
        ["/nowhere/tool"], work=tmp_path / "work", home=tmp_path / "home", env={}, seconds=60
    )
    assert ended.missing
    assert "No such file" in ended.reason


def test_an_ordinary_user_has_the_same_world(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this is an ordinary user")
    as_user = Path(__file__).parents[1] / "attacks" / "as_user.py"
    script = "from pytest_autoresearch.sandbox.outdoors import choose; print(choose(trusted=False).confined)"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(as_user), "12345", sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd="/",
        env={**os.environ, "HOME": str(tmp_path)},
    )
    if "cannot be confined here" in done.stderr:
        pytest.skip("not for ordinary users of this machine")
    assert done.stdout == "True\n", done.stderr
    assert time.monotonic() > began
