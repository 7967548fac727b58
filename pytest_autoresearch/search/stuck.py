"""Rabbit holes: whether a search gets nowhere, how long it has, and what to do about it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..records import Part, Record, Status, concluded

ADVISE, PREFER, PERSON = 1, 2, 3
"""Levels: the briefing asks for another direction; another agent is preferred; a person has to look."""
SAME_CAUSE = ((ADVISE, 4, 6), (PREFER, 7, 9), (PERSON, 10, 12))
"""Level, and how many of how many last experiments failed with one cause."""
SAME_THEME = ((ADVISE, 6, 0.2), (PREFER, 12, 0.05))
"""Level, least experiments of one theme, and how probable it is that none of them is kept."""
LATELY = 6
"""Experiments of which half have to be of a theme for it to be what a search is about."""
NO_GAIN = ((ADVISE, 10, 0.3), (PREFER, 20, 0.1), (PERSON, 40, 0.02))
"""Level, least experiments without a keep, and how probable so many are by the search's own keeps."""
PATIENCE = 2
"""Times as long as a search took to come to its last keep it goes on without one before a person is asked."""
NEAR = 1.0
"""Standard errors of lead that are a near miss: a theme that has one is not dead."""
KEPT, GOOD = (2, 12), (2, 6)
"""What is believed before the first experiment of keeps, and of keeps and near misses: good ones and others."""
FAILURES = frozenset(
    {
        *(Status.CRASH, Status.TIMEOUT, Status.OOM, Status.REFUSED, Status.AUDIT),
        *(Status.STOPPED, Status.FAILED, Status.SKIPPED),
    }
)
"""Ends that are no comparison of scores."""
BROKEN = "constraint "
"""How the reason of a rejection begins that is a constraint's."""
_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|0x[0-9a-fA-F]+|[-+]?\d[\d.]*(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Stuck:
    """How a search gets nowhere.

    ``level`` is 1 (the briefing asks for another direction), 2 (another agent is preferred) or 3 (a person
    has to look). ``kind`` is ``failures``, ``theme`` or ``gain``. ``what`` is a sentence for people and may
    quote a reason, ``advice`` one for agents, which quotes none. ``since`` is the first experiment
    concerned, ``experiments`` how many there were; ``cost_usd`` and ``seconds`` are what those took.
    ``agent`` made them, or most of them.
    """

    level: int
    kind: str
    what: str
    advice: str
    since: int
    experiments: int
    cost_usd: float
    seconds: float
    theme: str = ""
    agent: str = ""


def stuck(records: Iterable[Record], protocol: str = "") -> Stuck | None:
    """The worst that can be said of a run by its records, oldest first; ``None`` while it goes well.

    ``protocol`` names the instructions as they are now: a person who has changed them has answered, and
    only what was made under them counts. Nothing else than the arguments decides.
    """
    tried = _tried(records)
    named = [one.protocol for one in tried if one.protocol]
    current = protocol or (named[-1] if named else "")
    others = [at for at, one in enumerate(tried) if one.protocol not in ("", current)]
    before, own = tried[: others[-1] + 1 if others else 0], tried[others[-1] + 1 if others else 0 :]
    agents = dict.fromkeys(one.agent for one in own)
    groups = [own, *([one for one in own if one.agent == name] for name in agents)]
    # Of equals the first counts: a cause is easier to mend than a lack of luck.
    some = groups[: 1 if len(agents) < 2 else None]
    found = [*map(_same_cause, some), _no_gain(own, before), *map(_dead_theme, some)]
    return max(filter(None, found), key=lambda one: one.level, default=None)


def _tried(records: Iterable[Record]) -> list[Record]:
    """What came of every proposal that came to its end, in the order of the ends."""
    last: dict[str, Record] = {}
    for one in concluded(records):
        if one.part in (Part.EXPERIMENT, Part.SKIPPED):
            last.pop(one.item, None)
            last[one.item] = one
    return [one for one in last.values() if one.status not in (Status.INTERRUPTED, Status.WON)]


# The same failure again and again


def _same_cause(tried: Sequence[Record]) -> Stuck | None:
    keeps = [at for at, one in enumerate(tried) if one.status is Status.KEPT]
    since_keep = tried[keeps[-1] + 1 if keeps else 0 :]
    level, cause = 0, ""
    for at, least, window in SAME_CAUSE:
        causes = [_cause(one) for one in since_keep[-window:]]
        common = max(filter(None, causes), key=causes.count, default="")
        if common and causes.count(common) >= least:
            level, cause = at, common
    if not level:
        return None
    concerned = _streak(since_keep, cause)
    span = len(tried) - next(at for at, one in enumerate(tried) if one is concerned[0])
    last = concerned[-1]
    count = f"{len(concerned)} of the last {span} proposals{_by(concerned)}"
    if last.status is Status.SKIPPED:
        what = f"{count} were skipped, the last one: {last.reason}"
        advice = (
            f"{count} were empty or repeat earlier ones: propose what no experiment has done yet."
        )
    else:
        what = f"{count} ended alike ({last.status.tsv}), the last one: {last.reason}"
        advice = (
            f"{count} ended alike ({last.status.tsv}), for the same cause, see experiment "
            f"{last.experiment}: mend that cause, or stay clear of it with a smaller change elsewhere."
        )
    return _stuck(level, "failures", what, advice, concerned, tried)


def _streak(tried: Sequence[Record], cause: str) -> list[Record]:
    """The latest proposals that ended for a cause, back to where many ended otherwise."""
    concerned, others = list[Record](), 0
    for one in reversed(tried):
        if _cause(one) == cause:
            concerned.insert(0, one)
        else:
            others += 1
        if others > 2 + len(concerned) // 4:
            break
    return concerned


def _cause(record: Record) -> str:
    """Why a proposal came to nothing, without what differs from one to the next; empty for a comparison."""
    broken = record.status is Status.DISCARD and record.reason.startswith(BROKEN)
    if record.status is Status.SKIPPED:
        return record.status.name
    if record.status not in FAILURES and not broken:
        return ""
    return f"{record.status.name} {_VARYING.sub('N', ' '.join(record.reason.split()))}"


# A theme that never wins


def _dead_theme(tried: Sequence[Record]) -> Stuck | None:
    """The theme that the search is about lately, where too many experiments say that nothing is in it."""
    lately = [_theme(one) for one in tried[-LATELY:]]
    theme = max(lately, key=lately.count, default="")
    if not theme or 2 * lately.count(theme) < LATELY:
        return None
    own = [one for one in tried if _theme(one) == theme and one.status is not Status.SKIPPED]
    if any(map(_is_good, own)):
        return None
    others = [_is_good(one) for one in tried if _theme(one) != theme and one.experiment]
    level = _level(SAME_THEME, len(own), _barren(others, len(own), GOOD))
    if not level:
        return None
    said = f"{len(own)} experiments of the theme {own[-1].theme.strip()!r}{_by(own)}, none kept and none near"
    advice = (
        f"Theme {own[-1].theme.strip()!r}: {len(own)} experiments, none kept and none near it. Leave it and "
        "try another direction."
    )
    made = _stuck(level, "theme", said, advice, own, tried)
    return replace(made, theme=own[-1].theme.strip())


def _is_good(record: Record) -> bool:
    return record.status is Status.KEPT or (record.z or 0.0) >= NEAR


def _theme(record: Record) -> str:
    return " ".join(record.theme.split()).casefold()


# No gain for long


def _no_gain(tried: Sequence[Record], before: Sequence[Record]) -> Stuck | None:
    """Whether nothing was kept for longer than the search's own keeps make probable.

    Keeps get rarer as a champion gets better: a person is asked only when the search has gone on without
    one for `PATIENCE` times as long as it took to come to the last.
    """
    tried = [one for one in tried if one.status is not Status.SKIPPED]
    kept = [at for at, one in enumerate(tried) if one.status is Status.KEPT]
    start = kept[-1] + 1 if kept else 0
    concerned = tried[start:]
    until = [one.status is Status.KEPT for one in (*before, *tried[:start]) if one.experiment]
    # The longest of several waits is what is looked at, so each has to be the less probable.
    chance = _barren(until, len(concerned), KEPT) * (1 + len(kept))
    level = _level(NO_GAIN, len(concerned), chance)
    if level == PERSON and len(concerned) < PATIENCE * len(until):
        level = PREFER
    if not level:
        return None
    best = max((one.z for one in concerned if one.z is not None), default=None)
    near = "" if best is None else f"; the nearest was at z {best:+.1f}"
    said = f"nothing was kept in the last {len(concerned)} experiments{near}"
    advice = (
        f"Nothing was kept in the last {len(concerned)} experiments: more of the same will not help. Try "
        "another direction: what no experiment has touched yet, another kind of model, other features, or "
        "two near misses together."
    )
    return _stuck(level, "gain", said, advice, concerned, tried)


def _barren(before: Sequence[bool], length: int, believed: tuple[int, int]) -> float:
    """How probable it is that none of the next ``length`` experiments is good.

    The predictive probability of a share that is Beta-distributed with the parameters ``believed``, and
    counted on in the experiments ``before``, good ones and others.
    """
    a, b = believed[0] + sum(before), believed[1] + len(before) - sum(before)
    return math.exp(_log_beta(a, b + length) - _log_beta(a, b))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _level(table: Sequence[tuple[int, int, float]], length: int, chance: float) -> int:
    reached = [level for level, least, most in table if length >= least and chance <= most]
    return max(reached, default=0)


# What it says


def _by(concerned: Sequence[Record]) -> str:
    agents = {one.agent for one in concerned}
    return f" of agent {concerned[-1].agent}" if len(agents) == 1 and agents != {""} else ""


def _stuck(
    level: int,
    kind: str,
    what: str,
    advice: str,
    concerned: Sequence[Record],
    tried: Sequence[Record],
) -> Stuck:
    agents = [one.agent for one in concerned]
    return Stuck(
        level,
        kind,
        what,
        advice,
        since=_since(concerned[0], tried),
        experiments=len(concerned),
        cost_usd=_sum(concerned, lambda one: one.cost_usd),
        seconds=_sum(concerned, lambda one: one.seconds + (one.thinking_seconds or 0.0)),
        agent=max(agents, key=agents.count),
    )


def _since(first: Record, tried: Sequence[Record]) -> int:
    """The number of the first one concerned; of the experiment before it, where it took none."""
    numbers = list[int]()
    for one in tried:
        numbers += [] if one.experiment is None else [one.experiment]
        if one is first:
            break
    return numbers[-1] if numbers else 0


def _sum(records: Iterable[Record], value: Callable[[Record], float | None]) -> float:
    return math.fsum(value(one) or 0.0 for one in records)
