"""The written report's sources beside the records: an agent's account, and how large the kept patches are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..agents.protocol import Writes
from ..exceptions import AgentFailed, AutoresearchError, CapReached, Interrupted
from ..history.journal import Line
from ..history.repository import Repository
from ..history.run import Run
from ..records import Record, Summary
from ..report import digest
from ..report.account.checking import checked
from ..report.account.writeup import KIND, Writeup
from ..report.written.page import Changes
from ..report.written.request import material, request
from ..stall import stopped_at


def write_up(
    run: Run, summary: Summary, writer: Writes, name: str, deadline: float | None = None
) -> Writeup | None:
    """Ask an agent for its account of a run, and write down what of it may be printed.

    It is given up at the ``deadline`` (monotonic seconds).

    To be called before the session is closed in the journal. An agent that cannot write costs a warning
    and no report; ``None`` then, and where nothing was tried.
    """
    if not summary.tried:
        return None
    known = material(summary, changes(run.repository, summary.records))
    try:
        with stopped_at(deadline):
            found = checked(writer.write(request(known)), known)
    except (AgentFailed, CapReached, Interrupted) as error:
        _warn(run, name, str(error))
        return None
    except Exception as error:
        # Words that nobody has thought of cost the account, not the run.
        _warn(run, name, f"{type(error).__name__}: {error}")
        return None
    if found.lacking:
        _warn(run, name, found.lacking)
        return None
    last = max(record.experiment or 0 for record in summary.records)
    account = Writeup(found.text, name, found.left_out, cut=found.cut, experiments=last)
    run.note(KIND, **account.to_json())
    return account


def _warn(run: Run, name: str, why: str) -> None:
    """Warn that there is no account; an error that begins with the agent's name says it once."""
    for start in (f"agent {name}: ", f"agent {name} "):
        why = why.removeprefix(start)
    run.warnings.append(f"report.md has no account by agent {name}: {why}")


def latest(lines: Sequence[Line]) -> Writeup | None:
    """The last account in a journal; ``None`` without one."""
    found = next((line for line in reversed(lines) if line["kind"] == KIND), None)
    return None if found is None else Writeup.from_json(found)


def changes(repository: Repository, records: Iterable[Record]) -> Changes:
    """Lines that each kept experiment added and removed; without those whose objects git has lost."""
    found = {}
    for record in digest.kept(records):
        try:
            patch = repository.patch(record.base, record.tree)
        except (AutoresearchError, KeyError, ValueError):
            continue
        found[record.experiment or 0] = counted(patch)
    return found


def counted(patch: str) -> tuple[int, int]:
    """Lines that a unified diff adds and removes; those of champion records are nobody's idea."""
    added = removed = 0
    in_hunk = ours = False
    for line in patch.split("\n"):
        if line.startswith("diff "):
            in_hunk, ours = False, line.rstrip('"').endswith(".champion.json")
        elif line.startswith("@@"):
            in_hunk = not ours
        elif in_hunk:
            added += line.startswith("+")
            removed += line.startswith("-")
    return added, removed
