"""What agents may spend, and what they have spent."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ..exceptions import AgentFailed, CapReached
from ..records import Json, Record, Spending

SPENT = "spent"
"""The kind of journal line that holds an expense."""
SHARES = (0.5, 0.9, 1.0)
"""Shares of the cap at which a person is told."""


@dataclass(frozen=True)
class Expense:
    """One payment: ``usd`` is ``None`` where nobody knows, ``what`` says for what it was paid."""

    agent: str
    usd: float | None
    tokens: int
    what: str


@dataclass
class Account:
    """What one agent has spent; ``usd`` are those dollars that are known of, ``unknown`` payments without."""

    usd: Decimal = Decimal(0)
    tokens: int = 0
    unknown: int = 0


@dataclass
class _Book:
    accounts: dict[str, Account] = field(default_factory=dict)
    usd: Decimal = Decimal(0)

    def enter(self, one: Expense) -> None:
        account = self.accounts.setdefault(one.agent, Account())
        paid = Decimal(0) if one.usd is None else _decimal(one.usd)
        account.usd += paid
        account.tokens += one.tokens
        account.unknown += one.usd is None
        self.usd += paid


class Purse:
    """Counts what is spent, across all sessions of a run; ``cap`` is in dollars, ``None``: no limit.

    ``most_tokens`` are the most that an agent may use, in and out, by its name. ``crossed`` is told each
    of `SHARES` of the cap once, when it is reached. Used by a thinking thread and the main one.
    ``written`` is told each expense at once, as soon as there is somebody to tell; what was spent before
    that is told first.
    """

    def __init__(
        self,
        cap: float | None = None,
        most_tokens: Mapping[str, int] | None = None,
        crossed: Callable[[float], None] = lambda share: None,
    ) -> None:
        self.cap = cap
        self.most_tokens = dict(most_tokens or {})
        self.crossed = crossed
        self.expenses: list[Expense] = []
        self._book = _Book()
        self._told: set[float] = set()
        self._written: Callable[..., None] | None = None
        self._untold: list[Expense] = []
        self._lock = threading.RLock()

    def require(self, agent: str, usd: float, tokens: int = 0) -> None:
        """Raise `CapReached` when paying ``usd`` dollars or ``tokens`` more could break a cap."""
        usd = _dollars(agent, usd)
        with self._lock:
            spent, used = self._book.usd, self.tokens_of(agent)
        most = self.most_tokens.get(agent)
        if self.cap is not None and usd > 0 and spent + _decimal(usd) > _decimal(self.cap):
            self._reach(1.0)
            left = max(0.0, float(_decimal(self.cap) - spent))
            raise CapReached(
                f"agent {agent}: the next call may cost {usd:.4g} USD, {left:.4g} of {self.cap:g} USD are left"
            )
        if most is not None and used + max(1, tokens) > most:
            raise CapReached(f"agent {agent}: {used} of {most} tokens are used")

    def spend(self, agent: str, usd: float | None, tokens: int, what: str) -> None:
        """Count a payment and write it down; raises `AgentFailed` for what is no amount.

        ``usd`` is ``None`` where nobody knows. A payment counts also where writing it down fails.
        """
        usd = None if usd is None else _dollars(agent, usd)
        if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0:
            raise AgentFailed(
                f"agent {agent} reports {tokens!r} tokens: they have to be a whole number, 0 or more"
            )
        expense = Expense(agent, usd, tokens, what)
        with self._lock:
            self._count(expense)
            self._untold.append(expense)
            if self._written is None:
                return
            self._write()
        self._compare()

    def attach(
        self, written: Callable[..., None], earlier: Iterable[Mapping[str, Json]] = ()
    ) -> None:
        """Have expenses written down from now on; ``earlier`` are those of the run's earlier sessions.

        ``written("spent", agent=…, usd=…, tokens=…, what=…)`` is `Run.note`, ``earlier`` are the journal's
        lines of kind ``spent``; lines of other kinds are passed over. Shares of the cap that those reached
        are told no more.
        """
        paid = [_expense(line) for line in earlier if line.get("kind", SPENT) == SPENT]
        with self._lock:
            own, self.expenses, self._book = self.expenses, [], _Book()
            for expense in paid:
                self._count(expense)
            self._told.update(share for share in SHARES if self._is_reached(share))
            for expense in own:
                self._count(expense)
            self._written = written
            self._write()
        self._compare()

    def _count(self, expense: Expense) -> None:
        self.expenses.append(expense)
        self._book.enter(expense)

    def _write(self) -> None:
        assert self._written is not None
        while self._untold:
            one = self._untold[0]
            self._written(SPENT, agent=one.agent, usd=one.usd, tokens=one.tokens, what=one.what)
            del self._untold[0]

    def _compare(self) -> None:
        for share in SHARES:
            if self._is_reached(share):
                self._reach(share)

    def _is_reached(self, share: float) -> bool:
        if not self.cap:
            return False
        return self._book.usd >= _decimal(self.cap) * _decimal(share)

    def _reach(self, share: float) -> None:
        """Tell of a share once; outside of the lock, for who is told may ask."""
        with self._lock:
            new = share not in self._told
            self._told.add(share)
        if new:
            self.crossed(share)

    @property
    def usd(self) -> float:
        """What was spent in all, as far as it is known."""
        return float(self._book.usd)

    @property
    def left(self) -> float | None:
        """What may still be spent; ``None`` without a cap."""
        if self.cap is None:
            return None
        return max(0.0, float(_decimal(self.cap) - self._book.usd))

    @property
    def tokens(self) -> int:
        """All tokens, in and out."""
        with self._lock:
            return sum(one.tokens for one in self._book.accounts.values())

    def tokens_of(self, agent: str) -> int:
        """An agent's tokens, in and out."""
        with self._lock:
            account = self._book.accounts.get(agent)
        return 0 if account is None else account.tokens

    def spending(self, records: Iterable[Record] = ()) -> Spending:
        """What the agents cost, with the time that their proposals took; a record that was replaced is left out."""
        last = {one.item: one for one in records if not one.stage}.values()
        with self._lock:
            accounts = {name: (one.usd, one.unknown) for name, one in self._book.accounts.items()}
        return Spending(
            usd=self.usd,
            tokens=self.tokens,
            cap_usd=self.cap,
            agents={name: float(usd) for name, (usd, _) in accounts.items()},
            unpriced=tuple(name for name, (_, unknown) in accounts.items() if unknown),
            thinking_seconds=math.fsum(one.thinking_seconds or 0.0 for one in last),
            waited_seconds=math.fsum(one.waited_seconds or 0.0 for one in last),
        )


def _expense(line: Mapping[str, Json]) -> Expense:
    """What a journal's line of kind ``spent`` holds."""
    return Expense(str(line["agent"]), line["usd"], int(line["tokens"]), str(line["what"]))


def _decimal(usd: float) -> Decimal:
    """The number as a person would read it, or ten payments of 0.1 would break a cap of 1."""
    return Decimal(repr(float(usd)))


def _dollars(agent: str, usd: float) -> float:
    if isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 <= usd < math.inf:
        raise AgentFailed(
            f"agent {agent} reports a cost of {usd!r}: it has to be a number of dollars, 0 or more"
        )
    return float(usd)
