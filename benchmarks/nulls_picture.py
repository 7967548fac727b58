"""Draws what `nulls` measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .nulls import Round

OURS, GREEDY, NOTHING = "#2a6f97", "#b0603a", "#b0b0b0"


def save(rounds: Sequence[Round], path: Path) -> None:
    """The first round, score by score, with what either rule keeps; and what they keep in all rounds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    scores, kept = figure.subplots(1, 2, width_ratios=[1.8, 1])
    _scores(scores, rounds[0])
    _kept(kept, rounds)
    for axes in (scores, kept):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def _scores(axes: Any, one: Round) -> None:
    whole = [patch for patch in one.tried if patch.score is not None]
    whole = [patch for patch in whole if patch.folds >= one.width]
    for null, color, name in ((True, NOTHING, "changes nothing"), (False, "#444444", "real")):
        some = [patch for patch in whole if (patch.kind != "real") == null]
        axes.plot(
            [patch.experiment for patch in some],
            [patch.score for patch in some],
            "o" if null else "D",
            color=color,
            ms=5,
            label=name,
        )
    axes.axhline(one.baseline, color=NOTHING, lw=0.8)
    for who, color, size in (("greedy", GREEDY, 11), ("ours", OURS, 15)):
        some = [patch for patch in whole if getattr(patch, who)]
        axes.plot(
            [patch.experiment for patch in some],
            [patch.score for patch in some],
            "o",
            mfc="none",
            mec=color,
            mew=1.6,
            ms=size,
            label="kept by pytest-autoresearch"
            if who == "ours"
            else "kept when better than the best",
        )
    axes.set_xlabel("experiment (without those that were stopped within their first pass)")
    axes.set_ylabel("AUC of the first pass")
    axes.set_title("One replay", loc="left")
    axes.legend(frameon=False, fontsize="small")


def _kept(axes: Any, rounds: Sequence[Round]) -> None:
    nulls = sum(patch.kind != "real" for patch in rounds[0].tried)
    width = 0.38
    for place, (who, color) in enumerate((("greedy", GREEDY), ("ours", OURS))):
        heights = [one.kept(who, null=True) for one in rounds]
        spots = [number + place * width for number in range(len(rounds))]
        name = "pytest-autoresearch" if who == "ours" else "when better than the best"
        bars = axes.bar(spots, heights, width * 0.92, color=color, label=name)
        axes.bar_label(bars, padding=2)
    axes.set_xticks(
        [number + width / 2 for number in range(len(rounds))],
        [f"replay {number}" for number in range(1, len(rounds) + 1)],
    )
    axes.set_ylabel(f"kept of {nulls} patches that change nothing")
    axes.set_title("All replays", loc="left")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.margins(y=0.15)
    axes.legend(frameon=False, fontsize="small")
