"""A search that has spent what it may ends well, tells what it cost everywhere, and can be gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.records import Status
from pytest_autoresearch.testing import CONFTEST, MODEL, Project, Result

PAID = """

from pytest_autoresearch import Proposal

class Paid:
    '''Steeper first, then one worse offset after the other; a quarter of a dollar each.'''

    def __init__(self):
        self.tried = 0

    def propose(self, briefing):
        text = briefing.editable["model.py"].decode()
        if self.tried:
            text = text.replace("OFFSET = 0.5", f"OFFSET = -{self.tried}.0")
        else:
            text = text.replace("SLOPE = 2.0", "SLOPE = 2.9")
        self.tried += 1
        return Proposal(files={"model.py": text}, description=f"try {self.tried}", cost_usd=0.25)

    def told(self, record):
        if record.agent == "paid":
            self.tried = max(self.tried, record.experiment)

def pytest_autoresearch_make_agent(config, spec):
    return Paid() if spec == "paid" else None
"""
NOTIFY = "autoresearch_notify=sh -c 'cat >> told.jsonl'"


def search(project: Project, *arguments: str) -> Result:
    asked = project.command("--autoresearch-allow-untrusted", "-o", NOTIFY, *arguments)
    return project.search(command=["paid" if "replay:" in word else word for word in asked])


def told(project: Project) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (project.folder / "told.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("capped") / "p", {"conftest.py": CONFTEST + PAID})


@pytest.fixture(scope="module")
def capped(project: Project) -> Result:
    """A dollar is enough for four proposals."""
    return search(project, "--autoresearch-max-cost", "1")


def test_it_exits_with_0_and_is_not_finished(capped: Result) -> None:
    assert capped.returncode == 0, capped.stdout + capped.stderr
    assert [one.status for one in capped.experiments] == [Status.KEPT] + 3 * [Status.DISCARD]
    closed = capped.lines[-1]
    assert (closed["kind"], closed["finished"]) == ("closed", False)
    assert str(closed["reason"]).startswith("the cost cap is reached: agent paid: ")


def test_every_payment_is_in_the_journal_and_in_its_experiment(capped: Result) -> None:
    paid = [line for line in capped.lines if line["kind"] == "spent"]
    assert [(line["agent"], line["usd"]) for line in paid] == 4 * [("paid", 0.25)]
    assert [one.cost_usd for one in capped.experiments] == 4 * [0.25]
    session = next(line for line in capped.lines if line["kind"] == "session")
    assert session["cap_usd"] == 1.0


def test_the_summary_tells_the_cost(capped: Result) -> None:
    line = "agents cost 1.00 of 1 USD: 0.25 an experiment, 1.00 a keep"
    assert line in capped.stdout.splitlines()


def test_the_xml_and_the_status_tell_the_cost(capped: Result, project: Project) -> None:
    assert capped.properties("test_line[0001]")["autoresearch.cost_usd"] == "0.25"
    assert '<property name="autoresearch.cost" value="1.0"' in capped.xml.read_text()
    [path] = project.folder.glob(".autoresearch/*/status.json")
    status = json.loads(path.read_text())
    assert (status["cost_usd"], status["cap_usd"], status["needs_person"]) == (1.0, 1.0, False)


def test_a_persons_command_is_told_from_start_to_end(capped: Result, project: Project) -> None:
    assert capped.returncode == 0
    events = told(project)
    names = [event["event"] for event in events]
    assert (names[0], names[-1]) == ("started", "ended")
    assert [event["share"] for event in events if event["event"] == "cost"] == [0.5, 0.9, 1.0]
    assert names.index("first_results") < names.index("kept")
    assert [name for name in names if name != "cost"] == [
        "started",
        "first_results",
        "kept",
        "ended",
    ]
    last = events[-1]
    assert (last["kept"], last["tried"], last["cost_usd"], last["cap_usd"]) == (1, 4, 1.0, 1.0)
    assert last["champion"] < last["baseline"]
    assert "the cost cap is reached" in last["reason"]
    kept = events[names.index("kept")]
    assert (kept["experiment"], kept["description"], kept["metric"]) == (1, "try 1", "rmse")
    assert MODEL.strip() not in json.dumps(events)


def test_the_shown_run_tells_the_cost(capped: Result, project: Project) -> None:
    name = str(capped.lines[0]["name"])
    shown = project.pytest(f"--autoresearch-show={name}").stdout
    assert "agents cost 1.00 of 1 USD" in shown


def test_it_goes_on_with_a_larger_cap_and_tells_no_share_twice(
    capped: Result, project: Project
) -> None:
    (project.folder / "told.jsonl").unlink()
    more = search(project, "--autoresearch-max-cost", "1.30")
    assert more.returncode == 0, more.stdout + more.stderr
    assert len(more.experiments) == 5
    assert "agents cost 1.25 of 1.3 USD" in more.stdout
    shares = [event["share"] for event in told(project) if event["event"] == "cost"]
    assert shares == [0.9, 1.0]
    assert len(capped.lines) < len(more.lines)


def test_at_the_cap_an_agent_that_costs_nothing_goes_on(tmp_path: Path) -> None:
    made = Project(tmp_path / "p", {"conftest.py": CONFTEST + PAID})
    made.replace("OFFSET = 0.5", "OFFSET = -8.0")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0")
    asked = made.command("--autoresearch-allow-untrusted", "--autoresearch-max-cost", "0.25")
    at = asked.index("--autoresearch-agent")
    result = made.search(command=[*asked[:at], "--autoresearch-agent", "paid", *asked[at:]])
    assert result.returncode == 0, result.stdout + result.stderr
    agents = [one.agent.partition(":")[0] for one in result.experiments]
    assert agents == ["paid", "replay", "replay"]
