"""What isolation costs per experiment, beside a cold start, and how fast limits take hold.

    python -m benchmarks.sealed [--quick] [--out DIR]

A candidate that does nothing is given 100 MB to train on, in each tier in turn. Its ``fit``, and its
``fit`` with a ``predict``, are nothing but overhead. The cold start is a new interpreter under the same
tier that imports the same libraries and does the same ``fit``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from pytest_autoresearch import candidate as evaluated
from pytest_autoresearch.candidate import Candidate
from pytest_autoresearch.exceptions import (
    CandidateFailure,
    OutOfMemory,
    OverBudget,
    UsageProblem,
)
from pytest_autoresearch.records import Limits
from pytest_autoresearch.sandbox import Meter, Sandbox, materialise, session
from pytest_autoresearch.sandbox.walls.tiers import Tier, choose
from pytest_autoresearch.sandbox.watching.gauge import Gauge
from pytest_autoresearch.sandbox.watching.process import Process
from pytest_autoresearch.sandbox.watching.watch import Watch

from .clock import Clock

RESULTS = Path(__file__).with_name("results")
TIERS = ("sealed", "guarded", "none")
LIBRARIES = ("numpy", "pandas", "sklearn.ensemble", "lightgbm")
MIB = 1 << 20
LIMIT = 512 * MIB
BUDGET = 0.3
ROWS, COLUMNS = 200_000, 64
MODEL = """
import time

import numpy as np

def fit(X, y, *, seed):
    return None

def predict(state, X):
    return X[:, 0]

def take():
    held = []
    while True:
        held.append(np.ones(1 << 17))

def stay():
    while True:
        pass

def wait():
    time.sleep(1)
    return 0.0
"""
WRAPPED: list[tuple[Any, str, str]] = [
    (evaluated, "pack", "pickle the arguments"),
    (session, "parcel", "find the data again"),
    (session.Sandbox, "_begin", "wait for a process"),
    (Watch, "wait", "the process at work"),
    (Process, "kill", "end it and all it started"),
    (session, "discard", "remove its folders"),
    (evaluated, "discard", "remove its folders"),
]


@dataclass
class Ledger:
    """What a candidate tells an evaluation; only the figures matter here."""

    seed: int = 1
    folds_left: int = 1
    scrutiny: float = 0.0
    usage: list[tuple[str, float, float]] = field(default_factory=list)

    def failed(self, failure: CandidateFailure) -> None:
        """The benchmark looks at the exception."""

    def used(self, phase: str, seconds: float, peak_mb: float) -> None:
        self.usage.append((phase, seconds, peak_mb))

    def printed(self, text: str) -> None:
        """Nothing is."""

    def trust(self, word: str) -> None:
        """Nobody asks."""

    def unprobed(self) -> None:
        """Rows are probed."""

    def listener(self) -> None:
        """Nobody listens to reports."""


@dataclass(frozen=True)
class Place:
    """A tier with a warm sandbox of its own."""

    sandbox: Sandbox
    tree: Path

    def candidate(self, budget: float = 600.0, limits: Limits | None = None) -> Candidate:
        """A new candidate, as each experiment has."""
        return Candidate(
            self.sandbox,
            self.tree,
            "model.py",
            roots=["."],
            meter=Meter(budget),
            evaluation=Ledger(),
            limits=limits,
        )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="a few experiments with less data and NumPy alone"
    )
    parser.add_argument("--count", type=int, default=50, help="experiments in each tier")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for table and picture")
    asked = parser.parse_args(arguments)
    counts = (3, 1, 2) if asked.quick else (asked.count, 5, 20)
    columns = COLUMNS // 8 if asked.quick else COLUMNS
    names = ["numpy"] if asked.quick else libraries()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(os.path.realpath(folder)), columns, names, *counts)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "sealed.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))
    if not asked.quick:
        from .sealed_picture import save

        save(found, asked.out / "sealed.png")


def measure(
    folder: Path, columns: int, names: list[str], count: int, colds: int, ends: int
) -> dict[str, Any]:
    """All tiers that this machine has, in turn; times are milliseconds, sizes MiB."""
    tiers, missing = available()
    loads = [os.getloadavg()[0]]
    X = np.random.default_rng(0).normal(size=(ROWS, columns))
    y, few = np.zeros(ROWS), X[:2000]
    with ExitStack() as stack:
        places = {
            name: open_place(stack, folder / name, tier, names) for name, tier in tiers.items()
        }
        times = overheads(places, X, y, few, count)
        written = {name: place.sandbox._stock.written for name, place in places.items()}
        parts = {name: where_it_goes(place, X, y, count) for name, place in places.items()}
        looks = {name: look_costs(place) for name, place in places.items()}
        loads.append(os.getloadavg()[0])
    cold: dict[str, list[float]] = {name: [] for name in tiers}
    for number in range(colds):
        for name in turn(list(tiers), number):
            cold[name].append(
                cold_start(folder / f"cold-{name}-{number}", tiers[name], names, X, y)
            )
    found: dict[str, Any] = {}
    for name, tier in tiers.items():
        with ExitStack() as stack:
            place = open_place(stack, folder / f"limits-{name}", tier, names, Limits(memory=LIMIT))
            found[name] = {
                "fit_ms": spread(times[name, "fit"]),
                "both_ms": spread(times[name, "both"]),
                "cold_ms": spread(cold[name]),
                "overshoot_mib": spread(overshoot(place) for _ in range(ends)),
                "death_ms": spread(death(place) for _ in range(ends)),
                "look_ms": spread(looks[name]),
                "large_files_written": written[name],
                "parts_ms": parts[name],
            }
    loads.append(os.getloadavg()[0])
    return {"machine": machine(loads, names, X), "count": count, "missing": missing, "tiers": found}


def available() -> tuple[dict[str, Tier], dict[str, str]]:
    """The tiers that can be had here, and why the others cannot."""
    tiers, missing = {}, {}
    for name in TIERS:
        try:
            tiers[name] = choose(name)
        except UsageProblem as problem:
            missing[name] = str(problem)
    return tiers, missing


def libraries() -> list[str]:
    """Those of `LIBRARIES` that are installed."""
    return [name for name in LIBRARIES if find_spec(name.split(".")[0])]


def open_place(
    stack: ExitStack, folder: Path, tier: Tier, names: list[str], limits: Limits | None = None
) -> Place:
    """A warm sandbox that closes with ``stack``."""
    sandbox = stack.enter_context(Sandbox(limits or Limits(), folder / "scratch", names, tier=tier))
    tree = sandbox.folder / "tree"
    materialise({"model.py": MODEL.encode()}, tree)
    place = Place(sandbox, tree)
    place.candidate().call("model.py:wait", shape=())
    return place


def turn(names: list[str], number: int) -> list[str]:
    """The names, in another order every other time."""
    return names if number % 2 == 0 else names[::-1]


def overheads(
    places: dict[str, Place], X: Any, y: Any, few: Any, count: int
) -> dict[tuple[str, str], list[float]]:
    """Milliseconds of ``fit``, and of ``fit`` and ``predict``, by tier; the first of each is not counted."""
    times: dict[tuple[str, str], list[float]] = {
        (name, what): [] for name in places for what in ("fit", "both")
    }
    for number in range(count + 1):
        for name in turn(list(places), number):
            began = time.perf_counter()
            model = places[name].candidate().fit(X, y)
            fitted = time.perf_counter()
            model.predict(few)
            ended = time.perf_counter()
            if number:
                times[name, "fit"].append(1000 * (fitted - began))
                times[name, "both"].append(1000 * (ended - began))
            # Experiments follow each other after a moment of git and records, not at once.
            time.sleep(0.02)
    return times


def where_it_goes(place: Place, X: Any, y: Any, count: int) -> dict[str, float]:
    """Median milliseconds of each part of ``fit``, by stopwatches that cost a little themselves."""
    rows: list[dict[str, float]] = []
    with stopwatches() as clock:
        for _ in range(count):
            clock.seconds.clear()
            began = time.perf_counter()
            place.candidate().fit(X, y)
            whole = time.perf_counter() - began
            rest = whole - sum(clock.seconds.values())
            rows.append({**clock.seconds, "the rest": rest})
            time.sleep(0.02)
    names = {name for row in rows for name in row}
    found = {name: 1000 * median(row.get(name, 0.0) for row in rows) for name in names}
    return {name: round(found[name], 3) for name in sorted(found, key=lambda n: -found[n])}


@contextlib.contextmanager
def stopwatches() -> Iterator[Clock]:
    """Stopwatches around the sandbox's own functions."""
    clock, plain = Clock(), [(owner, name, getattr(owner, name)) for owner, name, _ in WRAPPED]
    for owner, name, part in WRAPPED:
        clock.wrap(owner, name, part)
    try:
        yield clock
    finally:
        for owner, name, function in plain:
            setattr(owner, name, function)


def look_costs(place: Place) -> list[float]:
    """Milliseconds of each look of the memory watcher at a process that sleeps for a second."""
    costs: list[float] = []
    look: Callable[..., int] = Gauge.look

    def timed(gauge: Gauge, pids: list[int]) -> int:
        began = time.perf_counter()
        try:
            return look(gauge, pids)
        finally:
            costs.append(1000 * (time.perf_counter() - began))

    Gauge.look = timed  # type: ignore[method-assign,assignment]
    try:
        place.candidate().call("model.py:wait", shape=())
    finally:
        Gauge.look = look  # type: ignore[method-assign]
    return costs


def cold_start(folder: Path, tier: Tier, names: list[str], X: Any, y: Any) -> float:
    """Milliseconds of a ``fit`` with nothing prepared."""
    began = time.perf_counter()
    with Sandbox(Limits(), folder, names, tier=tier) as sandbox:
        tree = sandbox.folder / "tree"
        materialise({"model.py": MODEL.encode()}, tree)
        Place(sandbox, tree).candidate().fit(X, y)
        return 1000 * (time.perf_counter() - began)


def overshoot(place: Place) -> float:
    """MiB over the limit that a process came to have which takes all it can get."""
    candidate = place.candidate()
    with contextlib.suppress(OutOfMemory):
        candidate.call("model.py:take", shape=())
    return max(0.0, peak(candidate) - LIMIT / MIB)


def death(place: Place) -> float:
    """Milliseconds from the deadline to the death of a process that is busy."""
    candidate = place.candidate(BUDGET)
    with contextlib.suppress(OverBudget):
        candidate.call("model.py:stay", shape=())
    return 1000 * (usage(candidate)[1] - BUDGET)


def peak(candidate: Candidate) -> float:
    return usage(candidate)[2]


def usage(candidate: Candidate) -> tuple[str, float, float]:
    """What the latest process of a candidate used: phase, seconds, MiB."""
    ledger: Any = candidate._evaluation
    found: tuple[str, float, float] = ledger.usage[-1]
    return found


def machine(loads: list[float], names: list[str], X: Any) -> dict[str, Any]:
    """Where this was measured, how busy it was, and what was attached."""
    return {
        "data_mb": round(X.nbytes / 1e6, 1),
        "libraries": {name.split(".")[0]: _version(name.split(".")[0]) for name in names},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "cpus": os.cpu_count(),
        "load": [round(load, 2) for load in (min(loads), max(loads))],
    }


def _version(module: str) -> str:
    return version({"sklearn": "scikit-learn"}.get(module, module))


def spread(values: Iterator[float] | list[float]) -> dict[str, float]:
    """Median, least and most."""
    found = sorted(values)
    return {
        "median": round(median(found), 3),
        "min": round(found[0], 3),
        "max": round(found[-1], 3),
    }


def table(found: dict[str, Any]) -> str:
    """What a person reads."""
    where, tiers = found["machine"], found["tiers"]
    rows = {
        "fit": "fit_ms",
        "fit and predict": "both_ms",
        "cold start": "cold_ms",
        f"over a limit of {LIMIT // MIB} MiB, MiB": "overshoot_mib",
        "from deadline to death": "death_ms",
        "one look at the memory": "look_ms",
    }
    lines = [
        f"{where['data_mb']:.0f} MB of training data, {where['cpus']} cores, load {where['load'][0]} to "
        f"{where['load'][1]}, {found['count']} experiments in each tier",
        "",
        f"{'ms: median [min, max]':<34}" + "".join(f"{name:>26}" for name in tiers),
    ]
    for title, key in rows.items():
        cells = "".join(f"{_cell(tiers[name][key], key):>26}" for name in tiers)
        lines.append(f"{title:<34}{cells}")
    lines.append(
        f"{'large files written':<34}"
        + "".join(f"{tiers[name]['large_files_written']:>26}" for name in tiers)
    )
    lines += [
        "",
        *(f"{name} is not to be had here: {why}" for name, why in found["missing"].items()),
    ]
    first = next(iter(tiers))
    lines += [f"where the time of a fit goes in {first}, ms:"]
    lines += [f"  {name:<34}{value:8.2f}" for name, value in tiers[first]["parts_ms"].items()]
    return "\n".join(lines)


def _cell(values: dict[str, float], key: str) -> str:
    digits = 2 if key == "look_ms" else 0
    low, middle, high = (f"{values[name]:.{digits}f}" for name in ("min", "median", "max"))
    return f"{middle} [{low}, {high}]"


if __name__ == "__main__":
    main()
