"""What agents cost, in the words that every report uses."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..records import Record, Spending, Summary
from .text import one_line


def usd(amount: float) -> str:
    """Dollars to the cent; below a dollar two digits of them, for a call may cost a tenth of a cent."""
    if amount >= 1 or amount <= 0:
        return f"{max(0.0, amount):.2f}"
    digits = 1 - math.floor(math.log10(amount))
    return f"{amount:.{min(6, max(2, digits))}f}"


def of_cap(spent: float, cap: float | None) -> str:
    """``0.42 of 10 USD``, or ``0.42 USD`` without a cap."""
    return f"{usd(spent)} USD" if cap is None else f"{usd(spent)} of {cap:g} USD"


def cost_line(summary: Summary) -> str:
    """What the agents of a run cost in all, for an experiment and for a keep; empty for agents that cost nothing."""
    spent = summary.spending
    if not (spent.usd or spent.tokens or spent.unpriced):
        return ""
    parts = [f"agents cost {of_cap(spent.usd, spent.cap_usd)}"]
    if spent.tokens:
        parts.append(f"{spent.tokens:,} tokens")
    line = ", ".join(parts)
    each = []
    if spent.usd and summary.tried:
        each.append(f"{usd(spent.usd / summary.tried)} an experiment")
    if spent.usd and summary.kept:
        each.append(f"{usd(spent.usd / summary.kept)} a keep")
    line += f": {', '.join(each)}" if each else ""
    return f"{line}{_unpriced(spent)}"


def _unpriced(spent: Spending) -> str:
    if not spent.unpriced:
        return ""
    return f"; what {', '.join(one_line(name, 60) for name in spent.unpriced)} cost is not known"


def waiting(spent: Spending, records: Iterable[Record]) -> float | None:
    """The share of the time in which a search waited for its agents; ``None`` where they took none.

    The rest is that in which ``records`` were evaluated.
    """
    busy = math.fsum(record.seconds for record in records)
    if not spent.thinking_seconds or busy + spent.waited_seconds <= 0:
        return None
    return spent.waited_seconds / (busy + spent.waited_seconds)


def waiting_line(summary: Summary) -> str:
    """How much of the time went to waiting for agents; empty where they took no time to speak of."""
    share = waiting(summary.spending, (*summary.records, *summary.confirmations))
    if share is None or summary.spending.thinking_seconds < 1:
        return ""
    return f"{share:.0%} of the time was spent waiting for agents, the rest evaluating"
