"""Draws what `keep_rule` simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

OURS, GREEDY = "#2a6f97", "#b0b0b0"
RULES = ("greedy", "explore", "default", "strict")


def save(results: dict[str, Any], path: Path) -> None:
    """Three panels: false keeps, what is reported against what is true, and which gains are found."""
    from matplotlib.figure import Figure

    rows = {row["name"]: row for row in results["rows"] if row["group"] == "rules"}
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    false, gains, power = figure.subplots(1, 3)
    _false(false, rows)
    _gains(gains, rows)
    _power(power, rows)
    for axes in (false, gains, power):
        axes.spines[["top", "right"]].set_visible(False)
    searches = rows["default"]["searches"]
    figure.supxlabel(
        f"simulated worlds, not your model: {searches} searches of 300 patches each; 14% of the patches "
        "gain something, 36% change nothing, the others do harm",
        fontsize="small",
    )
    figure.savefig(path, dpi=120)


def _colors() -> list[str]:
    return [GREEDY if name == "greedy" else OURS for name in RULES]


def _false(axes: Any, rows: dict[str, Any]) -> None:
    values = [rows[name]["false"] for name in RULES]
    bars = axes.bar(RULES, values, color=_colors(), width=0.6)
    axes.bar_label(bars, labels=[f"{value:.1f}" for value in values], padding=2)
    axes.set_ylabel("kept patches that gain nothing")
    axes.set_title("False keeps in 300 experiments", loc="left")
    axes.margins(y=0.1)


def _gains(axes: Any, rows: dict[str, Any]) -> None:
    true = [rows[name]["gain"] for name in RULES]
    extra = [rows[name]["inflation"] for name in RULES]
    axes.bar(RULES, true, color=_colors(), width=0.6, label="true")
    above = axes.bar(
        RULES, extra, bottom=true, width=0.6, color="none", edgecolor="#c1121f", hatch="///",
        label="reported, but not there",
    )  # fmt: skip
    axes.bar_label(above, labels=[f"{value:+.1f}" for value in extra], padding=2)
    axes.set_ylabel("gain, in units of a pass's noise")
    axes.set_title("What the champion is worth", loc="left")
    axes.legend(handles=[above], frameon=False)
    axes.margins(y=0.1)


def _power(axes: Any, rows: dict[str, Any]) -> None:
    for name, style in (("greedy", ":"), ("explore", "--"), ("default", "-"), ("strict", "-.")):
        found = rows[name]["power"]
        color = GREEDY if name == "greedy" else OURS
        axes.plot([float(x) for x in found], list(found.values()), style, color=color, label=name)
    axes.set_xlabel("true gain, in units of a pass's noise")
    axes.set_ylabel("kept")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_title("Which gains are found", loc="left")
    axes.legend(frameon=False)
