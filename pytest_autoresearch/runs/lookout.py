"""Looks after what nobody watches: whether a search gets nowhere, what it costs, what a person has to know."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ..agents.purse import Purse
from ..agents.team import Team
from ..notifying import Events
from ..project import Project
from ..records import Json, Record, Spending
from ..report.costs import usd
from ..search.loop import Search
from ..search.stuck import PERSON, PREFER, Stuck, stuck
from .planning import duration

SESSION = "session"


class Lookout:
    """One for a session; ``limit`` is the number of experiments after which it ends, if it has one."""

    def __init__(
        self, search: Search, team: Team, project: Project, events: Events, limit: int | None
    ) -> None:
        self.events = events
        self.stuck: Stuck | None = None
        self._search = search
        self._team = team
        self._project = project
        self._limit = limit
        self._began = time.monotonic()
        self._first = len(search.records)
        self._spent = 0.0

    def begin(self) -> None:
        """What was spent so far is not this session's doing."""
        self._spent = self._team.office.purse.usd
        self._first = self._tried

    def look(self) -> None:
        """Advise the agents by how the search stands, and call a person where that does not help."""
        found = self.stuck = stuck(self._search.records, self._project.version())
        self._project.advice = found.advice if found else ""
        self._project.usd_left = self._team.office.purse.left
        self._team.avoided = found.agent if found and found.level >= PREFER else ""
        if found and found.level >= PERSON:
            self.events.needs_person(found.what, found.since, said_of(found))

    def heard(self, record: Record) -> None:
        """An evaluation has ended and is written down."""
        self.events.finished(record)
        self.look()

    def paused(self, changed: Sequence[str]) -> None:
        """The search waits for a person to restore files of the evaluation."""
        files = ", ".join(changed)
        self.events.needs_person(f"paused: {files} changed, restore it", files, {"kind": "paused"})

    @property
    def spending(self) -> Spending:
        """What the run's agents cost so far."""
        return self._team.office.purse.spending(self._search.records)

    def projected_usd(self, seconds_left: float | None) -> float | None:
        """What agents will have cost at the end, if this session goes on as it went; ``None`` without an end."""
        purse = self._team.office.purse
        spent, tried = purse.usd - self._spent, self._tried - self._first
        ends = []
        if seconds_left is not None:
            elapsed = max(1.0, time.monotonic() - self._began)
            ends.append(spent / elapsed * max(0.0, seconds_left))
        if self._limit and tried > 0:
            ends.append(spent / tried * max(0, self._limit - self._tried))
        if not ends or spent <= 0:
            return None
        end = purse.usd + min(ends)
        return end if purse.cap is None else min(end, max(purse.cap, purse.usd))

    @property
    def _tried(self) -> int:
        return max((one.experiment or 0 for one in self._search.records), default=0)


def said_of(found: Stuck) -> dict[str, Json]:
    """How a search is stuck, for programs: all but the advice to agents."""
    fields: dict[str, Json] = asdict(found)
    del fields["advice"]
    return fields


def attention(found: Stuck | None) -> str:
    """Why a person has to look, what it has cost, and how to answer; empty where nobody has to."""
    if found is None or found.level < PERSON:
        return ""
    cost = f" and {usd(found.cost_usd)} USD" if found.cost_usd else ""
    return (
        f"{found.what} (since experiment {found.since}; it took {duration(found.seconds)}{cost}). The search "
        "goes on; to answer, edit the protocol"
    )


def spending_in(lines: Sequence[Mapping[str, Json]], records: Sequence[Record]) -> Spending:
    """What a run's agents cost, by its journal."""
    sessions = [line for line in lines if line["kind"] == SESSION]
    purse = Purse(sessions[-1].get("cap_usd") if sessions else None)
    purse.remember(lines)
    return purse.spending(records)
