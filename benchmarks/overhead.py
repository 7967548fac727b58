"""What the harness itself costs per experiment, beside a plain loop that does the same training.

    python -m benchmarks.overhead [--quick] [--out DIR]

Overhead is wall time from the end of one experiment to the end of the next, less what the candidate's
``fit`` and ``predict`` took by their own clock. So it holds everything else: processes, imports, loading
data, git, records. Both harnesses run in turn, the order changing from round to round; they train the
same model on the same data with the same patches, none of which wins (a winner would be measured again),
and every patch must score the same in both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from .harnesses import Cycle, Round, plain_loop, plugin
from .workload import Workload, make

RESULTS = Path(__file__).with_name("results")
NAMES = {"plugin": "pytest --autoresearch", "plain": "plain loop"}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round of a few experiments")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=12, help="experiments in a round")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for table and picture")
    asked = parser.parse_args(arguments)
    if asked.quick:
        asked.rounds, asked.count = 1, 3
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), asked.rounds, asked.count, quick=asked.quick)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "overhead.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))
    if not asked.quick:
        from .picture import save

        save(found, asked.out / "overhead.png")


def measure(folder: Path, rounds: int, count: int, *, quick: bool) -> dict[str, Any]:
    """Run the rounds; all times in the result are seconds, those of the parts milliseconds.

    Stopwatches cost a little, so they get a session of their own, unless it has to be quick.
    """
    work = make(folder)
    loads = [os.getloadavg()[0]]
    done: dict[str, list[Round]] = {"plugin": [], "plain": []}
    for number in range(rounds):
        for name in list(done) if number % 2 == 0 else reversed(done):
            where = folder / f"{name}-{number}"
            done[name].append(
                plain_loop(where, work, count)
                if name == "plain"
                else plugin(where, work, count, spans=quick)
            )
            loads.append(os.getloadavg()[0])
        _require_same_scores(*(found[-1].cycles for found in done.values()))
    watched = done["plugin"][-1]
    if not quick:
        watched = plugin(folder / "watched", work, count, spans=True)
    return {
        "machine": machine(work, loads),
        "rounds": rounds,
        "count": count,
        **{name: summary(found) for name, found in done.items()},
        "ratio": _ratio(done["plugin"], done["plain"]),
        "ratio_by_round": [
            round(b.overhead / a.overhead, 1)
            for a, b in zip(done["plugin"], done["plain"], strict=True)
        ],
        "parts_ms": parts(watched.cycles),
        "watched_overhead": watched.overhead,
    }


def _ratio(ours: list[Round], theirs: list[Round]) -> float:
    medians = [median(c.overhead for r in rounds for c in r.cycles) for rounds in (ours, theirs)]
    return round(medians[1] / medians[0], 1)


def _require_same_scores(ours: list[Cycle], theirs: list[Cycle]) -> None:
    """Equal scores show equal work."""
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if abs(one.score - other.score) > 1e-6:
            raise SystemExit(f"patch {number}: scores differ, {one.score} and {other.score}")


def machine(work: Workload, loads: list[float]) -> dict[str, Any]:
    """Where this was measured, and how busy it was."""
    names = ("pytest-autoresearch", "pytest", "pygit2", "numpy", work.library)
    return {
        "library": work.library,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "load": [round(load, 2) for load in (min(loads), max(loads))],
        "versions": {name: version(name) for name in names},
    }


def summary(rounds: list[Round]) -> dict[str, Any]:
    """Medians, minimum and maximum over all experiments of all rounds, in seconds."""
    cycles = [cycle for one in rounds for cycle in one.cycles]
    return {
        "experiments": len(cycles),
        "wall": spread(cycle.wall for cycle in cycles),
        "own": spread(cycle.own for cycle in cycles),
        "overhead": spread(cycle.overhead for cycle in cycles),
        "overhead_by_round": [round(one.overhead, 5) for one in rounds],
        "once": spread(one.once for one in rounds),
        "per_hour": round(3600 / median(cycle.wall for cycle in cycles)),
    }


def spread(values: Iterable[float]) -> dict[str, float]:
    found = sorted(values)
    return {
        "median": round(median(found), 5),
        "min": round(found[0], 5),
        "max": round(found[-1], 5),
    }


def parts(cycles: list[Cycle]) -> dict[str, float]:
    """Median milliseconds of each part, the largest first."""
    names = {name for cycle in cycles for name in cycle.parts}
    found = {name: 1000 * median(c.parts.get(name, 0.0) for c in cycles) for name in names}
    return {name: round(found[name], 3) for name in sorted(found, key=lambda n: -found[n])}


def table(found: dict[str, Any]) -> str:
    """What a person reads."""
    where = found["machine"]
    lines = [
        f"{where['library']}, {where['cpus']} cores, load {where['load'][0]} to {where['load'][1]}, "
        f"{found['rounds']} rounds of {found['count']} experiments, one pass each (all rejected)",
        "",
        f"{'per experiment, ms: median [min, max]':<38}{'wall':>24}{'fit and predict':>24}{'overhead':>24}",
    ]
    for key, name in NAMES.items():
        cells = "".join(f"{_cell(found[key][what]):>24}" for what in ("wall", "own", "overhead"))
        lines.append(f"{name:<38}{cells}")
    ratios = found["ratio_by_round"]
    lines += [
        "",
        f"overhead of the plain loop / ours: {found['ratio']:.0f} "
        f"(by round {min(ratios):.0f} to {max(ratios):.0f})",
        f"experiments an hour: {found['plugin']['per_hour']} / {found['plain']['per_hour']}",
        f"once a session (start, baseline, calibration, report): "
        f"{found['plugin']['once']['median']:.1f} s; plain loop (one training): "
        f"{found['plain']['once']['median']:.1f} s",
        "",
        f"where our time goes, ms (medians of a session with stopwatches, in all "
        f"{1000 * found['watched_overhead']:.1f}):",
        *(f"  {name:<34}{value:8.2f}" for name, value in found["parts_ms"].items()),
    ]
    return "\n".join(lines)


def _cell(values: dict[str, float]) -> str:
    low, middle, high = (1000 * values[key] for key in ("min", "median", "max"))
    return f"{middle:.0f} [{low:.0f}, {high:.0f}]"


if __name__ == "__main__":
    main()
