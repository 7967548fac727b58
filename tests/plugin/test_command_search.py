"""Whole searches in which a script is the coding agent: a good one that also does everything it should not."""

from __future__ import annotations

import json
import os
import sys
import uuid
from pathlib import Path

import pygit2
import pytest

from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.records import Part, Status
from pytest_autoresearch.sandbox.walls import tiers
from pytest_autoresearch.testing import CONFTEST, TEST, Project, Result

EXPERIMENTS = 25
SECRET = "the-labels-7f3a"
"""Planted in the label file, a frozen file, the person's home and the environment."""

AGENT = r"""#!{python}
# A coding agent: one trick for each call.
import json, os, pathlib, re, subprocess, sys, time

home, here = pathlib.Path.home(), pathlib.Path(".")
calls, model = home / "calls", here / "model.py"
before = model.read_text()
briefing = (here / "BRIEFING.md").read_text()
emptied = "they are emptied" in briefing and not calls.exists()
n = 20 if emptied else int(calls.read_text()) + 1 if calls.exists() else 1
calls.write_text(str(n))
problem = (here / "PROBLEM.md").read_text() if (here / "PROBLEM.md").exists() else ""

def change(name, value, words):
    text, count = re.subn(rf"^{{name}} = .*$", f"{{name}} = {{value}}", model.read_text(), flags=re.M)
    assert count == 1
    model.write_text(text)
    (here / "PROPOSAL.md").write_text(words + "\n\nTheme: line\nHypothesis: it is so\n")

def look(path):
    try:
        return pathlib.Path(path).read_text()
    except OSError as error:
        return error.strerror

if n == 1:      # a better line, and a lesson
    change("SLOPE", "2.5", "steeper")
    with open("PROPOSAL.md", "a") as file:
        file.write("Lesson: the line is steep\n")
elif n == 2:    # what does not parse is mended
    change("OFFSET", "= 1", "where it starts")
elif n == 3:
    assert "model.py" in problem, problem
    change("OFFSET", "0.9", "where it starts, mended")
elif n == 4:    # hangs
    change("SLOPE", "-9", "never")
    time.sleep(1000)
elif n == 5:    # frozen files, the labels, the home, the environment
    seen = [look(path) for path in {secrets!r}] + [os.environ.get("PLANTED", "unset")]
    (here / "seen.json").write_text(json.dumps(seen))
    for name in ("test_line.py", "conftest.py"):
        (here / name).write_text("def test_line(): pass")
    change("SLOPE", "2.6", "a test of my own")
elif n == 6:    # processes that are left behind
    null = subprocess.DEVNULL
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", "{mark}"],
        start_new_session=True, stdin=null, stdout=null, stderr=null)
    change("SLOPE", "2.7", "with company")
elif n == 7:    # a full disk
    (home / "told").write_text(str("test_line.py' was not taken" in briefing))
    for name in range(3):
        with open(f"large{{name}}", "wb") as file:
            file.truncate(900 << 20)
    time.sleep(1000)
elif n == 20:   # its folders were emptied: it looks at the data
    (here / "analysis.py").write_text("def analyse(data):\n    print('rows:', len(data))\n")
elif n == 21:   # a folder full of proposals
    assert "rows: 300" in briefing, briefing
    for at in range(19):
        folder = here / "proposals" / f"{{at:02d}}"
        folder.mkdir(parents=True)
        text = re.sub("OFFSET = .*", f"OFFSET = {{3 + at}}", before)
        (folder / "model.py").write_text(text)
        (folder / "PROPOSAL.md").write_text(f"a start of {{3 + at}}\n\nTheme: starts\n")
else:
    change("OFFSET", f"{{-n}}", f"a start of {{-n}}")
"""


class Night:
    """A search, and what it left behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.home = folder / "person"
        self.home.mkdir()
        test = TEST.replace('["model.py"])', '["model.py"], analysis="rows")')
        rows = "\n\n@pytest.fixture\ndef rows(line):\n    return line.X\n"
        table = (
            "[tool.pytest.ini_options]\nautoresearch_disclose = 'all'\n"
            "[tool.pytest-autoresearch.agents.script]\n"
            f"spec = \"command:'{folder}/my agent' {{briefing}}\"\ntimeout = 4\ncost = 0.01\n"
        )
        self.project = Project(
            folder / "p",
            {
                "conftest.py": f"{CONFTEST}{rows}# {SECRET}\n",
                "test_line.py": test,
                "labels.csv": SECRET,
                "pyproject.toml": table,
            },
        )
        (self.home / ".netrc").write_text(SECRET)
        secrets = [
            str(self.project.folder / "labels.csv"),
            str(self.project.folder / "conftest.py"),
            str(self.home / ".netrc"),
        ]
        script = folder / "my agent"
        text = AGENT.format(python=sys.executable, secrets=secrets, mark=self.mark)
        script.write_text(text)
        script.chmod(0o755)
        command = [
            *(sys.executable, "-m", "pytest", "--autoresearch", "-p", "no:cacheprovider"),
            *("--autoresearch-agent", "script", "--autoresearch-experiments", str(EXPERIMENTS)),
            *("--junitxml", str(self.project.xml)),
        ]
        self.result: Result = self.project.search(
            command=command, env={"PLANTED": SECRET, "HOME": str(self.home)}
        )

    @property
    def agents(self) -> Path:
        [run] = (self.project.folder / ".autoresearch").glob("line-*")
        return run / "agents"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    try:
        tiers.choose("sealed")
    except UsageProblem as problem:
        pytest.skip(str(problem))
    return Night(tmp_path_factory.mktemp("night"))


def test_the_search_ends_as_asked(night: Night) -> None:
    assert night.result.returncode == 0, night.result.stdout + night.result.stderr
    numbers = [record.experiment for record in night.result.experiments]
    assert numbers == list(range(1, EXPERIMENTS + 1))
    statuses = {record.status for record in night.result.experiments}
    assert Status.KEPT in statuses
    assert Status.FAILED not in statuses


def test_what_it_mended_costs_no_experiment(night: Night) -> None:
    descriptions = [record.description for record in night.result.experiments]
    assert descriptions[:2] == ["steeper", "where it starts, mended"]


def test_one_that_hangs_or_fills_its_disk_costs_no_experiment_and_it_is_said(night: Night) -> None:
    skipped = [one for one in night.result.records if one.part is Part.SKIPPED]
    said = "\n".join(one.reason for one in skipped)
    assert "it took longer than 4 s" in said
    assert "of disk, at most 1024 may be" in said


def test_a_changed_test_changes_nothing(night: Night) -> None:
    [record] = [one for one in night.result.experiments if one.description == "a test of my own"]
    assert record.status in (Status.KEPT, Status.DISCARD)
    repository = pygit2.Repository(str(night.project.root))
    trees = [repository.revparse_single(f"{name}^{{tree}}") for name in ("HEAD", record.commit)]
    first, second = trees
    assert isinstance(first, pygit2.Tree)
    assert isinstance(second, pygit2.Tree)
    changed = {delta.new_file.path for delta in first.diff_to_tree(second).deltas}
    assert changed - {"line.champion.json"} == {"model.py"}


def test_it_read_no_labels_and_no_secrets(night: Night) -> None:
    written = [path for path in night.agents.rglob("*") if path.is_file()]
    assert written
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in json.dumps(night.result.lines)


def test_nothing_that_it_started_is_left(night: Night) -> None:
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{name}/cmdline").read_bytes()
        except OSError:
            continue
        assert night.mark.encode() not in line


def test_an_analysis_is_an_item_of_its_own_and_comes_back(night: Night) -> None:
    [look] = [one for one in night.result.records if one.part is Part.ANALYSIS]
    assert look.status is Status.ANALYSIS
    assert "rows: 300" in look.output
    starts = [one for one in night.result.experiments if one.theme == "starts"]
    assert len(starts) > 10, "it went on after it had been told"


def test_a_lesson_is_on_record(night: Night) -> None:
    assert night.result.experiments[0].lessons == ("the line is steep",)


def test_it_costs_to_the_cent_what_is_declared_a_call(night: Night) -> None:
    spent = [line for line in night.result.lines if line["kind"] == "spent"]
    calls = len(list(night.agents.rglob("*-command.json")))
    assert len({line["call"] for line in spent}) == calls
    assert len(spent) == 2 * calls, "each is written down before it is made, and when it has ended"
    assert {line["usd"] for line in spent} == {0.01}


def test_every_call_is_on_record(night: Night) -> None:
    folders = {path.parent.name for path in night.agents.rglob("*-command.json")}
    assert "0001" in folders
    for path in night.agents.rglob("*-command.json"):
        names = {other.name.partition("-")[2] for other in path.parent.iterdir()}
        assert {"BRIEFING.md", "PROTOCOL.md", "command.json"} <= names


UNCONFINED = """#!{python}
import pathlib
model = pathlib.Path("model.py")
model.write_text(model.read_text().replace("SLOPE = 2.0", "SLOPE = 2.5"))
"""


def test_unconfined_it_takes_a_persons_word_and_every_record_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    script = tmp_path / "agent"
    script.write_text(UNCONFINED.format(python=sys.executable))
    script.chmod(0o755)
    command = [
        *(sys.executable, "-m", "pytest", "--autoresearch", "-p", "no:cacheprovider"),
        *("--autoresearch-agent", f"command:{script}", "--autoresearch-trust-agent"),
        *("--autoresearch-experiments", "1", "--autoresearch-max-cost", "none"),
        *("--autoresearch-isolation", "none", "--autoresearch-allow-untrusted"),
    ]
    result = project.search(command=command)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "agent unconfined" in result.stdout
    [record] = result.experiments
    assert "agent unconfined" in record.isolation


def test_a_missing_program_is_exit_4_and_nothing_is_written(project: Project) -> None:
    command = [
        *(sys.executable, "-m", "pytest", "--autoresearch", "-p", "no:cacheprovider"),
        *("--autoresearch-agent", "command:no-such-agent", "--autoresearch-max-cost", "none"),
    ]
    result = project.search(command=command)
    assert result.returncode == 4
    assert "there is no program 'no-such-agent'" in result.stdout + result.stderr
    assert not list(project.folder.glob(".autoresearch/*/journal.jsonl"))
