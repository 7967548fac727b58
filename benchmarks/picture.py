"""Draws what `overhead` measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def save(found: dict[str, Any], path: Path) -> None:
    """Two panels: the overhead of both harnesses, and where ours goes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    both, ours = figure.subplots(1, 2, width_ratios=[1, 1.5])
    names = ["plain loop", "pytest\n--autoresearch"]
    values = [1000 * found[key]["overhead"]["median"] for key in ("plain", "plugin")]
    bars = both.bar(names, values, color=["#b0b0b0", "#2a6f97"], width=0.6)
    both.bar_label(bars, labels=[f"{value:,.0f} ms" for value in values], padding=2)
    both.set_ylabel("ms per experiment, beside fit and predict (median)")
    both.set_title(f"Harness overhead: {found['ratio']:.0f} times less", loc="left")
    both.margins(y=0.1)
    items = list(found["parts_ms"].items())[::-1]
    bars = ours.barh([name for name, _ in items], [v for _, v in items], color="#2a6f97")
    ours.bar_label(bars, fmt="%.1f", padding=2)
    ours.set_xlabel("ms (median)")
    ours.set_title("Where ours goes", loc="left")
    ours.margins(x=0.1)
    for axes in (both, ours):
        axes.spines[["top", "right"]].set_visible(False)
    where = found["machine"]
    figure.supxlabel(
        f"{where['library']}, {where['cpus']} cores, load {where['load'][0]} to {where['load'][1]}, "
        f"{found['plugin']['experiments']} experiments each",
        fontsize="small",
    )
    figure.savefig(path, dpi=120)
