"""What a run's records say beyond their table: themes, near misses, dead ends, combinations."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from ...records import Part, Record, Status, Summary
from .. import digest
from ..text import one_line

NEAR = 1.0
"""Standard errors by which a near miss led."""
ENOUGH = 3
"""Experiments without a keep from which on a theme is called a dead end."""
WIDTH = 40


@dataclass(frozen=True)
class Group:
    """Experiments that belong together, by number; ``seconds`` are all that were evaluated for them."""

    name: str
    rows: Sequence[Record]
    seconds: float
    cost: float
    tokens: int = 0
    thinking: float = 0.0
    themed: bool = True
    agent: str = ""

    @property
    def kept(self) -> list[Record]:
        """Those that were kept."""
        return [row for row in self.rows if row.status is Status.KEPT]

    @property
    def won(self) -> list[Record]:
        """Those that were kept for their score, not for being simpler."""
        return [row for row in self.kept if not row.simpler]

    @property
    def best(self) -> Record | None:
        """The one with the largest z."""
        known = [row for row in self.rows if row.z is not None]
        return max(known, key=lambda row: row.z or 0.0, default=None)


def tried(summary: Summary) -> list[Record]:
    """The experiments proper, by number, without those that came to no end."""
    rows = digest.numbered(summary.records)
    ended = [row for row in rows if row.status is not Status.INTERRUPTED]
    return [row for row in ended if row.part is Part.EXPERIMENT]


def themes(summary: Summary) -> list[Group]:
    """The experiments by theme, the largest first; those without one by agent, at the end."""
    found = _grouped(summary, lambda row: one_line(row.theme, WIDTH).casefold())
    groups = [_named(summary, rows, rows[0].theme) for key, rows in found.items() if key]
    without = [row for row in tried(summary) if not one_line(row.theme, WIDTH)]
    agents = list(dict.fromkeys(row.agent for row in without))
    for agent in agents:
        name = "no theme" if len(agents) == 1 else f"no theme, by {agent or 'no agent'}"
        rows = [row for row in without if row.agent == agent]
        groups.append(_named(summary, rows, name, themed=False))
    return sorted(groups, key=lambda group: (not group.themed, -len(group.rows)))


def agents(summary: Summary) -> list[Group]:
    """The experiments by the agent that proposed them, with all that the agent cost.

    That is also for analyses, for what was skipped and for what led to no record; an agent that has
    nothing else is listed without an experiment.
    """
    found, spent = _grouped(summary, lambda row: row.agent), summary.spending
    made = (Part.EXPERIMENT, Part.ANALYSIS, Part.SKIPPED)
    own: dict[str, list[Record]] = {name: [] for name in found}
    for record in summary.records:
        if record.part in made:
            own.setdefault(record.agent, []).append(record)
    paid = [*spent.agents, *spent.used, *spent.unpriced]
    return [
        replace(
            _named(summary, found.get(name, []), name),
            agent=name,
            cost=spent.agents.get(name, sum(one.cost_usd or 0.0 for one in own.get(name, ()))),
            tokens=spent.used.get(name, sum(one.tokens for one in own.get(name, ()))),
            thinking=sum(one.thinking_seconds or 0.0 for one in own.get(name, ())),
        )
        for name in dict.fromkeys([*own, *paid])
        if name
    ]


def near_misses(summary: Summary, most: int = 5) -> list[Record]:
    """Experiments that led and were not kept, the largest z first: none that broke something."""
    won = {record.experiment for record in summary.confirmations}
    rows = [
        row
        for row in digest.not_kept(summary.records)
        if row.status is Status.DISCARD
        and (row.z or 0.0) >= NEAR
        and row.experiment not in won
        and not broke(row)
    ]
    return sorted(rows, key=lambda row: row.z or 0.0, reverse=True)[:most]


def broke(record: Record) -> str:
    """The constraint that rejected an experiment, as its reason says; empty without one."""
    return record.reason if record.reason.startswith("constraint ") else ""


def dead_ends(summary: Summary) -> list[Group]:
    """Themes with several experiments of which none was kept nor came near, the largest first."""
    return [
        group
        for group in themes(summary)
        if group.themed
        and len(group.rows) >= ENOUGH
        and not group.kept
        and (group.best is None or (group.best.z or 0.0) < NEAR)
    ]


def repeated(summary: Summary, *, accidents: bool = False) -> list[digest.Reason]:
    """Reasons that more than one experiment was lost for, and those of every accident; or of these only."""
    rows = [row for row in summary.records if row.status is not Status.INTERRUPTED]
    lost = {row.experiment for row in rows if row.status in (Status.DISCARD, Status.STOPPED)}
    return [
        reason
        for reason in digest.common_reasons(rows, most=len(rows))
        if reason.experiments[0] not in lost or (len(reason.experiments) > 1 and not accidents)
    ]


def commonest(rows: Iterable[Record]) -> str:
    """How most of some experiments ended, in words with their number: ``4 crashed``."""
    counts = Counter(digest.CAUSES.get(row.status, "") for row in rows)
    counts.pop("", None)
    if not counts:
        return ""
    words, number = counts.most_common(1)[0]
    return f"{number} {words}"


def untried(summary: Summary, most: int = 3) -> list[tuple[Record, Record]]:
    """Pairs of near misses of different themes that no experiment combined, the best first."""
    combined = [set(row.origin) for row in tried(summary) if len(row.origin) > 1]
    pairs = [
        (one, other)
        for one, other in combinations(near_misses(summary), 2)
        if _theme(one) != _theme(other)
        and not any({one.experiment, other.experiment} <= origin for origin in combined)
    ]
    return sorted(pairs, key=lambda pair: -(pair[0].z or 0.0) - (pair[1].z or 0.0))[:most]


def lessons(summary: Summary, most: int = 8) -> list[tuple[Record, str]]:
    """What agents noted, the latest wording of each once, the latest last; with the record that brought it."""
    found: dict[str, tuple[Record, str]] = {}
    for record in summary.records:
        for lesson in record.lessons:
            text = one_line(lesson)
            found.pop(text.casefold(), None)
            if text:
                found[text.casefold()] = record, text
    return list(found.values())[-most:]


def protocols(summary: Summary) -> list[Group]:
    """The experiments by the version of the protocol they were made under, in order; fewer than two: none."""
    found = _grouped(summary, lambda row: row.protocol)
    groups = [_named(summary, rows, name) for name, rows in found.items() if name]
    return groups if len(groups) > 1 else []


def seconds(summary: Summary) -> float:
    """Seconds of all evaluations, those of champions included."""
    return sum(record.seconds for record in (*summary.records, *summary.confirmations))


def _theme(record: Record) -> str:
    return one_line(record.theme, WIDTH).casefold() or f"{record.agent}, {record.experiment}"


def _grouped(summary: Summary, key: Callable[[Record], str]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for row in tried(summary):
        found[key(row)].append(row)
    return found


def _named(summary: Summary, rows: Sequence[Record], name: str, *, themed: bool = True) -> Group:
    numbers = {row.experiment for row in rows}
    mine = (*summary.records, *summary.confirmations)
    return Group(
        name=one_line(name, WIDTH),
        rows=rows,
        seconds=sum(record.seconds for record in mine if record.experiment in numbers),
        cost=sum(row.cost_usd or 0.0 for row in rows),
        tokens=sum(row.tokens for row in rows),
        thinking=sum(row.thinking_seconds or 0.0 for row in rows),
        themed=themed,
    )
