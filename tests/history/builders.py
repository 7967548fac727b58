"""Small git repositories, and a search without a search: experiments with results made up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pytest_autoresearch.history.patches import Workshop
from pytest_autoresearch.history.paths import EditableSet
from pytest_autoresearch.history.repository import Repository
from pytest_autoresearch.history.run import Run
from pytest_autoresearch.records import Experiment, Objective, Part, Proposal, Record, Status

MODEL = b"rate = 0\ndepth = 3\n\n\ndef fit(X, y, *, seed):\n    return rate\n"
FILES = {
    "model.py": MODEL,
    "test_it.py": b"def test_conversion(): ...\n",
    "sub/other.py": b"x = 1\n",
}
OBJECTIVE = Objective(
    name="conversion",
    nodeid="test_it.py::test_conversion",
    path="test_it.py",
    metric="auc",
    direction="maximize",
    editable=("model.py", "sub/**"),
)


class Project:
    """A git repository with a first commit."""

    def __init__(self, root: Path, files: Mapping[str, bytes] = FILES) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", ".")
        for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
            self.git("config", key, value)
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "first")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, bytes]) -> None:
        for path, content in files.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    @property
    def repository(self) -> Repository:
        return Repository.discover(self.root)

    @property
    def folder(self) -> Path:
        return self.root / ".autoresearch" / "night"

    def workshop(self, *globs: str) -> Workshop:
        repository = self.repository
        globs = globs or OBJECTIVE.editable
        tracked = repository.tracked(repository.head)
        return Workshop(repository, EditableSet(globs, tracked, ["test_it.py"]))

    def create(self) -> Run:
        repository = self.repository
        header = {"isolation": "none"}
        return Run.create(repository, self.folder, "night", OBJECTIVE, repository.head, header)

    def resume(self) -> Run:
        return Run.resume(self.repository, self.folder, "night")

    def snapshot(self) -> dict[str, object]:
        """Everything of the user's that a search must leave alone, with contents and times."""
        paths = [self.root / ".git" / name for name in ("HEAD", "index", "config", "logs/HEAD")]
        paths += [path for path in self.root.rglob("*") if ".git" not in path.parts]
        kept = [p for p in paths if p.is_file() and ".autoresearch" not in p.parts]
        return {str(p): (p.read_bytes(), os.stat(p).st_mtime_ns, os.stat(p).st_mode) for p in kept}


def rate(old: object, new: object) -> Proposal:
    """A patch that changes the model's rate."""
    patch = f"--- a/model.py\n+++ b/model.py\n@@ -1,2 +1,2 @@\n-rate = {old}\n+rate = {new}\n depth = 3\n"
    return Proposal(patch=patch, hypothesis="a rate\nof its own", description=f"rate {new}")


def experiment(
    run: Run, number: int, proposal: Proposal | None = None, tree: str = ""
) -> Experiment:
    return Experiment(
        item=f"{number:04d}",
        part=Part.EXPERIMENT if number else Part.BASELINE,
        number=number,
        base=run.champion,
        tree=tree or run.repository.tree_of(run.champion),
        proposal=proposal,
        agent="tune",
    )


def record(made: Experiment, status: Status, **fields: object) -> Record:
    proposal = made.proposal or Proposal()
    known: dict[str, object] = {
        "item": made.item,
        "part": made.part,
        "experiment": made.number,
        "status": status,
        "metric": "auc",
        "score": 0.8,
        "isolation": "none",
        "agent": made.agent,
        "description": proposal.description,
        "hypothesis": proposal.hypothesis,
    }
    return Record(**{**known, **fields})  # type: ignore[arg-type]


def evaluate(run: Run, made: Experiment, status: Status, **fields: object) -> Record:
    run.opened(made)
    return run.finished(made, record(made, status, **fields))


def attempt(project: Project, run: Run, number: int, status: Status, **fields: object) -> Record:
    """An experiment that sets the rate to its number."""
    model = run.repository.files(run.champion, ["model.py"])["model.py"].decode()
    proposal = rate(model.split("\n")[0].removeprefix("rate = "), number)
    tree = project.workshop().build(proposal, run.champion, run.base)
    return evaluate(run, experiment(run, number, proposal, tree), status, **fields)
