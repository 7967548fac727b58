"""Markdown for people: the CI step's summary and the run's `report.md`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..records import MOST_LOOKS, Look, Record, Summary
from . import digest
from .gains import confirmation_lines, gains_of, interval, look_line, search_gain
from .terminal import going_on, tier, trust
from .text import better, change, count, human, one_line, short, signed

_SPECIAL = re.compile(r"([\\`*\[\]<|~#&$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
"""What Markdown gives a meaning inside a line; an underscore within a word has none."""

_MOST = 30


def escape(text: str, width: int = 120) -> str:
    """``text`` from an agent as one harmless line of Markdown, at most ``width`` characters of it."""
    return _SPECIAL.sub(r"\\\1", one_line(text, width))


def step_summary(summary: Summary) -> str:
    """A short summary for a CI page: one sentence, what was kept, what was not."""
    parts = [
        f"### {escape(summary.objective)}: {_verdict(summary)}",
        _facts(summary),
        _gained(summary),
        _kept_table(summary),
        _causes(summary),
        _take(summary),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def append_step_summary(summary: Summary, environ: Mapping[str, str] = os.environ) -> bool:
    """Append to the file that ``$GITHUB_STEP_SUMMARY`` names; False where there is none.

    A file that cannot be written is no reason to fail a search: it counts as none.
    """
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return False
    try:
        with open(path, "a", encoding="utf-8", errors="replace") as file:
            file.write(step_summary(summary) + "\n")
    except OSError:
        return False
    return True


def report_md(summary: Summary) -> str:
    """The written report of a run, as `report.md` in its folder."""
    parts = [
        f"# {escape(summary.objective)}: {_verdict(summary)}",
        _facts(summary),
        _picture(summary),
        *_how_much(summary),
        "## What was kept",
        _kept_table(summary) or "Nothing: the champion is what it was.",
        *_best(summary),
        "## What was tried",
        _tried_table(summary) or "No experiment was evaluated.",
        *_reasons(summary),
        *_confirmations(summary),
        *_taking(summary),
        *_going_on(summary),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(summary: Summary) -> str:
    return f"{escape(summary.metric)} {change(summary.baseline, summary.champion)}"


def _facts(summary: Summary) -> str:
    kept = f"{digest.kept_of(summary)}; " * (summary.tried > 0)
    cost = f" Agents cost {summary.cost_usd:.2f} USD." if summary.cost_usd else ""
    stated = [text for text in (tier(summary.isolation), trust(summary)) if text]
    said = " ".join(f"{text[:1].upper()}{text[1:]}." for text in stated)
    goal = f"{kept}{better(summary.direction)}"
    return (
        f"{goal[:1].upper()}{goal[1:]}. Run `{summary.run}`, branch `{summary.branch}`, "
        f"ended: {escape(summary.ended)}.{cost} {said}"
    )


def _kept_table(summary: Summary) -> str:
    rows = digest.kept(summary.records)
    if not rows:
        return ""
    head = [
        "experiment",
        f"{escape(summary.metric)} when it won",
        "change",
        *(["confirmed gain"] if summary.effects else []),
        "commit",
        "what it does",
    ]
    body = [_cells(row, summary) for row in rows[-_MOST:]]
    left_out = len(rows) - len(body)
    note = f"\n\n{count(left_out, 'earlier keep')} not shown." if left_out > 0 else ""
    return _table(head, body, "r" * (len(head) - 2) + "ll") + note


def _cells(record: Record, summary: Summary) -> list[str]:
    words = escape(record.description or record.hypothesis)
    commit = f"`{short(record.commit)}`" if record.commit else ""
    if record.simpler:
        words = f"{words} (as good, with {escape(record.simpler)})".strip()
    effect = summary.effects.get(record.experiment or 0)
    confirmed = [interval(effect, "±") if effect else ""] if summary.effects else []
    scores = [human(record.score), signed(record.delta), *confirmed]
    return [str(record.experiment), *scores, commit, words]


def _gained(summary: Summary) -> str:
    """The gains in one line: the search's, the vault's, and what they say together."""
    parts = []
    if summary.gain is not None:
        parts.append(f"Search gain {search_gain(summary, '±')} (90% interval).")
    if summary.looks:
        last = summary.looks[-1]
        line = look_line(last, summary.records, "±")
        parts.append(f"{line[:1].upper()}{line[1:]}.")
        parts.append(_warning(last))
    return " ".join(filter(None, parts))


def _how_much(summary: Summary) -> list[str]:
    """The measured noise, the gain, and every look into the vault."""
    said = []
    if summary.noise:
        said.append(
            f"By luck alone the lead of one whole pass has a standard error of {summary.noise:.2g}."
        )
    if summary.gain is not None:
        said.append(
            f"The champion's gain over the baseline is **{search_gain(summary, '±')}** on the search "
            "data, by passes that did not choose it; gains are positive when better, behind ± stands "
            "half of the 90% interval. That is the luck of seeds and folds: whether a gain is fitted to "
            "the search's data is seen on other data only, a vault's."
        )
    looks = [_looks(summary.looks), _warning(summary.looks[-1])] if summary.looks else []
    found = [text for text in (" ".join(said), *looks) if text]
    return ["## How much better", *found] if found else []


def _looks(looks: Sequence[Look]) -> str:
    """The ledger of the vault."""
    head = ["look", "when", "experiment", "baseline", "champion"]
    head += ["search gain", "vault gain", "gap"]
    body = [
        [
            str(look.number),
            escape(look.time[:16].replace("T", " ")),
            str(look.experiment),
            human(look.baseline),
            human(look.champion),
            *gains_of(look, "±"),
        ]
        for look in looks
    ]
    said = f"The vault, {count(len(looks), 'look')} of {MOST_LOOKS}: data that no search has seen."
    return f"{said}\n\n{_table(head, body, 'rlrrrrrr')}"


def _warning(look: Look) -> str:
    words = escape(look.words, 300)
    return f"**{words[:1].upper()}{words[1:]}.**" if words else ""


def _confirmations(summary: Summary) -> list[str]:
    """What the confirmations of wins measured: scores of other tests, comparable to no other table's."""
    if not summary.confirmations:
        return []
    head = ["experiment", "test", "score", "champion", "change", "z", "outcome"]
    body = [
        [
            str(record.experiment),
            escape(record.stage),
            human(record.score),
            human(record.champion),
            signed(record.delta),
            "" if record.z is None else f"{record.z:+.1f}",
            escape(record.status.word.lower()),
        ]
        for record in summary.confirmations[-_MOST:]
    ]
    said = "; ".join(escape(line) for line in confirmation_lines(summary))
    return ["## Confirmations", f"{said}." if said else "", _table(head, body, "rlrrrrl")]


def _causes(summary: Summary) -> str:
    counts = digest.causes(summary.records)
    listed = ", ".join(f"{number} {cause}" for cause, number in counts)
    return f"Not kept: {listed}." if listed else ""


def _take(summary: Summary) -> str:
    return f"Take it with `git merge {summary.branch}`." if summary.kept else ""


def _picture(summary: Summary) -> str:
    drawn = (Path(summary.folder) / "progress.png").exists()
    return "![The score of every experiment](progress.png)" if drawn else ""


def _best(summary: Summary) -> list[str]:
    rows = digest.kept(summary.records)
    if not rows:
        return []
    last = rows[-1]
    hypothesis = f" Its hypothesis: {escape(last.hypothesis, 600)}" if last.hypothesis else ""
    number = f"The champion is experiment {last.experiment}, {escape(last.description)}"
    score = f"{escape(summary.metric)} {human(summary.champion)}, measured afresh"
    return [f"{number} ({score}).{hypothesis}"]


def _tried_table(summary: Summary) -> str:
    counts = [("kept", summary.kept)] if summary.kept else []
    counts += digest.causes(summary.records)
    body = [[what, str(number)] for what, number in counts]
    return _table(["outcome", "experiments"], body, "lr") if body else ""


def _reasons(summary: Summary) -> list[str]:
    reasons = digest.common_reasons(summary.records, most=10)
    if not reasons:
        return []
    body = [
        [escape(reason.text, 160), str(len(reason.experiments)), str(reason.experiments[0])]
        for reason in reasons
    ]
    head = ["reason (the first one's numbers)", "times", "first in"]
    return ["## Why the rest was not kept", _table(head, body, "lrr")]


def _taking(summary: Summary) -> list[str]:
    if not summary.kept:
        return []
    base = short(digest.run_base(summary.records))
    since = f"{base}..{summary.branch}" if base else summary.branch
    commands = [f"git log --oneline {since}", f"git merge {summary.branch}"]
    if base:
        commands.insert(1, f"git diff {since}")
    return ["## How to take it", "```\n" + "\n".join(commands) + "\n```"]


def _going_on(summary: Summary) -> list[str]:
    return [f"To go on: `{going_on(summary)}`."] if summary.finished else []


def _table(head: Sequence[str], body: Sequence[Sequence[str]], align: str) -> str:
    rule = ["---:" if side == "r" else ":---" for side in align]
    rows = [head, rule, *body]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
