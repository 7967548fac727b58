"""Draws what `sealed` measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COLORS = {"sealed": "#2a6f97", "guarded": "#61a5c2", "none": "#b0b0b0"}


def save(found: dict[str, Any], path: Path) -> None:
    """Two panels: the overhead in each tier beside a cold start, and where that of a fit goes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    both, parts = figure.subplots(1, 2, width_ratios=[1.3, 1])
    tiers = found["tiers"]
    kinds = {"fit": "fit_ms", "fit and predict": "both_ms", "cold start": "cold_ms"}
    width = 0.8 / len(tiers)
    for place, (name, values) in enumerate(tiers.items()):
        heights = [values[key]["median"] for key in kinds.values()]
        spots = [number + place * width for number in range(len(kinds))]
        bars = both.bar(spots, heights, width * 0.9, color=COLORS[name], label=name)
        both.bar_label(bars, labels=[f"{value:,.0f}" for value in heights], padding=2, fontsize=8)
    both.set_xticks([number + 0.4 - width / 2 for number in range(len(kinds))], list(kinds))
    both.set_yscale("log")
    both.set_ylabel("ms (median)")
    both.set_title("What a candidate that does nothing costs", loc="left")
    both.legend(frameon=False)
    both.margins(y=0.15)
    first = next(iter(tiers))
    items = list(tiers[first]["parts_ms"].items())[::-1]
    bars = parts.barh([name for name, _ in items], [v for _, v in items], color=COLORS[first])
    parts.bar_label(bars, fmt="%.1f", padding=2)
    parts.set_xlabel("ms (median)")
    parts.set_title(f"Where the time of a fit goes ({first})", loc="left")
    parts.margins(x=0.12)
    for axes in (both, parts):
        axes.spines[["top", "right"]].set_visible(False)
    where = found["machine"]
    figure.supxlabel(
        f"{where['data_mb']:.0f} MB of training data, {where['cpus']} cores, load {where['load'][0]} "
        f"to {where['load'][1]}, {found['count']} experiments each",
        fontsize="small",
    )
    figure.savefig(path, dpi=120)
