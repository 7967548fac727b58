"""Keeps pytest's JUnit XML complete and current while experiments run."""

from __future__ import annotations

import contextlib
import os
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from .properties import PREFIX, Property

_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUICK = 0.02
_NEEDED = ("logfile", "node_reporters_ordered", "global_properties", "node_reporter")


class JUnit:
    """Rewrites the XML as experiments end, so that a killed job leaves a complete file.

    ``suite`` gives the suite's properties; it is asked at every writing. Without `--junitxml`, and
    with a pytest whose writer has another shape, nothing is done: the journal is the truth.
    """

    def __init__(
        self, config: pytest.Config, suite: Callable[[], Iterable[Property]] = tuple
    ) -> None:
        self._config = config
        self._suite = suite
        self._rest = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """Add the reason of what was not kept as the testcase's output: GitLab shows only that."""
        result = yield
        reason = getattr(report, "wasxfail", None)
        if reason and report.when != "teardown" and hasattr(report, "autoresearch_status"):
            writer = _writer(self._config)
            if writer is not None:
                writer.node_reporter(report).append(_system_out(reason))
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """Rewrite the file; a full disk is left to the end of the session to complain of.

        Writing takes longer the more testcases there are: once it is slow, it may take a twentieth of
        the time.
        """
        writer = _writer(self._config)
        began = time.monotonic()
        if writer is None or not _replaceable(writer.logfile) or began < self._rest:
            return
        with contextlib.suppress(OSError), self._writing(writer):
            writer.pytest_sessionfinish()
        ended = time.monotonic()
        if ended - began > _QUICK:
            self._rest = ended + 19 * (ended - began)

    # Innermost: the terminal reporter's wrapper prints the path, which must be restored by then.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None, Any, Any]:
        """Let pytest write the last version under the same guard."""
        writer = _writer(self._config)
        if writer is None or not _replaceable(writer.logfile):
            return (yield)
        with self._writing(writer):
            return (yield)

    @contextlib.contextmanager
    def _writing(self, writer: Any) -> Generator[None]:
        own = [(name, _NOT_XML.sub("?", value)) for name, value in self._suite()]
        others = [pair for pair in writer.global_properties if not pair[0].startswith(PREFIX)]
        writer.global_properties[:] = others + own
        with _only_named(writer), _at_once(writer):
            yield


def _writer(config: pytest.Config) -> Any:
    """pytest's XML writer, which has no public name, or ``None``."""
    try:
        from _pytest.junitxml import xml_key
    except ImportError:
        return None
    writer: Any = config.stash.get(xml_key, None)
    return writer if all(hasattr(writer, name) for name in _NEEDED) else None


def _replaceable(path: str) -> bool:
    """Whether ``path`` is, or will be, a plain file; ``/dev/stdout`` must not be renamed over."""
    return os.path.isfile(path) or not os.path.exists(path)


@contextlib.contextmanager
def _only_named(writer: Any) -> Generator[None]:
    """Hide testcases without a name: an item that was interrupted would read as a pass."""
    everything = writer.node_reporters_ordered
    writer.node_reporters_ordered = [
        reporter for reporter in everything if "name" in reporter.to_xml().attrib
    ]
    try:
        yield
    finally:
        writer.node_reporters_ordered = everything


@contextlib.contextmanager
def _at_once(writer: Any) -> Generator[None]:
    """Send pytest's writing to a temporary file and put that in place when it is complete."""
    final = writer.logfile
    target = Path(os.path.realpath(final))
    partial = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    writer.logfile = str(partial)
    try:
        yield
        if partial.exists():
            os.replace(partial, target)
    finally:
        writer.logfile = final
        partial.unlink(missing_ok=True)


def _system_out(reason: str) -> ET.Element:
    element = ET.Element("system-out")
    element.text = _NOT_XML.sub("?", reason.removeprefix("reason: "))
    return element
