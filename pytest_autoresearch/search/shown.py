"""What an agent may see of a record: nothing that the frozen test or its data put there."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping

from ..records import Json, Part, Pass, Record, Status

OWN = frozenset(
    {
        *("description", "hypothesis", "theme", "expected", "lessons", "agent", "origin"),
        *("cost_usd", "tokens", "thinking_seconds", "waited_seconds", "protocol", "shape"),
    }
)
"""The proposer's own."""

JUDGED = frozenset(
    {
        *("item", "part", "experiment", "status", "objective", "metric", "direction"),
        *("score", "champion", "delta", "z", "folds"),
        *("commit", "tree", "base", "isolation", "trust", "unprobed", "simpler", "stage"),
        *("fit_seconds", "predict_seconds", "seconds", "peak_memory_mb", "peak_gpu_memory_mb"),
        *("session", "seq", "time"),
    }
)
"""Names, numbers that the frozen test meant to tell, and measurements."""

PRINTED = frozenset({"output", "curves"})
"""The candidate's own words and numbers, bounded and cleaned when they came in."""

HIDDEN = frozenset({"champion_record"})
"""What no agent needs: conditions of the person's machine."""

FAILURES = (
    *("CandidateError: ", "CandidateExited: ", "ProtocolError: ", "CandidateFailure: "),
    "preflight: ",
)
"""How the reason of a crash begins that is the candidate's own doing."""
KILLED = "sessions were killed while it ran"
"""How the reason of a crash ends that took the judge along."""


def shown(record: Record) -> Record:
    """The record as an agent is told it; it is the agent's own to change.

    A field that nobody has put into one of this module's tables is left out.
    """
    same = {name: getattr(record, name) for name in (*OWN, *JUDGED, *PRINTED)}
    return Record(**same | {name: change(record) for name, change in CHANGED.items()})


class Views:
    """Records as agents are shown them, each made once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Record, Record]] = {}

    def of(self, records: Iterable[Record]) -> tuple[Record, ...]:
        """What agents see of `records`."""
        # A record is kept with its view: another one could get the number of one that is gone.
        self._known = {id(one): self._known.get(id(one)) or (one, shown(one)) for one in records}
        return tuple(view for _, view in self._known.values())


def _reason(record: Record) -> str:
    """The reason, unless it quotes an exception of the judge: that may hold labels."""
    if record.status is Status.INTERRUPTED:
        return "stopped before its end"
    if record.status not in (Status.CRASH, Status.FAILED) or _is_own(record):
        return record.reason
    if record.part is Part.ANALYSIS:
        return "the data could not be handed over; why is for people only"
    kind = record.reason.partition(":")[0]
    if kind.isidentifier():
        return f"{kind}: raised by the frozen test, whose words are for people only"
    return "the frozen test could not be judged; why is for people only"


def _is_own(record: Record) -> bool:
    own = record.reason.startswith(FAILURES) or record.reason.endswith(KILLED)
    return own and record.status is Status.CRASH and not record.notes.get("in_test")


def _passes(record: Record) -> tuple[Pass, ...]:
    """The scores; seeds belong to the judge."""
    return tuple(Pass(one.split, 0, one.scores) for one in record.passes)


CHANGED: Mapping[str, Callable[[Record], Json]] = {
    "reason": _reason,
    "passes": _passes,
    "notes": lambda record: copy.deepcopy(dict(record.notes)),
    "log": lambda record: dict(record.log),
}
"""Fields that agents get in another form."""
