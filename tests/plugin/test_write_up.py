"""An agent that can write is asked for its account: checked, in the journal, and blind to the vault."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from pytest_autoresearch.agents.protocol import Writes
from pytest_autoresearch.exceptions import AgentFailed, CapReached, Interrupted
from pytest_autoresearch.history.repository import Repository
from pytest_autoresearch.runs.written import counted, write_up
from pytest_autoresearch.testing import CONFTEST, TEST, Project, Result

from ..report.builders import summary, themed

AUTHOR = '''

from pathlib import Path

from pytest_autoresearch import Proposal
from pytest_autoresearch.agents.protocol import Writes


class Author(Writes):
    """Makes the line steeper, then runs out; writes what the environment says."""

    def __init__(self):
        self.slopes = ["2.9", "2.0"]

    def propose(self, briefing):
        if not self.slopes:
            return None
        path = next(iter(briefing.editable))
        text = briefing.editable[path].decode().replace("SLOPE = 2.0", "SLOPE = " + self.slopes.pop(0))
        return Proposal(files={path: text}, description="steeper", theme="slope", hypothesis="it is steep")

    def told(self, record):
        pass

    def write(self, request):
        (Path(LOG) / "request.txt").write_text(request)
        return (Path(LOG) / "account.md").read_text()


def pytest_autoresearch_make_agent(config, spec):
    return Author() if spec == "author" else None


@pytest.fixture(scope="session")
def sealed():
    return Line()
'''
VAULT = """

@pytest.mark.autoresearch(of="test_line", stage="vault")
def test_line_vault(candidate, experiment, sealed):
    for fold in experiment.race(sealed.folds):
        model = candidate.fit(fold.train_X, fold.train_y)
        experiment.score(7000.0 + float(np.abs(model.predict(fold.test_X) - fold.test_y).mean()))
"""
OPTIONS = ("--autoresearch-run", "told", "--autoresearch-allow-untrusted")
WORDS = "What moved it was the slope and nothing else that anybody has looked at so far. " * 6
ACCOUNT = f"""## What happened

The line is steep, as #1 shows. It gained 41.7 percent. <img src="https://x.org/a.png">

{WORDS}

- It is a line.
- It took 12345 attempts.
"""


def searched(folder: Path, account: str) -> tuple[Project, Result]:
    conftest = CONFTEST + AUTHOR.replace("LOG", repr(str(folder)))
    made = Project(folder / "p", {"conftest.py": conftest, "test_line.py": TEST + VAULT})
    (folder / "account.md").write_text(account)
    command = ["author" if word.startswith("replay:") else word for word in made.command()]
    return made, made.search(command=[*command, *OPTIONS])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Result]:
    made, result = searched(tmp_path_factory.mktemp("told"), ACCOUNT)
    assert result.returncode == 0, result.stdout + result.stderr
    return made, result


def of_kind(result: Result, kind: str) -> list[Any]:
    return [line for line in result.lines if line["kind"] == kind]


def test_the_report_has_the_account_without_what_the_journal_does_not_bear_out(
    told: tuple[Project, Result],
) -> None:
    report = (told[0].folder / ".autoresearch/told/report.md").read_text("utf-8")
    account = report.split("## The agent's account\n")[1].split("\n## ")[0]
    assert "Written by author, after experiment 1" in account
    assert "2 sentences were left out" in account
    assert "### What happened\n\nThe line is steep, as \\#1 shows.\n\nWhat moved it was" in account
    assert "- It is a line." in account
    assert "41.7" not in report
    assert "12345" not in report
    assert "x.org" not in report


def test_the_account_is_a_line_of_the_journal(told: tuple[Project, Result]) -> None:
    (line,) = of_kind(told[1], "writeup")
    assert line["agent"] == "author"
    assert line["left_out"] == 2
    assert "41.7" not in json.dumps(line)
    assert told[1].lines[-1]["kind"] == "closed"


def test_who_writes_has_not_heard_of_the_vault_that_the_report_tells_of(
    told: tuple[Project, Result],
) -> None:
    request = (told[0].root.parent / "request.txt").read_text("utf-8")
    report = (told[0].folder / ".autoresearch/told/report.md").read_text("utf-8")
    assert "7000." in report
    assert "#1 kept" in request
    assert "700" not in request
    assert "vault" not in request.lower()
    assert str(told[0].root.parent) not in request


def test_show_makes_the_same_report_again(told: tuple[Project, Result], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(told[0].root, copy)
    folder = copy / ".autoresearch/told"
    before = (folder / "report.md").read_text("utf-8")
    (folder / "report.md").unlink()
    command = [sys.executable, "-m", "pytest", "--autoresearch-show=told"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=60)
    assert (folder / "report.md").read_text("utf-8") == before
    assert "| lines |" in before
    assert "| +1/-1 |" in before


@pytest.mark.parametrize("error", [AgentFailed, CapReached, Interrupted])
def test_an_agent_that_cannot_write_costs_a_warning_and_no_report(
    error: type[Exception], told: tuple[Project, Result]
) -> None:
    class Mute(Writes):
        def write(self, request: str) -> str:
            raise error("the model is gone")

    run = Mock(warnings=[], repository=Repository.discover(told[0].root))
    assert write_up(run, themed(), Mute(), "mute") is None
    assert run.warnings == ["report.md has no account by agent mute: the model is gone"]
    run.note.assert_not_called()


def written(answer: str, folder: Path) -> tuple[Any, list[str]]:
    class Author(Writes):
        def write(self, request: str) -> str:
            return answer

    run = Mock(warnings=[], repository=Repository.discover(folder))
    return write_up(run, themed(), Author(), "llm:x"), run.warnings


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("OK", "its answer has 1 word, at least 80 are needed"),
        ("", "its answer has 0 words, at least 80 are needed"),
        ("## What happened\n\nIt went well.", "its answer has 5 words, at least 80 are needed"),
        (WORDS, "its answer has no heading"),
        (
            "## What happened\n\nIt won.\n\n" + "It gained 41.7 percent in the end. " * 40,
            "its answer has 4 words that can be printed, at least 80 are needed",
        ),
    ],
)
def test_what_is_no_account_is_not_printed_as_one(
    answer: str, why: str, told: tuple[Project, Result]
) -> None:
    account, warnings = written(answer, told[0].root)
    assert account is None
    assert warnings == [f"report.md has no account by agent llm:x: {why}"]


def test_an_account_in_a_script_without_spaces_is_one(told: tuple[Project, Result]) -> None:
    account, warnings = written("## 結果\n\n" + "模型更好。" * 30, told[0].root)
    assert account is not None
    assert warnings == []


@pytest.mark.parametrize("said", ["agent mute: the model is gone", "agent mute the model is gone"])
def test_the_warning_names_the_agent_once(said: str, told: tuple[Project, Result]) -> None:
    class Mute(Writes):
        def write(self, request: str) -> str:
            raise AgentFailed(said)

    run = Mock(warnings=[], repository=Repository.discover(told[0].root))
    assert write_up(run, themed(), Mute(), "mute") is None
    assert run.warnings == ["report.md has no account by agent mute: the model is gone"]


def test_where_nothing_was_tried_nobody_is_asked() -> None:
    writer = Mock()
    assert write_up(Mock(), summary([]), writer, "mute") is None
    writer.write.assert_not_called()


def test_the_lines_of_a_patch_are_counted_whatever_they_look_like() -> None:
    patch = (
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- an old line\n+++ a new one\n same\n"
        "diff --git a/y b/y\nnew file mode 100644\n--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n+@@ y\n+z\n"
    )
    assert counted(patch) == (3, 1)
    assert counted("") == (0, 0)
    ours = "diff --git a/x.champion.json b/x.champion.json\n@@ -1 +0,0 @@\n-{}\n"
    assert counted(ours + patch) == (3, 1)
