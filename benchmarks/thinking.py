"""How much of the time an experiment is running, with an agent that thinks for two seconds.

    python -m benchmarks.thinking [--quick] [--out DIR]

The agent sleeps where a language model would think, the candidate where it would train. The same search
runs with nothing thought out ahead (``ahead = 0``: think, run, think, run) and as it is by default
(``ahead = 1``: the next proposal is thought about while an experiment runs). What counts is the journal:
the time between the lines ``opened`` and ``finished`` of the experiments, over the time from the first of
them to the last. The limit is what no harness could do better with one thought at a time: the longer one
of the two is never interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
THINKING, TRAINING = 2.0, 1.0
AHEAD = {"sequential": 0, "overlapped": 1}

TEST = """
import numpy
import pytest


@pytest.mark.autoresearch(metric="loss", direction="minimize", editable=["model.py"])
def test_sleepy(candidate, experiment):
    for fold in experiment.race(lambda split: [split]):
        model = candidate.fit(numpy.zeros((4, 1)), numpy.zeros(4))
        guess = model.predict(numpy.zeros((4, 1)))
        experiment.score(float(numpy.random.default_rng(experiment.seed).normal()) * 1e-3 + 1.0 + guess[0])
    assert experiment.improves
"""
MODEL = """
import time

LOSS = 0.0


def fit(X, y, *, seed):
    time.sleep({training})
    return LOSS


def predict(state, X):
    return [state] * len(X)
"""
CONFTEST = """
import time

from pytest_autoresearch import Proposal


class Thinker:
    overlaps = True

    def __init__(self):
        self.count = 0

    def propose(self, briefing):
        time.sleep({thinking})
        self.count += 1
        (path, text), = briefing.editable.items()
        worse = text.decode().replace("LOSS = 0.0", f"LOSS = {{self.count}}.0")
        return Proposal(files={{path: worse}}, description=f"worse by {{self.count}}")

    def told(self, record):
        pass


def pytest_autoresearch_make_agent(config, spec):
    return Thinker() if spec == "thinker" else None
"""
SETTINGS = """
[tool.pytest.ini_options]
[tool.pytest-autoresearch.agents.slow]
spec = "thinker"
ahead = {ahead}
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="three experiments, a tenth of the times"
    )
    parser.add_argument("--count", type=int, default=20, help="experiments in each search")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the figures")
    asked = parser.parse_args(arguments)
    scale, count = (0.2, 4) if asked.quick else (1.0, asked.count)
    found = measure(count, THINKING * scale, TRAINING * scale)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "thinking.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))


def measure(count: int, thinking: float, training: float) -> dict[str, Any]:
    """One search each; times are seconds."""
    found: dict[str, Any] = {
        "thinking": thinking,
        "training": training,
        "cpus": os.cpu_count(),
        "load": [round(os.getloadavg()[0], 2)],
    }
    for name, ahead in AHEAD.items():
        with tempfile.TemporaryDirectory() as folder:
            lines = search(Path(folder), count, thinking, training, ahead)
        found[name] = shares(lines, thinking, overlapped=ahead > 0)
        found["load"].append(round(os.getloadavg()[0], 2))
    return found


def search(
    folder: Path, count: int, thinking: float, training: float, ahead: int
) -> list[dict[str, Any]]:
    """The journal of one search."""
    files = {
        "test_sleepy.py": TEST,
        "model.py": MODEL.format(training=training),
        "conftest.py": CONFTEST.format(thinking=thinking),
        "pyproject.toml": SETTINGS.format(ahead=ahead),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "start"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--autoresearch",
        "--autoresearch-agent",
        "slow",
    ]
    command += ["--autoresearch-experiments", str(count), "--autoresearch-run", "bench"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    journal = folder / ".autoresearch" / "bench" / "journal.jsonl"
    return [json.loads(line) for line in journal.read_text("utf-8").splitlines()]


def shares(lines: list[dict[str, Any]], thinking: float, *, overlapped: bool) -> dict[str, Any]:
    """How much of the wall time an experiment was running, and how much could have been."""
    spans: dict[str, list[float]] = {}
    for line in lines:
        if line["kind"] in ("opened", "finished") and line["part"] == "experiment":
            moment = datetime.fromisoformat(line["time"]).timestamp()
            spans.setdefault(line["item"], []).append(moment)
    # The first experiment's proposal had no experiment to be thought about beside.
    whole = sorted(spans.values())[1:]
    running = sum(end - begin for begin, end in whole)
    # From the end of the first experiment: what was thought before each of the others counts.
    wall = whole[-1][1] - sorted(spans.values())[0][1]
    mean = running / len(whole)
    cycle = max(mean, thinking) if overlapped else mean + thinking
    return {
        "experiments": len(whole),
        "seconds_each": round(wall / len(whole), 3),
        "running_each": round(mean, 3),
        "share": round(running / wall, 4),
        "limit": round(mean / cycle, 4),
    }


def table(found: dict[str, Any]) -> str:
    head = f"thinking {found['thinking']:g} s, training {found['training']:g} s"
    rows = [
        head,
        "",
        "| | seconds an experiment | share of time running | limit |",
        "|---|---|---|---|",
    ]
    for name in AHEAD:
        one = found[name]
        rows.append(
            f"| {name} | {one['seconds_each']:.2f} | {one['share']:.1%} | {one['limit']:.1%} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    main()
