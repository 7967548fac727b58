"""Ctrl-C and SIGTERM end a search in order: exit 2, everything written, nothing left running."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.records import Part, Status
from pytest_autoresearch.signals import Signals, shielded
from pytest_autoresearch.testing import CONFTEST, Project, Result

FIT = "    rng = np.random.default_rng(seed)\n"
SLOW = FIT + "    import time\n    time.sleep(3600)\n"


def journal(project: Project) -> list[dict[str, object]]:
    paths = list(project.folder.glob(".autoresearch/*/journal.jsonl"))
    text = paths[0].read_text("utf-8") if paths else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def wait_for(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)


def signalled(
    project: Project, ready: Callable[[], bool], *signals: int, command: list[str] | None = None
) -> Result:
    """A search that gets signals, a tenth of a second apart, when it is ready for the first."""
    running = subprocess.Popen(
        command or project.command(),
        cwd=project.folder,
        env=project.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(ready)
        time.sleep(0.2)
        for number in signals:
            running.send_signal(number)
            time.sleep(0.1)
        stdout, stderr = running.communicate(timeout=60)
    finally:
        running.kill()
    return Result(running.returncode, stdout, stderr, project.folder, project.xml)


def opened(project: Project, item: str) -> Callable[[], bool]:
    return lambda: any(
        line["kind"] == "opened" and line["item"] == item for line in journal(project)
    )


def survivors(result: Result) -> list[str]:
    folder = str(next(line["scratch"] for line in result.lines if line["kind"] == "session"))
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if folder in line]


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)],
    ids=["INT", "TERM", "TERM-TERM", "INT-TERM"],
)  # fmt: skip
def test_a_signal_in_the_middle_of_a_fit(tmp_path: Path, signals: tuple[int, ...]) -> None:
    project = Project(tmp_path / "p")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    project.replace(FIT, SLOW, description="long")
    result = signalled(project, opened(project, "0002"), *signals)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "1 kept of 1 experiment" in result.stdout
    assert "ended: interrupted; the run is not finished" in result.stdout
    assert "exit 1" not in result.stdout
    assert [r.status for r in result.experiments] == [Status.KEPT, Status.INTERRUPTED]
    names = [case.get("name") for case in ET.parse(result.xml).iter("testcase")]
    assert names[-1] == "test_line[0002]"
    assert None not in names
    assert result.properties("test_line[0002]")["autoresearch.status"] == "INTERRUPTED"
    assert result.testcases["test_line[0002]"].find("skipped") is not None
    assert result.lines[-1]["kind"] == "closed"
    assert survivors(result) == []
    assert not Path(str(result.lines[1]["scratch"])).exists()


def test_the_next_session_evaluates_the_interrupted_number_first(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    flag = tmp_path / "go on"
    once = f"    import os, time\n    time.sleep(0 if os.path.exists({str(flag)!r}) else 3600)\n"
    project.replace(FIT, FIT + once, description="long")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    signalled(project, opened(project, "0001"), signal.SIGTERM)
    flag.touch()
    result = project.search()
    assert result.returncode == 0, result.stdout + result.stderr
    found = [(r.item, r.session, r.status) for r in result.experiments]
    assert found == [
        ("0001", 1, Status.INTERRUPTED),
        ("0001", 2, found[1][2]),
        ("0002", 2, Status.KEPT),
    ]
    assert found[1][2] is not Status.INTERRUPTED
    assert "goes on with run" in result.stdout


def test_sigterm_while_the_agent_thinks(tmp_path: Path) -> None:
    thinking = tmp_path / "thinking"
    agent = f"""

import pathlib, time

class Slow:
    def propose(self, briefing):
        pathlib.Path({str(thinking)!r}).touch()
        time.sleep(3600)
    def told(self, record): pass

def pytest_autoresearch_make_agent(spec):
    return Slow() if spec == "slow" else None
"""
    project = Project(tmp_path / "p", {"conftest.py": CONFTEST + agent})
    command = [
        sys.executable, "-m", "pytest", "--autoresearch", "--autoresearch-agent", "slow",
        "--autoresearch-allow-untrusted", "--junitxml", str(project.xml),
    ]  # fmt: skip
    result = signalled(project, thinking.exists, signal.SIGTERM, command=command)
    assert result.returncode == 2, result.stdout + result.stderr
    assert [r.part for r in result.records] == [Part.BASELINE, Part.CALIBRATION]
    assert set(result.testcases) == {"test_line[0000]", "test_line[0000-calibration]"}
    assert survivors(result) == []


def test_pytest_exit_in_the_frozen_test_is_an_interrupt_too(tmp_path: Path) -> None:
    ending = CONFTEST + "\n\ndef pytest_runtest_teardown(item):\n    pass\n"
    project = Project(tmp_path / "p", {"conftest.py": ending})
    test = project.files["test_line.py"].replace(
        "    assert exp", "    if error.std() < 0.2:\n        pytest.exit('enough')\n    assert exp"
    )
    (project.folder / "test_line.py").write_text(test, encoding="utf-8")
    project.commit()
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    result = project.search()
    assert result.returncode == 2
    assert [r.status for r in result.experiments] == [Status.INTERRUPTED]
    assert result.experiments[0].reason == "stopped by pytest.exit: enough"
    assert "test_line[0001]" in result.testcases


def test_a_shield_holds_signals_back_until_it_ends() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), shielded():  # noqa: PT012
        with shielded():
            signal.raise_signal(signal.SIGINT)
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"]


def test_the_first_sigterm_interrupts_and_later_ones_are_ignored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    signals = Signals()
    signals.install()
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signals.remove()
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    found = []

    def work() -> None:
        signals = Signals()
        signals.install()
        with shielded():
            found.append(signal.getsignal(signal.SIGTERM))
        signals.remove()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [before]


def test_a_signal_that_was_lost_is_remembered_and_a_later_one_gets_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Signals()
    found.install()
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert found.asked
        signal.raise_signal(signal.SIGTERM)
        monkeypatch.setattr("pytest_autoresearch.signals.AGAIN", 0.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        found.closing = True
        signal.raise_signal(signal.SIGTERM)
    finally:
        found.remove()


def test_a_measurement_stopped_before_it_began_takes_no_passes_of_the_one_before(
    tmp_path: Path,
) -> None:
    early = """

@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    if item.name.endswith("[0001-reference]"):
        raise KeyboardInterrupt
    return (yield)
"""
    project = Project(tmp_path / "p", {"conftest.py": CONFTEST + early})
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    result = project.search()
    assert result.returncode == 2, result.stdout + result.stderr
    [kept, stopped] = result.records[-2:]
    assert (kept.status, stopped.status) == (Status.KEPT, Status.INTERRUPTED)
    assert stopped.item == "0001-reference"
    assert kept.passes
    assert stopped.passes == ()
