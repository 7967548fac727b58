"""What CI reads: node ids, testcases, properties, the step summary and exit codes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.report import status as words
from pytest_autoresearch.testing import CONFTEST, MODEL, TEST, Project, Result

# Design 5: word, letter, results.tsv, pytest's outcome.
TABLE = {
    Status.BASELINE: ("BASELINE", "b", "baseline", "passed"),
    Status.MEASURED: ("MEASURED", "m", "", "passed"),
    Status.KEPT: ("KEPT", "+", "keep", "passed"),
    Status.WON: ("WON", "^", "won", "xfailed"),
    Status.DISCARD: ("REJECTED", "-", "discard", "xfailed"),
    Status.STOPPED: ("REJECTED", "-", "stopped", "xfailed"),
    Status.CRASH: ("REJECTED", "-", "crash", "xfailed"),
    Status.TIMEOUT: ("REJECTED", "-", "timeout", "xfailed"),
    Status.OOM: ("REJECTED", "-", "oom", "xfailed"),
    Status.REFUSED: ("REJECTED", "-", "refused", "xfailed"),
    Status.AUDIT: ("REJECTED", "-", "audit", "xfailed"),
    Status.STALE: ("STALE", "~", "stale", "xfailed"),
    Status.ANALYSIS: ("ANALYSIS", "a", "", "skipped"),
    Status.SKIPPED: ("SKIPPED", "s", "", "skipped"),
    Status.INTERRUPTED: ("INTERRUPTED", "i", "interrupted", "skipped"),
    Status.FAILED: ("FAILED", "F", "failed", "failed"),
}


def test_the_statuses_are_the_tables() -> None:
    assert {s: (s.word, s.letter, s.tsv, s.outcome) for s in Status} == TABLE


@pytest.mark.parametrize("status", list(Status))
def test_the_category_is_the_word_in_lower_case(status: Status) -> None:
    category, letter, (word, _markup) = words.teststatus(status)
    assert (category, letter, word) == (status.word.lower(), status.letter, status.word)


LOGGING = TEST.replace(
    "        experiment.score(",
    "        experiment.log(bias=float(error.mean()), rows=len(error))\n        experiment.score(",
)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("junit") / "p", {"test_line.py": LOGGING})
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper\n\nIt was too flat.")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    made.replace("OFFSET = 0.5", "OFFSET = 7.0", description="worse <&> \x1b[31m too")
    made.add_patch(made.diff("model.py", MODEL, MODEL.replace("SLOPE = 2.0", "SLOPE = 2.9")))
    return made


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("summary") / "step.md"


@pytest.fixture(scope="module")
def result(project: Project, summary: Path) -> Result:
    return project.search("-v", env={"GITHUB_STEP_SUMMARY": str(summary)})


def record(result: Result, item: str) -> Record:
    return next(record for record in result.records if record.item == item)


def test_the_search_is_as_expected(result: Result) -> None:
    assert result.returncode == 0, result.stdout + result.stderr
    found = [(r.item, r.status.word) for r in result.records]
    assert found == [
        ("0000", "BASELINE"),
        ("0000-calibration", "MEASURED"),
        ("0001", "KEPT"),
        ("0001-reference", "MEASURED"),
        ("0002", "REJECTED"),
        ("0003", "REJECTED"),
        ("s0001", "SKIPPED"),
    ]


def test_each_evaluation_is_a_testcase_and_a_line_with_its_word(result: Result) -> None:
    assert list(result.testcases) == [f"test_line[{r.item}]" for r in result.records]
    for one in result.records:
        assert f"test_line.py::test_line[{one.item}] {one.status.word}" in result.stdout
    assert "1 skipped, 1 baseline, 2 measured, 1 kept, 2 rejected" in result.stdout


def test_a_duplicate_takes_no_number_and_names_what_it_repeats(result: Result) -> None:
    skipped = result.testcases["test_line[s0001]"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "repeats experiment 1"
    assert skipped.get("type") == "pytest.skip"
    found = result.properties("test_line[s0001]")
    assert "autoresearch.experiment" not in found
    assert found["autoresearch.status"] == "SKIPPED"


def test_a_kept_testcase_has_every_property_of_its_record(result: Result) -> None:
    kept = record(result, "0001")
    found = result.properties("test_line[0001]")
    plain = {
        "experiment": "1", "status": "KEPT", "reason": kept.reason, "metric": "rmse",
        "direction": "minimize", "passes": str(len(kept.passes)), "commit": kept.commit[:7],
        "base": kept.base[:7], "agent": kept.agent, "description": "steeper",
        "hypothesis": "It was too flat.", "isolation": "none",
    }  # fmt: skip
    assert {name: found[f"autoresearch.{name}"] for name in plain} == plain
    numbers = {
        "score": kept.score, "champion": kept.champion, "delta": kept.delta, "z": kept.z,
        "fit_seconds": kept.fit_seconds, "seconds": kept.seconds, "peak_memory_mb": kept.peak_memory_mb,
        "log.bias": kept.log["bias"], "log.rows": kept.log["rows"],
    }  # fmt: skip
    for name, value in numbers.items():
        assert float(found[f"autoresearch.{name}"]) == pytest.approx(value)
    absent = {"origin", "theme", "peak_gpu_memory_mb", "cost_usd", "trust"}
    assert set(found) == {f"autoresearch.{name}" for name in {*plain, *numbers}}
    assert not {f"autoresearch.{name}" for name in absent} & set(found)


def test_what_the_numbers_mean(result: Result) -> None:
    kept, worse = record(result, "0001"), record(result, "0002")
    assert kept.score is not None
    assert kept.score == pytest.approx(sum(kept.passes[0].scores) / 3)
    for one in (kept, worse):
        assert one.score is not None
        assert one.champion is not None
        assert one.delta == pytest.approx(one.score - one.champion)
    assert kept.delta is not None
    assert kept.delta < 0
    assert kept.z is not None
    assert kept.z > 0
    assert worse.z is not None
    assert worse.z < 0


def test_what_was_not_measured_is_absent(result: Result) -> None:
    found = result.properties("test_line[0000]")
    missing = {"champion", "delta", "z", "origin", "description", "hypothesis", "reason"}
    assert not {f"autoresearch.{name}" for name in missing} & set(found)
    assert "autoresearch.score" in found


def test_a_rejection_says_why_as_message_and_as_output(result: Result) -> None:
    case = result.testcases["test_line[0002]"]
    skipped, output = case.find("skipped"), case.find("system-out")
    assert skipped is not None
    assert output is not None
    reason = record(result, "0002").reason
    assert skipped.get("type") == "pytest.xfail"
    assert skipped.get("message") == output.text == f"rejected: {reason}"
    assert result.testcases["test_line[0001]"].find("system-out") is None


def test_the_suite_has_the_runs_totals(result: Result) -> None:
    suite = next(ET.parse(result.xml).iter("testsuite"))
    properties = suite.find("properties")
    assert properties is not None
    found = {one.get("name"): one.get("value") for one in properties}
    name = str(result.lines[0]["name"])
    assert found["autoresearch.run"] == name
    assert found["autoresearch.branch"] == f"autoresearch/{name}"
    assert found["autoresearch.kept"] == "1"
    assert found["autoresearch.tried"] == "3"
    assert float(found["autoresearch.champion"] or 0) < float(found["autoresearch.baseline"] or 0)
    assert suite.get("skipped") == "3"
    assert suite.get("failures") == suite.get("errors") == "0"


def test_the_step_summary_has_a_table(result: Result, summary: Path) -> None:
    text = summary.read_text("utf-8")
    assert text.startswith("### line: rmse ")
    assert "| 1 |" in text
    assert "git merge autoresearch/" in text


def test_the_journals_line_is_the_record(result: Result) -> None:
    lines = [line for line in result.lines if line["kind"] == "finished"]
    for line in lines:
        again = json.loads(json.dumps(Record.from_json(line).to_json()))
        assert {key: line[key] for key in again} == again


# Exit codes


def test_a_baseline_that_fails_is_1_and_red(tmp_path: Path) -> None:
    broken = MODEL.replace("return SLOPE", "return SLOPPY")
    made = Project(tmp_path / "p", {"model.py": broken})
    result = made.pytest("--autoresearch", "--junitxml", str(made.xml))
    assert result.returncode == 1
    assert [(r.part, r.status) for r in result.records] == [(Part.BASELINE, Status.FAILED)]
    assert result.testcases["test_line[0000]"].find("failure") is not None
    assert "name 'SLOPPY' is not defined" in result.stdout
    assert result.properties("test_line[0000]")["autoresearch.status"] == "FAILED"


def test_a_frozen_fixture_that_fails_at_set_up_is_an_error_and_1(tmp_path: Path) -> None:
    made = Project(
        tmp_path / "p", {"conftest.py": CONFTEST.replace("return Line()", "raise OSError('gone')")}
    )
    result = made.pytest("--autoresearch", "--junitxml", str(made.xml))
    assert result.returncode == 1
    assert result.testcases["test_line[0000]"].find("error") is not None
    assert "set-up failed: OSError: gone" in result.records[0].reason


SAME = """
class Same:
    def propose(self, briefing):
        from pytest_autoresearch import Proposal
        text = briefing.editable["model.py"].decode()
        return Proposal(files={"model.py": text})
    def told(self, record): pass

class Broken(Same):
    def propose(self, briefing):
        if len(briefing.records) > 2:
            raise ConnectionError("the key was revoked")
        from pytest_autoresearch import Proposal
        text = briefing.editable["model.py"].decode()
        return Proposal(files={"model.py": text.replace("SLOPE = 2.0", "SLOPE = 2.9")})

class Deaf(Same):
    def told(self, record):
        raise ValueError("cannot hear")

class Odd(Same):
    def propose(self, briefing):
        return "a patch"

def pytest_autoresearch_make_agent(config, spec):
    if spec == "unmade":
        raise ImportError("no such library")
    kinds = {"same": Same, "broken": Broken, "deaf": Deaf, "odd": Odd}
    return kinds[spec]() if spec in kinds else None
"""


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("agents") / "p", {"conftest.py": CONFTEST + SAME})


def by(project: Project, agent: str, *more: str) -> Result:
    options = ("--autoresearch-agent", agent, "--autoresearch-run", agent, *more)
    return project.pytest("--autoresearch", "--junitxml", str(project.xml), *options)


ALLOWED = "--autoresearch-allow-untrusted"


def test_an_agent_of_others_may_not_commit_without_walls(agents: Project) -> None:
    result = by(agents, "same", "--autoresearch-isolation", "none")
    assert result.returncode == 4
    assert ALLOWED in result.stderr
    assert not (agents.folder / ".autoresearch").exists()


def test_an_agent_that_breaks_is_1_and_keeps_what_it_has(agents: Project) -> None:
    result = by(agents, "broken", ALLOWED)
    assert result.returncode == 1
    assert [r.status for r in result.experiments] == [Status.KEPT]
    assert "exit 1: agent broken raised ConnectionError: the key was revoked" in result.stdout
    assert result.lines[-1]["finished"] is False


def test_an_agent_that_repeats_itself_for_ever_is_stopped(agents: Project) -> None:
    result = by(agents, "same", ALLOWED)
    assert result.returncode == 1
    assert [r.item for r in result.records][-1] == "s0050"
    assert "exit 1: agent same repeated earlier experiments 50 times" in result.stdout


def test_an_agent_that_cannot_be_told_is_stopped_with_the_result_written(agents: Project) -> None:
    result = by(agents, "deaf", ALLOWED)
    assert result.returncode == 1
    assert [r.status for r in result.records] == [Status.BASELINE]
    assert "raised ValueError when it was told of [0000]: cannot hear" in result.stdout
    assert "test_line[0000]" in result.testcases
    assert by(agents, "deaf", ALLOWED).returncode == 1


def test_an_agent_that_proposes_nonsense_is_named(agents: Project) -> None:
    result = by(agents, "odd", ALLOWED)
    assert result.returncode == 1
    assert "agent odd proposed a str" in result.stdout


def test_an_agent_that_cannot_be_made_is_4(agents: Project) -> None:
    result = by(agents, "unmade", ALLOWED)
    assert result.returncode == 4
    assert "--autoresearch-agent unmade: it could not be made: ImportError" in result.stderr
