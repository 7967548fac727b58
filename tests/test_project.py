"""What is shown of a commit: the files of the globs, at a price that the rest does not change."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest

from pytest_autoresearch.agents.tuning.tune import Tune
from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.history.repository import Repository
from pytest_autoresearch.history.run import Run
from pytest_autoresearch.project import Project, files_of
from pytest_autoresearch.readings import Readings
from pytest_autoresearch.records import Objective, Part, Proposal, Record, Status
from pytest_autoresearch.search.keep import Rule
from pytest_autoresearch.search.loop import Search

OBJECTIVE = Objective(
    name="line",
    nodeid="test_line.py::test_line",
    path="test_line.py",
    metric="rmse",
    direction="minimize",
    editable=("model.py", "parts/*"),
    readable=("notes/*",),
    entry="model.py",
)
FILES = {
    "model.py": b"SLOPE = 2.0\n",
    "parts/__init__.py": b"",
    "parts/old.py": b"x = 1\n",
    "parts/conftest.py": b"",
    "notes/readme.md": b"read me\n",
    "test_line.py": b"",
    "elsewhere/data.csv": b"1,2\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository whose HEAD holds `FILES`."""
    git = pygit2.init_repository(str(tmp_path / "p"), initial_head="main")
    commit(git, {path: git.create_blob(content) for path, content in FILES.items()})
    return Repository.discover(tmp_path / "p")


def commit(git: pygit2.Repository, files: dict[str, pygit2.Oid]) -> str:
    index = pygit2.Index()
    for path, blob in files.items():
        index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
    who = pygit2.Signature("A person", "person@example.org", 1_700_000_000, 0)
    parents = [] if git.head_is_unborn else [git.head.target]
    return str(git.create_commit("HEAD", who, who, "files", index.write_tree(git), parents))


def project(repository: Repository) -> Project:
    files = files_of(OBJECTIVE, repository.tracked(repository.head), repository.root)
    return Project(repository, OBJECTIVE, files, Path(__file__))


def test_a_tree_shows_its_own_files_new_ones_and_no_deleted_ones(repository: Repository) -> None:
    tree = repository.write_tree(
        repository.head,
        {
            "model.py": b"SLOPE = 3.0\n",
            "parts/new.py": b"y = 2\n",
            "parts/old.py": None,
            "parts/.hidden": b"",
            "parts/conftest.py": b"changed",
            "parts/below/deep.py": b"",
            "elsewhere/more.csv": b"",
            "notes/later.md": b"",
        },
    )
    assert project(repository).visible(tree) == {
        "model.py": b"SLOPE = 3.0\n",
        "notes/readme.md": b"read me\n",
        "parts/__init__.py": b"",
        "parts/new.py": b"y = 2\n",
    }


def test_a_run_that_began_before_head_shows_its_own_files(repository: Repository) -> None:
    began = repository.head
    git = pygit2.Repository(str(repository.root))
    blob = git.create_blob(b"other")
    commit(git, dict.fromkeys(("model.py", "parts/later.py", "notes/n.md", "test_line.py"), blob))
    later = Repository.discover(repository.root)
    assert set(project(later).visible(began)) == {"model.py", "parts/__init__.py", "parts/old.py"}


def test_names_that_are_not_utf8_do_not_stand_in_the_way(repository: Repository) -> None:
    git = ["git", "-C", str(repository.root)]
    entries = subprocess.check_output([*git, "ls-tree", "-z", repository.head])
    blob = pygit2.Repository(str(repository.root)).create_blob(b"")
    entries += f"100644 blob {blob}\t".encode() + b"caf\xe9\0"
    tree = subprocess.check_output([*git, "mktree", "-z"], input=entries).decode().strip()
    assert project(repository).visible(tree) == project(repository).visible(repository.head)


def test_an_experiment_does_not_walk_the_whole_tree(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project(repository)
    run = Run.create(repository, tmp_path / "runs" / "r", "r", OBJECTIVE, repository.head, {})
    search = Search(
        OBJECTIVE,
        Rule(),
        run,
        made,
        Tune(lambda files: []),
        agent_name="tune",
        isolation="none",
        seed=0,
    )
    tree = made.build(Proposal(files={"model.py": "1"}), repository.head, repository.head)
    for name in ("tracked", "paths"):
        monkeypatch.setattr(Repository, name, None)
    assert made.visible(tree)["model.py"] == b"1"
    again = made.build(Proposal(files={"model.py": "2"}), repository.head, repository.head)
    assert made.visible(again)["model.py"] == b"2"
    briefing = made.briefing(search)
    assert briefing.editable["model.py"] == FILES["model.py"]
    assert briefing.readable == {"notes/readme.md": b"read me\n"}


def test_a_protocol_that_an_editor_has_in_hand_leaves_the_text_before_in_force(
    repository: Repository, tmp_path: Path
) -> None:
    written = tmp_path / "protocol.md"
    written.write_text("simple before complex")
    files = files_of(OBJECTIVE, repository.tracked(repository.head), repository.root)
    found = Project(repository, OBJECTIVE, files, written)
    assert found._instructions() == "simple before complex"
    written.unlink()
    assert found._instructions() == "simple before complex"
    written.write_bytes(b"\xff\xfe\x00")
    assert found._instructions() == "simple before complex"
    written.write_text("never stop")
    assert found._instructions() == "never stop"


def test_a_protocol_that_was_never_readable_is_named(
    repository: Repository, tmp_path: Path
) -> None:
    files = files_of(OBJECTIVE, repository.tracked(repository.head), repository.root)
    with pytest.raises(UsageProblem, match=r"protocol\.md cannot be read as UTF-8"):
        Project(repository, OBJECTIVE, files, tmp_path / "protocol.md")._instructions()


def test_a_briefing_has_what_the_marker_says_and_what_a_person_wants_read(
    repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "notes.md").write_text("trees win", encoding="utf-8")
    files = files_of(OBJECTIVE, repository.tracked(repository.head), repository.root)
    reading = Readings(["*.md"], tmp_path)
    found = Project(repository, OBJECTIVE, files, Path(__file__), reading).opening()
    assert (found.entry, found.budget) == ("model.py", OBJECTIVE.budget)
    assert (found.memory, found.constraints) == (OBJECTIVE.limits.memory, OBJECTIVE.constraints)
    assert found.reading == {"notes.md": "trees win"}
    assert found.analysis == (OBJECTIVE.analysis or "")


def test_files_of_candidates_that_failed_are_at_hand(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project(repository)
    tree = made.build(Proposal(files={"model.py": "broken"}), repository.head, repository.head)
    crashed = Record(
        item="0001", part=Part.EXPERIMENT, experiment=1, status=Status.CRASH, tree=tree
    )
    lost = replace(crashed, item="0002", status=Status.DISCARD, tree=made.tree_of(repository.head))
    assert made._crashed([crashed, lost])[tree]["model.py"] == b"broken"
    monkeypatch.setattr(made, "visible", None)
    assert set(made._crashed([crashed, lost])) == {tree}
