"""Live progress is a line below the results on a terminal and a heartbeat elsewhere."""

from __future__ import annotations

import os
import pty
import re
import select
import struct
import sys
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path
from subprocess import Popen
from termios import TIOCSWINSZ

import pytest

from pytest_autoresearch.report.live import projected

LINE = "autoresearch: 0001 evaluating, 3 kept of 11 tried, 5 h left"
CONFTEST = """
import pytest
from pytest_autoresearch.report import live

live._REDRAW = 0.02

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    config.pluginmanager.register(live.Live(config, reporter, lambda: TEXT))

TEXT = %r
"""
TESTS = """
import time, pytest
@pytest.mark.xfail(reason="a reason " * 12)
def test_long_reason(): time.sleep(0.1); assert False
def test_quick(): pass
def test_slow(): time.sleep(0.2); print("own words")
def test_other(): pass
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST % LINE)
    pytester.makepyfile(test_night=TESTS)
    return pytester


@pytest.fixture
def terminal(project: pytest.Pytester) -> Callable[..., bytes]:
    """Run pytest on a pseudo-terminal of 60 columns; everything that it wrote."""

    def run(*arguments: str, term: str = "xterm") -> bytes:
        master, slave = pty.openpty()
        ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        environ = {**os.environ, "TERM": term, "PY_COLORS": "0"}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        process = Popen(
            command, cwd=project.path, stdin=slave, stdout=slave, stderr=slave, env=environ
        )
        os.close(slave)
        try:
            return _read_all(master)
        finally:
            process.kill()
            process.wait()
            os.close(master)

    return run


def _read_all(master: int, silence: float = 20.0) -> bytes:
    received = b""
    while select.select([master], [], [], silence)[0]:
        try:
            received += os.read(master, 1 << 16)
        except OSError:  # so Linux says that the last process has closed the other side
            return received
    raise AssertionError(f"silent for {silence} s after {received!r}")


class Screen:
    """As much of a terminal as pytest and the status line use; rows never scroll away."""

    def __init__(self, columns: int = 60) -> None:
        self.rows: dict[int, list[str]] = {}
        self.row = self.column = 0
        self.columns = columns
        self.seen: set[str] = set()

    def feed(self, text: str) -> list[str]:
        for control, letter in re.findall(r"(\x1b\[[0-9;]*[A-Za-z])|(.)", text, re.DOTALL):
            if control:
                self._control(int(control[2:-1] or 1), control[-1])
            else:
                self._letter(letter)
        return self.text()

    def text(self) -> list[str]:
        return ["".join(self.rows.get(row, [])).rstrip() for row in range(max(self.rows) + 1)]

    def _control(self, number: int, letter: str) -> None:
        if letter == "A":
            self.row -= 1
        elif letter == "C":
            self.column += number
        elif letter == "K":
            self.rows[self.row] = []
        elif letter == "J":
            self.rows[self.row] = self.rows.get(self.row, [])[: self.column]
            self.rows = {row: line for row, line in self.rows.items() if row <= self.row}
        else:
            raise AssertionError(letter)

    def _letter(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self.seen.update(self.text() if self.rows else [])
            self.row += 1
        else:
            if self.column == self.columns:
                self.row, self.column = self.row + 1, 0
            line = self.rows.setdefault(self.row, [])
            line += [" "] * (self.column - len(line))
            line[self.column : self.column + 1] = [letter]
            self.column += 1
            self.seen.add("".join(line))


@pytest.mark.parametrize("verbosity", ["-v", "-vv", "--verbosity=0"])
def test_the_screen_ends_as_without_a_status_line(
    project: pytest.Pytester, terminal: Callable[..., bytes], verbosity: str
) -> None:
    written = terminal(verbosity).decode()
    screen = Screen()
    shown = screen.feed(written)
    assert LINE in screen.seen
    assert not any("autoresearch:" in row for row in shown)
    project.makeconftest("")
    plain = Screen().feed(terminal(verbosity).decode())
    assert _without_times(shown) == _without_times(plain)


def _without_times(rows: list[str]) -> list[str]:
    return [re.sub(r"=+( .* in ).*", r"\1", row) for row in rows]


def test_a_row_longer_than_the_terminal_is_left_whole(
    project: pytest.Pytester, terminal: Callable[..., bytes]
) -> None:
    name = "test_" + "x" * 70
    project.makepyfile(test_night=f"import time\ndef {name}(): time.sleep(0.2)")
    screen = Screen()
    shown = screen.feed(terminal("-v").decode())
    assert LINE in screen.seen
    assert f"test_night.py::{name} PASSED" in "".join(shown)
    assert not any("autoresearch:" in row for row in shown)


def test_a_long_status_is_cut_to_the_terminals_width(
    project: pytest.Pytester, terminal: Callable[..., bytes]
) -> None:
    project.makeconftest(CONFTEST % ("autoresearch: " + "y" * 100))
    written = terminal("-v").decode()
    assert "autoresearch: " + "y" * 45 in written
    assert "autoresearch: " + "y" * 46 not in written


@pytest.mark.parametrize(
    ("arguments", "term"), [(("-s",), "xterm"), ((), "dumb")], ids=["-s", "TERM=dumb"]
)
def test_where_rows_cannot_be_rewritten_there_are_heartbeats(
    terminal: Callable[..., bytes], arguments: tuple[str, ...], term: str
) -> None:
    written = terminal("-o", "autoresearch_heartbeat=0.05", *arguments, term=term).decode()
    assert f"\n{LINE}\r\n" in written
    assert "\x1b[" not in written


def test_quiet_shows_no_status_line(terminal: Callable[..., bytes]) -> None:
    assert LINE not in terminal("-q").decode()


@pytest.mark.parametrize("verbosity", ["-v", "--verbosity=0"])
def test_without_a_terminal_a_heartbeat_is_a_line_of_its_own(
    project: pytest.Pytester, verbosity: str
) -> None:
    project.makepyfile(
        test_night="""
        import time
        def test_slow(request):
            request.addfinalizer(lambda: time.sleep(0.2))
            time.sleep(0.2)
        """
    )
    result = project.runpytest_subprocess(verbosity, "-o", "autoresearch_heartbeat=0.05")
    lines = [line for line in result.outlines if "autoresearch:" in line]
    assert lines
    assert set(lines) == {LINE}
    assert result.ret == 0


def test_a_result_after_a_heartbeat_names_its_item_again(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("-v", "-o", "autoresearch_heartbeat=0.1")
    result.stdout.fnmatch_lines([LINE, "test_night.py::test_slow PASSED*"])
    result.stdout.fnmatch_lines(["test_night.py::test_quick PASSED*"])
    assert "" not in result.outlines[result.outlines.index(LINE) :][:2]


def test_a_heartbeat_never_lands_in_captured_output(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_night="""
        import time
        def test_slow():
            time.sleep(0.3)
            print("own words")
            assert False
        """
    )
    result = project.runpytest_subprocess("-o", "autoresearch_heartbeat=0.05")
    _, _, captured = result.stdout.str().partition("Captured stdout call")
    assert "own words" in captured
    assert LINE not in captured


@pytest.mark.parametrize(
    "arguments",
    [("-q",), ("-o", "autoresearch_heartbeat=0"), ("-p", "no:terminal")],
    ids=["quiet", "zero", "no terminal reporter"],
)
def test_heartbeats_can_be_turned_off(project: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    result = project.runpytest_subprocess("-o", "autoresearch_heartbeat=0.05", *arguments)
    assert result.ret == 0
    assert LINE not in result.stdout.str()


def test_a_heartbeat_comes_once_a_minute_unless_asked_otherwise(
    project: pytest.Pytester,
) -> None:
    config = project.parseconfigure()
    assert config.getini("autoresearch_heartbeat") == 60.0


def test_an_interrupted_loop_leaves_a_clean_screen(
    project: pytest.Pytester, terminal: Callable[..., bytes]
) -> None:
    project.makepyfile(
        test_night="import time\ndef test_stopped():\n time.sleep(0.2)\n raise KeyboardInterrupt"
    )
    screen = Screen()
    shown = screen.feed(terminal("-v").decode())
    assert LINE in screen.seen
    assert not any("autoresearch:" in row for row in shown)


def test_the_copy_of_stdout_is_given_back(project: pytest.Pytester) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    project.runpytest_inprocess()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("done", "share", "more", "total"),
    [
        (1, 0.5, True, 2),
        (10, 0.25, True, 40),
        (3, 1.0, True, 4),
        (3, 1.7, True, 4),
        (3, 0.2, False, 3),
        (5, 0.0, True, 6),
        (0, 0.0, True, 1),
    ],
)
def test_the_total_is_projected_from_the_budget(
    done: int, share: float, more: bool, total: int
) -> None:
    assert projected(done, share, more) == total
