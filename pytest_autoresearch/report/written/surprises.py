"""Where an experiment ended otherwise than its agent expected."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Effect, Record, Status
from .. import digest
from ..gains import interval
from ..markdown import escape
from .expected import Expected, expected_of
from .findings import broke, tried
from .page import Page, about, z

MOST_EACH = 3
CLEARLY = 2.0
"""Standard errors by which something has to be worse than it was expected to be, to be a surprise."""
FAR_OFF = 2.0
"""Times that an effect has to be larger or smaller than expected, outside of its interval."""


def surprises(page: Page) -> list[str]:
    """What one can learn from: expectations that were wrong, each kind with its few clearest cases."""
    kinds = (_not_expected_to_win, _far_off, _simpler, _backfired, _broke, _did_not_hold)
    items = [f"- {text}" for kind in kinds for text in list(kind(page))[:MOST_EACH]]
    return ["## Surprises", "\n".join(items)] if items else []


def _not_expected_to_win(page: Page) -> Iterator[str]:
    for row, expected, effect in _kept(page):
        if expected and expected.sign <= 0 and not row.simpler:
            said = escape(row.expected, 40)
            yield f"{page.item(row)}, {about(row)}: expected \u201c{said}\u201d, and won{_by(effect)}."


def _far_off(page: Page) -> Iterator[str]:
    for row, expected, effect in _kept(page):
        if row.simpler or not (expected and expected.sign > 0 and expected.size):
            continue
        if effect is None or not effect.half > 0:
            continue
        outside = abs(effect.gain - expected.size) > effect.half
        ratio = effect.gain / expected.size
        if outside and (ratio >= FAR_OFF or ratio <= 1 / FAR_OFF):
            how = "more" if ratio > 1 else "less"
            said = f"far {how} than expected ({escape(row.expected, 40)})"
            yield f"{page.item(row)}, {about(row)}: gained {interval(effect, '±')}, {said}."


def _simpler(page: Page) -> Iterator[str]:
    for row, expected, _effect in _kept(page):
        if row.simpler and (expected is None or expected.sign):
            yield f"{page.item(row)}, {about(row)}: nothing was lost by it, with {escape(row.simpler)}."


def _backfired(page: Page) -> Iterator[str]:
    """What was to help and clearly did harm, with a reason given: the reason is what was wrong."""
    rows = [
        row
        for row in tried(page.summary)
        if row.status is Status.DISCARD and row.hypothesis and (row.z or 0.0) <= -CLEARLY
    ]
    for row in sorted(rows, key=lambda row: row.z or 0.0):
        expected = expected_of(row.expected, row.direction)
        if expected is not None and expected.sign > 0:
            why = escape(row.hypothesis, 160)
            yield f"{page.item(row)}, {about(row)}: did harm (z {z(row)}), although: {why}"


def _broke(page: Page) -> Iterator[str]:
    """What was better and broke a constraint: a trade that the person may see otherwise."""
    for row in tried(page.summary):
        if broke(row) and row.status is Status.DISCARD:
            why = "" if page.told else f": {escape(broke(row), 120)}"
            yield f"{page.item(row)}, {about(row)}: better (z {z(row)}), and not kept{why}."


def _did_not_hold(page: Page) -> Iterator[str]:
    for row in digest.not_kept(page.summary.records):
        if test := digest.rejecting(row):
            yield f"{page.item(row)}, {about(row)}: won, and did not hold in `{escape(test, 60)}`."


def _kept(page: Page) -> Iterator[tuple[Record, Expected | None, Effect | None]]:
    for row in digest.kept(page.summary.records):
        effect = page.summary.effects.get(row.experiment or 0)
        yield row, expected_of(row.expected, row.direction), effect


def _by(effect: Effect | None) -> str:
    return f" by {interval(effect, '±')}" if effect else ""
