"""One analysis from set-up to outcome: an agent's code, run on what the objective's fixture returns."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from .exceptions import CandidateFailure, Interrupted, OverBudget
from .records import Analysis, Json, Outcome, Status
from .sandbox import Job, Meter, Sandbox, materialise, pack
from .sandbox.handing.arguments import admit

MODULE = "autoresearch_analysis.py"
"""The file that an agent's code becomes, beside the entry."""
TOOLS = "autoresearch_tools"
"""The folder of the tree that holds `pytest_autoresearch.analysis`, and nothing else of this package."""
KEPT = 10_000
"""Bytes of what is printed that are kept, of its beginning and as many of its end."""
SILENT = "it printed nothing, and analyse() returned None"


class Desk:
    """Where one analysis is made: ``tree`` holds the champion's files, and those of the analysis.

    ``nodeid`` is the objective's, for messages. ``clash`` says why it cannot be made at all.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        tree: Path,
        entry: str,
        roots: tuple[str, ...],
        meter: Meter,
        *,
        nodeid: str = "",
    ) -> None:
        self._sandbox = sandbox
        self._tree = tree
        self._module = posixpath.join(posixpath.dirname(entry), MODULE)
        self._roots = (TOOLS, *roots)
        self._meter = meter
        self._nodeid = nodeid
        self._failure: CandidateFailure | None = None
        self._output = ""
        self.clash = ""

    def furnish(self, analysis: Analysis, files: Mapping[str, bytes]) -> None:
        """Lay out the agent's code and the tools beside the champion's ``files``."""
        taken = [path for path in files if path == self._module or path.startswith(f"{TOOLS}/")]
        if taken:
            self.clash = (
                f"the champion has a file {taken[0]}, whose name is taken by analyses: it has to get "
                "another name before anybody can look at the data"
            )
            return
        code = analysis.code.encode("utf-8", "replace")
        materialise({self._module: code, **tools()}, self._tree)

    def look(self, name: str, value: object) -> None:
        """Run the agent's code on the value of the fixture ``name``.

        What the code does wrong is told by `outcome`. Raises `UsageProblem` for a value that may not
        cross, `Interrupted` at the session's deadline.
        """
        __tracebackhide__ = True
        if self.clash:
            return
        data = admit(value, f"{self._nodeid}: what the fixture analysis={name!r} returns")
        job = Job("analyse", self._order(), pack("analyse", (data,), {}), shown=(KEPT, KEPT))
        try:
            result = self._sandbox.run(job, self._meter)
        except OverBudget as failure:
            self._failure = failure
            return
        self._output, self._failure = result.output, result.failure

    def _order(self) -> dict[str, Json]:
        return {
            "op": "analyse",
            "tree": str(self._tree.resolve()),
            "roots": list(self._roots),
            "entry": self._module,
            "seed": 0,
            "data": {},
            "env": {},
            "argv": [],
        }

    def outcome(self, error: BaseException | None, seconds: float) -> Outcome:
        """How it ended; ``error`` is what the item raised."""
        if isinstance(error, Interrupted) or self._meter.interrupted:
            return Outcome(status=Status.INTERRUPTED, reason="stopped at the deadline")
        if error is not None:
            words = str(error).strip() or type(error).__name__
            return Outcome(status=Status.FAILED, reason=words[:2000], seconds=seconds)
        failure, output = self._failure, self._output.strip("\n")
        if failure is None:
            reason = self.clash or ("" if output.strip() else SILENT)
            return Outcome(reason=reason, seconds=seconds, output=output)
        lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
        return Outcome(
            status=failure.status,
            reason=f"{type(failure).__name__}: {lines[-1][:300] if lines else ''}",
            seconds=seconds,
            output=f"{output}\n{failure}".strip("\n"),
        )


def tools() -> dict[str, bytes]:
    """`pytest_autoresearch.analysis` as files of a tree: the installed package may be out of reach there."""
    folder = Path(__file__).with_name("analysis")
    package = posixpath.join(TOOLS, "pytest_autoresearch")
    found = {posixpath.join(package, "__init__.py"): b""}
    for path in sorted(folder.glob("*.py")):
        found[posixpath.join(package, "analysis", path.name)] = path.read_bytes()
    return found


def item(
    template: pytest.Function, name: str, fixture: str, look: Callable[[pytest.Item, Any], None]
) -> pytest.Function:
    """A fresh item that hands what a fixture returns to ``look``, set up where ``template`` stands."""

    def analyse(request: pytest.FixtureRequest) -> None:
        look(request.node, request.getfixturevalue(fixture))

    # Where pytest says that a test is; see _pytest._code.getfslineno.
    analyse.place_as = template.obj  # type: ignore[attr-defined]
    # Asked for at set-up, where what a fixture raises is told as such.
    marked = pytest.mark.usefixtures(fixture)(analyse)
    made: pytest.Function = type(template).from_parent(template.parent, name=name, callobj=marked)
    return made
