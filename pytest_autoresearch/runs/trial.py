"""Looks a proposal over while its agent can still mend it, in the thread in which agents think."""

from __future__ import annotations

from collections.abc import Callable

from ..agents.briefing.quoting import quoted
from ..agents.disclosure import ALL, disclosed, informed, masked_text
from ..evaluator import Bench
from ..exceptions import ChangesNothing, HarnessFault, Refused
from ..history.run import Run
from ..project import Project
from ..records import Briefing, Part, Proposal, Record
from ..search.loop import UNTRIED
from ..search.proposals import too_large


class Trial:
    """Answers what is wrong with a proposal, before anything is computed; empty when nothing is.

    It has a repository and a sandbox of its own, made when they are first needed: neither is for two
    threads. ``run`` is only read. ``disclose`` is the level at which what candidates say may be told.
    """

    def __init__(
        self,
        project: Callable[[], Project],
        bench: Callable[[], Bench],
        run: Run,
        disclose: str = "errors",
    ) -> None:
        self._make_project, self._make_bench = project, bench
        self._run = run
        self._disclose = disclose
        self._project: Project | None = None
        self._bench: Bench | None = None

    def __call__(self, proposal: Proposal, briefing: Briefing) -> str:
        """What is wrong, in words for who made it."""
        if not proposal.patch and not proposal.files:
            return "it has neither a patch nor files"
        if why := too_large(proposal.patch, proposal.files):
            return f"it is too large: {why}"
        project = self._project = self._project or self._make_project()
        try:
            tree = project.build(proposal, briefing.champion, self._run.base)
        except ChangesNothing:
            return "it changes nothing: the files are the champion's"
        except Refused as refusal:
            return f"it is refused: {refusal}"
        return self._repeated(tree, "", briefing) or self._preflight(project, tree, briefing)

    def _preflight(self, project: Project, tree: str, briefing: Briefing) -> str:
        """What the preflight finds; nothing where it cannot be had, for it comes once more."""
        bench = self._bench = self._bench or self._make_bench()
        try:
            champion = project.visible(project.tree_of(briefing.champion))
            files = project.visible(tree)
            found = bench.preflight(files, champion)
        except HarnessFault:
            return ""
        return masked_text(found.problem, self._disclose, files) or self._repeated(
            tree, found.shape, briefing
        )

    def _repeated(self, tree: str, shape: str, briefing: Briefing) -> str:
        """Which experiment had this tree, or this code up to formatting and comments."""
        for record in self._run.records:
            numbered = record.part in (Part.BASELINE, Part.EXPERIMENT) and not record.stage
            if not numbered or record.status in UNTRIED:
                continue
            if record.tree == tree or (shape and record.shape == shape):
                words = quoted(self._described(record, briefing)) or "no description"
                return (
                    f"it repeats experiment {record.experiment} ({record.status.word.lower()}: "
                    f"{words}); propose something else"
                )
        for experiment in self._run.pending:
            if experiment.tree == tree:
                return f"it repeats experiment {experiment.number}, which is under way"
        return ""

    def _described(self, record: Record, briefing: Briefing) -> str:
        """An earlier proposal's words, masked where they may hold what an analysis has printed."""
        told = disclosed(
            record,
            self._disclose,
            champion={**briefing.editable, **briefing.readable},
            analyses=self._disclose == ALL,
            informed=informed(self._run.records),
        )
        return told.description

    def close(self) -> None:
        """End what it has started."""
        if self._bench is not None:
            self._bench.close()
