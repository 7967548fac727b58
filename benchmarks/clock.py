"""A pytest plugin that notes when each experiment ends and, if asked, where the time before went.

Environment: ``BENCH_CLOCK`` names the file that one JSON line is written to for every experiment;
``BENCH_SPANS=1`` puts stopwatches around the harness's own functions.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_autoresearch import candidate, evaluator
from pytest_autoresearch.history.run import Run
from pytest_autoresearch.project import Project
from pytest_autoresearch.records import Record
from pytest_autoresearch.report.junit import JUnit
from pytest_autoresearch.runs.session import Session
from pytest_autoresearch.sandbox import session as sandbox
from pytest_autoresearch.sandbox.rows.prediction import Prediction
from pytest_autoresearch.search.loop import Search

AGENT, HISTORY, FILES = "ask the agent, build the tree", "journal and git", "lay out files"
DATA, SANDBOX, TEST = "pack and send data", "scratch folders, answers", "frozen test, metric"
JUDGE, DERIVED, XML = "judge", "results.tsv, status.json", "JUnit XML"
PROCESS = "process"
WRAPPED: list[tuple[Any, str, str]] = [
    (Search, "ask", AGENT),
    (Search, "tell", JUDGE),
    (Run, "opened", HISTORY),
    (Run, "finished", HISTORY),
    (Project, "visible", FILES),
    (evaluator, "materialise", FILES),
    (evaluator, "discard", FILES),
    (candidate, "pack", DATA),
    (Prediction, "chunks", DATA),
    (Prediction, "part", DATA),
    (sandbox, "parcel", DATA),
    (sandbox, "memory_file", DATA),
    (sandbox.Sandbox, "run", SANDBOX),
    (candidate, "discard", SANDBOX),
    (Session, "derive", DERIVED),
    (JUnit, "pytest_runtest_logfinish", XML),
]


class Clock:
    """Stopwatches that exclude each other: time belongs to the innermost one that runs."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.processes: list[tuple[str, float, float]] = []
        self._inner = [0.0]

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Count this block, less the spans inside it."""
        self._inner.append(0.0)
        began = time.perf_counter()
        try:
            yield
        finally:
            whole = time.perf_counter() - began
            self.seconds[name] += whole - self._inner.pop()
            self._inner[-1] += whole

    def wrap(self, owner: Any, attribute: str, name: str) -> None:
        """Put a stopwatch around a function."""
        function: Callable[..., Any] = getattr(owner, attribute)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.span(name):
                return function(*args, **kwargs)

        setattr(owner, attribute, timed)

    def watch_processes(self) -> None:
        """Note from when to when each candidate process was waited for."""
        function = sandbox.Sandbox._watched

        @functools.wraps(function)
        def timed(own: sandbox.Sandbox, job: Any, *args: Any) -> Any:
            began = time.perf_counter()
            with self.span(PROCESS):
                found = function(own, job, *args)
            self.processes.append((job.name, began, time.perf_counter()))
            return found

        sandbox.Sandbox._watched = timed  # type: ignore[method-assign,assignment]


class Plugin:
    """Writes the clock's line after each experiment; the next one's time begins there."""

    def __init__(self, path: str, *, spans: bool) -> None:
        self.path = path
        self.clock = Clock()
        if spans:
            for wrapped in WRAPPED:
                self.clock.wrap(*wrapped)
            self.clock.watch_processes()

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self) -> Generator[None, Any, Any]:
        with self.clock.span(TEST):
            return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_autoresearch_experiment_finished(self, record: Record) -> None:
        line = {
            "at": time.perf_counter(),
            "part": record.part.value,
            "status": record.status.name,
            "score": record.score,
            "passes": len(record.passes),
            "output": record.output,
            "spans": dict(self.clock.seconds),
            "processes": self.clock.processes,
        }
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.clock.seconds.clear()
        self.clock.processes.clear()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before the plugin registers its objects: pluggy holds on to the functions that they have then."""
    spans = os.environ.get("BENCH_SPANS") == "1"
    config.pluginmanager.register(Plugin(os.environ["BENCH_CLOCK"], spans=spans))
