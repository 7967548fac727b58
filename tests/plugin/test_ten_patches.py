"""A night in small: three good patches among seven that fail in every way there is."""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pygit2
import pytest
from lxml import etree

from pytest_autoresearch.records import Status
from pytest_autoresearch.testing import MODEL, TEST, Project, Result

SCHEMA = Path(__file__).parent.parent / "data" / "junit-10.xsd"
LIMITED = TEST.replace(
    "@pytest.mark.timeout(20)", '@pytest.mark.timeout(4)\n@pytest.mark.sandbox(memory="400M")'
)
THREE = MODEL.replace("\ndef fit", "\n# How it bends.\nCURVE = 0.1\n\n\ndef fit").replace(
    "SLOPE * X[:, 0] + OFFSET", "SLOPE * X[:, 0] + OFFSET + CURVE * X[:, 0] ** 2"
)
FIT = "    rng = np.random.default_rng(seed)\n"
SLEEPER = """    import os, signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            pass
        time.sleep(3617.25)
    time.sleep(3617.25)
"""
HOG = """    import time
    hog = []
    for _ in range(40):
        hog.append(np.ones(4_000_000))
        time.sleep(0.03)
"""


def patches(project: Project) -> None:
    project.replace("SLOPE = 2.0", "SLOPE = 2.8", description="better: steeper")
    project.replace("OFFSET = 0.5", "OFFSET = -2.0", description="worse: far too low")
    project.replace("def fit(X, y, *, seed):", "def fit(X, y, *, seed:", description="syntax error")
    project.replace(FIT, FIT + SLEEPER, description="sleeps past the budget")
    project.replace(FIT, FIT + "    import os\n    os._exit(0)\n", description="leaves at once")
    project.replace("OFFSET = 0.5", "OFFSET = 0.95", description="better: higher")
    project.replace("assert experiment.improves", "pass", path="test_line.py", description="cheats")
    project.replace(
        "    return SLOPE", "    return np.nan * SLOPE", description="predicts no numbers"
    )
    project.replace(FIT, FIT + HOG, description="hog")
    project.replace("CURVE = 0.1", "CURVE = 0.0", description="better: straight")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("ten") / "a projekt ünder test"
    made = Project(folder, {"test_line.py": LIMITED, "model.py": THREE})
    patches(made)
    (folder / "notes.txt").write_text("untracked\n", encoding="utf-8")
    return made


def state(folder: Path) -> dict[str, bytes]:
    """Every byte of the user's that a search must not touch."""
    kept = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".autoresearch" not in path.parts and "__pycache__" not in path.parts
    }
    own = ("HEAD", "index", "config", "logs/HEAD", "logs/refs/heads/main", "refs/heads/main")
    return {
        name: content
        for name, content in kept.items()
        if not name.startswith(".git/") or name.removeprefix(".git/") in own
    }


@pytest.fixture(scope="module")
def before(project: Project) -> dict[str, bytes]:
    return state(project.root)


@pytest.fixture(scope="module")
def result(project: Project, before: dict[str, bytes]) -> Result:
    return project.search()


STATUSES = [
    Status.KEPT,
    Status.DISCARD,
    Status.CRASH,
    Status.TIMEOUT,
    Status.CRASH,
    Status.KEPT,
    Status.REFUSED,
    Status.CRASH,
    Status.OOM,
    Status.KEPT,
]


def test_the_search_ends_well_and_each_patch_gets_its_status(result: Result) -> None:
    assert result.returncode == 0, result.stdout + result.stderr
    found = [(record.item, record.status) for record in result.experiments]
    assert found == [(f"{n:04d}", status) for n, status in enumerate(STATUSES, start=1)]


def test_three_commits_stand_on_the_branch(project: Project, result: Result) -> None:
    repository = pygit2.Repository(str(project.root))
    branch = repository.branches[f"autoresearch/{result.lines[0]['name']}"]
    walk = repository.walk(branch.target)
    walk.hide(repository.head.target)
    subjects = [commit.message.splitlines()[0] for commit in walk]
    assert len(subjects) == 3
    assert "straight" in subjects[0]
    model = repository[branch.target].peel(pygit2.Tree)["model.py"]
    assert isinstance(model, pygit2.Blob)
    final = model.data.decode()
    assert "SLOPE = 2.8" in final
    assert "OFFSET = 0.95" in final
    assert "CURVE = 0.0" in final


def test_every_patch_is_a_testcase_with_its_status_and_reason(result: Result) -> None:
    names = {f"test_line[{n:04d}]" for n in range(1, 11)}
    assert names < set(result.testcases)
    others = set(result.testcases) - names
    assert {"test_line[0000]", "test_line[0000-calibration]"} <= others
    assert all("-" in name or "0000" in name for name in others)
    for number, status in enumerate(STATUSES, start=1):
        case = result.testcases[f"test_line[{number:04d}]"]
        skipped = case.find("skipped")
        assert (skipped is None) == (status is Status.KEPT)
        if skipped is not None:
            assert skipped.get("type") == "pytest.xfail"
            assert (skipped.get("message") or "").startswith("rejected: ")
        found = result.properties(f"test_line[{number:04d}]")
        assert found["autoresearch.experiment"] == str(number)
        assert found["autoresearch.status"] == status.word


def test_the_xml_is_valid_against_pytests_schema_without_its_properties(result: Result) -> None:
    tree = ET.parse(result.xml)
    for case in tree.iter("testcase"):
        for properties in case.findall("properties"):
            case.remove(properties)
    document = etree.fromstring(ET.tostring(tree.getroot()))
    etree.XMLSchema(file=str(SCHEMA)).assertValid(document)


def test_the_reasons_name_what_happened(result: Result) -> None:
    reasons = {record.item: record.reason for record in result.experiments}
    assert "SyntaxError" in reasons["0003"]
    assert "over budget: stopped after 4 s" in reasons["0004"]
    assert "CandidateExited" in reasons["0005"]
    assert "test_line.py" in reasons["0007"]
    assert "not finite" in reasons["0008"]
    assert "OutOfMemory" in reasons["0009"]


def test_no_process_survives(result: Result) -> None:
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    folder = str(result.lines[1]["scratch"])
    assert folder not in listed.stdout
    assert not Path(folder).exists()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                assert folder not in os.readlink(f"{entry.path}/cwd")
            except OSError:
                continue


def test_the_users_files_are_byte_identical(
    project: Project, before: dict[str, bytes], result: Result
) -> None:
    assert state(project.root) == before


def test_the_table_has_a_row_for_every_number(result: Result) -> None:
    run = result.folder / ".autoresearch" / str(result.lines[0]["name"])
    rows = [row.split("\t") for row in (run / "results.tsv").read_text("utf-8").splitlines()]
    assert rows[0] == ["commit", "rmse", "memory_gb", "status", "description"]
    assert [row[3] for row in rows[1:]] == [
        "baseline", "keep", "discard", "crash", "timeout", "crash", "keep", "refused", "crash",
        "oom", "keep",
    ]  # fmt: skip
    assert rows[1][2] != ""
    assert rows[8][1] == ""
