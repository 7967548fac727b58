"""What the terminal says before, and above all after, a search."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ..records import Objective, Record, Status, Summary
from . import digest
from .costs import cost_line, waiting_line
from .gains import COLOURS, confirmation_lines, gain_lines, interval
from .skips import skips
from .text import better, change, count, human, one_line, short, signed

LACKS = {
    "none": "candidate code runs with your rights: files, network and other processes are open to it",
    "guarded": "no namespaces: other processes can be seen, not touched; memory is watched, not capped",
    "sealed": "memory is watched, not capped",
}
"""What each isolation tier lacks, said wherever the tier is named."""

LESS_TRUST = {
    "self-reported": "scores are self-reported: the candidate's own script printed them",
    "joint": "scores are joint: one script both fitted and predicted",
}
"""What is said of a score that the frozen test did not compute from predictions alone."""

CAPPED = "the cost cap is reached"
"""What a session says that ended because its agents may spend no more."""

_FILES = ("progress.png", "results.tsv", "report.md")
_MOST = 40
_Line = tuple[str, dict[str, bool]]


def tier(isolation: str, layers: str = "") -> str:
    """``isolation sealed (its layers): what it lacks``."""
    lacks = LACKS.get(isolation)
    named = f"isolation {isolation}{f' ({layers})' if layers else ''}"
    return f"{named}: {lacks}" if lacks else named


def trust(summary: Summary) -> str:
    """What the scores deserve less trust for; empty when the frozen test computed them all alone."""
    words = {record.trust for record in summary.records}
    return next((text for word, text in LESS_TRUST.items() if word in words), "")


def header(
    isolation: str,
    agents: Sequence[str],
    *,
    hours: float | None = None,
    experiments: int | None = None,
    layers: str = "",
    notes: Sequence[str] = (),
) -> list[str]:
    """The lines for `pytest_report_header`: what can be said before collection.

    ``layers`` are what the isolation is made of.
    """
    asked = f"agent {', '.join(agents)}; {_until(hours, experiments)}"
    return [f"autoresearch: {line}" for line in (tier(isolation, layers), asked, *notes)]


def plan(
    objective: Objective, run: str, branch: str, *, resumed: str = "", notes: Sequence[str] = ()
) -> list[str]:
    """The lines for `pytest_report_collectionfinish`: what is about to be searched, and where.

    ``resumed`` says what an unfinished run already holds; ``notes`` are whole lines.
    """
    goal = f"{objective.nodeid}: {objective.metric}, {better(objective.direction)}"
    lines = [
        f"{goal}, budget {objective.budget:g} s a pass",
        f"may change: {', '.join(objective.editable)}",
        f"{f'goes on with run {run} ({resumed})' if resumed else f'new run {run}'}, branch {branch}",
        *notes,
    ]
    return [f"autoresearch: {line}" for line in lines]


def going_on(summary: Summary) -> str:
    """The options that go on with a finished run, for ten more experiments."""
    more = f"--autoresearch-experiments {summary.tried + 10}"
    return f"--autoresearch-run {shlex.quote(summary.run)} {more}"


def summary_lines(summary: Summary, rejected: bool = False) -> list[str]:
    """The summary as plain lines; ``rejected`` lists every experiment that was not kept."""
    return [text for text, _ in _lines(summary, rejected)]


def write_summary(reporter: pytest.TerminalReporter, summary: Summary) -> None:
    """Print the summary as a section; ``-rx`` and ``-ra`` list what was not kept."""
    reporter.section("autoresearch", sep="=")
    for text, markup in _lines(summary, rejected="x" in reporter.reportchars):
        reporter.write_line(text, **markup)


def _lines(summary: Summary, rejected: bool) -> Iterator[_Line]:
    yield tier(summary.isolation), {"yellow": summary.isolation == "none"}
    if less := trust(summary):
        yield less, {"yellow": True}
    yield f"run {summary.run}, branch {summary.branch}", {}
    yield f"ended: {one_line(summary.ended)}{_resumable(summary)}", {}
    scores = change(summary.baseline, summary.champion)
    tried = f": {digest.kept_of(summary)}" * (summary.tried > 0)
    yield f"{summary.metric} {scores}, {better(summary.direction)}{tried}", {"bold": True}
    yield from ((line, {}) for line in gain_lines(summary))
    if summary.looks and summary.looks[-1].words:
        last = summary.looks[-1]
        yield last.words, {COLOURS.get(last.level, "yellow"): True}
    yield from ((line, {}) for line in (cost_line(summary), waiting_line(summary)) if line)
    if summary.attention:
        yield f"needs a person: {one_line(summary.attention)}", {"yellow": True, "bold": True}
    yield from _kept(summary)
    yield from _not_kept(summary)
    if rejected:
        yield from _rejected(summary)
    yield from _next(summary)


def _kept(summary: Summary) -> Iterator[_Line]:
    rows = digest.kept(summary.records)
    if not rows:
        if summary.tried:
            yield from [("", {}), ("nothing was kept: the champion is what it was", {})]
        return
    shown = ": score and change when it won, confirmed gain (90% interval)"
    yield from [("", {}), (f"kept{shown if summary.effects else ':'}", {})]
    left_out = len(rows) - _MOST
    if left_out > 0:
        yield f"  ... {left_out} earlier ones, in results.tsv", {}
    for row in rows[-_MOST:]:
        yield f"  {_row(row, summary)}", {"green": True}


def _row(record: Record, summary: Summary) -> str:
    scores = f"{human(record.score):>10} {signed(record.delta):>10}"
    if summary.effects:
        effect = summary.effects.get(record.experiment or 0)
        scores += f"  {interval(effect) if effect else '':>20}"
    words = one_line(record.description or record.hypothesis, 70)
    if record.simpler:
        words = f"{words} (as good, with {one_line(record.simpler, 70)})".strip()
    return f"{record.experiment:>4} {scores}  {short(record.commit)}  {words}".rstrip()


def _not_kept(summary: Summary) -> Iterator[_Line]:
    counts = digest.causes(summary.records)
    if counts:
        listed = ", ".join(f"{number} {cause}" for cause, number in counts)
        yield from [("", {}), (f"not kept: {listed}", {})]
    for reason in digest.common_reasons(summary.records):
        text = one_line(reason.text, 100)
        yield f"{len(reason.experiments):>6} x {text}  ({_examples(reason.experiments)})", {}
    yield from ((f"  {line}", {}) for line in confirmation_lines(summary))
    yield from ((f"{number:>6} x skipped, {cause}", {}) for cause, number in skips(summary.records))
    miss = digest.closest_miss(summary)
    if miss is not None:
        about = one_line(miss.description, 70)
        yield f"  nearest to a keep: {miss.experiment}, z {miss.z:+.1f}, {about}".rstrip(", "), {}


def _examples(experiments: Sequence[int], most: int = 4) -> str:
    shown = ", ".join(str(number) for number in experiments[:most])
    return f"{shown}, ..." if len(experiments) > most else shown


def _rejected(summary: Summary) -> Iterator[_Line]:
    rows = digest.not_kept(summary.records)
    if rows:
        yield "", {}
    for row in rows:
        reason = one_line(row.reason, 160)
        if not reason.startswith(row.status.tsv):
            reason = f"{row.status.tsv}: {reason}".rstrip(": ")
        about = f" ({one_line(row.description, 60)})" if row.description else ""
        yield f"{row.status.word} [{row.item}] {reason}{about}", {}


def _next(summary: Summary) -> Iterator[_Line]:
    branch = shlex.quote(summary.branch)
    base = short(digest.run_base(summary.records))
    yield "", {}
    if summary.kept:
        since = f"{base}..{branch}" if base else branch
        yield f"look at it:  git log --oneline {since}", {}
        if base:
            yield f"             git diff {base}..{branch}", {}
    lead = "             " if summary.kept else "look at it:  "
    folder = Path(summary.folder)
    for path in (folder / name for name in _FILES):
        if path.exists():
            yield f"{lead}{path}", {}
            lead = "             "
    if summary.kept:
        yield f"take it:     git merge {branch}", {}


def _resumable(summary: Summary) -> str:
    if summary.ended.startswith(CAPPED):
        return f"; to go on: the same command with {_more(summary)}"
    if summary.finished:
        return f"; to go on: {going_on(summary)}"
    if summary.baseline is None and any(r.status is Status.FAILED for r in summary.records):
        return "; mend it, commit, and start again: a new run begins"
    return "; the run is not finished, the same command goes on with it"


def _more(summary: Summary) -> str:
    """The limit that has to be larger: that of the run, or of an agent's own table."""
    if summary.ended.endswith("tokens are used"):
        return "a larger tokens in the agent's table"
    cap = summary.spending.cap_usd
    return f"a larger --autoresearch-max-cost{'' if cap is None else f' than {cap:g}'}"


def _until(hours: float | None, experiments: int | None) -> str:
    if experiments == 0:
        return "measures the baseline only"
    bounds = [] if hours is None else [f"for {hours:g} h"]
    if experiments is not None:
        bounds.append(f"until {count(experiments, 'experiment')}")
    return " or ".join(bounds) if bounds else "until stopped (Ctrl-C, or a file STOP in its folder)"
