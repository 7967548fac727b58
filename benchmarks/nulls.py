"""Patches that change nothing, replayed: how many a search keeps that measures its noise, and one that does not.

    python -m benchmarks.nulls [--quick] [--rounds N] [--out DIR]

Sixty patches of `experiments/conversion` are replayed on a copy of it, on the simulated table: fifty change
a comment, an unused constant, an irrelevant literal, an order of equal things or a seed, ten are real
(see `null_patches`). What "keep when the score is better than the best so far" would have kept is read from the
same journal, from first passes that were walked to their end: those that were stopped early were behind,
and count as not kept. Every round has seeds of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.testing import Project

from .null_patches import FOLDER, Patch, patches

RESULTS = Path(__file__).with_name("results")
WHERE = "experiments/conversion"
FILES = ("conftest.py", "test_conversion.py", "features.py", "model.py")


@dataclass(frozen=True)
class Tried:
    """One patch as the journal has it; ``ours`` and ``greedy`` say who keeps it.

    ``folds`` were scored. ``simpler`` says in what it is simpler, where the race had to know.
    """

    experiment: int
    kind: str
    description: str
    score: float | None
    z: float | None
    folds: int
    status: str
    reason: str
    simpler: str
    ours: bool
    greedy: bool


@dataclass(frozen=True)
class Round:
    """One replay; ``measuring`` counts the folds of baseline, calibration and references."""

    tried: Sequence[Tried]
    baseline: float
    width: int
    measuring: int
    seconds: float

    def kept(self, who: str, *, null: bool) -> int:
        """How many that change nothing, or that are real, were kept by ``ours`` or ``greedy``."""
        return sum(getattr(one, who) and (one.kind != "real") == null for one in self.tried)

    @property
    def folds(self) -> int:
        """Folds that were scored, in passes of patches and in measurements of champions."""
        return self.measuring + sum(one.folds for one in self.tried)

    @property
    def passes(self) -> float:
        """The same as whole passes for each patch."""
        return self.folds / self.width / len(self.tried)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="four patches, on few calls")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for table and picture")
    asked = parser.parse_args(arguments)
    chosen = patches()[:4] if asked.quick else patches()
    rounds = [replay(chosen, small=asked.quick) for _ in range(1 if asked.quick else asked.rounds)]
    asked.out.mkdir(parents=True, exist_ok=True)
    found = {"cpus": os.cpu_count(), "rounds": [asdict(one) for one in rounds]}
    (asked.out / "nulls.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(rounds))
    if not asked.quick:
        from .nulls_picture import save

        save(rounds, asked.out / "nulls.png")


def replay(chosen: Sequence[Patch], *, small: bool = False) -> Round:
    """Replay patches on a copy of the example, in a repository of its own."""
    with tempfile.TemporaryDirectory() as folder:
        project = scratch(Path(folder) / "project", chosen, small=small)
        began = time.monotonic()
        result = project.search(WHERE, env={"CONVERSION_DATA": ""}, timeout=3600)
        seconds = time.monotonic() - began
        if result.returncode:
            raise SystemExit(result.stdout + result.stderr)
        return read(result.records, chosen, seconds)


def scratch(folder: Path, chosen: Sequence[Patch], *, small: bool) -> Project:
    """The example and its patches; with fewer calls and windows where it is ``small``."""
    files = {f"{WHERE}/{name}": (FOLDER / name).read_text("utf-8") for name in FILES}
    files["conftest.py"] = (FOLDER.parent.parent / "conftest.py").read_text("utf-8")
    files["pytest.ini"] = "[pytest]\n"
    if small:
        frozen = f"{WHERE}/conftest.py"
        for much, little in (("calls: int = 1000", "calls: int = 100"), ("= 2, 5", "= 2, 2")):
            files[frozen] = files[frozen].replace(much, little)
    project = Project(folder, files)
    for patch in chosen:
        path = f"{WHERE}/{patch.path}"
        project.replace(patch.old, patch.new, path=path, description=patch.description)
    return project


def read(records: Sequence[Record], chosen: Sequence[Patch], seconds: float) -> Round:
    """What a journal says of the patches, in the order in which they were proposed."""
    last = {record.item: record for record in records}
    own = [record for record in last.values() if record.part is Part.EXPERIMENT]
    [baseline] = [one for one in last.values() if one.status is Status.BASELINE]
    better = greedy(baseline, own)
    tried = [
        Tried(
            experiment=record.experiment or 0,
            kind=patch.kind,
            description=patch.description,
            score=record.score,
            z=record.z,
            folds=_folds(record),
            status=record.status.tsv,
            reason=record.reason,
            simpler=record.simpler,
            ours=record.status is Status.KEPT,
            greedy=record.experiment in better,
        )
        for record, patch in zip(own, chosen, strict=True)
    ]
    measuring = sum(map(_folds, last.values())) - sum(one.folds for one in tried)
    first = baseline.passes[0].scores
    return Round(tried, fmean(first), len(first), measuring, round(seconds, 1))


def greedy(baseline: Record, experiments: Sequence[Record]) -> set[int]:
    """What is kept when the mean of a first pass beats the best so far."""
    first = baseline.passes[0].scores
    best, kept = fmean(first), set[int]()
    for record in experiments:
        scores = record.passes[0].scores if record.passes else ()
        if len(scores) == len(first) and fmean(scores) > best and record.experiment is not None:
            best = fmean(scores)
            kept.add(record.experiment)
    return kept


def _folds(record: Record) -> int:
    return sum(len(one.scores) for one in record.passes)


def table(rounds: Sequence[Round]) -> str:
    """What a person reads."""
    nulls = sum(one.kind != "real" for one in rounds[0].tried)
    count = len(rounds[0].tried)
    lines = [
        f"{count} patches, {nulls} of which change nothing",
        "",
        "round   kept of these: ours  greedy   kept of the rest: ours  greedy   passes a patch   time",
    ]
    for number, one in enumerate(rounds, start=1):
        kept = [one.kept(who, null=null) for null in (True, False) for who in ("ours", "greedy")]
        lines.append(
            f"{number:5}{kept[0]:22}{kept[1]:8}{kept[2]:25}{kept[3]:8}{one.passes:17.2f}"
            f"{one.seconds:6.0f}s"
        )
    lines += ["", "kept that change nothing, by kind, all rounds:"]
    for who in ("ours", "greedy"):
        kinds = Counter(
            patch.kind
            for one in rounds
            for patch in one.tried
            if getattr(patch, who) and patch.kind != "real"
        )
        lines.append(f"  {who:7}{dict(kinds.most_common()) if kinds else 'none'}")
    for number, one in enumerate(rounds, start=1):
        for patch in one.tried:
            if patch.ours:
                lines.append(f"  round {number}, kept: [{patch.experiment}] {patch.description}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
