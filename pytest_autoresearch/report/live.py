"""Live progress: a status line on a terminal, a heartbeat line where there is none."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, TextIO

import pytest

from .text import one_line

INI = "autoresearch_heartbeat"
_REDRAW = 1.0


def projected(done: int, share: float, more: bool) -> int:
    """How many items to announce when ``done`` have ended and ``share`` (0 to 1) of the budget is spent.

    ``more`` says that another item follows, so that 100% is shown for the last one only.
    """
    if not more:
        return done
    share = min(1.0, share)
    return max(done + 1, round(done / share)) if share > 0 else done + 1


class Live:
    """Shows the line that ``state`` returns while the run loop runs.

    On a terminal the line stands below pytest's own output and is redrawn every second; elsewhere,
    and under ``-s``, it is a line of its own every `autoresearch_heartbeat` seconds. It is off under
    ``-q`` and without a terminal reporter. ``state`` is called in another thread.

    Make it while capture is suspended, at configure: it keeps a copy of the real stdout, because a
    thread that wrote to fd 1 during a test would write into that test's captured output.
    """

    def __init__(
        self,
        config: pytest.Config,
        reporter: pytest.TerminalReporter | None,
        state: Callable[[], str],
    ) -> None:
        self._reporter = reporter
        self._state = state
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._broken = False
        self._broken_at = 0
        quiet = reporter is None or config.get_verbosity() < 0
        self._out = None if quiet else _real_stdout()
        self._rewrites = self._out is not None and _can_rewrite(config, self._out)
        self._period = _REDRAW if self._rewrites else float(config.getini(INI))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        """Show progress as long as the loop runs, however it ends."""
        self._start()
        try:
            return (yield)
        finally:
            self._stop()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logstart(self) -> Generator[None, Any, Any]:
        """Make room for the line that names the item."""
        with self._lock:
            self._erase()
            result = yield
            self._broken = False
            return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """Make room for the result, and repeat the item's name when a heartbeat came between."""
        with self._lock:
            self._erase()
            if report.when == "call" or not report.passed:
                self._repeat_prefix()
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logfinish(self) -> Generator[None, Any, Any]:
        """Let pytest write its percentage in one piece."""
        with self._lock:
            return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Give the copy of stdout back."""
        self._stop()
        if self._out is not None:
            self._out.close()
            self._out = None

    def _start(self) -> None:
        if self._out is not None and self._period > 0:
            self._thread = threading.Thread(
                target=self._beat, name="autoresearch-live", daemon=True
            )
            self._thread.start()

    def _stop(self) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._erase()

    def _beat(self) -> None:
        while not self._done.wait(self._period):
            text = one_line(self._state())
            with self._lock:
                self._show(text)

    def _show(self, text: str) -> None:
        # A terminal or a pipe that went away is no reason to lose a search.
        with contextlib.suppress(OSError):
            if self._rewrites:
                self._draw(text)
            else:
                column = self._column()
                fresh = column == 0 or (self._broken and column == self._broken_at)
                self._write(f"{text}\n" if fresh else f"\n{text}\n")
                self._broken, self._broken_at = True, column

    def _draw(self, text: str) -> None:
        """Put ``text`` on the row below the cursor and bring the cursor back.

        pytest leaves a row unfinished while an item runs; rewriting that row would lose it. The
        steps are relative, so they hold when the new row makes the screen scroll.
        """
        width = self._width()
        column = self._column()
        column = (column - 1) % width + 1 if column else 0
        self._write(f"\n\r\x1b[2K{text[: width - 1]}\x1b[A\r" + (f"\x1b[{column}C" * bool(column)))

    def _erase(self) -> None:
        if self._rewrites:
            with contextlib.suppress(OSError):
                self._write("\x1b[J")

    def _repeat_prefix(self) -> None:
        prefix = getattr(self._reporter, "currentfspath", None)
        if self._broken and isinstance(prefix, str):
            with contextlib.suppress(OSError):
                self._write(prefix)
        self._broken = False

    def _write(self, text: str) -> None:
        if self._out is not None:
            self._out.write(text)
            self._out.flush()

    def _column(self) -> int:
        writer = self._reporter.config.get_terminal_writer() if self._reporter else None
        return writer.width_of_current_line if writer else 0

    def _width(self) -> int:
        """The terminal's columns now; a terminal that does not know them says 0."""
        columns = 0
        with contextlib.suppress(OSError):
            columns = os.get_terminal_size(self._out.fileno()).columns if self._out else 0
        return columns or 80


def _real_stdout() -> TextIO | None:
    """A private copy of stdout, or ``None`` where it has no descriptor."""
    try:
        descriptor = os.dup(sys.stdout.fileno())
    except (AttributeError, OSError, ValueError):
        return None
    return open(descriptor, "w", encoding="utf-8", errors="replace")


def _can_rewrite(config: pytest.Config, out: TextIO) -> bool:
    # Under -s tests print where we cannot know, so that there is no row to come back to.
    capture = config.getoption("capture", "fd")
    return out.isatty() and os.environ.get("TERM") != "dumb" and capture != "no"
