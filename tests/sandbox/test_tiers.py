"""The walls stand where they are said to stand, each of them is tried, and who lacks one is told."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_autoresearch.exceptions import CandidateError, HarnessFault, UsageProblem
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Sandbox, session
from pytest_autoresearch.sandbox.inside import attempts, landlock, linux, privileges, seccomp
from pytest_autoresearch.sandbox.walls import tiers
from pytest_autoresearch.sandbox.walls.outside import number_here, require_walls
from pytest_autoresearch.sandbox.walls.tiers import NAMESPACES, UNWALLED, Missing, Tier
from pytest_autoresearch.sandbox.walls.view import View, view

CONTAINER = Path(__file__).parents[1] / "attacks" / "container.py"
X, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
KINDS = ("guarded", "sealed", "sealed by ourselves")


def tier_of(kind: str) -> Tier:
    """The tier of that name; skips the test on a machine that has none."""
    if kind == "sealed by ourselves":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tiers, "_builders", lambda: [NAMESPACES])
            return tier_of("sealed")
    try:
        return tiers.choose(kind)
    except UsageProblem as problem:
        pytest.skip(str(problem))


@pytest.fixture(params=KINDS)
def tier(request: pytest.FixtureRequest) -> Tier:
    return tier_of(request.param)


@pytest.fixture
def walled(tier: Tier, tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(Limits(), tmp_path / "room", ["numpy"], tier=tier) as sandbox:
        yield sandbox


def forked(work: Callable[[], object]) -> str:
    """What a forked process's work comes to, as text: walls hold for good, so not in this process."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            text = repr(work())
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as file:
        found = file.read()
    os.waitpid(pid, 0)
    return found


# What is tried at every start


def test_a_canary_fails_at_everything_within_walls(walled: Sandbox) -> None:
    walled.prove()


def test_without_walls_the_canary_comes_through_everywhere(tmp_path: Path) -> None:
    with tiers.targets(tmp_path, Limits()) as target:
        found = forked(lambda: attempts.succeeded(target))
    names = [name for name, _ in attempts.ATTEMPTS]
    came = dict(zip(names, eval(found), strict=True))
    # Whether a namespace can be begun is the machine's choice.
    came.pop("gain rights")
    assert set(came.values()) == {1.0}, came


@pytest.mark.parametrize(
    ("missing", "what"),
    [
        ("Landlock", "read a file outside"),
        ("seccomp", "start a process"),
    ],
)
def test_a_canary_that_comes_through_ends_the_search(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str, what: str
) -> None:
    """The judge is told of walls that stand, and they do not."""
    tier = tier_of("guarded")
    if missing == "Landlock":

        def everything(*given: Any) -> View:
            return replace(view(*given), rules=(("/", landlock.WRITE),))

        monkeypatch.setattr(session, "view", everything)
        limits = Limits()
    else:
        # The walls allow it; the canary is asked as if they should not.
        limits = Limits(processes=True)
        targets = tiers.targets
        monkeypatch.setattr(session, "targets", lambda folder, _: targets(folder, Limits()))
    with (
        Sandbox(limits, tmp_path / "room", ["numpy"], tier=tier) as sandbox,
        pytest.raises(HarnessFault, match=f"isolation guarded does not hold: .*{what}"),
    ):
        sandbox.prove()


def test_the_judge_looks_at_the_walls_of_every_process_from_outside(
    monkeypatch: pytest.MonkeyPatch, make: Any, walled: Sandbox
) -> None:
    seen: list[tuple[int, str]] = []
    monkeypatch.setattr(session, "require_walls", lambda pid, tier: seen.append((pid, tier)))
    model = make(
        "def fit(X, y, *, seed): return 0\ndef predict(s, X): return X[:, 0]", sandbox=walled
    )
    model.candidate.fit(X, y).predict(X)
    assert len({pid for pid, _ in seen}) == 5
    assert {name for _, name in seen} == {walled.tier.name}


@pytest.mark.skipif(sys.platform != "linux", reason="walls are Linux's")
@pytest.mark.parametrize(
    ("tier", "words"),
    [
        ("guarded", ["no seccomp filter", "no_new_privs"]),
        (
            "sealed",
            ["no seccomp filter", "the user namespace is ours", "the pid namespace is ours"],
        ),
    ],
)
def test_a_process_without_walls_is_found_out(tier: str, words: list[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        with pytest.raises(HarnessFault) as caught:
            require_walls(process.pid, tier)
        process.communicate(b"\n")
    assert all(word in str(caught.value) for word in words)
    require_walls(process.pid, tier)  # it has ended: nothing to look at


def test_a_process_of_a_namespace_is_found_by_its_number_there(make: Any, walled: Sandbox) -> None:
    if walled.tier.name != "sealed":
        pytest.skip("numbers differ in sealed only")
    make("def fit(X, y, *, seed): return 0", sandbox=walled).candidate.fit(X, y)
    assert walled._guard is not None
    with pytest.raises(ProcessLookupError, match="process 99999 of the sandbox is not there"):
        number_here(walled._guard.pid, 99999)


# What a candidate sees

LOOK = """
import os
def tried(what, *args):
    try:
        return str(what(*args))
    except OSError as error:
        return type(error).__name__
def fit(X, y, *, seed, words):
    found = {
        "own scratch": tried(open(os.path.join(os.environ["TMPDIR"], "own"), "w").write, "1"),
        "own tree": tried(open, os.path.join(os.path.dirname(__file__), "more.py"), "w"),
        "data": tried(words.read_text),
        "write data": tried(words.write_text, "other"),
        "beside data": tried((words.parent / "secret").read_text),
        "home": tried(os.listdir, os.environ["REAL_HOME"]),
        "passwd": tried(open, "/etc/passwd"),
        "rooms": tried(os.listdir, os.path.dirname(os.environ["TMPDIR"])),
        "library": tried(open, os.path.join(os.path.dirname(os.__file__), "site.py"), "w"),
        "hidden": tried(open, os.environ["HIDDEN"]),
        "shown": tried(open, os.environ["SHOWN"]),
        "kernel": tried(open, "/proc/sys/kernel/core_pattern", "w"),
    }
    print(found)
    return found
def predict(state, X):
    try:
        folder = os.listdir(os.path.dirname(os.environ["TMPDIR"]))
    except OSError:
        folder = []
    for name in (one for one in folder if one.startswith("model-")):
        path = os.path.join(os.path.dirname(os.environ["TMPDIR"]), name, "more")
        print("artifact", tried(open, path, "w"))
    return X[:, 0]
"""


def test_a_candidate_sees_its_own_files_and_the_python_environment(
    make: Any, tier: Tier, tmp_path: Path
) -> None:
    (tmp_path / "words").write_text("words")
    (tmp_path / "secret").write_text("secret")
    hidden = Path(np.__file__).parent / "py.typed"
    shown = Path(np.__file__).parent / "exceptions.py"
    env = {"HIDDEN": str(hidden), "SHOWN": str(shown), "REAL_HOME": str(Path.home())}
    limits = Limits(data={"words": str(tmp_path / "words")}, hidden=(str(hidden),), env=env)
    with Sandbox(limits, tmp_path / "room", ["numpy"], tier=tier) as sandbox:
        (tmp_path / "room" / "other").mkdir()
        case = make(LOOK, sandbox=sandbox)
        case.candidate.fit(X, y).predict(X)
    text, _, rest = case.ledger.text.partition("\n")
    found = eval(text)
    assert found["own scratch"] == "1"
    assert found["data"] == "words"
    assert found["shown"].startswith("<_io.TextIOWrapper")
    refused = {name: found[name] for name in ("own tree", "write data", "library", "kernel")}
    assert set(refused.values()) <= {"PermissionError", "OSError"}, refused
    unseen = {name: found[name] for name in ("beside data", "home", "passwd")}
    assert set(unseen.values()) <= {"PermissionError", "FileNotFoundError"}, unseen
    assert "other" not in found["rooms"]
    assert found["hidden"] == "PermissionError"
    # In guarded the folder cannot even be listed.
    assert rest.splitlines() in ([], ["artifact PermissionError"] * 2, ["artifact OSError"] * 2)


def test_a_sealed_candidate_is_alone(make: Any, walled: Sandbox) -> None:
    source = """
import os
def fit(X, y, *, seed):
    numbers = [name for name in os.listdir("/proc") if name.isdigit()]
    print(os.getpid(), numbers, open("/proc/net/dev").read().count(":"))
"""
    case = make(source, sandbox=walled)
    case.candidate.fit(X, y)
    if walled.tier.name == "sealed":
        assert case.ledger.text == "1 ['1'] 1\n"  # itself, and the loopback device
    else:
        assert str(os.getpid()) in case.ledger.text


# The layers, one by one


def rules(**given: Any) -> seccomp.Rules:
    values = {"processes": False, "execute": False, "alone": False, "scoped": False, "pid": 0}
    return seccomp.Rules(**values | given)


def under(made: seccomp.Rules, work: Callable[[], object]) -> str:
    def restricted() -> object:
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.build(replace(made, pid=os.getpid())).load()
        return work()

    return forked(restricted)


def called(name: str, *arguments: int) -> int:
    """The error number of a system call; 0 when it came through."""
    number = seccomp._library().seccomp_syscall_resolve_name(name.encode())
    assert number != seccomp.UNKNOWN, name
    given = [ctypes.c_long(one) for one in arguments]
    result = linux.libc.syscall(ctypes.c_long(number), *given)
    return ctypes.get_errno() if result < 0 else 0


def known(name: str) -> bool:
    return int(seccomp._library().seccomp_syscall_resolve_name(name.encode())) >= 0


def test_every_call_of_the_list_is_denied_on_this_architecture() -> None:
    tier_of("guarded")
    names = [name for name in seccomp.DENIED if known(name)]
    assert len(names) > 60
    bad = [-1] * 6
    found = under(rules(), lambda: [name for name in names if called(name, *bad) != errno.EPERM])
    assert found == "[]"


@pytest.mark.parametrize(
    ("given", "call", "error"),
    [
        ({}, ("clone3", 0, 0), errno.ENOSYS),
        ({}, ("clone", 17, 0, 0, 0, 0), errno.EAGAIN),
        ({}, ("clone", linux.CLONE_NEWUSER | 17, 0, 0, 0, 0), errno.EPERM),
        ({"processes": True}, ("clone", linux.CLONE_NEWNET | 17, 0, 0, 0, 0), errno.EPERM),
        ({}, ("execve", 0, 0, 0), errno.EACCES),
        ({"execute": True}, ("execve", 0, 0, 0), errno.EFAULT),
        ({}, ("socket", socket.AF_INET, socket.SOCK_STREAM, 0), errno.EACCES),
        ({}, ("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0), errno.EACCES),
        ({"alone": True}, ("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0), errno.EACCES),
        (
            {"alone": True, "processes": True},
            ("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0),
            errno.EACCES,
        ),
        ({"alone": True}, ("socket", socket.AF_NETLINK, socket.SOCK_RAW, 0), errno.EACCES),
        ({}, ("kill", os.getpid(), 0), errno.EPERM),
        ({}, ("kill", -1, 0), errno.EPERM),
        ({}, ("tkill", os.getpid(), 0), errno.EPERM),
        ({}, ("pidfd_send_signal", 0, 0, 0, 0), errno.EPERM),
        ({}, ("prlimit64", os.getpid(), 0, 0, 0), errno.EPERM),
        ({}, ("prlimit64", 0, 0, 0, 0), 0),
        ({}, ("setpriority", 0, os.getpid(), 5), errno.EPERM),
        ({}, ("ioprio_set", 1, os.getpid(), 0), errno.EPERM),
        ({}, ("fcntl", 1, 8, os.getpid()), errno.EPERM),
        ({}, ("ioctl", 0, 0x5412, 0), errno.EPERM),
        ({"processes": True, "scoped": True}, ("kill", 0x7FFFFFF0, 0), errno.ESRCH),
        ({"processes": True}, ("kill", 0x7FFFFFF0, 0), errno.EPERM),
    ],
)
def test_what_reaches_others_is_denied(
    given: dict[str, bool], call: tuple[Any, ...], error: int
) -> None:
    tier_of("guarded")
    assert under(rules(**given), lambda: called(*call)) == str(error)


def test_threads_and_signals_to_oneself_are_allowed() -> None:
    tier_of("guarded")
    import threading

    def work() -> list[int]:
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(called("kill", os.getpid(), 0)))
        thread.start()
        thread.join()
        return found

    assert under(rules(), work) == "[0]"


def test_no_privilege_is_left_and_no_program_gives_one() -> None:
    def work() -> str:
        privileges.drop()
        text = Path("/proc/self/status").read_text()
        shell = subprocess.run(
            ["cat", "/proc/self/status"], capture_output=True, text=True, check=True
        )
        return ",".join(
            line.split()[1]
            for status in (text, shell.stdout)
            for line in status.splitlines()
            if line.startswith(("CapPrm", "CapEff", "CapInh", "CapAmb", "NoNewPrivs"))
        )

    nothing = ",".join(["0" * 16] * 4 + ["1"])
    # The order of the lines is the kernel's: no_new_privs comes after the capabilities.
    assert forked(work) == repr(f"{nothing},{nothing}")


def test_landlock_allows_what_is_listed_and_nothing_else(tmp_path: Path) -> None:
    tier_of("guarded")
    for name in ("read", "write", "none"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)

    def attempt(path: Path, mode: str) -> str:
        try:
            with open(path, mode):
                return "yes"
        except PermissionError:
            return "no"

    def work() -> dict[str, str]:
        made = landlock.Ruleset()
        made.allow(
            [(str(tmp_path / "read"), landlock.READ), (str(tmp_path / "write"), landlock.WRITE)]
        )
        made.allow([(str(tmp_path / "missing"), landlock.READ)])
        privileges.drop()
        made.restrict()
        found = {
            f"{name} {mode}": attempt(tmp_path / name / "file", mode)
            for name in ("read", "write", "none")
            for mode in ("r", "a")
        }
        try:
            os.truncate(tmp_path / "read" / "file", 0)
        except PermissionError:
            found["truncate"] = "no"
        return found

    assert eval(forked(work)) == {
        **{"read r": "yes", "read a": "no", "write r": "yes", "write a": "yes"},
        **{"none r": "no", "none a": "no", "truncate": "no"},
    }


# Which tier there is


def test_auto_takes_the_best_there_is_and_sealed_is_never_lowered() -> None:
    """In a container that refuses namespaces."""
    tier_of("guarded")
    code = (
        "from pytest_autoresearch.sandbox.walls import tiers\n"
        "found = tiers.choose('auto')\n"
        "print(found.name, '|', *found.lacks)\n"
        "try: tiers.choose('sealed')\n"
        "except Exception as error: print(type(error).__name__, '|', error)\n"
    )
    command = [sys.executable, str(CONTAINER), sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    auto, sealed = ended.stdout.splitlines()
    assert auto.startswith("guarded | not sealed: user namespace: ")
    assert "EPERM" in auto
    assert sealed.startswith("UsageProblem | isolation sealed cannot be had here: user namespace: ")
    assert "--security-opt seccomp=unconfined" in sealed
    assert sealed.endswith("or type --autoresearch-isolation guarded, which needs no namespaces")


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (
            Missing(
                "libseccomp.so.2 is not installed", errno.ENOENT, "libseccomp.so.2 is not installed"
            ),
            "apt-get install libseccomp2",
        ),
        (Missing("Landlock", errno.EOPNOTSUPP, "Landlock: Operation not supported"), "Linux 6.2"),
        (
            Missing("user namespace", errno.EPERM, "user namespace: Operation not permitted"),
            "container",
        ),
    ],
)
def test_who_lacks_every_wall_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, layer: Missing, words: str
) -> None:
    monkeypatch.setattr(tiers, "_probed", lambda _: layer)
    monkeypatch.setattr(tiers, "_has", lambda *_: False)
    tiers.best.cache_clear()
    for asked, weaker in (
        ("sealed", "guarded"),
        ("guarded", "none"),
        ("auto", "none"),
    ):
        with pytest.raises(UsageProblem) as caught:
            tiers.choose(asked)
        assert str(layer) in str(caught.value)
        assert words in str(caught.value)
        assert f"--autoresearch-isolation {weaker}" in str(caught.value)
    assert tiers.best() is UNWALLED
    tiers.best.cache_clear()


def test_libseccomp_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "LIBRARY", "libnothing.so.9")
    with pytest.raises(OSError, match=r"libnothing\.so\.9 is not installed"):
        seccomp.build(rules())


def test_guarded_lets_processes_start_only_where_the_kernel_keeps_their_signals_in() -> None:
    limits = Limits(processes=True)
    tiers.require_doors(Tier("guarded", landlock=6), limits, "here")
    tiers.require_doors(Tier("sealed", landlock=3), limits, "here")
    with pytest.raises(UsageProblem, match=r"here: processes=True .* Landlock can from version 6"):
        tiers.require_doors(Tier("guarded", landlock=5), limits, "here")


# What is shown of the machine


def test_a_folder_that_holds_the_repository_is_no_import_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository = tmp_path / "above" / "project"
    repository.mkdir(parents=True)
    (tmp_path / "library").mkdir()
    for path in (tmp_path / "library", repository.parent, repository / "tests"):
        monkeypatch.syspath_prepend(str(path))
    (repository / "tests").mkdir()
    (tmp_path / "room").mkdir()
    found = view(tmp_path / "room", repository, Limits())
    shown = {path for kind, path, *_ in found.entries if kind == "show"}
    assert str(tmp_path / "library") in shown
    assert str(repository.parent) not in shown
    assert not any(path.startswith(str(repository)) for path in shown)


def test_what_is_hidden_is_allowed_by_no_rule(tmp_path: Path) -> None:
    hidden = os.path.realpath(Path(np.__file__).parent / "py.typed")
    found = view(tmp_path, None, Limits(hidden=(hidden,)))
    covering = [
        path
        for path, rights in found.rules
        if hidden.startswith(path.rstrip("/") + "/") and rights & landlock.READ_FILE
    ]
    assert covering == []
    assert ("cover", hidden) in found.entries
    neighbour = os.path.realpath(np.__file__)
    assert any(path == neighbour and rights & landlock.READ_FILE for path, rights in found.rules)


def test_several_sandboxes_at_once_do_not_disturb_each_other(
    make: Any, tier: Tier, tmp_path: Path
) -> None:
    import threading

    source = (
        "import time\ndef fit(X, y, *, seed):\n    time.sleep(1)\n    raise ValueError(X[0, 0])"
    )
    errors: dict[float, str] = {}

    def one(number: float) -> None:
        room = Sandbox(Limits(), tmp_path / f"room{number:g}", ["numpy"], tier=tier)
        with room, pytest.raises(CandidateError) as caught:
            make(source, sandbox=room).candidate.fit(X + number, y)
        errors[number] = str(caught.value).splitlines()[-1]

    began = time.monotonic()
    threads = [threading.Thread(target=one, args=(float(number),)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == {number: f"ValueError: {number}" for number in (0.0, 1.0, 2.0)}
    assert time.monotonic() - began < 60
