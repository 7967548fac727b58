"""What a journal's lines add up to: champion, records, what is pending, what comes next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..exceptions import JournalDamaged
from ..records import (
    SETTLED,
    Experiment,
    Json,
    Part,
    Record,
    Status,
    concluded,
    is_confirmation,
)
from .journal import Line
from .lines import experiment_of, number_of

SKIP = re.compile(r"s(\d+)")


class State:
    """The state of a run after some of its journal's lines; grows with `add`."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.header: dict[str, Json] = {}
        self.session = 0
        self.is_finished = False
        self.champions: list[str] = []
        self.champion_number = 0
        self.next_number = 0
        self.next_skip = 1
        self._records: dict[tuple[str, Part, str], Record] = {}
        self._opened: dict[int, Experiment] = {}
        self._pending: set[int] = set()
        self._under_way: set[int] = set()
        self._since: list[Line] = []
        self._covered: dict[int, list[Line]] = {}
        for line in lines:
            self.add(line)

    @property
    def base(self) -> str:
        """The commit that the run started from."""
        return self.champions[0]

    @property
    def champion(self) -> str:
        """The commit of the last kept experiment, else the base."""
        return self.champions[-1]

    @property
    def records(self) -> list[Record]:
        """The last record of each item, in the order in which they ended."""
        return list(self._records.values())

    @property
    def pending(self) -> list[Experiment]:
        """Numbered experiments that came to no result: interrupted, or won and not yet confirmed."""
        return [self._opened[number] for number in sorted(self._pending)]

    @property
    def under_way(self) -> list[Experiment]:
        """Numbered experiments that were opened and not ended in any way: their session was killed."""
        return [self._opened[number] for number in sorted(self._under_way)]

    @property
    def tried(self) -> int:
        """Numbered experiments that came to a result, the baseline not counted."""
        return sum(
            record.part is Part.EXPERIMENT and record.status in SETTLED
            for record in concluded(self._records.values())
        )

    def opened(self, number: int) -> Experiment | None:
        """The experiment of this number as it was last opened."""
        return self._opened.get(number)

    def status(self, number: int) -> Status | None:
        """How a numbered experiment last ended."""
        ends = [r for r in self._records.values() if r.experiment == number and _has_commit(r)]
        return ends[-1].status if ends else None

    def block(self, line: Line) -> list[Line]:
        """The lines that go into the commit of a numbered line, not yet added, which ends them.

        They are those since the last numbered end, and those of the commit that this one replaces.
        """
        number = number_of(line)
        assert number is not None
        return [*self._covered.get(number, ()), *self._since, line]

    def told(self, line: Line) -> Line:
        """A numbered line as people are told of it: with the score in the objective, not in a stage."""
        won = self._records.get(("", Part.EXPERIMENT, line["item"]))
        if not line.get("stage") or line["kind"] != "finished" or won is None:
            return line
        return {**line, "score": won.score, "delta": won.delta}

    def add(self, line: Line) -> None:
        """Take in the next line."""
        number = number_of(line)
        if number is not None and line["kind"] == "finished":
            self._covered[number] = self.block(line)
            self._since = []
        else:
            self._since.append(line)
        self._take_in(line)

    def _take_in(self, line: Line) -> None:
        # Lines of a kind that a later version of the same schema adds mean nothing here.
        match line["kind"]:
            case "run":
                self._add_run(line)
            case "session":
                self._add_session(line)
            case "opened":
                self._add_opened(line)
            case "finished":
                self._add_finished(line)
            case "closed":
                self._add_closed(line)

    def _add_run(self, line: Line) -> None:
        self.header = {k: v for k, v in line.items() if k not in ("seq", "time", "kind")}
        self.header["started"] = line["time"]
        self.champions = [line["base"]]

    def _add_session(self, line: Line) -> None:
        self.session = line["session"]
        self.is_finished = False

    def _add_closed(self, line: Line) -> None:
        self.is_finished = line["finished"]

    def _add_opened(self, line: Line) -> None:
        number = number_of(line)
        if number is not None:
            self._opened[number] = experiment_of(line)
            self._pending.add(number)
            self._under_way.add(number)
        self._count(line["item"], number)

    def _add_finished(self, line: Line) -> None:
        record = Record.from_json(line)
        key = record.stage, record.part, record.item
        self._records.pop(key, None)
        self._records[key] = record
        number = number_of(line)
        self._count(record.item, number)
        if number is not None:
            self._settle(number, record)

    def _settle(self, number: int, record: Record) -> None:
        self._under_way.discard(number)
        if record.status in SETTLED and not (
            is_confirmation(record) and record.status is Status.FAILED
        ):
            self._pending.discard(number)
        if record.status is Status.KEPT:
            self.champions.append(record.commit)
            self.champion_number = number

    def _count(self, item: str, number: int | None) -> None:
        if number is not None:
            self.next_number = max(self.next_number, number + 1)
        skip = SKIP.fullmatch(item)
        if skip:
            self.next_skip = max(self.next_skip, int(skip[1]) + 1)


class Stated:
    """What a run's state says, for those who have one: a run that is written to, or one that is looked at."""

    _state: State

    @property
    def header(self) -> dict[str, Json]:
        """The journal's first line, ``started`` being its time."""
        return self._state.header

    @property
    def base(self) -> str:
        """The commit that the run started from."""
        return self._state.base

    @property
    def records(self) -> list[Record]:
        """The last record of each item, in the order in which they ended."""
        return self._state.records

    @property
    def champion(self) -> str:
        """The commit of the last kept experiment, else the base."""
        return self._state.champion

    @property
    def champion_number(self) -> int:
        """The number of the champion's experiment, 0 for the base."""
        return self._state.champion_number

    @property
    def pending(self) -> list[Experiment]:
        """Numbered experiments that came to no result: interrupted, or won and not yet confirmed."""
        return self._state.pending

    @property
    def under_way(self) -> list[Experiment]:
        """Numbered experiments that were opened and not ended in any way: their session was killed."""
        return self._state.under_way

    @property
    def session(self) -> int:
        """The number of the last session, from 1; 0 before the first."""
        return self._state.session

    @property
    def next_number(self) -> int:
        """The number of the next new tree; 0, the baseline's, at first."""
        return self._state.next_number

    @property
    def next_skip(self) -> int:
        """The number of the next item without a tree: 1 for ``s0001``."""
        return self._state.next_skip

    @property
    def is_finished(self) -> bool:
        """Whether the last session closed the run as finished."""
        return self._state.is_finished


def _has_commit(record: Record) -> bool:
    return record.part in (Part.BASELINE, Part.EXPERIMENT)


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Lines that are whole, but hold something else than this version writes, as damage."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise JournalDamaged(
            f"{path} holds something that this version does not know ({type(error).__name__}: "
            f"{error}): update pytest-autoresearch, undo a change by hand, or start another run"
        ) from error
