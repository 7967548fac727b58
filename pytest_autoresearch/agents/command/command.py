"""The agent that is a coding tool: it is called in a folder, and what it changed there is its proposal."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ...exceptions import AgentFailed, CapReached, UsageProblem
from ...records import Analysis, Briefing, Proposal, Record
from ..office import MOST_MENDS, Office
from ..protocol import Thinks
from ..tables import Table
from . import telling
from .calling import Calling
from .line import Line
from .runner import Ended, Runner
from .safely import Unfit
from .words import tail
from .workplace import BRIEFING, PROBLEM, PROPOSAL, Found, Workplace, folder_of

MOST_FAILURES = 3
"""So many calls in a row that yield nothing end an agent."""
BEGUN = "begun"


class Command(Thinks):
    """Calls a coding tool; ``runner`` is where it runs.

    Its folder lies in the run's folder ``agents/`` and lasts as long, so that its notes are there again and
    a conversation can go on. A folder of its own is made where there is no run.
    """

    def __init__(
        self,
        command: Line,
        office: Office,
        runner: Runner,
        table: Table | None = None,
        name: str = "",
    ) -> None:
        table = table or Table()
        self.name = name or table.name or f"command:{command.given}"
        self.office = office
        self.runner = runner
        self.reason = ""
        self._end = threading.Event()
        self._calling = Calling(self.name, command, office, table, runner, self._stopped)
        self._place: Workplace | None = None
        self._waiting: deque[tuple[Briefing, Proposal]] = deque()
        self._notes: list[str] = []
        self._failures = 0

    # What a search asks

    reports_cost = True

    @property
    def destination(self) -> str:
        """See `Thinks`."""
        line = self._calling.command
        return f"the program {line.known or os.path.basename(line.program)}"

    @property
    def hosted(self) -> bool:
        """See `Thinks`: it has the network, and nobody knows what it does there."""
        return True

    @property
    def most_usd(self) -> float | None:
        """See `Thinks`."""
        return self._calling.most_usd

    def probe(self) -> None:
        """See `Thinks`."""
        self._calling.probe()

    def stop(self) -> None:
        """See `Thinks`."""
        self._end.set()

    def _stopped(self) -> bool:
        return self._end.is_set() or self.office.stopped()

    def told(self, record: Record) -> None:
        """See `Agent`: the next briefing has it all."""

    def propose(self, briefing: Briefing) -> Proposal | Analysis | None:
        """See `Agent`. A call that yields nothing is a proposal without a change, which says why."""
        if (waiting := self._from_last_call(briefing)) is not None:
            return waiting
        place = self._workplace()
        analysis = bool(briefing.analysis)
        notes, self._notes = self._notes, []
        level = self.office.disclose
        texts = telling.texts_for(briefing, level, analysis=analysis, notes=notes)
        place.furnish(briefing, texts)
        for name, text in texts.items():
            self.office.transcripts.write(name, text.encode("utf-8", "replace"))
        return self._until_mended(place, briefing)

    # Calls

    def _until_mended(self, place: Workplace, briefing: Briefing) -> Proposal | Analysis | None:
        """Call it, and again with what is wrong, as often as it may mend."""
        problem, last = "", None
        for attempt in range(MOST_MENDS + 1):
            try:
                found = self._called(place, briefing, problem)
            except CapReached:
                if last is None:
                    raise
                return last
            if not isinstance(found, Found):
                return found
            self._notes += found.notes
            if found.analysis and briefing.analysis:
                self._waiting.extend((briefing, one) for one in found.proposals)
                return _analysis(found)
            last, problem = self._first_good(found, briefing)
            if not problem or attempt == MOST_MENDS:
                break
        self._failures = 0
        return last

    def _called(
        self, place: Workplace, briefing: Briefing, problem: str
    ) -> Found | Proposal | None:
        """What a call has left; a proposal without a change where that is nothing."""
        if problem:
            place.write(PROBLEM, problem + "\n")
            self.office.transcripts.write(PROBLEM, problem.encode("utf-8", "replace"))
        ended = self._calling.call(
            place.work,
            place.home,
            telling.MEND if problem else telling.ASK,
            place.work / BRIEFING,
            sorted(briefing.editable),
            self._begun(place),
        )
        try:
            found = place.gather()
        except OSError as error:
            return self._given_up(place, f"its folder cannot be read: {_why(error)}")
        self._begin(place, ended)
        if ended.full:
            place.empty()
            return self._given_up(place, f"{ended.reason}; they are emptied")
        if ended.reason:
            return self._given_up(place, ended.reason)
        if ended.status and not found.described:
            said = self._said(ended.stderr) or self._tail(ended.stdout)
            return self._given_up(place, f"exit status {ended.status}{': ' if said else ''}{said}")
        if found.proposals or (found.analysis and briefing.analysis):
            self.office.transcripts.write(PROPOSAL, found.words.description.encode())
            return found
        if found.done:
            self.reason = f"{self.name} has nothing more to propose"
            return None
        why = "; ".join(found.notes[:3]) or self._said(ended.stdout) or "nothing was said"
        self._notes += found.notes
        return self._given_up(place, f"it changed nothing: {why}")

    def _said(self, output: bytes) -> str:
        """What its model said last, else the end of an output."""
        return self._tail(self._calling.said.encode("utf-8", "replace")) or self._tail(output)

    def _tail(self, output: bytes) -> str:
        return tail(self._calling.redactor.data(output))

    def _first_good(self, found: Found, briefing: Briefing) -> tuple[Proposal, str]:
        """The first of several proposals with which nothing is wrong, else the first, and what that is."""
        problems: list[str] = []
        for at, proposal in enumerate(found.proposals):
            problem = self.office.trial(proposal, briefing)
            if not problem:
                self._notes += [
                    f"your proposal {one.description!r} was not handed in: {why}"
                    for one, why in zip(found.proposals, problems, strict=False)
                ]
                self._waiting.extend((briefing, one) for one in found.proposals[at + 1 :])
                return proposal, ""
            problems.append(problem)
        return found.proposals[0], problems[0]

    def _from_last_call(self, briefing: Briefing) -> Proposal | None:
        """A further proposal of the last call, if the champion's files that it changes are still the same."""
        while self._waiting:
            then, proposal = self._waiting.popleft()
            touched = set(proposal.files)
            changed = sorted(
                path for path in touched if then.editable.get(path) != briefing.editable.get(path)
            )
            if changed or (proposal.patch and then.champion != briefing.champion):
                problem = f"the champion has changed {', '.join(changed) or 'files'} since"
            else:
                problem = self.office.trial(proposal, briefing)
            if not problem:
                return proposal
            self._notes.append(
                f"your proposal {proposal.description!r} was not handed in: {problem}"
            )
        return None

    def _given_up(self, place: Workplace, why: str) -> Proposal:
        """A proposal that changes nothing; raises `AgentFailed` when that happens again and again."""
        self._failures += 1
        why = self._calling.redactor.text(why)
        self._forget(place)
        if self._failures >= MOST_FAILURES:
            raise AgentFailed(
                f"agent {self.name} has yielded nothing {MOST_FAILURES} times in a row; the last time: {why}"
            )
        self._notes.append(f"your last call was given up: {why}")
        return Proposal(description=f"no proposal: {why}"[:300])

    # Its folder, and its conversation

    def _workplace(self) -> Workplace:
        if self._place is None:
            agents = self.office.transcripts.folder
            if agents is None:
                raise AgentFailed(f"agent {self.name} has no run to work for")
            root = Path(os.path.realpath(agents)) / folder_of(self.name)
            self._place = Workplace(
                root, self.office.closed, self.runner.discard, self._calling.redactor
            )
        return self._place

    def _begun(self, place: Workplace) -> bool:
        """Whether there is a conversation to go on with."""
        try:
            thread, _, tokens = (place.root / BEGUN).read_text().partition(" ")
        except (OSError, UnicodeDecodeError):
            return False
        self._calling.counted = (thread, int(tokens) if tokens.isdecimal() else 0)
        return True

    def _begin(self, place: Workplace, ended: Ended) -> None:
        if not ended.reason and not ended.status:
            thread, tokens = self._calling.counted
            (place.root / BEGUN).write_text(f"{thread} {tokens}")

    def _forget(self, place: Workplace) -> None:
        """After a call that failed a new conversation begins."""
        (place.root / BEGUN).unlink(missing_ok=True)


def make(
    argument: str,
    office: Office,
    table: Table | None = None,
    runner: Runner | Callable[[], Runner] | None = None,
) -> Command:
    """The agent of ``command:`` and ``argument``; ``runner`` may be what makes one.

    Raises `UsageProblem` for a command that cannot be one, or a place to run it that cannot be had.
    """
    line = Line.parse(argument)
    if callable(runner):
        runner = runner()
    if runner is None:
        raise UsageProblem(f"The agent 'command:{argument}' has no place to run.")
    return Command(line, office, runner, table)


def _analysis(found: Found) -> Analysis:
    words = found.words
    return Analysis(found.analysis, words.description or words.hypothesis, lessons=words.lessons)


def _why(error: OSError) -> str:
    return str(error) if isinstance(error, Unfit) else (error.strerror or str(error))
