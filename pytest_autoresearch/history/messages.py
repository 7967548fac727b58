"""Commit messages: words for people, trailers for git, and journal lines byte for byte between."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence

from ..exceptions import JournalDamaged
from ..records import Experiment, Json, Status
from .journal import Line, encode

LONGEST_SUBJECT = 72
LONGEST_WORDS = 20_000
LONGEST_PATCH = 1 << 20
FRAME = re.compile(rb"^Autoresearch-Journal: (\d{1,9}) lines, (\d{1,12}) bytes$", re.MULTILINE)


def message(
    header: dict[str, Json],
    experiment: Experiment | None,
    line: Line,
    block: Sequence[Line],
    told: Line,
) -> str:
    """The message of a numbered experiment's commit.

    ``line`` is its ``opened`` or ``finished`` line, ``block`` the journal lines that travel in it
    (`journal_lines` takes them out again), ``line`` being the last of them; ``told`` is the line as
    people are told of it.
    """
    content = b"".join(map(encode, [*block[:-1], _own(line)]))
    frame = f"{len(block)} lines, {len(content)} bytes"
    words = "\n\n".join(_words(header, experiment, told))
    trailers = "\n".join(f"{key}: {value}" for key, value in _trailers(header, told, frame))
    return f"{words}\n\n{content.decode()}\n{trailers}\n"


def journal_lines(commit: str, text: bytes) -> list[Line]:
    """The journal lines in the message of ``commit``, whose id is filled in where it belongs.

    Raises `JournalDamaged` when the message is not one of ours.
    """
    head, _, trailers = text.rstrip(b"\n").rpartition(b"\n\n")
    frame = FRAME.search(trailers)
    if frame is None:
        raise JournalDamaged(f"commit {commit} holds no journal lines")
    count, size = int(frame[1]), int(frame[2])
    texts = (head + b"\n")[-size:].split(b"\n")[:-1]
    try:
        lines: list[Line] = [json.loads(text) for text in texts]
    except ValueError:
        lines = []
    if len(lines) != count or not lines:
        raise JournalDamaged(f"the journal lines in commit {commit} are damaged")
    if lines[-1].get("commit") == "":
        lines[-1]["commit"] = commit
    return lines


def _own(line: Line) -> Line:
    """A commit cannot hold its own id."""
    return {**line, "commit": ""} if line["kind"] == "finished" else line


def _words(header: dict[str, Json], experiment: Experiment | None, line: Line) -> list[str]:
    proposal = experiment.proposal if experiment else None
    paragraphs = [_subject(header, line, _description(experiment, line))]
    hypothesis = line.get("hypothesis") or (proposal.hypothesis if proposal else "")
    reason = line.get("reason") or (experiment.refused if experiment else "")
    paragraphs += [_prose(text, LONGEST_WORDS) for text in (hypothesis, reason) if text.strip()]
    if experiment and experiment.refused and proposal and proposal.patch:
        paragraphs.append("The patch as it was proposed:")
        paragraphs.append(_indented(proposal.patch))
    return [paragraph for paragraph in paragraphs if paragraph]


def _description(experiment: Experiment | None, line: Line) -> str:
    proposal = experiment.proposal if experiment else None
    text = line.get("description") or (proposal.description if proposal else "")
    return text or (line["part"] if line["part"] == "baseline" else "no description")


def _subject(header: dict[str, Json], line: Line, description: str) -> str:
    """`conversion 42: lower learning rate (auc 0.8312, +0.0021)`."""
    status = Status[line["status"]] if "status" in line else None
    word = "opened" if status is None else status.word.lower()
    silent = status in (Status.KEPT, Status.BASELINE)
    title = f"{header['objective']['name']} {line['experiment']}{'' if silent else ' ' + word}"
    words = " ".join(_prose(description, LONGEST_WORDS).split())
    if len(words) > LONGEST_SUBJECT:
        words = words[: LONGEST_SUBJECT - 1].rstrip() + "…"
    return f"{title}: {words}{_measured(line)}"


def _measured(line: Line) -> str:
    if line.get("score") is None:
        return ""
    delta = line.get("delta")
    change = "" if delta is None else f", {_number(delta, '+')}"
    return f" ({line.get('metric') or 'score'} {_number(line['score'])}{change})"


def _number(value: float, sign: str = "") -> str:
    plain = value == 0 or 0.001 <= abs(value) < 100_000
    return f"{value:{sign}.4f}" if plain else f"{value:{sign}.4g}"


def _trailers(header: dict[str, Json], line: Line, frame: str) -> list[tuple[str, str]]:
    metric = line.get("metric") or header["objective"]["metric"]
    score = line.get("score")
    isolation = line.get("isolation") or header.get("isolation") or "unknown"
    return [
        ("Autoresearch-Run", _one_line(header["name"])),
        ("Autoresearch-Experiment", str(line["experiment"])),
        ("Autoresearch-Metric", _one_line(metric if score is None else f"{metric} {score!r}")),
        ("Autoresearch-Agent", _one_line(line.get("agent") or "none")),
        ("Autoresearch-Isolation", _one_line(isolation)),
        ("Autoresearch-Journal", frame),
    ]


def _one_line(text: str) -> str:
    return " ".join(_prose(str(text), 200).split()) or "unknown"


def _prose(text: str, longest: int) -> str:
    """An agent's words, bounded, without what a message cannot hold or git would misread."""
    kept = "".join(c if c == "\n" or not _is_odd(c) else " " for c in text[:longest])
    # git takes a line that begins with --- for the end of the message.
    lines = (" " + line if line.startswith("---") else line.rstrip() for line in kept.split("\n"))
    return "\n".join(lines).strip("\n")


def _indented(patch: str) -> str:
    """The raw patch, every line led by four blanks."""
    shown = patch[:LONGEST_PATCH].replace("\0", "\N{REPLACEMENT CHARACTER}")
    shown = shown.encode("utf-8", "replace").decode()
    cut = "\n(cut)" if len(patch) > LONGEST_PATCH else ""
    return "\n".join("    " + line for line in (shown + cut).split("\n"))


def _is_odd(letter: str) -> bool:
    """Control characters, and those that turn the direction of text or are not seen."""
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
