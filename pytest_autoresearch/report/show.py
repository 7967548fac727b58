"""What `--autoresearch-show` prints: the runs, one run's experiments, or one experiment whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..records import Part, Record, Summary
from . import digest
from .columns import aligned, indented, tail
from .terminal import summary_lines
from .text import change, count, human, one_line, short, signed
from .unnumbered import listed


@dataclass(frozen=True)
class RunLine:
    """A run in the list of runs; ``state`` is a word or why it cannot be read."""

    name: str
    state: str
    objective: str = ""
    tried: int = 0
    kept: int = 0
    scores: str = ""
    started: str = ""


@dataclass(frozen=True)
class Detail:
    """One experiment: its record, later measurements of its tree, and the diff to its base."""

    record: Record
    again: Sequence[Record]
    diff: str
    words: str = ""


def runs_page(runs: Sequence[RunLine], parent: str) -> list[str]:
    """The runs, the newest last, as aligned columns."""
    if not runs:
        return [
            f"no runs in {parent} or in refs/autoresearch: start one with pytest --autoresearch"
        ]
    head = ["run", "state", "objective", "tried", "kept", "score", "started"]
    body = [
        [
            one.name,
            one_line(one.state, 60),
            one.objective,
            str(one.tried),
            str(one.kept),
            one.scores,
            one.started[:16].replace("T", " "),
        ]
        for one in runs
    ]
    return [*aligned(head, body, right={3, 4}), "", "one run: pytest --autoresearch-show=RUN"]


def run_page(summary: Summary, width: int = 0) -> list[str]:
    """A run's experiments as a table, its other items, then its summary; ``width`` cuts lines (0: not cut)."""
    head = ["item", "status", summary.metric, "delta", "z", "folds", "seconds", "memory", "commit"]
    head.append("what")
    rows = [_row(record) for record in _listed(summary.records)]
    table = aligned(head, rows, right={2, 3, 4, 5, 6, 7})
    lines = [*table, *_confirmations(summary), *listed(summary.records)]
    lines += ["", *summary_lines(summary)]
    lines += ["", f"one experiment, or another item: pytest --autoresearch-show={summary.run}:N"]
    return [one_line_keeping_indent(line, width) for line in lines]


def experiment_page(detail: Detail, metric: str) -> list[str]:
    """Everything that the journal knows of one experiment."""
    record = detail.record
    lines = [f"[{record.item}] {record.status.word}  {one_line(record.reason)}".rstrip(), ""]
    lines += list(_facts(record, metric))
    for title, text in _words(record):
        lines += ["", f"{title}:", *indented(text)]
    if record.log:
        logged = ", ".join(f"{name} {human(value)}" for name, value in sorted(record.log.items()))
        lines += ["", f"logged (mean over folds): {logged}"]
    lines += ["", *_scores(record, detail.again)]
    if detail.words:
        lines += ["", f"every word to and from the agent: {detail.words}"]
    lines += ["", "diff:", *indented(detail.diff or "(none: the tree is its base's)")]
    if record.output:
        lines += ["", "output of the candidate, its end:", *indented(tail(record.output))]
    return lines


def _facts(record: Record, metric: str) -> Iterator[str]:
    score = f"{metric} {human(record.score)}"
    if record.champion is not None:
        score += f" against {human(record.champion)} ({signed(record.delta)})"
    yield f"score      {score}"
    if record.z is not None:
        yield f"z          {record.z:+.2f}, positive is better"
    if record.passes and record.part is Part.EXPERIMENT:
        folds = count(sum(len(one.scores) for one in record.passes), "fold")
        yield f"measured   {folds} in {count(len(record.passes), 'pass', 'passes')}"
    if record.simpler:
        yield f"simpler    {one_line(record.simpler)}"
    yield f"commit     {short(record.commit)} on {short(record.base)}"
    if record.origin:
        yield f"origin     {', '.join(str(number) for number in record.origin)}"
    if record.agent:
        yield f"agent      {one_line(record.agent)}"
    used = [
        f"{name} {seconds:.1f} s"
        for name, seconds in (("fit", record.fit_seconds), ("predict", record.predict_seconds))
        if seconds is not None
    ]
    spent = f"{record.seconds:.1f} s" + (f" ({', '.join(used)})" if used else "")
    memory = record.peak_memory_mb
    peak = "" if memory is None else f", peak memory {memory:.0f} MiB"
    yield f"took       {spent}{peak}, session {record.session}, ended {record.time}"
    trust = f", {record.trust}" if record.trust else ""
    yield f"isolation  {record.isolation}{trust}"


def _words(record: Record) -> Iterator[tuple[str, str]]:
    named = ("description", "hypothesis", "theme", "expected")
    return ((name, getattr(record, name)) for name in named if getattr(record, name))


def _scores(record: Record, again: Iterable[Record]) -> Iterator[str]:
    rows = [
        [
            _place(record),
            str(one.split),
            str(one.seed),
            human(fmean(one.scores)),
            _folds(one.scores),
        ]
        for record in (record, *again)
        for one in record.passes
        if one.scores
    ]
    if not rows:
        yield "no fold was scored"
        return
    yield from aligned(["measured as", "split", "seed", "mean", "scores by fold"], rows, {1, 2, 3})


def _place(record: Record) -> str:
    """The item that a score was measured as; with its test, where that is not the objective."""
    return " ".join(filter(None, [record.item, one_line(record.stage)]))


def _folds(scores: Sequence[float]) -> str:
    return "  ".join(human(score) for score in scores)


def _listed(records: Iterable[Record]) -> list[Record]:
    """Everything that has a number, each item's last record, in the order of the numbers."""
    rows = [record for record in records if record.experiment is not None]
    return sorted(
        rows, key=lambda record: (record.experiment or 0, record.part is not Part.BASELINE)
    )


def _row(record: Record) -> list[str]:
    about = record.description or record.hypothesis
    tells = record.part is not Part.EXPERIMENT or record in digest.not_kept([record])
    reason = ": ".join(filter(None, [about, record.reason if tells else ""]))
    memory = record.peak_memory_mb
    return [
        record.item,
        record.status.word if record.status.word != "REJECTED" else record.status.tsv,
        "" if record.score is None else human(record.score),
        signed(record.delta),
        "" if record.z is None else f"{record.z:+.1f}",
        str(sum(len(one.scores) for one in record.passes) or ""),
        f"{record.seconds:.1f}",
        "" if memory is None else f"{memory:.0f}M",
        short(record.commit),
        one_line(reason),
    ]


def _confirmations(summary: Summary) -> list[str]:
    """The confirmations of wins as a table of its own: their scores compare with no other."""
    if not summary.confirmations:
        return []
    head = ["item", "test", "status", "score", "delta", "z", "folds", "seconds", "what"]
    rows = []
    for record in summary.confirmations:
        item, status, score, delta, z, folds, seconds, *_ = _row(record)
        test, why = one_line(record.stage), one_line(record.reason)
        rows.append([item, test, status, score, delta, z, folds, seconds, why])
    return ["", "confirmations of wins:", *aligned(head, rows, right={3, 4, 5, 6, 7})]


def scores(baseline: float | None, champion: float | None, metric: str) -> str:
    """``auc 0.81 -> 0.83 (+0.02, +2.5%)``; empty before a baseline."""
    return "" if baseline is None else f"{metric} {change(baseline, champion)}"


def one_line_keeping_indent(line: str, width: int) -> str:
    """A line of a table, cut to ``width`` characters; its spaces stay."""
    return line if not width or len(line) <= width else line[: max(0, width - 3)] + "..."
