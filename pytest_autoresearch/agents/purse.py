"""What agents may spend, and what they have spent."""

from __future__ import annotations

import math
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from decimal import Decimal

from ..exceptions import CapReached
from ..records import Json, Record, Spending
from .expenses import SPENT as SPENT
from .expenses import Book, Expense, checked, decimal, dollars, read

SHARES = (0.5, 0.9, 1.0)
"""Shares of the cap at which a person is told."""
BEGUN = "begun, counted as the most until it ends"
"""What a reservation's line says behind what is paid for."""
UNMADE = "not made"


class Purse:
    """Counts what is spent, across all sessions of a run; ``cap`` is in dollars, ``None``: no limit.

    ``most_tokens`` are the most that an agent may use, in and out, by its name. ``crossed`` is told each
    of `SHARES` of the cap once, when it is reached. Used by a thinking thread and the main one.
    ``written`` is told each expense at once, as soon as there is somebody to tell; what was spent before
    that is told first.

    What a call may cost at most is reserved before it is made (`begin`) and replaced when it has ended
    (`settle`), so that one that is killed is not forgotten. `require`, `left` and ``expenses`` count
    reservations; `usd`, `tokens`, `spending` and the shares leave those out that are `under_way`.
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
        self._book = Book()
        self._open: dict[str, Expense] = {}
        self._refused = False
        self._told: set[float] = set()
        self._written: Callable[..., None] | None = None
        self._untold: list[Expense] = []
        self._lock = threading.RLock()

    def require(self, agent: str, usd: float, tokens: int = 0) -> None:
        """Raise `CapReached` when paying ``usd`` dollars or ``tokens`` more could break a cap."""
        usd = dollars(agent, usd)
        with self._lock:
            spent, used = self._book.usd, self.tokens_of(agent)
        most = self.most_tokens.get(agent)
        if self.cap is not None and usd > 0 and spent + decimal(usd) > decimal(self.cap):
            self._refused = True
            left = max(0.0, float(decimal(self.cap) - spent))
            raise CapReached(
                f"agent {agent}: the next call may cost {usd:.4g} USD, {left:.4g} of {self.cap:g} USD are left"
            )
        if most is not None and used + max(1, tokens) > most:
            raise CapReached(f"agent {agent}: {used} of {most} tokens are used")

    def spend(self, agent: str, usd: float | None, tokens: int, what: str) -> None:
        """Count a payment and write it down; raises `AgentFailed` for what is no amount.

        ``usd`` is ``None`` where nobody knows. A payment counts also where writing it down fails.
        """
        expense = checked(agent, usd, tokens, what)
        with self._lock:
            self._enter(expense)
        self._compare()

    def begin(self, agent: str, usd: float, tokens: int, what: str) -> str:
        """Reserve what a call can cost at most and write that down; returns the call's name, for `settle`.

        Raises as `spend` does; where writing it down fails nothing is reserved, for no call is made.
        """
        call = secrets.token_hex(8)
        reserved = checked(agent, usd, tokens, f"{what}: {BEGUN}", call)
        with self._lock:
            self._open[call] = reserved
            try:
                self._enter(reserved)
            except BaseException:
                # Its line may be there, or half of it: that no call followed is written when writing works.
                del self._open[call]
                unmade = replace(reserved, usd=0.0, tokens=0, what=f"{what}: {UNMADE}")
                self._book.enter(unmade)
                self._untold.append(unmade)
                raise
        return call

    def settle(self, call: str, usd: float | None, tokens: int, what: str) -> None:
        """Replace what was reserved by what was paid; the most stays where nobody knows (``None``)."""
        with self._lock:
            reserved = self._book.of(call)
            usd = reserved.usd if usd is None else usd
            paid = checked(reserved.agent, usd, tokens, what, call)
            self._open.pop(call, None)
            self._enter(paid)
        self._compare()

    def abandon(self) -> None:
        """Nobody waits for the calls under way any more: they count as the most, until they are settled."""
        with self._lock:
            self._open.clear()
        self._compare()

    def exhausted(self) -> None:
        """Nobody that costs something can go on: tell that the cap is reached, where it kept a call back."""
        if self._refused:
            self._reach(1.0)

    def remember(self, earlier: Iterable[Mapping[str, Json]]) -> None:
        """Count what the run's earlier sessions paid: the journal's lines of kind ``spent``.

        Lines of other kinds are passed over. Shares of the cap that those reached are told no more.
        """
        with self._lock:
            for line in earlier:
                if line.get("kind", SPENT) == SPENT:
                    self._book.enter(read(line))
            self._told.update(share for share in SHARES if self._is_reached(share))

    def attach(self, written: Callable[..., None]) -> None:
        """Have expenses written down from now on, what was spent before first.

        ``written("spent", agent=…, usd=…, tokens=…, what=…, call=…)`` is `Run.note`.
        """
        with self._lock:
            self._written = written
            self._write()
        self._compare()

    def _enter(self, expense: Expense) -> None:
        """Count an expense and write it down, under the lock."""
        self._book.enter(expense)
        if self._written is None and expense.call:
            # Of a call that has ended before anybody reads, what was reserved is of no interest.
            self._untold = [one for one in self._untold if one.call != expense.call]
        if self._written is not None or not expense.free:
            self._untold.append(expense)
        if self._written is not None:
            self._write()

    def _write(self) -> None:
        assert self._written is not None
        while self._untold:
            self._written(SPENT, **asdict(self._untold[0]))
            del self._untold[0]

    def _compare(self) -> None:
        """Tell of the shares that are reached, once there is somebody to read what was paid."""
        if self._written is None:
            return
        for share in SHARES:
            if self._is_reached(share):
                self._reach(share)

    def _is_reached(self, share: float) -> bool:
        if not self.cap:
            return False
        return self._paid >= decimal(self.cap) * decimal(share)

    def _reach(self, share: float) -> None:
        """Tell of a share once; outside of the lock, for who is told may ask."""
        with self._lock:
            new = share not in self._told
            self._told.add(share)
        if new:
            self.crossed(share)

    @property
    def expenses(self) -> list[Expense]:
        """All payments in their order, and what is reserved."""
        with self._lock:
            return self._book.expenses

    @property
    def _paid(self) -> Decimal:
        with self._lock:
            return self._book.usd - sum(decimal(one.usd or 0.0) for one in self._open.values())

    @property
    def usd(self) -> float:
        """What was spent in all, as far as it is known, without calls under way."""
        return float(self._paid)

    @property
    def under_way(self) -> float:
        """What calls that have not ended yet may cost at most."""
        with self._lock:
            return math.fsum(one.usd or 0.0 for one in self._open.values())

    @property
    def left(self) -> float | None:
        """What may still be spent beside calls under way; ``None`` without a cap."""
        if self.cap is None:
            return None
        return max(0.0, float(decimal(self.cap) - self._book.usd))

    @property
    def tokens(self) -> int:
        """All tokens, in and out, without calls under way."""
        with self._lock:
            counted = sum(one.tokens for one in self._book.accounts.values())
            return counted - sum(one.tokens for one in self._open.values())

    def tokens_of(self, agent: str) -> int:
        """An agent's tokens, in and out, with what its calls under way may use."""
        with self._lock:
            account = self._book.accounts.get(agent)
        return 0 if account is None else account.tokens

    def spending(self, records: Iterable[Record] = ()) -> Spending:
        """What the agents cost, with the time that their proposals took; a record that was replaced is left out."""
        last = {one.item: one for one in records if not one.stage}.values()
        with self._lock:
            accounts = {name: (one.usd, one.unknown) for name, one in self._book.accounts.items()}
            used = {name: one.tokens for name, one in self._book.accounts.items()}
            for one in self._open.values():
                usd, unknown = accounts[one.agent]
                accounts[one.agent] = (usd - decimal(one.usd or 0.0), unknown)
                used[one.agent] -= one.tokens
            paid, tokens = self.usd, self.tokens
        return Spending(
            usd=paid,
            tokens=tokens,
            cap_usd=self.cap,
            agents={name: float(usd) for name, (usd, _) in accounts.items()},
            unpriced=tuple(name for name, (_, unknown) in accounts.items() if unknown),
            thinking_seconds=math.fsum(one.thinking_seconds or 0.0 for one in last),
            waited_seconds=math.fsum(one.waited_seconds or 0.0 for one in last),
            used=used,
        )
