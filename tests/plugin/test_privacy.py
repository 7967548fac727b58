"""What is planted in rows, labels, vault, environment and frozen files is in no byte that leaves, and in no agent folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_autoresearch.records import Record, Status
from pytest_autoresearch.testing import CONFTEST, TEST, Project, Result

from ..agents.llm.server import Reply, Request, Server, calls, says

pytestmark = pytest.mark.skipif(find_spec("litellm") is None, reason="litellm is not installed")

NAME, LABEL, FROZEN, ENVIRON = "Zebulon", "86753.0917", "Frozenword", "Environword"
VAULTED, SCORE, KEY = "Vaultword", "9090909", "sk-key-that-is-planted"

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
    "raise RuntimeError(f'bad value {names[0]} in row')",
    "raise type(names[0] + 'Error', (Exception,), {})('no such town')",
    "print(names[0]); warnings.warn(names[0]); raise ValueError",
    "open('/nowhere/' + names[0] + '.csv')",
    "raise ValueError(names[1], float(names[1]), -float(names[1]))",
    "raise KeyError(os.environ.get('PLANTED', 'unset'), dict(os.environ))",
]
"""What candidates do, with a row's words among their arguments."""
DATA = CONFTEST.replace(
    "self.y = 3 *", f"self.names = ['{NAME}', '{LABEL}'] * 150  # {FROZEN}\n        self.y = 3 *"
)
SCORING = TEST.replace("fold.train_y)", f"fold.train_y, line.names)  # {FROZEN}").replace(
    "race(line.folds)", "race(lambda split: line.folds(split)[:1])"
)
VAULT = f"""

@pytest.mark.timeout(20)
@pytest.mark.autoresearch(of="test_line", stage="vault")
def test_line_vault(candidate, experiment, line):
    print("{VAULTED}")
    for fold in experiment.race(lambda split: line.folds(split)[:1]):
        model = candidate.fit(fold.train_X, fold.train_y, ["{VAULTED}", "{VAULTED}"])
        error = model.predict(fold.test_X) - fold.test_y
        experiment.score({SCORE} + float(np.sqrt(np.mean(error**2))))
"""


@dataclass
class Leak:
    """A search, and every byte that a model was sent, for proposals and for the report behind the vault."""

    result: Result
    sent: str

    @property
    def run(self) -> Path:
        (found,) = self.result.folder.glob(".autoresearch/*/journal.jsonl")
        return found.parent

    @property
    def kept(self) -> str:
        """All that is in the folder of what agents said and heard."""
        files = [path for path in (self.run / "agents").rglob("*") if path.is_file()]
        assert files
        return "\n".join(path.read_text("utf-8") for path in files)

    @property
    def failed(self) -> list[Record]:
        return [one for one in self.result.experiments if one.status is Status.CRASH]


def changes() -> Iterator[tuple[str, str]]:
    """What the model searches for and replaces, one proposal after the other: the first is good."""
    yield "SLOPE = 2.0", "SLOPE = 2.9"
    for line in FAILURES:
        yield "    # here", f"    {line}"
    for number in range(100):
        yield "SLOPE = 2.9", f"SLOPE = -{number}.5"


@pytest.fixture(scope="module")
def leak(tmp_path_factory: pytest.TempPathFactory) -> Leak:
    files = {"conftest.py": DATA, "test_line.py": SCORING + VAULT, "model.py": MODEL}
    made = Project(tmp_path_factory.mktemp("privacy") / "p", files)
    proposed = changes()

    def play(request: Request) -> Reply:
        if "tools" not in request.json:
            return says("A report without a number in it.")
        if "ready" in request.last and len(request.messages) == 1:
            return says("ready")
        search, replace = next(proposed)
        edit = {"path": "model.py", "search": search, "replace": replace}
        words = {"description": replace.strip(), "hypothesis": "it helps", "edits": [edit]}
        return calls(("note_lesson", {"text": "floats fail"}), ("propose", words))

    with Server(otherwise=play) as server:
        command = made.command(
            *(
                "--autoresearch-experiments",
                str(1 + len(FAILURES)),
                "--autoresearch-allow-untrusted",
            )
        )
        agent = f"llm:openai/scripted?api_base={server.url}&cost=0&timeout=30"
        command[command.index("--autoresearch-agent") + 1] = agent
        result = made.search(command=command, env={"PLANTED": ENVIRON, "OPENAI_API_KEY": KEY})
        assert result.returncode == 0, result.stdout + result.stderr
        sent = "\n".join(json.dumps(one.json, ensure_ascii=False) for one in server.requests)
        raw = "\n".join(one.raw.decode() for one in server.requests)
    return Leak(result, f"{sent}\n{raw}")


def test_candidates_said_it_and_the_vault_was_opened(leak: Leak) -> None:
    assert leak.result.experiments[0].status is Status.KEPT
    assert len(leak.failed) == len(FAILURES)
    told = "\n".join(one.reason + one.output for one in leak.failed)
    assert sum(NAME in one.reason + one.output for one in leak.failed) >= 5
    assert LABEL in told
    assert "vault" in (leak.run / "report.md").read_text("utf-8")


def test_the_report_was_asked_for_without_a_word_of_the_vault(leak: Leak) -> None:
    (asked,) = [one for one in leak.sent.split("\n") if "MATERIAL" in one][:1]
    assert "SLOPE = 2.9" in asked
    assert "vault" not in asked.partition("MATERIAL")[2].casefold()


@pytest.mark.parametrize("planted", [NAME, LABEL, ENVIRON, VAULTED, SCORE, FROZEN, KEY])
def test_what_was_planted_has_not_left(leak: Leak, planted: str) -> None:
    assert planted.casefold() not in leak.sent.casefold()
    assert planted.casefold() not in leak.kept.casefold()


def test_the_model_was_told_where_and_why_a_candidate_failed(leak: Leak) -> None:
    assert "CandidateError: ValueError: could not convert string to float: '…'" in leak.sent
    assert "model.py, line 9: float(names[0])" in leak.sent
    assert "CandidateError: an exception: no such" in leak.sent
    assert "floats fail" in leak.sent


def test_a_person_reads_all_of_it(leak: Leak) -> None:
    learning = (leak.run / "LEARNING.md").read_text("utf-8")
    assert NAME in learning
    assert "floats fail (#" in learning
