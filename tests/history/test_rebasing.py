"""Proposals made on an earlier champion: merged onto the present one, or dropped with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_autoresearch.agents.briefing.memory import OUTDATED
from pytest_autoresearch.exceptions import ChangesNothing, Outdated, Refused
from pytest_autoresearch.records import Proposal

from .builders import FILES, MODEL, Project

DEEPER = MODEL.replace(b"depth = 3", b"depth = 5").decode()
LONG = MODEL.replace(b"depth = 3\n", b"depth = 3\n\n\nA = 1\nB = 1\nC = 1\n")


@pytest.fixture
def moved(tmp_path: Path) -> tuple[Project, str, str]:
    """A project whose champion has moved: its rate is 1 now; the commits before and after."""
    project = Project(tmp_path / "project", {**FILES, "model.py": LONG})
    before = project.repository.head
    project.write({"model.py": LONG.replace(b"rate = 0", b"rate = 1")})
    project.git("commit", "-qam", "moved")
    return project, before, project.repository.head


def rebased(moved: tuple[Project, str, str], proposal: Proposal) -> bytes:
    project, before, after = moved
    tree = project.workshop().rebased(proposal, before, after, before)
    return project.repository.files(tree, ["model.py"])["model.py"]


def test_whole_files_made_on_an_earlier_champion_undo_nothing_of_the_present_one(
    moved: tuple[Project, str, str],
) -> None:
    text = LONG.replace(b"C = 1", b"C = 7").decode()
    found = rebased(moved, Proposal(files={"model.py": text}))
    assert b"rate = 1\n" in found
    assert b"C = 7\n" in found


def test_a_patch_of_an_earlier_champion_is_merged_as_well(moved: tuple[Project, str, str]) -> None:
    patch = "--- a/model.py\n+++ b/model.py\n@@ -6,3 +6,3 @@\n B = 1\n-C = 1\n+C = 7\n \n"
    found = rebased(moved, Proposal(patch=patch))
    assert b"rate = 1\n" in found
    assert b"C = 7\n" in found


def test_a_conflict_names_the_file_and_both_champions(moved: tuple[Project, str, str]) -> None:
    text = LONG.replace(b"rate = 0", b"rate = 2").decode()
    with pytest.raises(Outdated, match=r"model\.py") as caught:
        rebased(moved, Proposal(files={"model.py": text}))
    # By this briefings know what was dropped unevaluated.
    assert str(caught.value).startswith(OUTDATED)
    assert moved[1][:7] in str(caught.value)
    assert moved[2][:7] in str(caught.value)


def test_what_the_champion_has_by_now_is_no_experiment(moved: tuple[Project, str, str]) -> None:
    text = LONG.replace(b"rate = 0", b"rate = 1").decode()
    with pytest.raises(ChangesNothing):
        rebased(moved, Proposal(files={"model.py": text}))


def test_a_frozen_file_stays_frozen_on_the_way(moved: tuple[Project, str, str]) -> None:
    with pytest.raises(Refused, match=r"test_it\.py"):
        rebased(moved, Proposal(files={"test_it.py": DEEPER}))
