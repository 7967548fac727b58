"""The refs of one run: every experiment, the champion, the journal, and the branch for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..exceptions import JournalDamaged, UsageProblem
from . import journal
from .journal import Line
from .messages import journal_lines
from .repository import Repository

ROOT = "refs/autoresearch/"


def by_run(repository: Repository) -> dict[str, dict[str, str]]:
    """Targets by the rest of the name of each run's refs: git's refs are walked once for all runs."""
    found: dict[str, dict[str, str]] = {}
    for path, target in repository.refs(ROOT).items():
        name, _, rest = path.partition("/")
        found.setdefault(name, {})[rest] = target
    return found


class Refs:
    """The refs of the run ``name``; ``known`` are its targets where a reader has them already.

    ``lock_path`` is where its one writer, whatever the work tree, is held; ``warnings`` collects what
    a person should know although the search goes on.
    """

    def __init__(
        self, repository: Repository, name: str, known: Mapping[str, str] | None = None
    ) -> None:
        self.repository = repository
        self._known = known
        self.name = name
        self.prefix = f"{ROOT}{name}/"
        self.branch = f"autoresearch/{name}"
        self.lock_path = repository.common_dir / "autoresearch" / f"{name}.lock"
        self.warnings: list[str] = []

    def exist(self) -> bool:
        """Whether the run has left any ref."""
        return bool(self.repository.refs(self.prefix))

    def clear_locks(self) -> None:
        """Remove what a killed writer left; only the holder of the run's lock may ask for it."""
        self.repository.clear_ref_locks(self.prefix.rstrip("/"), f"refs/heads/{self.branch}")

    def put_experiment(self, number: int, commit: str) -> None:
        """Keep the commit of a numbered experiment."""
        self.repository.set_ref(f"{self.prefix}{number:04d}", commit)

    def put_champions(self, champions: Sequence[str]) -> None:
        """Move champion and branch to the last of the champions."""
        self.repository.set_ref(self.prefix + "champion", champions[-1])
        self._advance_branch(champions)

    def put_journal(self, content: bytes) -> None:
        """Keep a copy of the journal."""
        self.repository.set_ref(self.prefix + "journal", self.repository.blob(content))

    def check(self, champions: Sequence[str]) -> None:
        """Raise `UsageProblem` when champion or branch are where no crash leaves them."""
        at = self.repository.ref(self.prefix + "champion")
        if at is not None and at not in champions:
            raise UsageProblem(
                f"{self.prefix}champion is at {at}, which is no champion of this run; the journal "
                f"says {champions[-1]}. If the journal is right, `git update-ref -d "
                f"{self.prefix}champion` and start again; else start a run of another name."
            )
        if self._is_moved(champions):
            raise UsageProblem(self._moved(champions[-1]))

    def lines(self) -> dict[int, Line]:
        """The journal lines that the refs hold, by seq; raises `UsageProblem` when they disagree."""
        found: dict[int, Line] = {}
        known = self._known
        targets = self.repository.refs(self.prefix) if known is None else known
        for name, target in sorted(targets.items()):
            for line in self._lines_in(name, target):
                if found.setdefault(line["seq"], line) != line:
                    raise self._unexplained(name, f"journal line {line['seq'] + 1} differs there")
        return found

    def missing(self, have: Sequence[Line]) -> list[Line]:
        """The journal lines that the refs hold beyond those that a file has.

        Raises `UsageProblem` when both hold a line and differ, or when lines in between are gone.
        """
        known = self.lines()
        for line in have:
            if known.get(line["seq"], line) != line:
                raise self._unexplained("*", f"the journal differs in line {line['seq'] + 1}")
        beyond = [known[seq] for seq in sorted(known) if seq >= len(have)]
        for seq, line in enumerate(beyond, len(have)):
            if line["seq"] != seq:
                raise UsageProblem(
                    f"journal lines {seq + 1} to {line['seq']} of the run {self.name} are in none "
                    f"of {self.prefix}*: fetch all of them ('+{self.prefix}*:{self.prefix}*') from "
                    "where the run was made, or put its journal.jsonl back"
                )
        return beyond

    def _lines_in(self, name: str, target: str) -> list[Line]:
        try:
            if name == "journal":
                return journal.decode(self.repository.read_blob(target), self.prefix + name)[0]
            if name.isdecimal():
                return journal_lines(target, self.repository.message(target))
        except (KeyError, JournalDamaged) as error:
            raise self._unexplained(name, str(error)) from error
        return []

    def _unexplained(self, name: str, what: str) -> UsageProblem:
        return UsageProblem(
            f"{self.prefix}{name} and the journal disagree in a way that no crash explains: {what}. "
            f"If journal.jsonl is right, delete the ref (`git update-ref -d {self.prefix}{name}`) "
            "and start again, it is made anew; if the refs are right, move journal.jsonl away and "
            "start again, it is rebuilt from them."
        )

    def _is_moved(self, champions: Sequence[str]) -> bool:
        """Whether the branch is elsewhere than at the champion, the one before, or where we left it."""
        at = self.repository.ref(f"refs/heads/{self.branch}")
        left = self.repository.ref(self.prefix + "held")
        return at is not None and at not in (*champions[-2:], left)

    def _advance_branch(self, champions: Sequence[str]) -> None:
        ref, held = f"refs/heads/{self.branch}", self.prefix + "held"
        at = self.repository.ref(ref)
        if self._is_moved(champions):
            self.warnings.append(self._moved(champions[-1]))
        elif at not in (None, champions[-1]) and self.repository.checked_out(self.branch):
            # Where it was left is noted, so that later it is not taken for a person's doing.
            self.repository.set_ref(held, at or "")
            self.warnings.append(
                f"the branch {self.branch} is checked out and therefore stays at {at}; the "
                f"champion is {champions[-1]} ({self.prefix}champion)"
            )
        else:
            self.repository.set_ref(ref, champions[-1])
            self.repository.delete_ref(held)

    def _moved(self, champion: str) -> str:
        at = self.repository.ref(f"refs/heads/{self.branch}")
        text = (
            f"the branch {self.branch} is at {at}, but this run left it at {champion}: someone "
            f"moved it. To keep what is there: `git branch -m {self.branch} {self.name}-kept`. "
            f"To drop it: `git branch -f {self.branch} {champion}`. Then start again."
        )
        if self.repository.checked_out(self.branch):
            text += " (It is checked out: `git switch --detach` there before you drop it.)"
        return text
