"""One conversation: from a briefing to something that can be handed in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...records import Analysis, Briefing, Json, Proposal, Record
from ..briefing import render_one
from ..office import MOST_MENDS, Office
from . import plain, tools, words
from .answer import Answer, Call
from .edits import NoEdit, applied
from .reading import MOST_READ, shown

MOST_LOOKS = 8
"""Answers in a conversation that hand in nothing, but read files or note lessons."""
MOST_MALFORMED = 4
"""Answers that cannot be meant, after which a conversation is given up."""
MOST_ANALYSES = 3
"""Analyses that a conversation may ask for."""
MOST_LESSONS, MOST_LESSON = 10, 2000
"""Lessons that a conversation may note, and characters of each."""
ASKED = "asked"
"""The key in an analysis' notes by which its record is known again."""

Handed = Proposal | Analysis


class GivenUp(Exception):
    """A conversation comes to nothing; the words say why."""


@dataclass
class Conversation:
    """``ask`` sends the messages, with tools or without, and returns the answer.

    ``analysis`` says whether the training data may be looked at. ``token`` is that of the analysis under way.
    """

    briefing: Briefing
    office: Office
    ask: Callable[[list[dict[str, Json]], list[dict[str, Json]] | None], Answer]
    text: str
    with_tools: bool
    analysis: bool
    token: str = ""
    lessons: list[str] = field(default_factory=list)
    messages: list[dict[str, Json]] = field(default_factory=list)
    _looks: int = 0
    _malformed: int = 0
    _mends: int = 0
    _analyses: int = 0
    _pending: str = ""
    _record: Record | None = None

    def __post_init__(self) -> None:
        start = words.system(tools=self.with_tools, analysis=self.analysis)
        self._say("system", start)
        self._say("user", self.text)

    def go(self) -> Handed:
        """Talk until something is handed in; raises `GivenUp`, and what ``ask`` raises."""
        offered = tools.offered(self.analysis) if self.with_tools else None
        while True:
            answer = self.ask(self.messages, offered)
            self.messages.append(answer.message())
            handed = self._by_calls(answer) if answer.calls else self._by_words(answer)
            if handed is not None:
                return handed

    def hear(self, record: Record) -> None:
        """The record of the analysis that was asked for."""
        self._record = record

    @property
    def heard(self) -> bool:
        """Whether the analysis that was asked for has come back."""
        return self._record is not None

    def resume(self, briefing: Briefing) -> Handed:
        """Go on with what the analysis has shown."""
        assert self._record is not None
        told = render_one(briefing, self._record, level=self.office.disclose, analysis=True)
        output = _cut(told, MOST_READ)
        if briefing.champion != self.briefing.champion:
            output = f"{output}\n\n{words.moved(briefing.champion)}"
        self.briefing, self.token, self._record = briefing, "", None
        if self._pending:
            self._reply(self._pending, output)
        else:
            self._say("user", output)
        self._pending = ""
        return self.go()

    # Answers that call tools

    def _by_calls(self, answer: Answer) -> Handed | None:
        handed: Handed | None = None
        bad = ""
        for call in answer.calls:
            if handed is not None:
                self._reply(call.id, words.LEFT_OUT)
                continue
            try:
                result = self._called(call)
            except (tools.BadCall, NoEdit) as problem:
                bad = result = str(problem)
                if answer.finish == "length":
                    bad = result = f"{words.CUT} ({problem})"
            if isinstance(result, Analysis):
                self._pending = call.id
            elif isinstance(result, Proposal):
                self._reply(call.id, words.HANDED_IN)
            else:
                self._reply(call.id, result)
            handed = None if isinstance(result, str) else result
        if handed is None:
            self._count(bad)
        return handed

    def _called(self, call: Call) -> str | Handed:
        """What a call yields: words for the model, or what is handed in."""
        given = tools.arguments(call.arguments)
        if call.name == tools.READ:
            path = tools.text_of(given, "path", needed=True)
            return shown(self.briefing, path, tools.line_of(given, "first_line"))
        if call.name == tools.LESSON:
            self._note([tools.text_of(given, "text", needed=True)])
            return words.NOTED
        if call.name == tools.ANALYSE:
            code = tools.text_of(given, "code", needed=True)
            return self._analysed(code, tools.text_of(given, "question"))
        if call.name == tools.PROPOSE:
            edits, whole = tools.changes(given)
            files = applied(edits, whole, self.briefing.editable, self.briefing.readable)
            said: dict[str, Any] = {
                name: tools.text_of(given, name) for name in ("hypothesis", "theme", "expected")
            }
            description = tools.text_of(given, "description", needed=True)
            return self._tried(Proposal(files=files, description=description, **said))
        names = ", ".join(one["function"]["name"] for one in tools.offered(self.analysis))
        raise tools.BadCall(f"there is no tool {call.name!r}; there are {names}")

    def _note(self, lessons: Iterable[str]) -> None:
        for lesson in lessons:
            text = " ".join(lesson.split())[:MOST_LESSON]
            if text and text not in self.lessons and len(self.lessons) < MOST_LESSONS:
                self.lessons.append(text)

    # Answers in words

    def _by_words(self, answer: Answer) -> Handed | None:
        reading = plain.read(answer.text)
        self._note(reading.lessons)
        bad = self._why_none(answer, reading)
        result: str | Handed = bad
        if not bad and reading.analysis:
            try:
                result = self._analysed(reading.analysis, reading.description)
            except tools.BadCall as problem:
                bad = result = str(problem)
        elif not bad:
            result = self._tried(
                Proposal(
                    patch=reading.patch or None,
                    files=reading.files,
                    description=reading.description,
                    hypothesis=reading.hypothesis,
                    theme=reading.theme,
                    expected=reading.expected,
                )
            )
        if not isinstance(result, str):
            return result
        self._say("user", result)
        self._count(bad)
        return None

    def _why_none(self, answer: Answer, reading: plain.Reading) -> str:
        """What is wrong with an answer in words, empty where it hands something in."""
        if answer.finish == "length":
            return words.CUT
        if answer.finish == "content_filter" or answer.refusal:
            return f"{words.DECLINED} {answer.refusal}".strip()
        if reading.offers:
            return ""
        if not answer.text.strip():
            return words.EMPTY
        return (
            words.NO_CALL if self.with_tools else f"Your answer cannot be used: {reading.problem}."
        )

    # What is handed in

    def _analysed(self, code: str, question: str) -> Analysis:
        if not self.analysis:
            raise tools.BadCall(words.NO_ANALYSIS)
        if self._analyses >= MOST_ANALYSES:
            raise tools.BadCall(words.MOST_ANALYSED)
        self._analyses += 1
        self.token = secrets.token_hex(8)
        lessons, self.lessons = tuple(self.lessons), []
        return Analysis(code, question, notes={ASKED: self.token}, lessons=lessons)

    def _tried(self, proposal: Proposal) -> str | Proposal:
        """The proposal, or why it has to be mended; after `MOST_MENDS` it goes on as it is."""
        if self._mends < MOST_MENDS:
            problem = self.office.trial(proposal, self.briefing)
            if problem:
                self._mends += 1
                return words.mend(_cut(problem, MOST_READ))
        return with_lessons(proposal, self.lessons)

    def _count(self, bad: str) -> None:
        """Count an answer that handed in nothing; raises `GivenUp` at the end of our patience."""
        if bad:
            self._malformed += 1
            if self._malformed >= MOST_MALFORMED:
                raise GivenUp(
                    f"{MOST_MALFORMED} answers could not be used, the last: {_cut(bad, 300)}"
                )
            return
        self._looks += 1
        if self._looks > MOST_LOOKS:
            raise GivenUp(f"{MOST_LOOKS} answers read and noted, and none proposed")
        if self._looks == MOST_LOOKS:
            self._say("user", words.LAST_LOOK)

    def _reply(self, call: str, text: str) -> None:
        self.messages.append({"role": "tool", "tool_call_id": call, "content": text})

    def _say(self, role: str, text: str) -> None:
        self.messages.append({"role": role, "content": text})


def with_lessons(proposal: Proposal, lessons: Sequence[str]) -> Proposal:
    """The proposal, with what was learnt on the way."""
    return replace(proposal, lessons=tuple(lessons))


def _cut(text: str, most: int) -> str:
    return (
        text if len(text) <= most else f"{text[:most]}\n[cut: {len(text) - most} more characters]"
    )
