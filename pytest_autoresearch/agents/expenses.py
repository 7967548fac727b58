"""What was paid or reserved, as the journal has it, and the sum of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ..exceptions import AgentFailed
from ..records import Json

SPENT = "spent"
"""The kind of journal line that holds an expense."""


@dataclass(frozen=True)
class Expense:
    """One payment: ``usd`` is ``None`` where nobody knows, ``what`` says for what it was paid.

    ``call`` is the name of one that was reserved before; of several with the same name the last counts.
    """

    agent: str
    usd: float | None
    tokens: int
    what: str
    call: str = ""

    @property
    def free(self) -> bool:
        """Whether this was reserved and has cost nothing in the end."""
        return bool(self.call) and self.usd == 0 and not self.tokens


@dataclass
class Account:
    """What one agent has spent in so many payments; ``usd`` are dollars that are known of.

    Of ``unknown`` payments nobody knows the dollars.
    """

    usd: Decimal = Decimal(0)
    tokens: int = 0
    unknown: int = 0
    payments: int = 0


@dataclass
class Book:
    """All expenses in their order, one for each call, and their sums."""

    accounts: dict[str, Account] = field(default_factory=dict)
    usd: Decimal = Decimal(0)
    _expenses: dict[str | int, Expense] = field(default_factory=dict)
    _entered: int = 0

    @property
    def expenses(self) -> list[Expense]:
        """What counts, in its order; a call that has cost nothing in the end is not among it."""
        return list(self._expenses.values())

    def enter(self, one: Expense) -> None:
        """Count an expense, in the place of what was reserved for it."""
        self._entered += 1
        name = one.call or self._entered
        before = self._expenses.get(name)
        if before is not None:
            self._add(before, -1)
        if one.free:
            self._expenses.pop(name, None)
        else:
            self._expenses[name] = one
            self._add(one, 1)

    def of(self, call: str) -> Expense:
        """What is entered for a call; raises `KeyError` for one that is not."""
        return self._expenses[call]

    def _add(self, one: Expense, times: int) -> None:
        account = self.accounts.setdefault(one.agent, Account())
        paid = times * (Decimal(0) if one.usd is None else decimal(one.usd))
        account.usd += paid
        account.tokens += times * one.tokens
        account.unknown += times * (one.usd is None)
        account.payments += times
        self.usd += paid
        if not account.payments:
            del self.accounts[one.agent]


def read(line: Mapping[str, Json]) -> Expense:
    """What a journal's line of kind ``spent`` holds."""
    call = str(line.get("call", ""))
    return Expense(str(line["agent"]), line["usd"], int(line["tokens"]), str(line["what"]), call)


def checked(agent: str, usd: float | None, tokens: int, what: str, call: str = "") -> Expense:
    """An expense; raises `AgentFailed` for what is no amount."""
    usd = None if usd is None else dollars(agent, usd)
    if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0:
        raise AgentFailed(
            f"agent {agent} reports {tokens!r} tokens: they have to be a whole number, 0 or more"
        )
    return Expense(agent, usd, tokens, what, call)


def dollars(agent: str, usd: float) -> float:
    """``usd``, where it is an amount; raises `AgentFailed` where it is none."""
    if isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 <= usd < math.inf:
        raise AgentFailed(
            f"agent {agent} reports a cost of {usd!r}: it has to be a number of dollars, 0 or more"
        )
    return float(usd)


def decimal(usd: float) -> Decimal:
    """The number as a person would read it, or ten payments of 0.1 would break a cap of 1."""
    return Decimal(repr(float(usd)))
