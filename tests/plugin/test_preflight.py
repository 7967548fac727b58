"""A patch that would fail anyway is told so before its budget starts, and the frozen test is not run for it."""

from __future__ import annotations

from pathlib import Path

from pytest_autoresearch.records import Part, Status
from pytest_autoresearch.testing import Project, Result

from .conftest import Run

PATCHES = {
    "worse": "SLOPE = -9.0",
    "a slip": "SLOPE = = 2.9",
    "a name from nowhere": "SLOPE = slope_of(X)",
    "a library that is not there": "import nosuchlibrary\nSLOPE = 2.9",
    "only formatted": "SLOPE    =    -9.0   # as the first",
}


def test_what_the_preflight_finds_costs_no_fold_and_the_same_code_is_not_tried_again(
    run: Run, tmp_path: Path
) -> None:
    project = Project(tmp_path / "p")
    log = tmp_path / "fitted.txt"
    noting = f"        with open({str(log)!r}, 'a') as file:\n            file.write('fit ')\n"
    test = project.files["test_line.py"].replace("        model =", f"{noting}        model =")
    (project.folder / "test_line.py").write_text(test, "utf-8")
    project.commit("count")
    for words, new in PATCHES.items():
        project.replace("SLOPE = 2.0", new, description=words)
    run(project, *project.command()[3:])
    records = Result(0, "", "", project.folder, project.xml).records
    worse, *others = [record for record in records if record.part is Part.EXPERIMENT]
    assert worse.status is Status.DISCARD
    assert {record.status for record in others} == {Status.CRASH}
    assert [record.reason for record in others] == [
        "preflight: model.py:5: SyntaxError: invalid syntax: SLOPE = = 2.9",
        "preflight: model.py:5: undefined name 'slope_of'; model.py:5: undefined name 'X'",
        "preflight: model.py:5: ModuleNotFoundError: No module named 'nosuchlibrary'",
    ]
    assert all(not record.passes and record.fit_seconds is None for record in others)
    walked = sum(len(one.scores) for record in records for one in record.passes)
    assert len(log.read_text("utf-8").split()) == walked
    skipped = [record for record in records if record.status is Status.SKIPPED]
    assert [record.description for record in skipped] == ["only formatted"]
