"""The result in a paragraph, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...records import MOST_LOOKS, Effect, Look, Record, Summary
from .. import digest
from ..gains import gains_of, interval, search_gain
from ..markdown import escape, table, warning
from ..text import change, count, human
from .findings import seconds
from .page import Page, about, duration, upper

LUCKY = 0.26
"""The part of all keeps that gains nothing, in simulated searches with the default strictness."""


def result(page: Page) -> str:
    """What a person wants to know first: how much better, how sure, by what, and at what price."""
    summary = page.summary
    said = [_gain(summary), *_vault(summary), _kept(summary)]
    if biggest := _biggest(summary):
        record, effect = biggest
        step = f"{page.name(record)}, {about(record)}: {interval(effect, '±')}"
        said.append(f"The largest step was {step}.")
    return " ".join(filter(None, said))


def how_much(page: Page) -> list[str]:
    """The measured noise, the gain, what of the keeps is luck, and every look into the vault."""
    summary = page.summary
    said = []
    if summary.noise:
        said.append(
            f"By luck alone the lead of one whole pass has a standard error of {summary.noise:.2g}."
        )
    if summary.gain is not None:
        said.append(
            f"The champion's gain over the baseline is **{search_gain(summary, '±')}** on the search "
            "data, by passes that did not choose it; gains are positive when better, behind ± stands "
            "half of the 90% interval. That is the luck of seeds and folds: whether a gain is fitted to "
            "the search's data is seen on other data only, a vault's."
        )
    looks = [_looks(summary.looks), warning(summary.looks[-1])] if summary.looks else []
    found = [text for text in (" ".join(said), luck(page), *looks) if text]
    return ["## How much better", *found] if found else []


def luck(page: Page) -> str:
    """How many of the keeps are expected to be luck, and which are the most doubtful."""
    rows = digest.kept(page.summary.records)
    wins = [row for row in rows if not row.simpler]
    if not wins or not page.summary.effects:
        return ""
    expected = LUCKY * len(wins)
    of = "this win" if len(wins) == 1 else f"these {len(wins)} wins"
    number = "one in four" if len(wins) < 3 else f"about {round(expected)}"
    text = f"Of {of}, {number} may be luck: in simulated searches a quarter of what the rule keeps gains nothing."
    if len(wins) == 1:
        text = "A win may be luck: in simulated searches a quarter of what the rule keeps gains nothing."
    doubtful = [row for row in wins if _reaches_zero(page.summary.effects.get(row.experiment or 0))]
    if doubtful:
        verb = "reaches" if len(doubtful) == 1 else "reach"
        whose = "interval" if len(doubtful) == 1 else "intervals"
        text += f" The {whose} of {page.names(doubtful[:8])} {verb} zero: doubt {_them(doubtful)} first."
    return text


def biggest_first(summary: Summary) -> list[tuple[Record, Effect]]:
    """The kept experiments whose effect was measured apart, the largest effect first."""
    known = [
        (row, summary.effects[row.experiment or 0])
        for row in digest.kept(summary.records)
        if (row.experiment or 0) in summary.effects
    ]
    return sorted(known, key=lambda pair: -pair[1].gain)


def _gain(summary: Summary) -> str:
    metric, gain = escape(summary.metric), summary.gain
    if summary.baseline is None:
        return "The baseline was not measured, so nothing can be said."
    if not summary.kept:
        noise = f", {summary.noise:.2g} for one pass" if summary.noise else ""
        return f"Nothing was better than the baseline by more than the noise{noise}."
    if gain is None:
        return (
            f"{upper(metric)} went {change(summary.baseline, summary.champion)}, measured afresh."
        )
    half, low, high = gain.half, gain.gain - gain.half, gain.gain + gain.half
    if not (half > 0 and math.isfinite(half)):
        return f"**{metric} is better by {search_gain(summary, '±')}** on the search's data."
    digits = max(0, 1 - math.floor(math.log10(half)))
    reach = f"90% interval {low:+.{digits}f} to {high:+.{digits}f}"
    if low > 0:
        sure = "the luck of seeds and folds does not explain it"
    else:
        sure = "which reaches zero, so it may be luck"
    by = f"{metric} is better by {gain.gain:+.{digits}f}"
    return f"**{by}** on the search's data: {reach}, {sure}."


def _vault(summary: Summary) -> list[str]:
    if not summary.looks:
        return []
    last = summary.looks[-1]
    left = ""
    if last.search.gain > 0:
        left = f", {max(0.0, last.vault.gain) / last.search.gain:.0%} of the search's"
    zero = " That interval reaches zero." if _reaches_zero(last.vault) else ""
    return [
        f"On the vault, data that no search has seen, the gain is {gains_of(last, '±')[1]}{left}.{zero}"
    ]


def _kept(summary: Summary) -> str:
    if not summary.tried:
        return ""
    took = seconds(summary)
    time = f", in {duration(took)} of evaluation" if took else ""
    return f"{upper(digest.kept_of(summary))}{time}."


def _biggest(summary: Summary) -> tuple[Record, Effect] | None:
    found = [pair for pair in biggest_first(summary) if pair[1].gain > 0]
    return found[0] if found else None


def _reaches_zero(effect: Effect | None) -> bool:
    return effect is not None and effect.half > 0 and effect.gain - effect.half <= 0


def _them(records: Sequence[Record]) -> str:
    return "it" if len(records) == 1 else "them"


def _looks(looks: Sequence[Look]) -> str:
    """The ledger of the vault."""
    head = ["look", "when", "experiment", "baseline", "champion"]
    head += ["search gain", "vault gain", "gap"]
    body = [
        [
            str(look.number),
            escape(look.time[:16].replace("T", " ")),
            str(look.experiment),
            human(look.baseline),
            human(look.champion),
            *gains_of(look, "±"),
        ]
        for look in looks
    ]
    said = f"The vault, {count(len(looks), 'look')} of {MOST_LOOKS}: data that no search has seen."
    return f"{said}\n\n{table(head, body, 'rlrrrrrr')}"
