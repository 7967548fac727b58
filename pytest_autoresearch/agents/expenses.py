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


@dataclass
class Account:
    """What one agent has spent; ``usd`` are those dollars that are known of, ``unknown`` payments without."""

    usd: Decimal = Decimal(0)
    tokens: int = 0
    unknown: int = 0


@dataclass
class Book:
    """All expenses in their order, one for each call, and their sums."""

    expenses: list[Expense] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    usd: Decimal = Decimal(0)
    _places: dict[str, int] = field(default_factory=dict)

    def enter(self, one: Expense) -> None:
        """Count an expense, in the place of what was reserved for it."""
        place = self._places.get(one.call) if one.call else None
        if place is not None:
            self._add(self.expenses[place], -1)
            self.expenses[place] = one
        else:
            if one.call:
                self._places[one.call] = len(self.expenses)
            self.expenses.append(one)
        self._add(one, 1)

    def of(self, call: str) -> Expense:
        """What is entered for a call; raises `KeyError` for one that was never reserved."""
        return self.expenses[self._places[call]]

    def _add(self, one: Expense, times: int) -> None:
        account = self.accounts.setdefault(one.agent, Account())
        paid = times * (Decimal(0) if one.usd is None else decimal(one.usd))
        account.usd += paid
        account.tokens += times * one.tokens
        account.unknown += times * (one.usd is None)
        self.usd += paid


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
