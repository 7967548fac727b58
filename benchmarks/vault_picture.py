"""Draws what `vault` measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

KINDS = {"reported": "#1a7f37", "true": "#333333", "vault": "#2a5ea8"}
WORDS = {"reported": "reported by the search", "true": "true", "vault": "seen by the vault"}


class Row(Protocol):
    """One way to search in one world."""

    @property
    def search(self) -> str: ...
    @property
    def world(self) -> str: ...
    @property
    def warned(self) -> float: ...


def save(rows: Sequence[Row], path: Path) -> None:
    """Reported, true and vault gain for each way to search, beside how often the vault warned."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    gains, warned = figure.subplots(1, 2, width_ratios=[2.2, 1], sharey=True)
    places = list(range(len(rows)))[::-1]
    for number, (kind, colour) in enumerate(KINDS.items()):
        spots = [place + 0.25 * (1 - number) for place in places]
        values = [getattr(one, kind) for one in rows]
        bars = gains.barh(spots, values, 0.24, color=colour, label=WORDS[kind])
        gains.bar_label(bars, fmt="%.1f", padding=2, fontsize=8)
    gains.set_yticks(places, [f"{one.search}: {one.world}" for one in rows])
    gains.set_xlabel("gain, in standard deviations of one pass's lead")
    gains.set_title("What a search of 300 patches gained", loc="left")
    gains.legend(frameon=False, loc="lower right")
    bars = warned.barh(places, [100 * one.warned for one in rows], 0.5, color="#b26a00")
    warned.bar_label(bars, fmt="%.0f%%", padding=2, fontsize=8)
    warned.set_xlim(0, 115)
    warned.set_xlabel("% of looks")
    warned.set_title("“overfitting the evaluation”", loc="left")
    for axes in (gains, warned):
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("Simulated worlds, not anybody's model", fontsize="small")
    figure.savefig(path, dpi=120)
