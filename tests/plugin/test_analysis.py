"""Agents' code looks at what the fixture of `analysis=` returns, at nothing else, and what it says comes back."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_autoresearch.analysing import MODULE, SILENT, TOOLS, Desk, tools
from pytest_autoresearch.exceptions import Interrupted, UsageProblem
from pytest_autoresearch.records import Analysis, Limits, Part, Record, Status
from pytest_autoresearch.sandbox import Meter, Sandbox
from pytest_autoresearch.testing import CONFTEST, TEST, Project, Result

from .conftest import Run

SECRET = "secret-77-row"
AGENT = """

import os
import pandas
import pytest_autoresearch

class Asker:
    def __init__(self):
        self.codes, self.asked = list(CODES), False

    def propose(self, briefing):
        if self.codes:
            return pytest_autoresearch.Analysis(self.codes.pop(0), question="what is there?")
        if self.asked:
            return None
        self.asked = True
        return pytest_autoresearch.Proposal(patch=PATCH)

    def told(self, record):
        with open(LOG, "a") as file:
            file.write(repr(record) + "\\n")

def pytest_autoresearch_make_agent(config, spec):
    return Asker() if spec == "asker" else None

@pytest.fixture(scope="session")
def known(line):
    FIXTURE
    table = pandas.DataFrame(line.X[:100], columns=["left", "right"])
    table.index = ["SECRET" for _ in range(100)]
    table.attrs["of"] = "SECRET"
    return {"X": table, "y": line.y[:100]}
"""
MARKED = TEST.replace('editable=["model.py"]', 'editable=["model.py"], analysis="known"')


def asking(
    folder: Path, codes: Sequence[str], *, fixture: str = "pass", test: str = MARKED
) -> Project:
    """A project whose agent asks for these analyses, then proposes one patch."""
    made = Project(folder / "p")
    patch = made.diff(
        "model.py", made.files["model.py"], made.files["model.py"].replace("2.0", "2.9")
    )
    text = CONFTEST + AGENT
    for name, value in {
        "CODES": repr(list(codes)),
        "PATCH": repr(patch),
        "LOG": repr(str(folder / "told.txt")),
        "FIXTURE": fixture,
        "SECRET": SECRET,
    }.items():
        text = text.replace(name, value)
    (made.folder / "conftest.py").write_text(text, encoding="utf-8")
    (made.folder / "test_line.py").write_text(test.replace("timeout(20)", "timeout(4)"), "utf-8")
    made.commit("an agent that asks")
    return made


def command(project: Project, *arguments: str, tier: str = "auto") -> list[str]:
    words = project.command(*arguments)
    return ["asker" if "replay:" in word else tier if word == "none" else word for word in words]


CODES = {
    "good": """
import model
from pytest_autoresearch.analysis import null_rates, univariate

def analyse(data):
    print("slope", model.SLOPE, list(data["X"].columns), type(data["y"]).__name__)
    print(null_rates(data["X"]))
    return str(univariate(data["X"], data["y"]))
""",
    "raises": "def analyse(data):\n    print('before')\n    return data['nothing']\n",
    "floods": """
import os

def analyse(data):
    print("the first line")
    for _ in range(400):
        os.write(1, b"x" * (1 << 16))
    print("the last line")
""",
    "draws": "def analyse(data):\n    print('\\x1b[31mred\\x07 \\u202egnirts \\x00')\n",
    "replaces": """
import builtins, sys

def analyse(data):
    sys.stdout = sys.stderr = sys.__stdout__ = open("/dev/null", "w")
    builtins.print = None
    return "still heard"
""",
    "leaves": "import sys\n\ndef analyse(data):\n    print('going')\n    sys.exit(0)\n",
    "hangs": "def analyse(data):\n    print('so far')\n    while True:\n        pass\n",
    "silent": "def analyse(data):\n    pass\n",
    "nameless": "def analyze(data):\n    pass\n",
    "unparsable": "def analyse(data:\n",
    "shouts": "def analyse(data):\n    raise ValueError('y' * 1_000_000)\n",
    "spies": """
import gc, glob, os, sys

def analyse(data):
    print(data["X"].index[:2].tolist(), data["X"].attrs, sorted(data), len(data["y"]))
    print(dict(os.environ), sys.argv)
    for path in PATHS:
        try:
            print(open(path).read())
        except OSError as error:
            print("closed:", type(error).__name__)
    for folder in {os.getcwd(), os.path.dirname(__file__), os.path.dirname(os.getcwd())}:
        print(sorted(glob.glob(folder + "/**", recursive=True)))
    found = [one for one in gc.get_objects() if isinstance(one, dict) and "labels" in one]
    print(len(found), "dicts")
""",
    "forks": "import os\n\ndef analyse(data):\n    print(os.fork() or os._exit(0))\n",
    "marks": """
import os

def analyse(data):
    open("mark", "w").write("here")
    data["X"].iloc[0, 0] = 12345.0
    data["y"][0] = 12345.0
""",
    "looks for marks": """
import glob, os

def analyse(data):
    print(glob.glob("**", recursive=True), glob.glob("../*/mark"), float(data["y"].max()) < 100)
    print(float(data["X"].max().max()) < 100)
""",
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, dict[str, Record], str]:
    """One search with all of these analyses; their records by name, and what the agent was told."""
    folder = tmp_path_factory.mktemp("asked")
    paths = [str(folder / "p" / name) for name in ("conftest.py", "test_line.py")]
    codes = {name: code.replace("PATHS", repr(paths)) for name, code in CODES.items()}
    made = asking(folder, list(codes.values()))
    # More in a row than an agent is granted: a limit of the search, not of what is tried here.
    lift = "import pytest_autoresearch.search.loop as loop\nloop.MOST_ANALYSES = 99\n"
    conftest = made.folder / "conftest.py"
    conftest.write_text(conftest.read_text("utf-8") + lift, encoding="utf-8")
    made.commit("many")
    result = made.search(command=command(made), env={"MY_TOKEN": SECRET})
    asked = [record for record in result.records if record.part is Part.ANALYSIS]
    assert len(asked) == len(codes), result.stdout + result.stderr
    told = (folder / "told.txt").read_text("utf-8")
    return result, dict(zip(codes, asked, strict=True)), told


Searched = tuple[Result, dict[str, Record], str]


def test_an_analysis_is_an_item_of_its_own_and_the_search_goes_on(searched: Searched) -> None:
    result, asked, _ = searched
    assert result.returncode == 0, result.stdout + result.stderr
    assert {record.status for record in asked.values()} == {Status.ANALYSIS}
    assert [record.status.word for record in result.experiments] == ["KEPT"]
    assert "test_line.py::test_line[0001-analysis] ANALYSIS" in result.stdout
    case: ET.Element = result.testcases["test_line[0001-analysis]"]
    assert case.find("skipped") is not None
    assert case.get("classname") == "test_line"


def test_what_it_printed_and_returned_comes_back_to_the_agent(searched: Searched) -> None:
    _, asked, told = searched
    output = asked["good"].output
    assert output.startswith("slope 2.0 ['left', 'right'] ndarray\nmissing values\n")
    assert "each column alone, correlation with the target" in output
    assert repr(output) in told
    assert asked["good"].reason == ""
    assert asked["good"].description == "what is there?"


def test_what_it_raised_stands_behind_what_it_printed(searched: Searched) -> None:
    record = searched[1]["raises"]
    assert record.output.startswith("before\nTraceback (most recent call last):\n")
    assert f'File "{MODULE}", line 3, in analyse' in record.output
    assert record.reason == "CandidateError: KeyError: 'nothing'"


def test_much_is_cut_in_the_middle_and_how_much_is_said(searched: Searched) -> None:
    output = searched[1]["floods"].output
    assert output.startswith("the first line\nxxx")
    assert output.endswith("xxxthe last line")
    assert "bytes left out ...]" in output
    assert len(output) < 20_100


def test_nothing_in_it_moves_a_terminal(searched: Searched) -> None:
    output = searched[1]["draws"].output
    assert "red" in output
    assert not {"\x1b", "\x07", "\u202e", "\x00"} & set(output)


def test_what_it_returns_is_heard_whatever_it_did_to_print(searched: Searched) -> None:
    assert searched[1]["replaces"].output == "still heard"


@pytest.mark.parametrize(
    ("name", "reason", "output"),
    [
        ("leaves", "CandidateExited: ", "going"),
        ("hangs", "OverBudget: over budget: stopped after 4 s", "so far"),
        ("silent", SILENT, ""),
        ("nameless", "CandidateError: the analysis defines no function analyse", ""),
        ("unparsable", "CandidateError: SyntaxError: ", f'File "{MODULE}", line 1'),
        ("shouts", "CandidateError: ", "Traceback"),
    ],
)
def test_why_there_is_no_answer_is_said(
    searched: Searched, name: str, reason: str, output: str
) -> None:
    record = searched[1][name]
    assert record.reason.startswith(reason)
    assert record.output.startswith(output)
    assert len(record.reason) + len(record.output) < 25_000


def test_it_sees_the_fixtures_value_and_nothing_else_of_the_evaluation(searched: Searched) -> None:
    _, asked, told = searched
    output = asked["spies"].output
    assert output.startswith("[0, 1] {} ['X', 'y'] 100\n"), output
    assert output.count("closed: ") == 2
    assert "def line()" not in output
    assert SECRET not in told


def test_it_starts_no_process(searched: Searched) -> None:
    assert "sandbox(processes=True)" in searched[1]["forks"].output


def test_nothing_of_one_is_there_for_the_next(searched: Searched) -> None:
    lines = searched[1]["looks for marks"].output.splitlines()
    assert lines == ["[] [] True", "True"]


def test_a_fixture_that_fails_is_red_and_the_search_goes_on(tmp_path: Path, run: Run) -> None:
    made = asking(tmp_path, [CODES["good"]], fixture="raise OSError('no such share')")
    run(made, *command(made, "--autoresearch-allow-untrusted", tier="none")[3:])
    result = Result(0, "", "", made.folder, made.xml)
    [asked] = [record for record in result.records if record.part is Part.ANALYSIS]
    assert asked.status is Status.FAILED
    assert asked.reason == "set-up failed: OSError: no such share"
    assert [record.status.word for record in result.experiments] == ["KEPT"]
    told = (tmp_path / "told.txt").read_text("utf-8")
    assert "the data could not be handed over; why is for people only" in told
    assert "no such share" not in told


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('analysis="knwon"', "analysis='knwon': this test can ask for no fixture of that name"),
        ('analysis="several"', "analysis='several': this fixture is parametrized"),
    ],
)
def test_a_fixture_that_cannot_be_had_is_a_usage_error_at_collection(
    tmp_path: Path, run: Run, marker: str, message: str
) -> None:
    more = "\n\n@pytest.fixture(params=[1, 2])\ndef several(request):\n    return request.param\n"
    test = MARKED.replace('analysis="known"', marker) + more
    made = Project(tmp_path / "p", {"test_line.py": test})
    done = run(made, "--autoresearch", "--co")
    assert done.ret == 4
    done.stderr.fnmatch_lines([f"*test_line.py::test_line: {message}*"])


def desk(tmp_path: Path) -> Desk:
    return Desk(
        Sandbox(Limits(), tmp_path), tmp_path, "lib/model.py", (".",), Meter(5.0), nodeid="t.py::t"
    )


@pytest.mark.parametrize("path", [f"lib/{MODULE}", f"{TOOLS}/x.py"])
def test_a_champion_with_files_of_these_names_is_left_alone(tmp_path: Path, path: str) -> None:
    made = desk(tmp_path)
    made.furnish(Analysis("def analyse(data): pass"), {path: b"mine"})
    made.look("known", object())
    assert f"the champion has a file {path}" in made.outcome(None, 1.0).reason
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_stopped_at_the_deadline_is_no_answer(tmp_path: Path) -> None:
    assert desk(tmp_path).outcome(Interrupted(), 1.0).status is Status.INTERRUPTED


def test_data_that_may_not_cross_is_named_with_what_may(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="pass NumPy arrays, pandas or polars frames") as told:
        desk(tmp_path).look("known", ([1.0], [2.0]))
    assert str(told.value).startswith(
        "t.py::t: what the fixture analysis='known' returns is a tuple, which cannot cross"
    )
    outcome = desk(tmp_path).outcome(told.value, 1.0)
    assert (outcome.status, outcome.reason) == (Status.FAILED, str(told.value))


def test_the_tools_and_the_code_are_laid_out_beside_the_entry(tmp_path: Path) -> None:
    made = desk(tmp_path)
    made.furnish(Analysis("def analyse(data): pass\ud800"), {"lib/model.py": b""})
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")}
    assert f"lib/{MODULE}" in found
    assert {path for path in found if path.startswith(TOOLS)} == set(tools())
