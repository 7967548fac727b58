"""What a search on `experiments/conversion` gained on the months that it never used.

    python -m benchmarks.months RUN [--seeds N] [--out PICTURE] [--repository DIR]

The files that the run began with and those of its champion are each fitted and scored by the frozen test,
in the sandbox, with the same seeds: on the last six months, one by one, each after learning from all the
months before it, and on the windows that the search itself looked at. The data are those that
``CONVERSION_DATA`` names, which must be what the run had, else simulated ones.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pygit2
from numpy.typing import NDArray

from experiments.conversion import conftest as data
from experiments.conversion import test_conversion as frozen
from pytest_autoresearch.candidate import Candidate
from pytest_autoresearch.objective import Recorder, measuring
from pytest_autoresearch.records import Limits, Turn
from pytest_autoresearch.sandbox import Meter, Sandbox, libraries, materialise

FOLDER = "experiments/conversion"
EDITABLE = ("features.py", "model.py")
SECONDS = 60.0
"""The budget of one pass."""


@dataclass(frozen=True)
class Compared:
    """AUC by seed (rows) and window (columns), of the files before and after a search."""

    starts: NDArray[np.float64]
    calls: NDArray[np.int64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]

    @property
    def gains(self) -> NDArray[np.float64]:
        """By window, mean over the seeds."""
        mean: NDArray[np.float64] = np.mean(self.after - self.before, axis=0)
        return mean

    @property
    def error(self) -> float:
        """The standard error of the mean gain, from how the gains differ between the windows."""
        return float(self.gains.std(ddof=1) / math.sqrt(len(self.gains)))


@dataclass(frozen=True)
class Run:
    """What git knows of a run: its first files and its champion's, and how much was tried and kept."""

    first: Mapping[str, bytes]
    champion: Mapping[str, bytes]
    tried: int
    kept: int


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", help="name of a run, as in its branch autoresearch/RUN")
    parser.add_argument("--seeds", type=int, default=5, help="fits of each window")
    parser.add_argument("--out", type=Path, help="where to draw the picture")
    parser.add_argument("--repository", type=Path, default=Path())
    asked = parser.parse_args(arguments)
    found = read_run(asked.repository, asked.run)
    name = os.environ.get("CONVERSION_DATA")
    calls = data.read(Path(name).expanduser()) if name else data.simulate()
    with sandbox(found.first) as room:
        held_out = compare(room, found, data.held_out(calls), asked.seeds)
        searched = compare(room, found, data.searched(calls), asked.seeds)
    print(table(found, held_out, searched))
    if asked.out:
        from .months_picture import save

        save(found, held_out, searched, asked.out)


@contextmanager
def sandbox(contents: Mapping[str, bytes]) -> Iterator[Sandbox]:
    """Where candidate code runs, with the libraries imported that these files use."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(Limits(), Path(folder), libraries(contents)) as room,
    ):
        yield room


def read_run(folder: Path, name: str) -> Run:
    """The run's refs; raises `SystemExit` when there are none."""
    repository = pygit2.Repository(str(folder))
    refs = f"refs/autoresearch/{name}/"
    try:
        first = repository.references[refs + "0000"].peel(pygit2.Commit)
        champion = repository.references[refs + "champion"].peel(pygit2.Commit)
    except KeyError:
        raise SystemExit(
            f"no run called {name!r} in {folder.resolve()}: it has no {refs}*"
        ) from None
    walk = repository.walk(champion.id)
    walk.hide(first.parents[0].id)
    numbers = [ref for ref in repository.references if ref.removeprefix(refs).isdigit()]
    return Run(files(first), files(champion), len(numbers) - 1, len(list(walk)))


def files(commit: pygit2.Commit) -> dict[str, bytes]:
    """The editable files of a commit."""
    found = {}
    for path in (f"{FOLDER}/{name}" for name in EDITABLE):
        blob = commit.tree[path]
        assert isinstance(blob, pygit2.Blob)
        found[path] = blob.data
    return found


def compare(room: Sandbox, run: Run, conversion: data.Conversion, seeds: int) -> Compared:
    """Score what the run began with and its champion on the same windows, with the same seeds."""
    windows = conversion.windows(0)
    return Compared(
        np.array([float(window.cut) for window in windows]),
        np.array([len(window.test) for window in windows]),
        scores(room, run.first, conversion, seeds),
        scores(room, run.champion, conversion, seeds),
    )


def scores(
    room: Sandbox, contents: Mapping[str, bytes], conversion: data.Conversion, seeds: int
) -> NDArray[np.float64]:
    """AUC by seed and window, by the frozen test; the files only run in the sandbox."""
    evaluation = measuring([Turn(0, seed) for seed in range(1, seeds + 1)], "auc")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        materialise(contents, tree)
        candidate = Candidate(
            room,
            tree,
            f"{FOLDER}/model.py",
            roots=(".",),
            meter=Meter(SECONDS * seeds),
            evaluation=evaluation,
        )
        frozen.test_conversion(candidate, Recorder(evaluation), conversion)
    return np.array([one.scores for one in evaluation.plan.passes])


def table(run: Run, held_out: Compared, searched: Compared) -> str:
    """What a person reads."""
    seeds = len(held_out.before)
    lines = [
        f"{run.tried} experiments, {run.kept} kept; AUC on months that the search never used, "
        f"mean of {seeds} seeds",
        "",
        "month   calls  before   after     gain",
    ]
    rows: zip[Any] = zip(
        held_out.starts,
        held_out.calls,
        held_out.before.mean(axis=0),
        held_out.after.mean(axis=0),
        held_out.gains,
        strict=True,
    )
    lines += [f"{at + 1:5.0f}{n:8}{a:8.4f}{b:8.4f}{gain:+9.4f}" for at, n, a, b, gain in rows]
    lines += [
        f"{'mean':<13}{held_out.before.mean():8.4f}{held_out.after.mean():8.4f}"
        f"{held_out.gains.mean():+9.4f}, standard error over the months {held_out.error:.4f}",
        "",
        f"on the windows that it searched: {searched.before.mean():.4f} to {searched.after.mean():.4f}, "
        f"{searched.gains.mean():+.4f}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
