"""Draws what `months` measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .months import Compared, Run

BEFORE, AFTER = "#9a9a9a", "#2a6f97"


def save(run: Run, held_out: Compared, searched: Compared, path: Path) -> None:
    """AUC by month before and after, and the gains; months that the search never used are shaded."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    levels, gains = figure.subplots(1, 2, width_ratios=[1.4, 1])
    _levels(levels, held_out, searched)
    _gains(gains, held_out)
    figure.suptitle(f"{run.tried} experiments, {run.kept} kept", x=0.01, ha="left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _levels(axes: Any, held_out: Compared, searched: Compared) -> None:
    axes.axvspan(held_out.starts[0] + 0.5, held_out.starts[-1] + 1.5, color="#f3ead7", zorder=0)
    for part, width in ((searched, 2), (held_out, 1)):
        middle = part.starts + (width + 1) / 2
        for scores, color, name in ((part.before, BEFORE, "before"), (part.after, AFTER, "after")):
            axes.plot(np.tile(middle, (len(scores), 1)), scores, ".", color=color, alpha=0.35, ms=5)
            label = name if part is searched else None
            axes.plot(middle, scores.mean(axis=0), "-o", color=color, label=label, ms=5)
    axes.set_xlabel("month (shaded: never used by the search)")
    axes.set_ylabel("AUC (dots: one seed each)")
    axes.set_title("Before and after the search", loc="left")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)


def _gains(axes: Any, held_out: Compared) -> None:
    months = [f"{start + 1:.0f}" for start in held_out.starts]
    spread = (
        (held_out.after - held_out.before).std(axis=0, ddof=1) if len(held_out.before) > 1 else 0
    )
    axes.bar(
        months, held_out.gains, yerr=spread, color=AFTER, width=0.6, ecolor="#444444", capsize=3
    )
    mean, error = held_out.gains.mean(), held_out.error
    axes.axhspan(mean - error, mean + error, color=AFTER, alpha=0.15, lw=0)
    axes.axhline(mean, color=AFTER, lw=1)
    axes.axhline(0, color="black", lw=0.8)
    axes.set_xlabel("month")
    axes.set_ylabel("gain in AUC (whiskers: spread over seeds)")
    axes.set_title(f"Never used: {mean:+.4f} ± {error:.4f}", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
