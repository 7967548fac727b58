"""What the plugin costs a pytest run that does not use it: time and imported modules.

    python -m benchmarks.unused [--quick] [--out DIR]

A suite of trivial tests runs with the plugin, without it (``-p no:autoresearch``), and also without the
plugins that it depends on, in turn. The ratio is that of the medians with and without.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).with_name("results")
TESTS = "import pytest\n\n\n@pytest.mark.parametrize('n', range(50))\ndef test_it(n):\n    assert n >= 0\n"
CONFTEST = """
import json
import os
import sys


def pytest_unconfigure():
    with open(os.environ["BENCH_MODULES"], "w", encoding="utf-8") as file:
        json.dump(sorted(sys.modules), file)
"""
WITHOUT = ["-p", "no:autoresearch"]
BARE = [*WITHOUT, "-p", "no:timeout", "-p", "no:xdist", "-p", "no:xdist.looponfail"]
CASES = {"with": [], "without": WITHOUT, "bare": BARE}
NAMES = {
    "with": "with the plugin",
    "without": "-p no:autoresearch",
    "bare": "also without timeout and xdist",
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two runs of each")
    parser.add_argument("--runs", type=int, default=25)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the table")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), 2 if asked.quick else asked.runs)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "unused.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))


def measure(folder: Path, runs: int) -> dict[str, Any]:
    """Run every case ``runs`` times, the order turning; seconds, and modules imported at the end."""
    (folder / "test_it.py").write_text(TESTS, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    seconds: dict[str, list[float]] = {name: [] for name in CASES}
    modules: dict[str, set[str]] = {}
    for number in range(runs + 1):
        for name in sorted(CASES, reverse=number % 2 == 1):
            taken, modules[name] = _run(folder, CASES[name])
            if number:  # the first round writes bytecode
                seconds[name].append(taken)
    medians = {name: median(values) for name, values in seconds.items()}
    return {
        "runs": runs,
        "load": round(os.getloadavg()[0], 2),
        "seconds": {name: round(value, 4) for name, value in medians.items()},
        "ratio": round(medians["with"] / medians["without"], 4),
        "ratio_to_bare": round(medians["with"] / medians["bare"], 4),
        "modules": {name: len(found) for name, found in modules.items()},
        "added": sorted(modules["with"] - modules["without"]),
    }


def _run(folder: Path, extra: list[str]) -> tuple[float, set[str]]:
    listed = folder / "modules.json"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHON"))}
    # Bytecode of its own for everything, so that no package has what another lacks.
    ours = {"BENCH_MODULES": str(listed), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *extra]
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env={**kept, **ours},
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"pytest failed:\n{done.stdout}\n{done.stderr}")
    return taken, set(json.loads(listed.read_text("utf-8")))


def table(found: dict[str, Any]) -> str:
    """What a person reads."""
    lines = [f"50 trivial tests, median of {found['runs']} runs each, load {found['load']}", ""]
    for name, text in NAMES.items():
        milliseconds = 1000 * found["seconds"][name]
        lines.append(f"{text:<34}{milliseconds:8.1f} ms{found['modules'][name]:7} modules")
    ours = [name for name in found["added"] if name.startswith("pytest_autoresearch")]
    others = [name for name in found["added"] if name not in ours]
    lines += [
        "",
        f"ratio with / without: {found['ratio']:.3f}; to pytest without its dependencies: "
        f"{found['ratio_to_bare']:.3f}",
        f"modules added: {len(ours)} of ours, {len(others)} others"
        + (f" ({', '.join(others)})" if others else ""),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
