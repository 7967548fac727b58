"""The agent that asks a language model, for proposals and for the report."""

from __future__ import annotations

from types import ModuleType

from ...exceptions import AgentFailed, UsageProblem
from ...records import Analysis, Briefing, Json, Part, Proposal, Record
from ..briefing import render
from ..office import Office
from ..protocol import Thinks, Writes
from . import library, tools, words
from .answer import Answer
from .calling import Caller
from .conversation import ASKED, Conversation, GivenUp
from .faults import CallFailed, Kind
from .place import find
from .prices import Prices
from .spec import CONTEXT, Options

ANSWER = 16_000
"""Tokens that an answer may have where nothing else is said and the model gives as many,"""
SMALL_ANSWER = 8_000
"""and where nobody knows how many it gives."""
ROOM = 4
"""So many times the briefing's tokens a conversation may grow to, for what a call may cost at most."""
SMALLEST = 1_000
"""Tokens below which no briefing is cut."""
HALVINGS = 2
"""So often a briefing is halved because the model takes fewer tokens."""
MOST_GIVEN_UP = 3
"""Conversations in a row that come to nothing, after which the agent has failed."""
PROBING, PROBES = 120.0, 3
"""Seconds and tries that the probe may take."""
WRITING, WRITES = 300.0, 3
"""Seconds and tries that the report may take."""
NEVER_TOOLS = "ollama"
"""The provider for which litellm only plays tools; ollama_chat has them."""
MOST_WAITING = 4
"""Conversations that wait for an analysis at the same time; the oldest is dropped."""


class LanguageModel(Thinks, Writes):
    """Asks the model that ``options`` name; ``name`` is what records and the purse call it.

    Raises `UsageProblem` where litellm is not installed, or does not know the model's provider.
    """

    def __init__(self, name: str, options: Options, office: Office) -> None:
        litellm = library.load()
        self.name, self.options, self.office = name, options, office
        self.place = find(options, litellm)
        self.prices = Prices(options, litellm, self.place)
        self._with_tools = options.tools and self._has_tools(litellm)
        self._tokens = options.context or self._context()
        self._caller = Caller(
            name, options, self.place, office, litellm, self.prices, self._answer()
        )
        self._waiting: dict[str, Conversation] = {}
        self._talking: Conversation | None = None
        self._given_up = 0

    @property
    def destination(self) -> str:
        """The host that is called."""
        return self.place.host

    @property
    def hosted(self) -> bool:
        """Whether the host is another machine, or passes on to one."""
        return not self.place.home

    @property
    def most_usd(self) -> float | None:
        """Dollars that one call may cost at most, a conversation's last and longest."""
        return self.prices.most(self._tokens * ROOM, self._caller.most_tokens)

    def probe(self) -> None:
        """Have the model answer a word; raises `UsageProblem` where it cannot be had."""
        try:
            self._say_ready()
        except CallFailed as failure:
            if failure.kind is not Kind.TOOLS:
                raise UsageProblem(self._remedy(failure)) from failure
            self._with_tools = False
            try:
                self._say_ready()
            except CallFailed as again:
                raise UsageProblem(self._remedy(again)) from again

    def propose(self, briefing: Briefing) -> Proposal | Analysis | None:
        """One conversation's end; it goes on where an analysis has come back.

        A proposal without a patch says why there is none. Raises `AgentFailed` after several of them, and
        for what no waiting mends.
        """
        try:
            handed = self._talk(briefing)
        except (GivenUp, CallFailed) as reason:
            return self._none(str(reason), reason)
        self._given_up = 0
        return handed

    def told(self, record: Record) -> None:
        """Hears of the analyses that it asked for; all else is in the next briefing."""
        if record.part is Part.ANALYSIS:
            waiting = self._waiting.get(str(record.notes.get(ASKED, "")))
            if waiting is not None:
                waiting.hear(record)

    def write(self, request: str) -> str:
        """The model's answer to a request, for the report; possible also after `stop`."""
        messages = [_message("system", words.REPORT), _message("user", request)]
        try:
            reach = self._caller.afresh(WRITING, WRITES)
            answer = self._caller.call(messages, None, "report", reach)
        except CallFailed as failure:
            raise AgentFailed(f"agent {self.name} wrote no report: {failure}") from failure
        if not answer.text.strip():
            raise AgentFailed(f"agent {self.name} wrote no report: its answer is empty")
        return answer.text

    def stop(self) -> None:
        """End the call under way."""
        self._caller.interrupt()

    def _say_ready(self) -> None:
        offered = tools.offered(False) if self._with_tools else None
        self._caller.call(
            [_message("user", words.READY)], offered, "probe", self._caller.afresh(PROBING, PROBES)
        )

    def _talk(self, briefing: Briefing) -> Proposal | Analysis:
        """The next thing that a conversation hands in, begun again where the model cannot follow."""
        talk = self._come_back()
        resumed = talk is not None
        for _ in range(HALVINGS + 2):
            talk = self._talking = talk or self._begun(briefing)
            try:
                handed = talk.resume(briefing) if resumed else talk.go()
            except CallFailed as failure:
                self._adapt(failure)
                talk, resumed = None, False
                continue
            if isinstance(handed, Analysis):
                self._wait(talk)
            return handed
        raise GivenUp("the model takes fewer tokens than the briefing has: set context=")

    def _begun(self, briefing: Briefing) -> Conversation:
        analysis = bool(briefing.analysis) and (not self.hosted or self.office.disclose == "all")
        text = render(briefing, level=self.office.disclose, tokens=self._tokens, analysis=analysis)
        return Conversation(briefing, self.office, self._ask, text, self._with_tools, analysis)

    def _ask(
        self, messages: list[dict[str, Json]], offered: list[dict[str, Json]] | None
    ) -> Answer:
        try:
            return self._caller.call(messages, offered, "proposal", self._caller.thinking())
        except CallFailed as failure:
            if failure.kind is Kind.FILTERED:
                return Answer("", finish="content_filter", refusal=failure.text)
            raise

    def _adapt(self, failure: CallFailed) -> None:
        """Brief more shortly, or do without tools, from now on; raises what no adapting mends."""
        if failure.kind is Kind.CONTEXT and self._tokens > SMALLEST:
            self._tokens = max(SMALLEST, self._tokens // 2)
            self._caller.most_tokens = max(SMALLEST, self._caller.most_tokens // 2)
        elif failure.kind is Kind.TOOLS and self._with_tools:
            self._with_tools = False
        else:
            raise failure

    def _wait(self, talk: Conversation) -> None:
        self._waiting[talk.token] = talk
        while len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]

    def _come_back(self) -> Conversation | None:
        """A conversation whose analysis has come back."""
        for token, talk in self._waiting.items():
            if talk.heard:
                del self._waiting[token]
                return talk
        return None

    def _none(self, reason: str, cause: GivenUp | CallFailed) -> Proposal:
        """No proposal, and why; raises `AgentFailed` where another try would come to nothing, too."""
        self._given_up += 1
        if isinstance(cause, CallFailed) and cause.kind in _FOR_GOOD:
            raise AgentFailed(self._remedy(cause)) from cause
        if self._given_up >= MOST_GIVEN_UP:
            raise AgentFailed(
                f"agent {self.name} handed in nothing {MOST_GIVEN_UP} times in a row, the last time: {reason}"
            ) from cause
        lessons = self._talking.lessons if self._talking else ()
        return Proposal(description=f"no proposal: {reason}", lessons=tuple(lessons))

    def _remedy(self, failure: CallFailed) -> str:
        """What went wrong and what a person can do about it."""
        where = f"agent {self.name}: {self.destination}"
        if failure.kind is Kind.NO_KEY:
            return (
                f"{where} was not asked, for there is no key ({failure.text}): set litellm's environment variable "
                f"for {self.place.provider}, such as {self.place.provider.upper()}_API_KEY"
            )
        if failure.kind is Kind.KEY:
            return (
                f"{where} does not take the key ({failure.text}): set litellm's environment variable for "
                f"{self.place.provider}, such as {self.place.provider.upper()}_API_KEY"
            )
        if failure.kind is Kind.MODEL:
            return f"{where} has no such model ({failure.text}): correct the name behind llm:, and api_base"
        if failure.kind in (Kind.NETWORK, Kind.DROPPED, Kind.TIMEOUT):
            return (
                f"{where} cannot be reached, {failure}: is it up, and is api_base right? Behind a proxy set "
                "HTTPS_PROXY and NO_PROXY, and SSL_CERT_FILE or REQUESTS_CA_BUNDLE to the proxy's authority"
            )
        return f"{where} cannot be used: {failure}"

    def _has_tools(self, litellm: ModuleType) -> bool:
        """Whether to offer tools: as litellm knows of the model; one that it does not know is tried."""
        if self.prices.info is None:
            return self.place.provider != NEVER_TOOLS
        return bool(litellm.supports_function_calling(self.options.model))

    def _context(self) -> int:
        most = _number(self.prices.info, "max_input_tokens")
        return CONTEXT if most is None else max(SMALLEST, min(CONTEXT, most // 2))

    def _answer(self) -> int:
        if self.options.max_tokens is not None:
            return self.options.max_tokens
        most = _number(self.prices.info, "max_output_tokens")
        return SMALL_ANSWER if most is None else min(ANSWER, most)


_FOR_GOOD = frozenset({Kind.KEY, Kind.NO_KEY, Kind.MODEL, Kind.QUOTA, Kind.CONTEXT})
"""What no other conversation would mend; a request that is refused may have been an odd one."""


def _number(info: dict[str, Json] | None, name: str) -> int | None:
    value = (info or {}).get(name)
    return value if isinstance(value, int) and value > 0 else None


def _message(role: str, text: str) -> dict[str, Json]:
    return {"role": role, "content": text}
