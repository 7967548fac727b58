"""A run as a reader sees it: nothing is locked, repaired or written, also while a search is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from ..exceptions import UsageProblem
from ..records import Experiment, Record
from .finding import JOURNAL, read_lines
from .journal import Line
from .ledger import Ledger
from .lock import is_held
from .refs import Refs
from .repository import Repository
from .state import State, Stated, understood


class View(Stated):
    """What a run's journal, or its refs where the folder is gone, say at this moment.

    ``refs`` are the run's of `by_run`, where many runs are looked at. Raises `UsageProblem` when there
    is no such run, `JournalDamaged` when it cannot be read.
    """

    def __init__(
        self,
        repository: Repository,
        parent: Path,
        name: str,
        refs: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = parent / name
        self.name = name
        lines = read_lines(repository, self.folder, name, refs)
        if not lines:
            raise UsageProblem(f"there is no run called {name!r} in {parent} or its refs")
        own = Refs(repository, name)
        self._repository = repository
        self.branch = own.branch
        self.is_running = is_held(own.lock_path) or is_held(self.folder / "lock")
        self._lines = lines
        with understood(self.folder / JOURNAL):
            self._state = State(lines)

    @property
    def lines(self) -> list[Line]:
        """The journal's lines."""
        return self._lines

    @property
    def vault(self) -> Sequence[Line]:
        """The entries of the ledger of looks into the vault; raises `UsageProblem` when it is damaged."""
        return Ledger(self._repository, self.folder, self.name).entries

    @property
    def ended(self) -> str:
        """Why the last session ended; empty while one is on, or when it was killed."""
        last: Line = next((one for one in reversed(self._lines) if one["kind"] != "finished"), {})
        return "" if self.is_running or last.get("kind") != "closed" else str(last["reason"])

    def proposal_patch(self, number: int) -> str:
        """The patch as the agent wrote it; empty when it gave whole files or there is none."""
        opened = self._state.opened(number)
        return (opened.proposal.patch or "") if opened and opened.proposal else ""

    def opened(self, experiment: Experiment) -> NoReturn:
        """A reader writes nothing."""
        raise TypeError("a view of a run is read-only")

    def finished(self, experiment: Experiment, record: Record) -> NoReturn:
        """A reader writes nothing."""
        raise TypeError("a view of a run is read-only")
