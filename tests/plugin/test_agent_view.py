"""Nothing that the frozen test raises, prints or logs reaches an agent; a person gets all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_autoresearch.records import Status
from pytest_autoresearch.testing import CONFTEST, TEST, Project, Result

LABEL = "label-5ecret-77"
SPY = """

import logging, os, sys

class Spy:
    def __init__(self):
        self.slopes = ["2.9", "20.0", "88.0"]

    def write(self, *told):
        with open(LOG, "a") as file:
            file.write(repr(told) + "\\n")

    def propose(self, briefing):
        self.write(briefing)
        if not self.slopes:
            return None
        text = briefing.editable["model.py"].decode()
        slope = self.slopes.pop(0)
        lines = [f"SLOPE = {slope}" if l.startswith("SLOPE =") else l for l in text.splitlines()]
        return pytest_autoresearch.Proposal(files={"model.py": "\\n".join(lines) + "\\n"})

    def told(self, record):
        self.write(record)

def pytest_autoresearch_make_agent(config, spec):
    return Spy() if spec == "spy" else None
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, str]:
    folder = tmp_path_factory.mktemp("spied")
    log = folder / "told.txt"
    conftest = "import pytest_autoresearch\n" + CONFTEST + SPY.replace("LOG", repr(str(log)))
    scoring = "        experiment.score("
    assert scoring in TEST
    crash = (
        "        largest = float(np.abs(error).max())\n"
        f"        print('{LABEL} printed', file=sys.stderr)\n"
        f"        logging.getLogger().error('{LABEL} logged')\n"
        "        if largest > 120:\n"
        f"            raise ValueError('{LABEL} in a message')\n"
        "        if largest > 15:\n"
        f"            experiment.score('{LABEL} as a score')\n"
    )
    test = "import logging, sys\n" + TEST.replace(scoring, crash + scoring)
    made = Project(folder / "p", {"conftest.py": conftest, "test_line.py": test})
    asked = made.command("--autoresearch-allow-untrusted")
    result = made.search(command=["spy" if "replay:" in word else word for word in asked])
    assert result.returncode == 0, result.stdout + result.stderr
    return result, log.read_text("utf-8")


def test_an_agent_is_told_the_type_of_what_the_frozen_test_raised(
    searched: tuple[Result, str],
) -> None:
    result, told = searched
    crashed = [one for one in result.experiments if one.status is Status.CRASH]
    assert crashed, result.stdout + result.stderr
    assert LABEL not in told
    assert "ValueError: raised by the frozen test, whose words are for people only" in told


def test_a_person_reads_what_was_raised(searched: tuple[Result, str]) -> None:
    result, _ = searched
    reasons = [one.reason for one in result.experiments]
    assert f"ValueError: {LABEL} in a message" in reasons
    assert f"experiment.score() was given '{LABEL} as a score', not a real number" in reasons
    assert f"{LABEL} in a message" in result.xml.read_text("utf-8")


def test_no_seed_and_no_file_but_the_champions_is_told(searched: tuple[Result, str]) -> None:
    result, told = searched
    seeds = {one.seed for record in result.experiments for one in record.passes}
    assert seeds
    assert not [seed for seed in seeds if str(seed) in told]
    assert "def test_line" not in told
    assert str(Path(result.xml).parent) not in told
