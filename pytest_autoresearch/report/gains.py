"""Words for what was gained: intervals, looks into the vault, wins that were confirmed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ..records import MOST_LOOKS, Effect, Look, Record, Status, Summary
from . import digest
from .text import human, one_line, signed

COLOURS = {"warn": "yellow", "red": "red"}
"""How a look's warning is coloured, by its level."""


def interval(effect: Effect, between: str = "+/-", more: int = 0) -> str:
    """``+0.0098 +/- 0.0031``: a gain and half of its 90% interval.

    Of the half two digits are shown, and ``more``.
    """
    decimals = _decimals(effect)
    if decimals is None:
        return signed(effect.gain)
    decimals += more
    return f"{effect.gain:+.{decimals}f} {between} {effect.half:.{decimals}f}"


def gains_of(look: Look, between: str = "+/-") -> tuple[str, str, str]:
    """A look's search gain, vault gain and gap, with as many digits that they add up as they are shown."""
    more = _more(look)
    return (
        interval(look.search, between, more),
        interval(look.vault, between, more),
        interval(look.gap, between, more),
    )


def _decimals(effect: Effect) -> int | None:
    """Decimals that show two digits of half of the interval; ``None`` where there is none."""
    half = effect.half
    if not (half > 0 and math.isfinite(half) and math.isfinite(effect.gain)):
        return None
    return min(12, max(0, 1 - math.floor(math.log10(half))))


def _more(look: Look) -> int:
    """Digits by which a look's gains have to be longer than usual for gap, search and vault to add up."""
    shown = [(one.gain, _decimals(one)) for one in (look.search, look.vault, look.gap)]
    known = [(gain, decimals) for gain, decimals in shown if decimals is not None]
    if len(known) < len(shown):
        return 0
    coarsest = min(decimals for _, decimals in known)
    for more in range(4):
        search, vault, gap = (round(gain, decimals + more) for gain, decimals in known)
        if abs(search - vault - gap) < 0.51 * 10.0 ** -(coarsest + more):
            return more
    return 0


def gain_lines(summary: Summary) -> list[str]:
    """What the terminal says of noise and gain, and of the last look into the vault."""
    noise = f"noise of one pass {human(_rounded(summary.noise))}" if summary.noise else ""
    lines = []
    if summary.gain is not None:
        said = f"search gain {search_gain(summary)} (90% interval)"
        lines.append(", ".join(filter(None, [said, noise])))
    elif noise:
        lines.append(f"{noise}, the standard error of a lead")
    if summary.looks:
        lines.append(look_line(summary.looks[-1], summary.records))
    return lines


def search_gain(summary: Summary, between: str = "+/-") -> str:
    """The champion's gain on the search's data, with as many digits as the last look shows of the same."""
    if summary.gain is None:
        return ""
    last = summary.looks[-1] if summary.looks else None
    same = last is not None and math.isclose(last.search.gain, summary.gain.gain)
    return interval(summary.gain, between, _more(last) if last and same else 0)


def look_line(look: Look, records: Iterable[Record], between: str = "+/-") -> str:
    """One look into the vault; the champion's number only where another one has followed."""
    kept = digest.kept(records)
    moved = not kept or kept[-1].experiment != look.experiment
    whose = f", experiment {look.experiment}" if moved else ""
    _search, vault, gap = gains_of(look, between)
    return (
        f"vault gain {vault}, gap {gap}, "
        f"look {look.number} of {MOST_LOOKS}{whose}: {human(look.baseline)} -> {human(look.champion)}"
    )


def vault_property(looks: Sequence[Look]) -> str:
    """The last look in one line for machines: the vault's gain first, then the search's, the level."""
    if not looks:
        return ""
    last = looks[-1]
    level = f", {last.level}" if last.level else ""
    search, vault, _gap = gains_of(last)
    return f"{vault}, search {search}, look {last.number} of {MOST_LOOKS}{level}"


def confirmation_lines(summary: Summary) -> list[str]:
    """How wins fared on the tests that they had to pass, too, and which still wait for that."""
    lines = []
    ended = [one for one in summary.confirmations if one.status is not Status.INTERRUPTED]
    for test in dict.fromkeys(record.stage for record in ended):
        mine = [record for record in ended if record.stage == test]
        held = sum(record.status in (Status.KEPT, Status.WON) for record in mine)
        lines.append(f"{one_line(test)}: {held} of {len(mine)} wins held")
    if waiting := [row for row in digest.not_kept(summary.records) if row.status is Status.WON]:
        numbers = ", ".join(str(row.experiment) for row in waiting)
        lines.append(f"won, not confirmed yet: {numbers}")
    return lines


def _rounded(noise: float | None) -> float | None:
    return None if noise is None else float(f"{noise:.2g}")
