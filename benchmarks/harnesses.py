"""The two harnesses that do the same training: this plugin, and a plain loop of shell commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from pytest_autoresearch.testing import Project

from .workload import OLD, Workload, learning_rate, own_times, patched

ROOT = Path(__file__).resolve().parent.parent
# What the plugin's sandbox sets; the plain loop gets it too, else its fits would be the slower ones.
SAME_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "CUDA_VISIBLE_DEVICES": ""}
PREFLIGHT = "preflight"


@dataclass(frozen=True)
class Cycle:
    """One experiment, seconds: from the end of the one before to its own end.

    ``own`` is what the candidate's ``fit`` and ``predict`` took by their own clock.
    """

    wall: float
    own: float
    score: float
    parts: dict[str, float]

    @property
    def overhead(self) -> float:
        """What the harness added."""
        return self.wall - self.own


@dataclass(frozen=True)
class Round:
    """Some experiments in a row; ``once`` are the seconds that they cost together besides."""

    cycles: list[Cycle]
    once: float

    @property
    def overhead(self) -> float:
        """Median seconds."""
        return median(cycle.overhead for cycle in self.cycles)


def plugin(folder: Path, work: Workload, count: int, *, spans: bool = False) -> Round:
    """Replay ``count`` patches in one search of its own."""
    project = Project(folder / "project", work.files)
    for number in range(count):
        project.replace(OLD, f"LEARNING_RATE = {learning_rate(number)}\n")
    log = folder / "clock.jsonl"
    env = {"BENCH_CLOCK": str(log), "BENCH_SPANS": str(int(spans)), "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    result = project.search("-p", "benchmarks.clock", env={**SAME_THREADS, **env}, timeout=3600)
    wall = time.perf_counter() - began
    if result.returncode:
        raise SystemExit(f"the search failed:\n{result.stdout}\n{result.stderr}")
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    cycles = [
        _cycle(before["at"], line)
        for before, line in pairwise(lines)
        if line["part"] == "experiment"
    ]
    _require_equal_work(lines, count)
    return Round(cycles, wall - sum(cycle.wall for cycle in cycles))


def _require_equal_work(lines: list[dict[str, Any]], count: int) -> None:
    """A patch that wins is measured again; here every one must be one fit and be rejected."""
    done = [line for line in lines if line["part"] == "experiment"]
    if len(done) != count or any(x["status"] != "DISCARD" or x["passes"] != 1 for x in done):
        found = [(line["status"], line["passes"]) for line in done]
        raise SystemExit(f"expected {count} patches rejected after one pass, got {found}")


def _cycle(since: float, line: dict[str, Any]) -> Cycle:
    times = own_times(line["output"])
    wall = line["at"] - since
    own = sum(ended - began for began, ended in times)
    return Cycle(wall, own, line["score"], _parts(line, times, wall))


def _parts(line: dict[str, Any], times: list[tuple[float, float]], wall: float) -> dict[str, float]:
    """Where the time went: the spans, the processes cut at the candidate's own times, the rest."""
    parts = {k: v for k, v in line["spans"].items() if k != "process"}
    if not line["processes"]:
        return {}
    # Before a candidate's fit and predict come the preflight's processes.
    first = len(line["processes"]) - len(times)
    before, candidates = line["processes"][:first], line["processes"][first:]
    parts[PREFLIGHT] = sum(over - begun for _, begun, over in before)
    for (name, begun, over), (began, ended) in zip(candidates, times, strict=True):
        for what, seconds in (("begin", began - begun), ("end", over - ended)):
            key = f"{name} process: {what}"
            parts[key] = parts.get(key, 0.0) + seconds
    own = sum(ended - began for began, ended in times)
    return {**parts, "pytest and the rest": wall - own - sum(parts.values())}


def plain_loop(folder: Path, work: Workload, count: int) -> Round:
    """Edit, commit, train in a fresh process, grep the metric, reset: each step a command."""
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(work.script, encoding="utf-8")
    (folder / "model.py").write_text(work.model, encoding="utf-8")
    (folder / ".gitignore").write_text("__pycache__/\nrun.log\nresults.tsv\n", encoding="utf-8")
    began = time.perf_counter()
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "start"]):
        _git(folder, *command)
    _train(folder)
    once = time.perf_counter() - began
    return Round([_plain_cycle(folder, work, number) for number in range(count)], once)


def _plain_cycle(folder: Path, work: Workload, number: int) -> Cycle:
    began = time.perf_counter()
    (folder / "model.py").write_text(patched(work.model, number), encoding="utf-8")
    _git(folder, "commit", "-q", "-am", f"learning rate {learning_rate(number)}")
    _train(folder)
    grep = ["grep", "^log_loss:", "run.log"]
    found = subprocess.run(grep, cwd=folder, capture_output=True, text=True, check=True).stdout
    with open(folder / "results.tsv", "a", encoding="utf-8") as file:
        file.write(f"{number}\t{found.split()[1]}\tdiscard\n")
    _git(folder, "reset", "-q", "--hard", "HEAD~1")
    wall = time.perf_counter() - began
    times = own_times((folder / "run.log").read_text("utf-8"))
    own = sum(end - start for start, end in times)
    return Cycle(wall, own, float(found.split()[1]), {})


def _train(folder: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | SAME_THREADS
    with open(folder / "run.log", "w", encoding="utf-8") as log:
        command = [sys.executable, "train.py"]
        subprocess.run(command, cwd=folder, stdout=log, stderr=log, env=env, check=True)


def _git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A person", "-c", "user.email=person@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True)
