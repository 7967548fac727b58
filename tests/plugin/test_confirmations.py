"""A win is committed once it holds in the confirm tests of its objective."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from pytest_autoresearch.records import Status
from pytest_autoresearch.testing import CONFTEST, MODEL, TEST, Project, Result

CONFIRM = """

@pytest.mark.timeout(20)
@pytest.mark.autoresearch(of="test_line", stage="confirm")
def test_line_{name}(candidate, experiment, line):
    for fold in experiment.race(line.folds):
        model = candidate.fit(fold.train_X, fold.train_y)
        error = model.predict({factor} * fold.test_X) - {factor} * (fold.test_y - 1) - 1
        experiment.score(float(np.sqrt(np.mean(error**2))))
    assert experiment.improves
"""
LARGER, LARGEST = (
    CONFIRM.format(name=f"larg{end}", factor=f) for end, f in (("er", 2), ("est", 3))
)
BENT = MODEL.replace("return SLOPE * X[:, 0]", "return 2.9 * X[:, 0].clip(-3, 3)")
"""Better where the search looks, and flat beyond."""


def project(folder: Path, *stages: str, conftest: str = CONFTEST) -> Project:
    text = TEST + "".join(stages)
    return Project(folder / "p", {"test_line.py": text, "conftest.py": conftest})


def ends(result: Result, number: int) -> list[tuple[str, Status]]:
    """How an experiment ended in each test, in order."""
    found = [record for record in result.records if record.item == f"{number:04d}"]
    return [(record.stage, record.status) for record in found]


def champion(made: Project, result: Result) -> str:
    name = result.lines[0]["name"]
    return str(
        pygit2.Repository(str(made.root)).references[f"refs/heads/autoresearch/{name}"].target
    )


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Result]:
    """A search with a win that holds, one that does not, and a loss."""
    made = project(tmp_path_factory.mktemp("confirmed"), LARGEST)
    made.add_patch(made.diff("model.py", MODEL, BENT), "bent")
    made.replace("SLOPE = 2.0", "SLOPE = 1.0", description="flatter")
    made.replace("SLOPE = 2.0", "SLOPE = 2.8", description="steeper")
    result = made.search()
    assert result.returncode == 0, result.stdout + result.stderr
    return made, result


def test_a_win_is_kept_once_it_holds(confirmed: tuple[Project, Result]) -> None:
    made, result = confirmed
    assert ends(result, 3) == [("", Status.WON), ("test_line_largest", Status.KEPT)]
    kept = next(record for record in result.records if record.status is Status.KEPT)
    commit = pygit2.Repository(str(made.root))[champion(made, result)]
    assert isinstance(commit, pygit2.Commit)
    assert str(commit.id) == kept.commit
    assert commit.message.startswith("line 3: steeper (rmse ")
    assert result.testcases["test_line_largest[0003]"].find("skipped") is None
    properties = result.properties("test_line_largest[0003]")
    assert properties["autoresearch.status"] == "KEPT"
    assert properties["autoresearch.commit"] == kept.commit[:7]


def test_a_win_that_does_not_hold_is_rejected(confirmed: tuple[Project, Result]) -> None:
    _made, result = confirmed
    assert ends(result, 1) == [("", Status.WON), ("test_line_largest", Status.DISCARD)]
    last = next(r for r in result.records if r.stage and r.status is Status.DISCARD)
    assert last.reason.startswith("test_line_largest: rmse ")
    won = result.testcases["test_line[0001]"].find("skipped")
    assert won is not None
    assert won.get("message", "").startswith("won: rmse ")


def test_the_confirmation_is_the_next_item(confirmed: tuple[Project, Result]) -> None:
    names = list(confirmed[1].testcases)
    for number in ("0001", "0003"):
        at = names.index(f"test_line[{number}]")
        assert names[at + 1] == f"test_line_largest[{number}]"


def test_what_loses_the_race_is_not_confirmed(confirmed: tuple[Project, Result]) -> None:
    assert ends(confirmed[1], 2) == [("", Status.DISCARD)]


def test_an_experiment_has_one_row_with_its_end(confirmed: tuple[Project, Result]) -> None:
    _made, result = confirmed
    table = next(result.folder.glob(".autoresearch/*/results.tsv")).read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines()[1:]]
    assert [row[3] for row in rows] == ["baseline", "discard", "discard", "keep"]
    won = next(
        record for record in result.records if record.status is Status.WON and not record.stage
    )
    assert float(rows[won.experiment or 0][1]) == pytest.approx(won.score)
    assert "1 kept of 3 experiments" in result.stdout


def test_the_champion_is_measured_in_the_stage_by_the_same_passes(
    confirmed: tuple[Project, Result],
) -> None:
    records = [record for record in confirmed[1].records if record.stage and record.experiment == 0]
    measured = [record for record in records if record.status is Status.MEASURED]
    assert [record.item for record in measured] == ["0000-reference", "0000-reference-2"]
    assert [one.split for record in measured for one in record.passes] == [0, 0, 1]


def test_agents_are_told_of_an_experiment_once_by_its_end(tmp_path: Path) -> None:
    telling = CONFTEST + (
        "\n\nclass Agent:\n    def propose(self, briefing):\n"
        "        if briefing.experiments_left == 0: return None\n"
        "        from pytest_autoresearch import Proposal\n"
        "        old = briefing.editable['model.py'].decode()\n"
        "        self.at = getattr(self, 'at', 0) + 1\n"
        "        new = old.replace('SLOPE = 2.0', ('SLOPE = 2.8', 'SLOPE = 1.0')[self.at - 1])\n"
        "        return Proposal(files={'model.py': new})\n"
        "    def told(self, record):\n"
        "        with open('told', 'a') as file:\n"
        "            file.write(f'{record.item} {record.status.name} {record.stage!r}\\n')\n\n"
        "def pytest_autoresearch_make_agent(config, spec):\n"
        "    return Agent() if spec == 'mine' else None\n"
    )
    made = project(tmp_path, LARGER, conftest=telling)
    command = made.command("--autoresearch-allow-untrusted", "--autoresearch-experiments", "1")
    command[command.index("--autoresearch-agent") + 1] = "mine"
    result = made.search(command=command)
    assert result.returncode == 0, result.stdout + result.stderr
    told = (made.folder / "told").read_text("utf-8").splitlines()
    assert told == ["0000 BASELINE ''", "0000-calibration MEASURED ''", "0001 KEPT ''"]


def test_several_stages_are_passed_in_the_order_of_the_file(tmp_path: Path) -> None:
    made = project(tmp_path, LARGER, LARGEST)
    made.replace("SLOPE = 2.0", "SLOPE = 2.8", description="steeper")
    result = made.search()
    assert result.returncode == 0, result.stdout + result.stderr
    assert ends(result, 1) == [
        ("", Status.WON),
        ("test_line_larger", Status.WON),
        ("test_line_largest", Status.KEPT),
    ]


STOPPING = (
    CONFTEST
    + """

def pytest_runtest_call(item):
    import os
    if item.name == "test_line_larger[0001]" and os.environ.get("STOP_NOW") == "signal":
        raise KeyboardInterrupt
    if item.name == "test_line_larger[0001]" and os.environ.get("STOP_NOW") == "kill":
        os._exit(9)
"""
)


@pytest.mark.parametrize("how", ["signal", "kill"])
def test_a_confirmation_that_was_cut_short_comes_first_in_the_next_session(
    tmp_path: Path, how: str
) -> None:
    made = project(tmp_path, LARGER, conftest=STOPPING)
    made.replace("SLOPE = 2.0", "SLOPE = 2.8", description="steeper")
    limit = ("--autoresearch-experiments", "1")
    first = made.search(*limit, env={"STOP_NOW": how})
    assert first.returncode == (2 if how == "signal" else 9), first.stdout + first.stderr
    second = made.search(*limit)
    assert second.returncode == 0, second.stdout + second.stderr
    assert list(second.testcases) == ["test_line_larger[0001]"]
    races = [r for r in second.records if r.item == "0001" and not r.stage]
    assert [record.status for record in races] == [Status.WON]
    assert ends(second, 1)[-1] == ("test_line_larger", Status.KEPT)


FRAGILE = (
    CONFTEST
    + """

@pytest.fixture
def line_then():
    import os, pathlib
    seen = pathlib.Path("seen")
    calls = int(seen.read_text()) if seen.exists() else 0
    seen.write_text(str(calls + 1))
    if calls in (2, 3) and os.environ.get("FRAGILE") == "twice":
        raise OSError("the disk is away")
    if calls >= 2 and os.environ.get("FRAGILE") == "always":
        raise OSError("the disk is away")
    return Line()
"""
)


@pytest.mark.parametrize(("fragile", "failures"), [("twice", 2), ("always", 3)])
def test_a_win_survives_faults_of_its_confirmation(
    tmp_path: Path, fragile: str, failures: int
) -> None:
    """Faults are ours: the confirmation is made again, and where it never succeeds the search ends."""
    stage = LARGER.replace("line)", "line_then)").replace("line.f", "line_then.f")
    made = project(tmp_path, stage, conftest=FRAGILE)
    made.replace("SLOPE = 2.0", "SLOPE = 2.8", description="steeper")
    result = made.search(env={"FRAGILE": fragile})
    assert result.returncode == 1
    xml = [name for name in result.testcases if name == "test_line_larger[0001]"]
    assert xml
    last = ends(result, 1)[-1]
    if fragile == "always":
        assert last == ("test_line_larger", Status.FAILED)
        assert "the search cannot go on" in result.stdout
        result = made.search()
    assert [status for _, status in ends(result, 1)].count(Status.FAILED) == failures
    assert ends(result, 1)[-1] == ("test_line_larger", Status.KEPT)


RAISING = LARGER.replace(
    "    assert experiment.improves",
    "    if __import__('pathlib').Path('broken').exists():\n        raise ValueError('boom')\n"
    "    assert experiment.improves",
)
BREAKING = (
    CONFTEST
    + """

def pytest_autoresearch_experiment_finished(record):
    import pathlib
    if record.stage and record.item == "0000-reference-2":
        pathlib.Path("broken").write_text("")
"""
)


def test_a_confirm_test_that_raises_for_every_winner_makes_the_champion_run_again(
    tmp_path: Path,
) -> None:
    made = project(tmp_path, RAISING, conftest=BREAKING)
    for slope in ("2.6", "2.7", "2.8", "2.9"):
        made.replace("SLOPE = 2.0", f"SLOPE = {slope}", description=slope)
    result = made.search()
    assert result.returncode == 1
    assert [status for stage, status in ends(result, 3) if stage] == [Status.CRASH]
    assert ends(result, 4) == []
    last = result.records[-1]
    assert (last.stage, last.status) == ("test_line_larger", Status.FAILED)


def test_the_commit_of_a_confirmed_win_tells_the_objectives_score(
    confirmed: tuple[Project, Result],
) -> None:
    made, result = confirmed
    commit = pygit2.Repository(str(made.root))[champion(made, result)]
    assert isinstance(commit, pygit2.Commit)
    won = next(r for r in result.records if r.experiment == 3 and r.status is Status.WON)
    assert f"(rmse {won.score:.4f}, {won.delta:+.4f})" in commit.message.splitlines()[0]
    assert f"Autoresearch-Metric: rmse {won.score!r}" in commit.message


def test_a_run_is_rebuilt_from_its_refs_with_its_confirmations(
    tmp_path: Path, confirmed: tuple[Project, Result]
) -> None:
    made = project(tmp_path, LARGER)
    made.replace("SLOPE = 2.0", "SLOPE = 2.8", description="steeper")
    result = made.search()
    before = [line for line in result.lines if line["kind"] == "finished"]
    journal = next(made.folder.glob(".autoresearch/*/journal.jsonl"))
    journal.rename(tmp_path / "away")
    made.replace("OFFSET = 0.5", "OFFSET = 0.9", description="higher")
    again = made.search(
        "--autoresearch-run", str(result.lines[0]["name"]), "--autoresearch-experiments", "2"
    )
    assert again.returncode == 0, again.stdout + again.stderr
    lines = [line for line in again.lines if line["kind"] == "finished"]
    assert lines[: len(before)] == before
    assert ends(again, 2)[-1] == ("test_line_larger", Status.KEPT)


def test_a_stage_without_noise_needs_a_lead_in_one_pass(tmp_path: Path) -> None:
    """One list of folds, no say of the seed: there is nothing that could be luck."""
    steady = {"model.py": MODEL.replace("scale=0.01", "scale=0.0")}
    text = TEST + LARGER.replace("line.folds)", "line.folds(0))")
    made = Project(tmp_path / "p", {"test_line.py": text, **steady})
    made.replace("SLOPE = 2.0", "SLOPE = 2.8", description="steeper")
    result = made.search()
    assert ends(result, 1)[-1] == ("test_line_larger", Status.KEPT)
    confirmed = next(record for record in result.records if record.item == "0001" and record.stage)
    assert len(confirmed.passes) == 1


def test_a_champion_that_fails_in_a_stage_ends_the_search(tmp_path: Path) -> None:
    broken = LARGER.replace("    assert experiment.improves", "    raise ValueError('no data')")
    made = project(tmp_path, broken)
    made.replace("SLOPE = 2.0", "SLOPE = 2.8", description="steeper")
    result = made.search()
    assert result.returncode == 1
    assert "the search cannot go on: ValueError: no data" in result.stdout
