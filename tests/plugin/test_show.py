"""`--autoresearch-show` looks at runs and changes nothing but the files derived from a journal."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_autoresearch.testing import Project, Result

SLOW = "    import time\n    time.sleep(3600)\n"
FIT = "    rng = np.random.default_rng(seed)\n"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Result]:
    project = Project(tmp_path_factory.mktemp("show") / "p")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper\x1b[31m")
    project.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    project.replace("assert experiment.improves", "pass", path="test_line.py", description="cheats")
    project.replace("OFFSET = 0.5", "OFFSET = -9.0", description="again")
    return project, project.search("--autoresearch-run", "seen")


def show(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_without_a_name_every_run_has_a_line(searched: tuple[Project, Result]) -> None:
    project, _ = searched
    found = show(project.folder, "--autoresearch-show")
    assert found.returncode == 0, found.stderr
    [head, line, *_] = found.stdout.splitlines()
    assert head.split() == ["run", "state", "objective", "tried", "kept", "score", "started"]
    assert line.split()[:5] == ["seen", "finished", "line", "3", "1"]
    assert "no tests ran" not in found.stdout


def test_a_run_is_a_table_of_its_experiments(searched: tuple[Project, Result]) -> None:
    project, result = searched
    found = show(project.folder, "--autoresearch-show=seen")
    rows = {line.split()[0]: line for line in found.stdout.splitlines() if line[:2] == "00"}
    assert list(rows) == ["0000", "0000-calibration", "0001", "0001-reference", "0002", "0003"]
    assert rows["0001"].split()[1] == "KEPT"
    assert result.experiments[0].commit[:7] in rows["0001"]
    assert "discard" in rows["0002"]
    assert "stopped after 1 of 3 folds" in rows["0002"]
    assert "the file is frozen" in rows["0003"]
    assert "1 kept of 3 experiments" in found.stdout


def test_one_experiment_is_shown_whole(searched: tuple[Project, Result]) -> None:
    project, result = searched
    text = show(project.folder, "--autoresearch-show=seen:1").stdout
    assert text.startswith("[0001] KEPT  rmse ")
    assert "+SLOPE = 2.9" in text
    assert "-SLOPE = 2.0" in text
    for one in result.experiments[0].passes:
        assert str(one.seed) in text
        assert f"{one.scores[0]:.6g}" in text
    assert "0001-reference" in text


def test_a_refused_patch_is_shown_as_it_was_proposed(searched: tuple[Project, Result]) -> None:
    text = show(searched[0].folder, "--autoresearch-show=seen:3").stdout
    assert "-    assert experiment.improves" in text
    assert "no fold was scored" in text


def test_items_without_a_number_are_listed_and_shown_by_their_names(
    searched: tuple[Project, Result],
) -> None:
    run = show(searched[0].folder, "--autoresearch-show=seen").stdout
    [line] = [line for line in run.splitlines() if line.startswith("s0001")]
    assert line.split()[1] == "SKIPPED"
    assert line.endswith("repeats experiment 2: again")
    text = show(searched[0].folder, "--autoresearch-show=seen:s0001").stdout
    assert text.startswith("[s0001] SKIPPED  repeats experiment 2\n")
    assert "description:\n    again" in text
    assert "    +OFFSET = -9.0" in text
    again = show(searched[0].folder, "--autoresearch-show=seen:0001-reference").stdout
    assert again == show(searched[0].folder, "--autoresearch-show=seen:1").stdout


def test_what_agents_wrote_reaches_no_terminal_raw(searched: tuple[Project, Result]) -> None:
    for what in ("seen", "seen:1"):
        assert "\x1b" not in show(searched[0].folder, f"--autoresearch-show={what}").stdout


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nix", "there is no run called 'nix'"),
        ("seen:x", "'x' is neither an experiment's number nor an item of the run"),
        ("seen:s0002", "'s0002' is neither an experiment's number nor an item of the run"),
        ("seen:", "'' is neither an experiment's number nor an item of the run"),
        ("seen:9", "run seen has no experiment 9: it has 0 to 3"),
    ],
)
def test_what_is_not_there_is_a_usage_error(
    searched: tuple[Project, Result], what: str, message: str
) -> None:
    found = show(searched[0].folder, f"--autoresearch-show={what}")
    assert found.returncode == 4
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_derived_files_are_made_anew_also_from_the_refs_alone(
    searched: tuple[Project, Result], tmp_path: Path
) -> None:
    project, _ = searched
    copy = tmp_path / "copy"
    shutil.copytree(project.folder, copy)
    folder = copy / ".autoresearch/seen"
    before = (folder / "results.tsv").read_bytes()
    shutil.rmtree(folder)
    found = show(copy, "--autoresearch-show=seen")
    assert found.returncode == 0, found.stderr
    assert (folder / "results.tsv").read_bytes() == before
    assert (folder / "report.md").read_text().startswith("# line: rmse")
    assert (folder / "progress.png").stat().st_size > 10_000
    assert not (folder / "journal.jsonl").exists()


def test_a_running_search_is_seen_and_left_alone(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    project.replace(FIT, FIT + SLOW, description="long")
    command = project.command("--autoresearch-run", "now")
    search = subprocess.Popen(command, cwd=project.folder, stdout=subprocess.DEVNULL)
    journal = project.folder / ".autoresearch/now/journal.jsonl"
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and search.poll() is None:
            if journal.exists() and b'"item": "0002"' in journal.read_bytes():
                break
            time.sleep(0.05)
        lines = journal.read_bytes()
        status = (journal.parent / "status.json").stat()
        runs = show(project.folder, "--autoresearch-show").stdout
        run = show(project.folder, "--autoresearch-show=now")
        under_way = show(project.folder, "--autoresearch-show=now:2")
        assert journal.read_bytes() == lines
        assert not (journal.parent / "report.md").exists()
        assert status.st_ino == (journal.parent / "status.json").stat().st_ino
    finally:
        search.send_signal(signal.SIGTERM)
        search.wait(60)
    assert runs.splitlines()[1].split()[:2] == ["now", "running"]
    assert "ended: not yet, a search is on" in run.stdout
    assert under_way.returncode == 4
    assert "experiment 2 of run now is under way" in under_way.stderr
    ended = show(project.folder, "--autoresearch-show=now").stdout
    assert "ended: interrupted" in ended


def test_a_damaged_run_hides_no_other(searched: tuple[Project, Result], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(searched[0].folder, copy)
    broken = copy / ".autoresearch/broken"
    broken.mkdir()
    (broken / "journal.jsonl").write_text("nonsense\nmore\n")
    found = show(copy, "--autoresearch-show")
    assert found.returncode == 0, found.stderr
    states = {line.split()[0]: line.split()[1] for line in found.stdout.splitlines()[1:3]}
    assert states == {"broken": "unreadable:", "seen": "finished"}
    one = show(copy, "--autoresearch-show=broken")
    assert one.returncode == 4
    assert "journal.jsonl, line 1" in one.stderr


def test_without_any_run_the_next_command_is_said(tmp_path: Path) -> None:
    project = Project(tmp_path / "p")
    found = show(project.folder, "--autoresearch-show")
    assert found.returncode == 0
    assert "no runs in" in found.stdout
    assert not (project.folder / ".autoresearch").exists()
