"""The text that agents read before they propose: bounded, and what is left out said in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ...records import Briefing, Part, Proposal, Record
from ..disclosure import disclosed, informed, masked_words
from . import memory
from .quoting import clean, closed, code, quoted
from .room import BREAK, Listed, Running, filled
from .room import Part as Section
from .size import BYTES_A_TOKEN, cut, estimated, size
from .task import INTRODUCTION, standing, task
from .texts import Text, Texts

CODE_SHARE = 0.6
"""Share of what protocol and task leave that the code may take where memory needs room, too."""
LEFT_OUT = 300
"""Bytes kept for the line that says what is left out."""
MOST_ADVICE = 1500
LEAST_IDEAS, MOST_IDEAS = 200, 1200
"""Characters of one theme's ideas."""
LANGUAGES = {
    "py": "python",
    "md": "markdown",
    "toml": "toml",
    "json": "json",
    "yaml": "yaml",
    "yml": "yaml",
}
MORE_TIMES = 6
"""How often a briefing is made smaller until the estimate of its tokens fits."""


def render(
    briefing: Briefing,
    *,
    level: str,
    tokens: int,
    analysis: bool,
    estimate: Callable[[str], int] = estimated,
) -> str:
    """Markdown for an agent, at most ``tokens`` by ``estimate``.

    ``level`` is that of ini ``autoresearch_disclose``; ``analysis`` says whether this agent may ask for
    analyses and be told what they printed. A pure function: the same briefing gives the same text.
    """
    told = told_briefing(briefing, level, analysis=analysis)
    room = int(tokens * BYTES_A_TOKEN)
    text = _assembled(told, room, analysis=analysis)
    for _ in range(MORE_TIMES):
        taken = estimate(text)
        if taken <= tokens:
            return text
        room = int(min(room, size(text)) * 0.95 * tokens / taken)
        text = _assembled(told, room, analysis=analysis)
    while text and estimate(text) > tokens:
        text = text[: len(text) // 2]
    return text


def render_one(briefing: Briefing, record: Record, *, level: str, analysis: bool) -> str:
    """What came of one thing that an agent handed in, for a conversation that goes on."""
    told = _telling(briefing, level, analysis=analysis)(record)
    if told.part is Part.ANALYSIS:
        return _analysis(told, 1.0).whole
    return memory.entry(told, output=True)


def told_briefing(briefing: Briefing, level: str, *, analysis: bool) -> Briefing:
    """The briefing with records as they may be told at a level, without any of a vault."""
    told = _telling(briefing, level, analysis=analysis)
    records, past = (
        tuple(told(one) for one in group if one.part is not Part.VAULT)
        for group in (briefing.records, briefing.earlier)
    )
    pending: Sequence[Proposal] = briefing.under_way
    if not analysis and informed(briefing.records):
        pending = [masked_words(one, briefing.editable) for one in pending]
    return replace(briefing, records=records, earlier=past, under_way=pending)


def _telling(briefing: Briefing, level: str, *, analysis: bool) -> Callable[[Record], Record]:
    """What makes of a record of the briefing's what may be told of it."""
    champion = {**briefing.editable, **briefing.readable}
    who = informed(briefing.records)

    def told(record: Record) -> Record:
        files = briefing.crashed.get(record.tree)
        return disclosed(
            record, level, champion=champion, files=files, analyses=analysis, informed=who
        )

    return told


def _assembled(briefing: Briefing, room: int, *, analysis: bool) -> str:
    """All sections, within ``room`` bytes: protocol and task first, then code and memory share the rest."""
    facts = [INTRODUCTION, task(briefing, analyses=analysis), standing(briefing)]
    if briefing.advice:
        advice = cut(clean(briefing.advice).strip(), MOST_ADVICE)
        facts.append(f"## Another direction is needed\n\n{advice}")
    fixed = sum(size(one) + len(BREAK) for one in facts)
    protocol = Running("", closed(clean(briefing.protocol).strip()), "the protocol", mend=closed)
    words = protocol.text(max(0, room - fixed - 2 * len(BREAK)))
    left = room - fixed - size(words) - LEFT_OUT - 4 * len(BREAK)
    source, sections = _code(briefing), _memory(briefing, room, analysis=analysis)
    wanted = sum(one.wants + len(BREAK) for one in sections)
    for_code = min(source.wants, max(int(CODE_SHARE * left), left - wanted))
    shown = source.text(for_code) if for_code > 0 else ""
    texts, missing = filled(sections, max(0, left - size(shown)))
    missing = ([] if shown else [source.named]) + missing
    if briefing.protocol.strip() and not words:
        missing.insert(0, protocol.named)
    note = f"Left out for want of room: {', '.join(missing)}." if missing else ""
    parts = [words, *facts, shown, *texts, cut(note, LEFT_OUT)]
    return cut(BREAK.join(part for part in parts if part) + "\n", room)


def _code(briefing: Briefing) -> Texts:
    """The champion's files: the entry first, then what may change, then what may be read."""
    own = sorted(briefing.editable, key=lambda path: (path != briefing.entry, path))
    texts = [
        _file(path, briefing.editable, "may be changed", 4.0 if path == briefing.entry else 2.0)
        for path in own
    ]
    texts += [_file(path, briefing.readable, "readable", 1.0) for path in sorted(briefing.readable)]
    return Texts(
        "The champion's code",
        texts,
        "files of the champion",
        lead="Your change starts from these files.",
        elsewhere=" (read the files themselves)",
    )


def _file(path: str, files: Mapping[str, bytes], what: str, weight: float) -> Text:
    content = files[path]
    try:
        body = content.decode("utf-8")
    except UnicodeDecodeError:
        return Text(
            f"{code(path)} ({what}): {len(content)} bytes that are no UTF-8 text", "", code(path)
        )
    lines = len(body.splitlines())
    head = f"{code(path)} ({what}, {lines} line{'' if lines == 1 else 's'}):"
    return Text(head, body, f"{code(path)} ({lines} lines)", _language(path), weight)


def _language(path: str) -> str:
    return LANGUAGES.get(path.rpartition(".")[2].lower(), "text")


def _memory(briefing: Briefing, room: int, *, analysis: bool) -> list[Section]:
    """The sections about what was tried; those that hold nothing are not there."""
    records = memory.tried(briefing.records)
    experiments = memory.experiments(records)
    last = [
        memory.entry(one, output=at < memory.RECENT) for at, one in enumerate(reversed(records))
    ]
    found: list[Section] = [
        Listed(
            "Handed in, no result yet",
            memory.under_way(briefing.under_way),
            "proposals under way",
            2.0,
        ),
        Listed("The last experiments, latest first", last, "earlier experiments", 6.0),
        Listed("Kept, latest first", memory.kept(experiments), "earlier keeps", 2.0),
        Listed(
            "Near-misses, closest first",
            memory.near(experiments),
            "near-misses",
            1.5,
            "A gain that was too small to be sure of; two that act on different things may add up.",
        ),
        Listed(
            "Lessons, latest first",
            memory.lessons(briefing.records, briefing.earlier),
            "lessons",
            3.0,
        ),
        Listed(
            "Ideas already tried, by theme",
            memory.ideas(records, max(LEAST_IDEAS, min(MOST_IDEAS, room // 40))),
            "themes",
            3.0,
            "Do not repeat one unless something that it depends on has changed.",
        ),
        Listed(
            "Dropped unevaluated, latest first",
            memory.dropped(records),
            "proposals dropped unevaluated",
            1.0,
            "Nothing is known of them: they may be handed in again, without what they were dropped for.",
        ),
        _analyses(briefing, analysis=analysis),
        Listed(
            "Earlier runs of this objective",
            memory.earlier(briefing.earlier),
            "experiments of earlier runs",
            1.0,
            "Made before this run, on the same evaluation: their scores are comparable.",
        ),
        _reading(briefing.reading),
    ]
    return [one for one in found if not _empty(one)]


def _empty(section: Section) -> bool:
    held = section.texts if isinstance(section, Texts) else getattr(section, "entries", ())
    return not held


def _analyses(briefing: Briefing, *, analysis: bool) -> Texts:
    """What analyses were asked and printed, the latest first."""
    done = [one for one in briefing.records if one.part is Part.ANALYSIS and not one.stage]
    texts = (
        [_analysis(one, 1.0 / (at + 1)) for at, one in enumerate(reversed(done))]
        if analysis
        else []
    )
    return Texts("Analyses of the training data, latest first", texts, "analyses", 3.0)


def _analysis(record: Record, weight: float) -> Text:
    asked = (
        f": {quoted(record.description or record.hypothesis, 300)}"
        if record.description or record.hypothesis
        else ""
    )
    why = f" ({quoted(record.reason, 200)})" if record.reason else ""
    name = f"analysis {code(record.item)}"
    return Text(f"- {name[:1].upper()}{name[1:]}{asked}{why}", record.output, name, weight=weight)


def _reading(reading: Mapping[str, str]) -> Texts:
    texts = [
        Text(f"{code(path)}:", body, code(path), _language(path))
        for path, body in sorted(reading.items())
    ]
    return Texts(
        "Further reading, named by the people who run this search", texts, "texts to read", 1.5
    )
