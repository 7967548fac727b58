"""A language model searches: everything that can go wrong with one does, and nothing is lost or paid twice."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import pytest

from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.testing import CONFTEST, TEST, Project, Result

from ..agents.llm.server import (
    Reply,
    Request,
    Server,
    Step,
    answer,
    calls,
    cut,
    drops,
    fails,
    hangs,
    says,
    usage,
)

pytestmark = pytest.mark.skipif(find_spec("litellm") is None, reason="litellm is not installed")

COUNT = 25
KEY = "sk-key-of-the-search"
INPUT, OUTPUT = 3.0, 15.0
"""Dollars a million tokens."""
QUICK = """

from pytest_autoresearch.agents.llm import calling

calling.FIRST_WAIT = 0.01


@pytest.fixture(scope="session")
def rows(line):
    return {"X": line.X[:50], "y": line.y[:50]}
"""
MARKED = TEST.replace('editable=["model.py"]', 'editable=["model.py"], analysis="rows"').replace(
    "race(line.folds)", "race(lambda split: line.folds(split)[:1])"
)
ANALYSIS = "def analyse(data):\n    print('mean of y', round(float(data['y'].mean()), 1))\n"


@dataclass
class Researcher:
    """Plays a script, then goes on with changes of its own; each answer has a usage of its own."""

    steps: list[Step] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    used: int = 0
    values: Any = field(default_factory=lambda: itertools.count(1))

    def play(self, request: Request) -> Reply:
        """The answer to a request; a report is written whenever it is asked for."""
        self.heard.append(request.last)
        if "tools" not in request.json:
            return self.priced(says("A report without a number in it."))
        step = self.steps.pop(0) if self.steps else self.offset
        reply = step if isinstance(step, Reply) else step(request)
        return self.priced(reply)

    def priced(self, reply: Reply) -> Reply:
        """The same answer, with other tokens than any before it."""
        if not reply.usage:
            return reply
        self.used += 1
        body = json.loads(reply.body or b"")
        body["usage"] = usage(1000 + 7 * self.used, 100 + self.used)
        text = json.dumps(body).encode()
        whole = reply.length is None
        return Reply(
            text if whole else text[: len(text) // 2],
            headers=reply.headers,
            length=None if whole else len(text),
            usage=body["usage"],
        )

    def offset(self, request: Request) -> Reply:
        """A change that makes the model no better."""
        value = f"{-2 - next(self.values)}.5"
        return propose(request, "OFFSET", value, f"offset {value}")


def propose(request: Request, name: str, value: str, description: str, after: str = "") -> Reply:
    """Set a constant of the champion as the briefing shows it."""
    shown = re.findall(rf"^{name} = .*$", str(request.messages[1]["content"]), re.MULTILINE)
    edit = {"path": "model.py", "search": shown[-1], "replace": f"{name} = {value}{after}"}
    return calls(
        (
            "propose",
            {
                "description": description,
                "hypothesis": "it fits better",
                "theme": name.lower(),
                "edits": [edit],
            },
        )
    )


def sets(name: str, value: str, description: str = "", after: str = "") -> Step:
    return lambda request: propose(request, name, value, description or f"{name} {value}", after)


SYNTAX = sets("SLOPE", "(", "syntax error")
READ = calls(("read_file", {"path": "model.py"}), ("note_lesson", {"text": "the slope is small"}))
LOOK = calls(("run_analysis", {"code": ANALYSIS, "question": "what is the mean of y?"}))
FROZEN = calls(
    (
        "propose",
        {
            "description": "cheat",
            "hypothesis": "",
            "files": [{"path": "test_line.py", "content": "x = 1\n"}],
        },
    )
)

SCRIPT: list[Step] = [
    says("ready"),
    *[READ, sets("SLOPE", "2.8", "steeper")],
    *[fails(429, "slow down", retry_after="0.05"), LOOK, sets("OFFSET", "0.95", "higher")],
    *[calls(("propose", "{bad")), sets("OFFSET", "-1.0")],
    *[fails(500, "oops"), sets("OFFSET", "-1.1")],
    *[hangs(), sets("OFFSET", "-1.2")],
    *[drops(), sets("OFFSET", "-1.3")],
    *[sets("OFFSET", "-1.4")],
    *[FROZEN, sets("OFFSET", "-1.5")],
    *[sets("OFFSET", "-1.4", "again"), sets("OFFSET", "-1.6")],
    *[SYNTAX, sets("OFFSET", "-1.7")],
    *[SYNTAX, SYNTAX, sets("SLOPE", "((", "syntax error to the end")],
    *[says("I wonder."), answer({"content": "", "refusal": "I cannot"}), sets("OFFSET", "-1.8")],
    *[says("no"), says("no"), says("no"), says("no")],
    sets("OFFSET", "'wide'", "crash"),
    *[cut(says("half an answer")), sets("OFFSET", "-1.9")],
]  # fmt: skip


@dataclass
class Night:
    """A search, the server that it talked to, and who sat behind it."""

    result: Result
    server: Server
    researcher: Researcher

    def spent(self) -> list[dict[str, Any]]:
        """What was paid: the last line of each call; one that an error answered has cost nothing."""
        lines = [dict(line) for line in self.result.lines if line["kind"] == "spent"]
        last = {line["call"] or line["seq"]: line for line in lines}.values()
        return [line for line in last if line["usd"] or line["tokens"]]

    def named(self, description: str) -> Record:
        (found,) = [one for one in self.result.records if one.description == description]
        return found


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    project = Project(
        tmp_path_factory.mktemp("llm") / "p",
        {"conftest.py": CONFTEST + QUICK, "test_line.py": MARKED},
    )
    researcher = Researcher(list(SCRIPT))
    with Server(otherwise=researcher.play) as server:
        command = project.command(
            *("--autoresearch-experiments", str(COUNT), "--autoresearch-allow-untrusted")
        )
        options = f"timeout=2&max_tokens=1000&input_cost={INPUT}&output_cost={OUTPUT}"
        agent = f"llm:openai/scripted?api_base={server.url}&{options}"
        command[command.index("--autoresearch-agent") + 1] = agent
        result = project.search(command=command, env={"OPENAI_API_KEY": KEY})
    assert result.returncode == 0, result.stdout + result.stderr
    return Night(result, server, researcher)


def test_every_experiment_was_made(night: Night) -> None:
    assert {one.experiment for one in night.result.experiments} == set(range(1, COUNT + 1))
    assert not night.researcher.steps


def test_the_good_patches_are_kept(night: Night) -> None:
    assert night.named("steeper").status is Status.KEPT
    assert night.named("higher").status is Status.KEPT


def test_bad_patches_end_as_they_should(night: Night) -> None:
    assert night.named("syntax error to the end").status is Status.CRASH
    assert night.named("crash").status is Status.CRASH
    assert not [
        one for one in night.result.records if one.description in ("cheat", "again", "syntax error")
    ]


def test_what_cannot_be_run_comes_back_with_the_reason(night: Night) -> None:
    told = "\n".join(night.researcher.heard)
    for reason in (
        "the arguments are no JSON",
        "it is refused: ",
        "it repeats experiment ",
        "was never closed",
        "You called no tool",
        "I cannot",
    ):
        assert reason in told, reason


def test_a_conversation_that_comes_to_nothing_is_an_item_of_its_own(night: Night) -> None:
    # A draft that was made on the champion of before may have been dropped, too.
    (skipped,) = [
        one
        for one in night.result.records
        if one.part is Part.SKIPPED and "conflicts" not in one.reason
    ]
    assert "4 answers could not be used" in skipped.reason + skipped.description


def test_the_analysis_was_run_and_heard(night: Night) -> None:
    (analysis,) = [one for one in night.result.records if one.part is Part.ANALYSIS]
    assert analysis.output.strip() == "mean of y 1.0"
    assert sum("mean of y 1.0" in one for one in night.researcher.heard) >= 1
    assert analysis.status is Status.ANALYSIS


def test_lessons_come_back_in_later_briefings(night: Night) -> None:
    assert night.named("steeper").lessons == ("the slope is small",)
    briefed = [one for one in night.server.requests if len(one.messages) == 2]
    assert "the slope is small" in str(briefed[-1].messages[1]["content"])


def price(used: Any) -> float:
    return float(used["prompt_tokens"] * INPUT + used["completion_tokens"] * OUTPUT) / 1e6


def test_every_answer_is_paid_for_once_to_the_cent(night: Night) -> None:
    spent = night.spent()
    known = [one["usd"] for one in spent if "counted as the most" not in one["what"]]
    answers = [price(one.usage) for one in night.server.replies if one.usage and one.length is None]
    # The last thought may have been cut short by the end of the search.
    ended = [one for one in spent if "ended" in one["what"]]
    assert known == pytest.approx(answers if not ended else answers[: len(known)])
    assert len(answers) - len(known) <= len(ended) <= 1
    lost = [one["what"] for one in spent if "counted as the most" in one["what"]]
    assert len(lost) - len(ended) == 3  # the hang, the dropped line and the answer that was cut


def test_the_sum_is_what_is_told(night: Night) -> None:
    total = sum(one["usd"] for one in night.spent())
    (status,) = night.result.folder.glob(".autoresearch/*/status.json")
    assert json.loads(status.read_text("utf-8"))["cost_usd"] == pytest.approx(total)
    paid = [one.cost_usd for one in night.result.records if one.cost_usd is not None]
    assert 0.8 * total < sum(paid) <= total * 1.000001


def test_every_byte_is_in_a_folder_of_what_it_led_to(night: Night) -> None:
    (agents,) = night.result.folder.glob(".autoresearch/*/agents")
    kept = list(agents.rglob("*"))
    sent = sorted(one.read_bytes() for one in kept if one.name.endswith("request.json"))
    assert sent == sorted(one.raw for one in night.server.requests)
    assert {f"{n:04}" for n in range(1, COUNT + 1)} <= {one.name for one in agents.iterdir()}
    assert (agents / "probe").is_dir()


def test_the_key_is_nowhere_but_in_the_header(night: Night) -> None:
    for request in night.server.requests:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert KEY.encode() not in request.raw
    (journal,) = night.result.folder.glob(".autoresearch/*/journal.jsonl")
    run = journal.parent
    files = [one for one in run.rglob("*") if one.is_file()]
    assert files
    assert not [one for one in files if KEY.encode() in one.read_bytes()]
