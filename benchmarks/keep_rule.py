"""What the keep rule keeps, in simulated searches whose truth is known, beside a greedy one.

    python -m benchmarks.keep_rule [--quick] [--count N] [--out DIR]

The rule, the calibration and the noise are those of the package; only the scores are made up. "Greedy" keeps a
patch when one run of it scores better than the run that was kept last. Fixed seeds, no candidate code, under a
minute on two cores.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

from pytest_autoresearch.search.calibration import smaller
from pytest_autoresearch.search.keep import STRICTNESS, Rule

from .worlds import EFFECTS, Found, World, greedy, searched, simplified

RESULTS = Path(__file__).with_name("results")
DEFAULT = "default"
GREEDY = "greedy"
SHOWN = (0.5, 1.0, 1.5, 2.0)
"""The gains for which the table says how many are found."""
CHANGES = (0.5, 0.0, -0.5, -1.0, -1.5)
"""What a simpler patch changes, where ties are simulated."""
NIGHTS = (15, 40, 100)
"""Experiments of a night in which each takes long."""
FIRST_SEED = 20_000


@dataclass(frozen=True)
class Row:
    """One rule in one world; ``rule`` is ``None`` for the greedy one. ``group`` is a table of its own."""

    group: str
    name: str
    world: World
    rule: Rule | None


@dataclass(frozen=True)
class Summary:
    """Means over the searches of a row, and its shares.

    ``any_false`` is the share of searches that kept a patch which gains nothing, ``share_false`` the part
    of all kept ones. ``gain`` is the champion's true one, ``inflation`` what its measurements report
    beyond that. ``power`` is the part of the patches of each of `EFFECTS` that is kept.
    """

    searches: int
    false: float
    any_false: float
    share_false: float
    kept: float
    gain: float
    inflation: float
    evaluations: float
    power: dict[str, float]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three searches a row")
    parser.add_argument("--count", type=int, default=100, help="searches of 300 experiments a row")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for table and picture")
    asked = parser.parse_args(arguments)
    count = 3 if asked.quick else asked.count
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        chosen = list(rows())
        jobs = [
            (row, seed)
            for row in chosen
            for seed in range(FIRST_SEED, FIRST_SEED + searches(row, count))
        ]
        found = list(pool.map(one, jobs, chunksize=20))
        ties = dict(pool.map(tied, [(change, count) for change in CHANGES]))
    outcomes = iter(found)
    table = [
        {"group": row.group, "name": row.name}
        | asdict(summary([next(outcomes) for _ in range(searches(row, count))]))
        for row in chosen
    ]
    results = {"rows": table, "ties": ties}
    asked.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1) + "\n"
    (asked.out / "keep_rule.json").write_text(text, encoding="utf-8")
    print(printed(results))

    from .keep_rule_picture import save

    save(results, asked.out / "keep_rule.png")


def rows() -> Iterator[Row]:
    """Everything that is simulated."""
    world, rule = World(), Rule()
    yield Row("rules", GREEDY, world, None)
    for name in ("explore", DEFAULT, "strict"):
        yield Row("rules", name, world, replace(rule, z_keep=STRICTNESS[name]))
    for folds in (1, 3, 10):
        yield Row("worlds", f"{folds} folds" if folds > 1 else "1 fold", World(folds=folds), rule)
    yield Row("worlds", "folds correlated by 0.5", World(rho=0.5), rule)
    yield Row("worlds", "no luck of the data", World(phi=0.0), rule)
    yield Row("worlds", "half of the luck is the data's", World(phi=0.5), rule)
    yield Row("worlds", "one split", World(kind="list"), rule)
    yield Row("worlds", "metric rounded to 0.5", World(rounded=0.5), rule)
    yield Row("worlds", "nothing to be found", World(gains=0.0), rule)
    yield Row("worlds", "nothing to be found, greedy", World(gains=0.0), None)
    for folds in (5, 1):
        for experiments in NIGHTS:
            for plan in smaller(rule, "callable", folds):
                passes = len(plan.to_measure("callable", ()))
                name = f"{experiments} experiments, {passes} passes"
                slow = World(folds=folds, experiments=experiments)
                yield Row(f"nights, {folds} fold{'s' * (folds > 1)}", name, slow, plan)


def searches(row: Row, count: int) -> int:
    """How many searches a row gets: more of short ones."""
    whole = World.experiments
    return count if row.world.experiments == whole else max(2, count * 100 // row.world.experiments)


def one(job: tuple[Row, int]) -> Found:
    row, seed = job
    return greedy(row.world, seed) if row.rule is None else searched(row.rule, row.world, seed)


def tied(job: tuple[float, int]) -> tuple[str, float]:
    """The share of simpler patches that is kept, by what they change."""
    change, count = job
    world, times = World(experiments=100), max(1, count // 4)
    kept = [simplified(Rule(), world, change, FIRST_SEED + n) for n in range(times)]
    return f"{change:g}", sum(kept) / (world.experiments * times)


def summary(found: Sequence[Found]) -> Summary:
    """What the searches of one row came to."""
    kept = sum(one.kept for one in found)
    false = sum(one.false for one in found)
    gain = fmean(one.gain for one in found)
    tried = [sum(column) for column in zip(*(one.tried for one in found), strict=True)]
    got = [sum(column) for column in zip(*(one.found for one in found), strict=True)]
    return Summary(
        searches=len(found),
        false=false / len(found),
        any_false=fmean(one.false > 0 for one in found),
        share_false=false / kept if kept else 0.0,
        kept=kept / len(found),
        gain=gain,
        inflation=fmean(one.reported for one in found) - gain,
        evaluations=fmean(one.evaluations for one in found),
        power={
            f"{effect:g}": part / whole
            for effect, part, whole in zip(EFFECTS, got, tried, strict=True)
            if whole
        },
    )


def printed(results: dict[str, Any]) -> str:
    """The tables as Markdown."""
    lines = []
    for group in dict.fromkeys(row["group"] for row in results["rows"]):
        lines += [
            f"| {group} | false keeps | searches with any | of all keeps | true gain "
            "| reported too much | passes each | found: 0.5 / 1 / 1.5 / 2 |",
            "|" + "---|" * 8,
            *(line(row) for row in results["rows"] if row["group"] == group),
            "",
        ]
    lines += ["| a simpler patch changes | kept |", "|---|---|"]
    lines += [f"| {change} | {share:.0%} |" for change, share in results["ties"].items()]
    return "\n".join(lines)


def line(row: dict[str, Any]) -> str:
    power = [row["power"].get(f"{effect:g}") for effect in SHOWN]
    shares = " / ".join(f"{share:.0%}" for share in power if share is not None) or "-"
    cells = [
        row["name"],
        f"{row['false']:.1f}" if row["group"] in ("rules", "worlds") else f"{row['false']:.2f}",
        f"{row['any_false']:.0%}",
        f"{row['share_false']:.2f}",
        f"{row['gain']:.1f}",
        f"{row['inflation']:+.1f}",
        f"{row['evaluations']:.2f}",
        shares,
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
