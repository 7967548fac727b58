"""What is planted in rows, labels, environment and frozen files is in nothing that an agent reads."""

from __future__ import annotations

import pytest

from pytest_autoresearch.records import Status
from pytest_autoresearch.testing import CONFTEST, TEST, Project, Result

NAME, LABEL, FROZEN, ENVIRON = "Zebulon", "86753.0917", "Frozenword", "Environword"

MODEL = """
import os
import warnings

SLOPE = 2.0


def fit(X, y, names, *, seed):
    # here
    return {}


def predict(state, X):
    return SLOPE * X[:, 0] + 1.0
"""
FAILURES = [
    "float(names[0])",
    "{}[names[0]]",
    "raise RuntimeError(f'bad value {names[0]} in row')",
    "raise RuntimeError(names[0])",
    "raise type(names[0] + 'Error', (Exception,), {})('no such town')",
    "print(names[0]); warnings.warn(names[0]); raise ValueError",
    "open('/nowhere/' + names[0] + '.csv')",
    "raise ValueError(names[1], float(names[1]), -float(names[1]))",
    "raise KeyError(os.environ.get('PLANTED', 'Environword'), dict(os.environ))",
    "getattr(names, 'get' + names[0])",
]
"""What candidates do, with a row's name among their arguments."""

DATA = CONFTEST.replace(
    "self.y = 3 *", f"self.names = ['{NAME}', '{LABEL}'] * 150  # {FROZEN}\n        self.y = 3 *"
)
AGENT = f"""

LINES = {FAILURES!r}


class Agent:
    def __init__(self):
        self.lines = LINES

    def propose(self, briefing):
        from pytest_autoresearch import Proposal
        from pytest_autoresearch.agents.briefing import render, render_one
        for level in ("code", "errors", "all"):
            with open(f"told-{{level}}.md", "a") as file:
                file.write(render(briefing, level=level, tokens=20_000, analysis=False))
                for record in briefing.records:
                    file.write(render_one(briefing, record, level=level, analysis=False))
        if not self.lines:
            return None
        line = self.lines.pop(0)
        text = briefing.editable["model.py"].decode()
        return Proposal(files={{"model.py": text.replace("# here", line)}}, description=line, lessons=("floats fail",))

    def told(self, record):
        pass


def pytest_autoresearch_make_agent(config, spec):
    return Agent() if spec == "reader" else None
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Result:
    test = TEST.replace("fold.train_y)", f"fold.train_y, line.names)  # {FROZEN}")
    files = {"conftest.py": DATA + AGENT, "test_line.py": test, "model.py": MODEL}
    made = Project(tmp_path_factory.mktemp("privacy") / "p", files)
    command = made.command("--autoresearch-allow-untrusted")
    command[command.index("--autoresearch-agent") + 1] = "reader"
    result = made.search(command=command, env={"PLANTED": ENVIRON})
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def told(result: Result, level: str) -> str:
    return (result.folder / f"told-{level}.md").read_text("utf-8")


def test_the_candidates_failed_as_they_should(searched: Result) -> None:
    ends = [record.status for record in searched.experiments]
    assert ends == [Status.CRASH] * len(FAILURES)
    assert sum(NAME in record.reason + record.output for record in searched.experiments) >= 7


@pytest.mark.parametrize("level", ["code", "errors"])
@pytest.mark.parametrize("planted", [NAME, LABEL, ENVIRON, FROZEN])
def test_what_was_planted_is_in_no_briefing(searched: Result, level: str, planted: str) -> None:
    text = told(searched, level)
    if planted == ENVIRON:
        text = text.replace(FAILURES[8], "")
    assert planted not in text
    assert planted.casefold() not in text.casefold().replace(FAILURES[8].casefold(), "")


def test_at_level_errors_an_agent_reads_where_and_why(searched: Result) -> None:
    text = told(searched, "errors")
    assert "CandidateError: ValueError: could not convert string to float: '…'" in text
    assert "model.py, line 9: float(names[0])" in text
    assert "CandidateError: an exception: no such" in text
    assert "could not convert" not in told(searched, "code")


def test_at_level_all_an_agent_reads_all_but_what_nobody_is_told(searched: Result) -> None:
    text = told(searched, "all")
    assert f"could not convert string to float: '{NAME}'" in text
    assert FROZEN not in text


def test_a_person_reads_all_of_it(searched: Result) -> None:
    (learning,) = searched.folder.glob(".autoresearch/*/LEARNING.md")
    assert NAME in learning.read_text("utf-8")
    assert "- floats fail (#" in learning.read_text("utf-8")
