"""What an agent may be told of a record at a level of ini ``autoresearch_disclose``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...records import Part, Proposal, Record, Status
from .kinds import PREFLIGHT, kind_of
from .masking import masked
from .traces import Place, Trace, complaints, placed, trace_of
from .vocabulary import Known, words_of

CODE, ERRORS, ALL = "code", "errors", "all"
LEVELS = (CODE, ERRORS, ALL)

FAILED = (Status.CRASH, Status.OOM, Status.TIMEOUT, Status.STOPPED, Status.AUDIT)
"""Ends whose reason may quote the candidate."""
WORDS = {
    Status.CRASH: "crashed",
    Status.OOM: "out of memory",
    Status.TIMEOUT: "over budget",
    Status.STOPPED: "stopped by what it reported",
    Status.AUDIT: "the audit failed",
}
"""What is told of them at level ``code``; of a preflight one of `KINDS`."""

BY_SOMETHING = "the frozen test could not be judged; why is for people only"
OWN_WORDS = ("description", "hypothesis", "theme", "expected")
BY_THE_TEST = re.compile(
    r"(?:(\w+): raised by the frozen test, whose words|the frozen test could not be judged; why)"
    r"(?: is| are) for people only"
)
"""What is left, in the records that agents see, of an exception in the frozen test."""
FAILURES = frozenset(
    {
        *("AuditFailed", "CandidateError", "CandidateExited", "CandidateFailure", "OutOfMemory"),
        *("OverBudget", "ProtocolError", "Stopped"),
    }
)
"""Names of what a candidate does wrong, as reasons begin with them."""
_NUMBER = r"-?[\d.,]{1,12}(?:e[+-]\d+)?"
OURS = re.compile(
    "|".join(
        text.replace("#", _NUMBER)
        for text in (
            r"over budget: stopped after # s",
            r"over budget: a predict process was stopped after # s; it may take # s, #% of the budget, or "
            r"as long as fit took \(# s\), whichever is most",
            r"out of memory: # MiB in use, the limit is # MiB \(memory of the sandbox marker\)",
            r"out of memory: the machine has # MiB left of # MiB, with # MiB of the limit's # MiB in use "
            r"\(memory of the sandbox marker\): lower the limit",
            r"too many processes and threads: #, at most # may there be at once",
            r"stopped at #% of its seconds: # sd behind the champion's curve and not catching up",
            r"(?:fit|predict): the process ended without an answer \((?:exit status #|killed by signal #, "
            r"\w{3,10}(?:, perhaps the machine ran out of memory)?)\)",
            r"# sessions were killed while it ran",
            r"(?:fit|predict): the process wrote on the harness's own wire",
        )
    )
)
"""What the judge itself says, with numbers that it measured."""


def shows_analyses(level: str, *, hosted: bool) -> bool:
    """Whether an agent may be told what analyses printed: that is data."""
    return level == ALL or not hosted


def informed(records: Iterable[Record]) -> frozenset[str]:
    """The agents that asked for analyses, so that what they say may hold what they saw."""
    return frozenset(one.agent for one in records if one.part is Part.ANALYSIS and one.output)


def disclosed(
    record: Record,
    level: str,
    *,
    champion: Mapping[str, bytes],
    files: Mapping[str, bytes] | None = None,
    analyses: bool = False,
    informed: Collection[str] = (),
) -> Record:
    """A shown record as it may leave the building.

    ``files`` are the visible files of the record's own tree, ``None`` where they are not at hand: then no
    line of source is told. ``champion`` are the champion's, whose words are known in any case.
    ``analyses`` says whether this agent may be told what analyses printed, `informed` which agents have
    seen it: where this one may not, their words are masked.
    """
    if level == ALL:
        return (
            record if analyses or record.part is not Part.ANALYSIS else replace(record, output="")
        )
    known = Known(words_of(champion.values()) | words_of((files or {}).values()))
    told = _masked_words(record, known) if record.agent in informed and not analyses else record
    if record.part is Part.ANALYSIS:
        output = record.output if analyses else ""
        return replace(told, reason=_own(record.reason, known), output=output)
    if record.status not in FAILED:
        return replace(told, output="")
    if level == CODE:
        broken = record.reason.startswith(PREFLIGHT)
        said = kind_of(record.reason) if broken else WORDS[record.status]
        return replace(told, reason=said, output="")
    reason, place = _failure(record, known, champion if files is None else files, files is not None)
    return replace(told, reason=reason, output=_at(place))


def masked_text(text: str, level: str, files: Mapping[str, bytes]) -> str:
    """A preflight's complaints as they may leave the building: ``files`` are what they are about."""
    if level == ALL or not text:
        return text
    if level == CODE:
        return kind_of(text)
    known = Known(words_of(files.values()))
    lines = []
    for place, words in complaints(text, files, exact=True):
        said = masked(words, known)
        lines.append(f"{place}: {said}\n    {place.text}" if place else said)
    return "\n".join(lines)


def _failure(
    record: Record, known: Known, files: Mapping[str, bytes], exact: bool
) -> tuple[str, Place | None]:
    """The reason of a failure, masked, and where it happened."""
    if told := BY_THE_TEST.fullmatch(record.reason):
        return (record.reason if known.raised(told[1] or "") else BY_SOMETHING), None
    if record.reason.startswith(PREFLIGHT):
        return _broken(record.reason.removeprefix(PREFLIGHT), known, files, exact)
    ours, _, said = record.reason.partition(": ")
    if not said or not ours.isidentifier():
        return _own(record.reason, known), None
    if OURS.fullmatch(said):
        return record.reason, None
    if ours not in ("CandidateError", "OutOfMemory"):
        name = ours if ours in FAILURES else known.exception(ours)
        return f"{name}: {masked(said, known)}", None
    trace = trace_of(record.output, said)
    return f"{ours}: {_raised(trace, known)}", placed(trace.frames, files, exact=exact)


def _broken(
    text: str, known: Known, files: Mapping[str, bytes], exact: bool
) -> tuple[str, Place | None]:
    """What a preflight found, masked, and the first place of it."""
    found = complaints(text, files, exact=exact)
    said = [
        f"{place}: {masked(words, known)}" if place else masked(words, known)
        for place, words in found
    ]
    return f"{PREFLIGHT}{'; '.join(said)}", next((place for place, _ in found if place), None)


def _raised(trace: Trace, known: Known) -> str:
    kind = known.exception(trace.kind) if trace.kind else ""
    words = masked(trace.message, known)
    return ": ".join(part for part in (kind, words) if part)


def _own(reason: str, known: Known) -> str:
    return reason if OURS.fullmatch(reason) else masked(reason, known)


def _at(place: Place | None) -> str:
    if place is None:
        return ""
    return f"{place}: {place.text}" if place.text else str(place)


def _masked_words(record: Record, known: Known) -> Record:
    """A record without what its agent may have seen in the data."""
    changed: dict[str, Any] = {name: masked(getattr(record, name), known) for name in OWN_WORDS}
    if record.status is Status.REFUSED:
        changed["reason"] = masked(record.reason, known)
    lessons = tuple(masked(one, known) for one in record.lessons)
    return replace(record, lessons=lessons, notes={}, **changed)


def masked_words(proposal: Proposal, files: Mapping[str, bytes]) -> Proposal:
    """A proposal's words without what its agent may have seen in the data, and without its code."""
    known = Known(words_of(files.values()))
    changed: dict[str, Any] = {name: masked(getattr(proposal, name), known) for name in OWN_WORDS}
    lessons = tuple(masked(one, known) for one in proposal.lessons)
    return replace(proposal, patch=None, files={}, notes={}, lessons=lessons, **changed)
