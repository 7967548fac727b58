"""The vault is opened at a session's end, a few times a run; no agent and no file of the search knows of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import fmean
from typing import Any

import pygit2
import pytest

from pytest_autoresearch.records import Part
from pytest_autoresearch.testing import CONFTEST, TEST, Project, Result

VAULT = """

@pytest.mark.timeout(20)
@pytest.mark.autoresearch(of="test_line", stage="vault")
def test_line_vault(candidate, experiment, line):
    for fold in experiment.race(line.folds):
        model = candidate.fit(fold.train_X, fold.train_y)
        error = model.predict(fold.test_X) - fold.test_y
        experiment.score(1000 + float(np.sqrt(np.mean(error**2))))
"""
BETTER = ("SLOPE = 2.5", "SLOPE = 2.7", "SLOPE = 2.8", "SLOPE = 2.9")
WATCHING = (
    CONFTEST
    + """

def _files(folder):
    import pathlib
    return [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]


class Agent:
    slopes = ["SLOPE = 2.5", "SLOPE = 2.7", "SLOPE = 2.8", "SLOPE = 2.9"]

    def propose(self, briefing):
        import pathlib
        from pytest_autoresearch import Proposal
        if pathlib.Path("dead").exists():
            raise ValueError("the agent is dead")
        with open("seen", "a") as file:
            file.write(repr(briefing) + "\\n")
            # What this session has written, also what git was given.
            for path in _files("."):
                written = path.stat().st_mtime_ns > pathlib.Path("began").stat().st_mtime_ns
                if written and path.name != "seen":
                    file.write(f"{path}: {_text(path)}\\n")
        old = briefing.editable["model.py"].decode()
        now = next(line for line in old.splitlines() if line.startswith("SLOPE"))
        slope = self.slopes[self.slopes.index(now) + 1 if now in self.slopes else 0]
        return Proposal(files={"model.py": old.replace(now, slope)})

    def told(self, record):
        with open("seen", "a") as file:
            file.write(repr(record) + "\\n")


def _text(path):
    import zlib
    content = path.read_bytes()
    try:
        content = zlib.decompress(content)
    except zlib.error:
        pass
    return repr(content)


def pytest_autoresearch_make_agent(config, spec):
    return Agent() if spec == "mine" else None


def pytest_autoresearch_experiment_finished(record):
    with open("seen", "a") as file:
        file.write(repr(record) + "\\n")


def pytest_configure(config):
    import pathlib
    pathlib.Path("began").write_text("")
"""
)


def project(folder: Path, vault: str = VAULT, conftest: str = CONFTEST) -> Project:
    return Project(folder / "p", {"test_line.py": TEST + vault, "conftest.py": conftest})


def experiments(made: Project, count: int, *more: str) -> Result:
    """A session of the agent in `WATCHING`."""
    command = made.command(
        "--autoresearch-allow-untrusted", "--autoresearch-experiments", str(count), *more
    )
    command[command.index("--autoresearch-agent") + 1] = "mine"
    return made.search(command=command)


def ledger(result: Result) -> list[dict[str, Any]]:
    path = next(result.folder.glob(".autoresearch/*/vault.json"))
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return found


def opened(result: Result) -> list[str]:
    return [name for name in result.testcases if name.startswith("test_line_vault")]


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Result]:
    """One session that keeps two patches."""
    made = project(tmp_path_factory.mktemp("looked"))
    for words in ("SLOPE = 2.5", "SLOPE = 1.0"):
        made.replace("SLOPE = 2.0", words, description=words)
    made.replace("OFFSET = 0.5", "OFFSET = 0.9", description="higher")
    result = made.search()
    assert result.returncode == 0, result.stdout + result.stderr
    return made, result


def test_a_session_that_kept_something_looks_once_at_its_end(
    looked: tuple[Project, Result],
) -> None:
    names = list(looked[1].testcases)
    assert names[-2:] == ["test_line_vault[0000]", "test_line_vault[0003]"]
    assert len(opened(looked[1])) == 2
    assert looked[1].testcases["test_line_vault[0003]"].find("skipped") is None
    assert looked[1].properties("test_line_vault[0003]")["autoresearch.status"] == "MEASURED"


def test_baseline_and_champion_are_paired_by_three_seeds_in_whole_passes(
    looked: tuple[Project, Result],
) -> None:
    first, second = ledger(looked[1])
    assert (first["experiment"], second["experiment"]) == (0, 3)
    one, other = first["passes"], second["passes"]
    turns = [(each["split"], each["seed"]) for each in one]
    assert turns == [(each["split"], each["seed"]) for each in other]
    assert len({seed for _, seed in turns}) == 3
    assert all(len(each["scores"]) == 3 for each in (*one, *other))


def test_the_journal_and_its_commits_know_nothing_of_the_vault(
    looked: tuple[Project, Result],
) -> None:
    made, result = looked
    assert all(record.part is not Part.VAULT for record in result.records)
    assert "1000." not in next(made.folder.glob(".autoresearch/*/journal.jsonl")).read_text("utf-8")
    git = pygit2.Repository(str(made.root))
    for name in git.references:
        if name.startswith("refs/autoresearch/") and not name.endswith("/vault"):
            found = git[git.references[name].target]
            text = found.message if isinstance(found, pygit2.Commit) else found.read_raw().decode()
            assert "100" + "0." not in text, name


def test_the_report_has_both_gains_and_the_gap(looked: tuple[Project, Result]) -> None:
    made, result = looked
    assert "search gain +" in result.stdout
    assert "vault gain +" in result.stdout
    assert "gap " in result.stdout
    assert "look 1 of 3" in result.stdout
    report = next(made.folder.glob(".autoresearch/*/report.md")).read_text("utf-8")
    assert "1000." in report


def test_show_tells_what_the_vault_said(looked: tuple[Project, Result]) -> None:
    made, result = looked
    shown = made.pytest(f"--autoresearch-show={result.lines[0]['name']}")
    assert "look 1 of 3" in shown.stdout


def test_nothing_kept_is_nothing_to_look_at(tmp_path: Path) -> None:
    made = project(tmp_path)
    made.replace("SLOPE = 2.0", "SLOPE = 1.0", description="flatter")
    result = made.search()
    assert opened(result) == []
    assert not list(made.folder.glob(".autoresearch/*/vault.json"))


def test_after_three_looks_the_vault_stays_closed_and_agents_never_hear_of_it(
    tmp_path: Path,
) -> None:
    made = project(tmp_path, conftest=WATCHING)
    seen = []
    for count in (1, 2, 3, 4):
        result = experiments(made, count, "--autoresearch-run", "one")
        assert result.returncode == 0, result.stdout + result.stderr
        seen.append(opened(result))
    assert seen == [
        ["test_line_vault[0000]", "test_line_vault[0001]"],
        ["test_line_vault[0002]"],
        ["test_line_vault[0003]"],
        ["test_line_vault[0004]"],
    ]
    last = result.testcases["test_line_vault[0004]"].find("skipped")
    assert last is not None
    assert "3 times" in last.get("message", "")
    assert [entry["experiment"] for entry in ledger(result)] == [0, 1, 2, 3]
    heard = (made.folder / "seen").read_text("utf-8")
    assert "SLOPE" in heard
    assert "journal.jsonl" in heard
    passes = [one["scores"] for entry in ledger(result) for one in entry["passes"]]
    values = [str(score) for scores in passes for score in scores]
    means = [f"{fmean(scores):.6g}" for scores in passes]
    assert not [value for value in (*values, *means) if value in heard]


def test_a_session_that_kept_nothing_more_does_not_look_again(tmp_path: Path) -> None:
    made = project(tmp_path)
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    made.replace("SLOPE = 2.0", "SLOPE = 1.0", description="flatter")
    one = ("--autoresearch-run", "one", "--autoresearch-experiments")
    first = made.search(*one, "1")
    assert len(opened(first)) == 2
    second = made.search(*one, "2")
    assert second.returncode == 0, second.stdout + second.stderr
    assert opened(second) == []


def test_a_look_that_failed_is_owed_by_a_finished_run(tmp_path: Path) -> None:
    broken = VAULT.replace(
        "    for fold", "    assert __import__('pathlib').Path('mended').exists()\n    for fold", 1
    )
    made = project(tmp_path, broken)
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    one = ("--autoresearch-run", "one", "--autoresearch-experiments", "1")
    first = made.search(*one)
    assert first.returncode == 1
    (made.folder / "mended").write_text("")
    second = made.search(*one)
    assert second.returncode == 0, second.stdout + second.stderr
    assert opened(second) == ["test_line_vault[0000]", "test_line_vault[0001]"]
    third = made.search(*one)
    assert third.returncode == 4
    assert "run one is finished" in third.stderr


def test_reports_of_an_interrupted_session_have_the_looks_before_it(tmp_path: Path) -> None:
    stopping = WATCHING.replace('raise ValueError("the agent is dead")', "raise KeyboardInterrupt")
    made = project(tmp_path, conftest=stopping)
    one = ("--autoresearch-run", "one")
    experiments(made, 1, *one)
    (made.folder / "dead").write_text("")
    second = experiments(made, 2, *one)
    assert second.returncode == 2
    assert "look 1 of 3" in second.stdout
    report = next(made.folder.glob(".autoresearch/*/report.md")).read_text("utf-8")
    assert "vault" in report


@pytest.mark.parametrize("lost", ["the folder", "the ref"])
def test_the_ledger_is_rebuilt_from_what_is_left_of_it(
    tmp_path: Path, looked: tuple[Project, Result], lost: str
) -> None:
    shutil.copytree(looked[0].root, tmp_path / "p")
    name = str(looked[1].lines[0]["name"])
    if lost == "the folder":
        shutil.rmtree(tmp_path / "p" / ".autoresearch")
    else:
        git = pygit2.Repository(str(tmp_path / "p"))
        git.references.delete(f"refs/autoresearch/{name}/vault")
    copy = Project.__new__(Project)
    copy.__dict__.update(looked[0].__dict__, root=tmp_path / "p", folder=tmp_path / "p")
    shown = copy.pytest(f"--autoresearch-show={name}")
    assert "look 1 of 3" in shown.stdout, shown.stdout + shown.stderr


def test_a_ledger_that_was_changed_by_hand_is_refused(
    tmp_path: Path, looked: tuple[Project, Result]
) -> None:
    shutil.copytree(looked[0].root, tmp_path / "p")
    path = next((tmp_path / "p").glob(".autoresearch/*/vault.json"))
    path.write_text(path.read_text("utf-8").replace("1000", "999"), "utf-8")
    copy = Project.__new__(Project)
    copy.__dict__.update(looked[0].__dict__, root=tmp_path / "p", folder=tmp_path / "p")
    shown = copy.pytest(f"--autoresearch-show={looked[1].lines[0]['name']}")
    assert shown.returncode == 4
    assert "contradict each other" in shown.stderr + shown.stdout


@pytest.mark.parametrize(
    "text", ["", "{}", '[{"experiment": 1}]', '[{"experiment": 0, "passes": []}]']
)
def test_a_ledger_that_holds_something_else_is_refused(
    tmp_path: Path, looked: tuple[Project, Result], text: str
) -> None:
    shutil.copytree(looked[0].root, tmp_path / "p")
    next((tmp_path / "p").glob(".autoresearch/*/vault.json")).write_text(text, "utf-8")
    copy = Project.__new__(Project)
    copy.__dict__.update(looked[0].__dict__, root=tmp_path / "p", folder=tmp_path / "p")
    shown = copy.pytest(f"--autoresearch-show={looked[1].lines[0]['name']}")
    assert shown.returncode == 4
    assert "is damaged: remove the one that is" in shown.stderr + shown.stdout


def test_a_champion_that_fails_on_the_vault_is_red(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        VAULT.replace("line.folds", "line.wide"),
        CONFTEST.replace(
            "@pytest.fixture",
            "Line.wide = lambda self, split: [Fold(*(a.copy() for a in (f.train_X, f.train_y, "
            "f.test_X * 100, f.test_y))) for f in self.folds(split)]\n\n\n@pytest.fixture",
        ),
    )
    model = made.files["model.py"]
    fragile = model.replace("SLOPE = 2.0", "SLOPE = 2.9").replace(
        "    return SLOPE", "    assert abs(X).max() < 50\n    return SLOPE"
    )
    made.add_patch(made.diff("model.py", model, fragile), "fragile")
    result = made.search()
    assert result.returncode == 1
    failure = result.testcases["test_line_vault[0001]"].find("failure")
    assert failure is not None
    assert "assert abs(X).max() < 50" in (failure.get("message") or "")
    assert [entry["experiment"] for entry in ledger(result)] == [0, 1]
    assert "failed" in ledger(result)[1]
    again = made.search(
        "--autoresearch-run", str(result.lines[0]["name"]), "--autoresearch-experiments", "2"
    )
    assert opened(again) == []


LATE = """

def pytest_configure(config):
    global plugins
    plugins = config.pluginmanager


def pytest_autoresearch_experiment_finished(record):
    import time
    session = plugins.get_plugin("autoresearch-controller").session
    if record.status.name == "KEPT" and session.deadline is not None:
        session.deadline = time.monotonic() + 0.01
"""
"""The hours are over as soon as something is kept."""


def test_without_time_the_next_session_looks(tmp_path: Path) -> None:
    made = project(tmp_path, conftest=CONFTEST + LATE)
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    one = ("--autoresearch-run", "one")
    first = made.search(*one, "--hours", "1")
    assert "1 kept" in first.stdout
    assert opened(first) == ["test_line_vault[0001]"]
    skipped = first.testcases["test_line_vault[0001]"].find("skipped")
    assert skipped is not None
    assert "no time for a look: it takes about " in skipped.get("message", "")
    second = made.search(*one)
    assert second.returncode == 0, second.stdout + second.stderr
    assert opened(second) == ["test_line_vault[0000]", "test_line_vault[0001]"]
    assert ledger(second)[-1]["experiment"] == 1


def test_an_agent_that_fails_ends_the_search_not_the_look(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        conftest=WATCHING.replace(
            'pathlib.Path("dead").exists()', 'SLOPE_FOUND in briefing.editable["model.py"]'
        ).replace("class Agent:", 'SLOPE_FOUND = b"SLOPE = 2.5"\n\n\nclass Agent:'),
    )
    result = experiments(made, 3)
    assert result.returncode == 1
    assert "agent mine raised ValueError: the agent is dead" in result.stdout
    assert opened(result) == ["test_line_vault[0000]", "test_line_vault[0001]"]
    assert len(ledger(result)) == 2


@pytest.mark.parametrize("more", ["if False:", "for _ in []:"])
def test_a_vault_that_scores_nothing_is_red_and_leaves_no_entry(tmp_path: Path, more: str) -> None:
    loop = "    for fold in experiment.race(line.folds):"
    made = project(tmp_path, VAULT.replace(loop, f"    {more}\n        fold = None", 1))
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper")
    result = made.search()
    assert result.returncode == 1
    assert "the vault's test scored nothing" in result.stdout
    assert not list(made.folder.glob(".autoresearch/*/vault.json"))


LATER = (
    CONFTEST
    + """

def later(self, split):
    import pathlib
    found = self.folds(split)
    return found + found[:1] if pathlib.Path("later").exists() else found


Line.later = later
"""
)


def test_other_folds_than_the_baselines_are_red_and_damage_nothing(tmp_path: Path) -> None:
    made = project(tmp_path, VAULT.replace("line.folds", "line.later"), LATER)
    made.replace("SLOPE = 2.0", "SLOPE = 2.5", description="steeper")
    made.replace("OFFSET = 0.5", "OFFSET = 0.9", description="higher")
    one = ("--autoresearch-run", "one", "--autoresearch-experiments")
    first = made.search(*one, "1")
    assert first.returncode == 0, first.stdout + first.stderr
    (made.folder / "later").write_text("")
    second = made.search(*one, "2")
    assert second.returncode == 1
    assert "walks other folds than when the baseline was measured" in second.stdout
    (made.folder / "later").unlink()
    third = made.search(*one, "2")
    assert third.returncode == 0, third.stdout + third.stderr
    assert opened(third) == ["test_line_vault[0002]"]
    assert "look 2 of 3" in third.stdout
