"""What was tried before and what came of it, as entries of a briefing's sections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...records import Part, Proposal, Record, Status, concluded
from .quoting import code, fenced, one_line, quoted

MOST_NEAR = 12
"""Near-misses that are listed."""
MOST_OUTPUT = 1500
"""Characters of a candidate's output, in an entry."""
MOST_LOGGED = 8
"""Logged values of an experiment that are shown."""
MOST_LESSON = 500
"""Characters of a lesson."""
RECENT = 5
"""Experiments whose output is shown, where it may be."""
OUTDATED = "made on "
"""How the reason begins of a proposal that could not be merged onto the present champion."""
UNSCORED = (Status.REFUSED, Status.FAILED)
"""Ends of experiments that say nothing of the idea."""


def tried(records: Iterable[Record]) -> list[Record]:
    """Experiments with their ends, and proposals that were skipped, oldest first; nothing of a vault."""
    parts = (Part.EXPERIMENT, Part.SKIPPED)
    last: dict[str, Record] = {}
    for record in concluded(records):
        if record.part in parts and record.status is not Status.INTERRUPTED:
            last.pop(record.item, None)
            last[record.item] = record
    return list(last.values())


def experiments(records: Sequence[Record]) -> list[Record]:
    """Of these the numbered ones."""
    return [record for record in records if record.part is Part.EXPERIMENT]


def entry(record: Record, *, output: bool = False) -> str:
    """All that is told of one experiment, in a few lines."""
    lines = [f"- **{name(record)}**: {verdict(record)}{_by(record)}"]
    if what := quoted(record.description):
        lines.append(f"  What: {what}")
    if record.hypothesis and record.hypothesis != record.description:
        lines.append(f"  Hypothesis: {quoted(record.hypothesis, 400)}")
    if record.expected:
        lines.append(f"  Expected: {quoted(record.expected, 120)}")
    if record.reason:
        lines.append(f"  Why: {quoted(record.reason, 320)}")
    if took := _took(record):
        lines.append(f"  Took: {took}")
    lines += [f"  {one}" for one in _output(record, whole=output)]
    return "\n".join(lines)


def _took(record: Record) -> str:
    """Seconds and memory of its processes, and what the frozen test logged."""
    parts = []
    if record.fit_seconds is not None:
        parts.append(f"{record.fit_seconds:.3g} s to fit")
    if record.peak_memory_mb:
        parts.append(f"at most {record.peak_memory_mb:.0f} MiB")
    logged = list(record.log.items())[:MOST_LOGGED]
    parts += [f"{code(name, 40)} {value:.4g}" for name, value in logged]
    return ", ".join(parts)


def _output(record: Record, *, whole: bool) -> list[str]:
    """What the candidate said: one line of it as inline code, more in a fence."""
    text = record.output.strip()
    if not text or record.status is Status.KEPT:
        return []
    if "\n" not in text:
        return [f"At: {code(text, 300)}"]
    if not whole:
        return []
    tail = text if len(text) <= MOST_OUTPUT else f"[…]\n{text[-MOST_OUTPUT:]}"
    return ["Output:", *fenced(tail).splitlines()]


def name(record: Record) -> str:
    """``experiment 42``, or a skipped proposal's item."""
    if record.experiment is None:
        return f"proposal {one_line(record.item, 20)}"
    return f"experiment {record.experiment}"


def verdict(record: Record) -> str:
    """``discard, 0.8312 against 0.8330 (-0.0018, z -1.1)``."""
    word = record.status.tsv or record.status.word.lower()
    if record.status is Status.KEPT:
        word = "kept"
    if record.score is None:
        return word
    text = f"{word}, {record.score:.6g}"
    if record.champion is None:
        return text
    text += f" against {record.champion:.6g}"
    parts = [] if record.delta is None else [f"{record.delta:+.3g}"]
    parts += [] if record.z is None else [f"z {record.z:+.1f}"]
    parts += [f"as good and simpler: {one_line(record.simpler, 80)}"] if record.simpler else []
    return f"{text} ({', '.join(parts)})" if parts else text


def _by(record: Record) -> str:
    parts = [f"agent {one_line(record.agent, 40)}"] if record.agent else []
    parts += [f"theme {quoted(record.theme, 60)}"] if record.theme else []
    return f"; {', '.join(parts)}" if parts else ""


def line(record: Record, label: str = "") -> str:
    """One experiment in one line."""
    words = quoted(record.description or record.hypothesis, 160)
    theme = f"; theme {quoted(record.theme, 40)}" if record.theme.strip() else ""
    said = f": {words}" if words else ""
    return f"- {label or name(record)}, {verdict(record)}{said}{theme}"


def kept(records: Sequence[Record]) -> list[str]:
    """All that was kept, the latest first."""
    return [line(record) for record in reversed(records) if record.status is Status.KEPT]


def near(records: Sequence[Record]) -> list[str]:
    """What came closest without being kept, the closest first: a gain that was too small to be sure of."""
    close = [r for r in records if r.status is Status.DISCARD and r.z is not None and r.z > 0]
    return [line(record) for record in sorted(close, key=lambda r: -(r.z or 0.0))[:MOST_NEAR]]


def lessons(records: Sequence[Record], before: Sequence[Record] = ()) -> list[str]:
    """What agents wrote down, the latest first, each once; what they did in earlier runs at the end."""
    found: dict[str, str] = {}
    for group, past in ((records, ""), (before, "an earlier run, ")):
        for record in reversed(group):
            for lesson in reversed(() if record.stage else record.lessons):
                if words := one_line(lesson):
                    told = f"- {quoted(words, MOST_LESSON)} ({past}{source(record)})"
                    found.setdefault(words.casefold().rstrip("."), told)
    return list(found.values())


def source(record: Record) -> str:
    """Where a lesson comes from."""
    if record.part is Part.ANALYSIS:
        return f"analysis {one_line(record.item, 40)}"
    return name(record)


def ideas(records: Sequence[Record], most: int) -> list[str]:
    """What was evaluated, an entry a theme, of about ``most`` characters: the theme tried last comes first.

    What was skipped or refused is no idea that was tried, and a repeat is the repeated experiment's.
    """
    themes: dict[str, list[Record]] = {}
    for record in experiments(records):
        if record.status not in UNSCORED and _words(record):
            theme = one_line(record.theme, 60).casefold()
            themes[theme] = [*themes.pop(theme, []), record]
    return [_theme(group, most) for group in reversed(themes.values())]


def dropped(records: Sequence[Record]) -> list[str]:
    """What was handed in and never evaluated, the latest first, each idea once, none that was evaluated later."""
    found: dict[str, str | None] = {}
    for record in reversed(records):
        words = one_line(_words(record)).casefold()
        if record.part is Part.SKIPPED:
            lost = record.reason.startswith(OUTDATED)
        else:
            lost = record.status in UNSCORED
        said = (
            f"- {name(record)}: {quoted(_words(record), 160)} (why: {quoted(record.reason, 200)})"
        )
        if words:
            found.setdefault(words, said if lost else None)
    return [said for said in found.values() if said]


def _words(record: Record) -> str:
    return record.description or record.hypothesis


def _theme(group: Sequence[Record], most: int) -> str:
    wins = sum(1 for record in group if record.status is Status.KEPT)
    title = quoted(group[0].theme, 60) if group[0].theme.strip() else "without a theme"
    said: dict[str, list[str]] = {}
    for record in reversed(group):
        words = quoted(record.description or record.hypothesis, 90)
        sign = " kept" if record.status is Status.KEPT else ""
        number = str(record.experiment) if record.experiment is not None else record.item
        said.setdefault(words, []).append(f"{one_line(number, 20)}{sign}")
    text, shown = f"- {title} ({len(group)} tried, {wins} kept): ", 0
    for words, numbers in said.items():
        piece = f"{'; ' if shown else ''}{words} ({', '.join(numbers[:6])})"
        if shown and len(text) + len(piece) > most:
            break
        text, shown = text + piece, shown + 1
    left = len(said) - shown
    return f"{text}; … {left} more" if left else text


def under_way(proposals: Sequence[Proposal]) -> list[str]:
    """What was handed in and has no result yet."""
    return [
        f"- {quoted(one.description or one.hypothesis, 200) or 'a proposal without words'}"
        for one in proposals
    ]


def earlier(records: Sequence[Record]) -> list[str]:
    """Experiments of earlier runs: what was kept first, then by how close they came."""

    def order(record: Record) -> tuple[bool, float]:
        return record.status is not Status.KEPT, -(record.z if record.z is not None else -99.0)

    found = [one for one in concluded(records) if one.part is Part.EXPERIMENT]
    return [line(one, "an earlier run's") for one in sorted(found, key=order)]
