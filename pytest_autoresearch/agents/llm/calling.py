"""One call of a model: paid for, written down, made again when that may help, and ended when the search ends."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ...exceptions import Interrupted
from ...records import Json
from ..office import Office
from ..redacting import redact
from .answer import Answer, read_answer
from .exchange import Exchange
from .faults import AGAIN, MAYBE_PAID, CallFailed
from .place import Place
from .prices import Bill, Prices
from .reach import Reach, sleep, within
from .spec import Options

TRIES = 6
"""So often a call is made before it is given up."""
FIRST_WAIT = 1.0
"""Seconds before the second try, at least; twice as many before the next."""
LONGEST_WAIT = 60.0
"""Seconds between two tries at most, where the server does not ask for more."""
MOST_PATIENCE = 900.0
"""Seconds that a server may ask us to wait."""
GRACE = 5.0
"""Seconds that a call may go on beyond its limit, for the library to end it itself."""

Messages = list[dict[str, Json]]
Tools = list[dict[str, Json]]


@dataclass
class Caller:
    """Calls one model for the agent ``name``; used by one thread at a time, `interrupt` by any.

    ``most_tokens`` are the tokens that an answer may have.
    """

    name: str
    options: Options
    place: Place
    office: Office
    litellm: ModuleType
    prices: Prices
    most_tokens: int
    _ended: threading.Event = field(default_factory=threading.Event)

    def interrupt(self) -> None:
        """End the call under way, and every later one but those of `afresh`."""
        self._ended.set()

    def thinking(self) -> Reach:
        """The limits of a call in a search."""
        office = self.office

        def stopped() -> bool:
            return self._ended.is_set() or office.stopped()

        return Reach(stopped, lambda: office.seconds_left(), TRIES)

    def afresh(self, seconds: float, tries: int = TRIES) -> Reach:
        """The limits of a call outside of the search: before it, or after its end."""
        end = time.monotonic() + seconds
        self._ended.clear()
        return Reach(self._ended.is_set, lambda: end - time.monotonic(), tries)

    def call(self, messages: Messages, tools: Tools | None, what: str, reach: Reach) -> Answer:
        """A model's answer.

        Raises `CallFailed` when there is none after all tries or will never be one, `CapReached` before a
        call that could break a cap, and `Interrupted` when the search ends.
        """
        import tenacity

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.after if isinstance(error, CallFailed) else 0.0
            return max(asked, float(backoff(state)))

        def too_long(state: tenacity.RetryCallState) -> bool:
            left = reach.seconds()
            most = MOST_PATIENCE if left is None else min(left, MOST_PATIENCE)
            return state.upcoming_sleep > most

        def again(error: BaseException) -> bool:
            return isinstance(error, CallFailed) and error.kind in AGAIN

        steps = tenacity.wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)
        backoff = steps + tenacity.wait_random(0, FIRST_WAIT)
        retrying = tenacity.Retrying(
            sleep=lambda seconds: sleep(seconds, reach),
            wait=wait,
            stop=lambda state: state.attempt_number >= reach.tries or too_long(state),
            retry=tenacity.retry_if_exception(again),
            reraise=True,
        )
        return retrying(self._once, messages, tools, what, reach)

    def _once(self, messages: Messages, tools: Tools | None, what: str, reach: Reach) -> Answer:
        """One try."""
        prompt = self.prices.count(messages, tools)
        most = self.prices.most(prompt, self.most_tokens)
        self.office.purse.require(self.name, most or 0.0, prompt + self.most_tokens)
        seconds = within(self.options.timeout, reach)
        exchange = Exchange(self.litellm, self._arguments(messages, tools, seconds))
        dearest = Bill(most, prompt + self.most_tokens)
        call = self._reserve(dearest, what)
        try:
            response = exchange.made(seconds + GRACE, reach)
            answer = read_answer(response)
        except CallFailed as failure:
            words = f"{what}: {failure.kind.value}"
            if failure.kind in MAYBE_PAID:
                self._pay(call, dearest, f"{words}, counted as the most that it can cost")
            elif call:
                self._pay(call, Bill(0.0, 0), f"{words}, costs nothing")
            self._write(exchange, str(failure))
            raise
        except BaseException as error:
            # A person's Ctrl-C comes here, too: what was sent may be billed.
            why = "the search has ended" if isinstance(error, Interrupted) else type(error).__name__
            self._pay(call, dearest, f"{what}: ended, counted as the most")
            self._write(exchange, why)
            raise
        bill = self.prices.bill(answer.usage, prompt, self.most_tokens, answer.spoken)
        self._pay(call, bill, f"{what}, {bill.doubt}" if bill.doubt else what)
        self._write(exchange, "")
        return answer

    def _arguments(self, messages: Messages, tools: Tools | None, seconds: float) -> dict[str, Any]:
        options = self.options
        given: dict[str, Any] = {
            "model": options.model,
            "messages": messages,
            "max_tokens": self.most_tokens,
            "temperature": options.temperature,
            "reasoning_effort": options.reasoning_effort or None,
            "api_base": options.api_base or None,
            "api_version": options.api_version or None,
            "api_key": self.place.key,
            "tools": tools or None,
            "tool_choice": "auto" if tools else None,
        }
        if self.place.provider.startswith("ollama"):
            # Ollama cuts a longer prompt without a word, and its own default is a short one.
            given["num_ctx"] = self.prices.count(messages, tools) * 5 // 4 + self.most_tokens
        kept = {name: value for name, value in given.items() if value is not None}
        return kept | {"timeout": seconds, "max_retries": 0, "num_retries": 0}

    def _reserve(self, dearest: Bill, what: str) -> str:
        """Have the most that a call can cost on record before it is made; empty where that is not known."""
        if not dearest.usd:
            return ""
        return self.office.purse.begin(self.name, dearest.usd, dearest.tokens, what)

    def _pay(self, call: str, bill: Bill, what: str) -> None:
        if call:
            self.office.purse.settle(call, bill.usd, bill.tokens, what)
        else:
            self.office.purse.spend(self.name, bill.usd, bill.tokens, what)

    def _write(self, exchange: Exchange, error: str) -> None:
        paper = self.office.transcripts
        paper.write("request.json", exchange.request())
        received = exchange.response()
        if received:
            paper.write("response.json", received)
        if error:
            paper.write("error.txt", redact(error).encode("utf-8", "replace"))
