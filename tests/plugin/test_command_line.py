"""Every option of pytest behaves beside a search, or is refused with the reason."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.testing import CONFTEST, TEST, Project

Run = Callable[..., pytest.RunResult]


def text(result: pytest.RunResult) -> str:
    return result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_co_lists_objective_and_plan_and_starts_nothing(
    project: Project, search: Run, quiet: tuple[str, ...]
) -> None:
    result = search(project, "--co", *quiet)
    assert result.ret == 0
    shown = text(result)
    assert "test_line.py::test_line" in shown
    assert "plan by the budget of 20 s a pass, the worst case: calibration in 6 passes" in shown
    assert "a win takes 2 to 3 passes" in shown
    assert not (project.folder / ".autoresearch").exists()


def test_co_lists_several_objectives(project: Project, search: Run) -> None:
    (project.folder / "test_two.py").write_text(TEST.replace("test_line", "test_two"))
    result = search(project, "--co")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*test_line.py::test_line: rmse*", "*test_two.py::test_two: rmse*"]
    )


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("--pdb", "cannot be debugged"),
        ("--trace", "cannot be debugged"),
        ("--setup-only", "evaluates patches"),
        ("--setup-plan", "evaluates patches"),
        ("--lf", "new in every session"),
        ("--ff", "new in every session"),
        ("--sw", "new in every session"),
        ("-n2", "one experiment at a time"),
        ("-nauto", "one experiment at a time"),
    ],
)
def test_what_makes_no_sense_beside_a_search_is_refused(
    project: Project,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    why: str,
) -> None:
    monkeypatch.chdir(project.folder)
    result = pytester.runpytest_inprocess("--autoresearch", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert option.rstrip("2auto") in result.stderr.str()
    assert why in result.stderr.str()
    assert not (project.folder / ".autoresearch").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--hours", "0"), "--hours 0: must be a number of hours, more than 0"),
        (("--hours", "-1.5"), "--hours -1.5"),
        (("--hours", "nan"), "--hours nan"),
        (("--hours", "inf"), "--hours inf"),
        (("--hours", "soon"), "soon"),
        (("--autoresearch-experiments", "-1"), "-1: must be a whole number, 0 or more"),
        (("--autoresearch-experiments", "2.5"), "2.5"),
        (("-o", "autoresearch_experiments=nan"), "must be a whole number"),
        (("-o", "autoresearch_hours=late"), "'late' is not a number"),
        (("-o", "autoresearch_min_effect=-1"), "must be 0 or more"),
        (("--autoresearch-run", "a/b"), "'a/b'"),
        (("--autoresearch-run", "a..b"), "'a..b'"),
        (("--autoresearch-isolation", "walls"), "'walls' is not one of auto, sealed"),
        (("--autoresearch-strictness", "lax"), "'lax' is not one of explore"),
        (("--autoresearch-agent", "replay:nowhere"), "nowhere' cannot be read"),
        (("--autoresearch-agent", "nobody"), "nobody offers it"),
        (
            ("--autoresearch-agent", "tune", "--autoresearch-agent", "tune"),
            "--autoresearch-agent tune: given 2 times",
        ),
        (("-o", "autoresearch_agent=replay:a replay:a"), "replay:a: given 2 times"),
        (("--autoresearch-max-cost", "-1"), "'-1': must be a number of dollars"),
        (("--autoresearch-max-cost", "nan"), "'nan': must be a number of dollars"),
        (("--autoresearch-max-cost", "inf"), "'inf': must be a number of dollars"),
        (("-o", "autoresearch_max_cost=ten"), "'ten': must be a number of dollars"),
        (("-o", "autoresearch_disclose=secrets"), "'secrets' is not one of code, errors, all"),
        (("-o", "autoresearch_protocol=lost.md"), "'lost.md': no such file"),
        (("-o", "autoresearch_objective=lost.py::test_x"), "no such file in rootdir"),
    ],
)
def test_a_wrong_value_is_quoted_and_nothing_starts(
    project: Project, run: Run, arguments: tuple[str, ...], words: str
) -> None:
    result = run(project, "--autoresearch", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in text(result)
    assert not (project.folder / ".autoresearch").exists()


def test_help_shows_every_option_in_one_group(run: Run, project: Project) -> None:
    shown = text(run(project, "--autoresearch", "--help"))
    group = shown.partition("autonomous research (pytest-autoresearch):")[2].partition("\n\n")[0]
    options = (
        *("experiments", "agent", "run", "isolation", "strictness", "dir", "require-gain"),
        *("max-cost", "trust-agent"),
    )
    for option in ("", "-hours", "-allow-untrusted", *(f"-{name}" for name in options)):
        assert f"--autoresearch{option}" in group
    assert "--hours" in group
    assert "llm:MODEL" in group
    assert "command:CLI" in group
    for ini in (
        *("hours", "agent", "objective", "protocol", "check", "min_effect", "heartbeat"),
        *("max_cost", "trust_agent", "notify", "disclose", "reading"),
    ):
        assert f"autoresearch_{ini} " in shown


def test_markers_shows_both_with_their_arguments(run: Run, project: Project) -> None:
    shown = text(run(project, "--markers"))
    assert "@pytest.mark.autoresearch(metric, direction, editable, *, entry=None" in shown
    assert "@pytest.mark.sandbox(memory='8G', gpu=0" in shown


@pytest.mark.parametrize("option", ["--fixtures", "--fixtures-per-test", "--markers", "--version"])
def test_what_only_shows_something_starts_nothing(run: Run, project: Project, option: str) -> None:
    result = run(project, "--autoresearch", option)
    assert result.ret == 0
    assert "kept of" not in text(result)
    assert not (project.folder / ".autoresearch").exists()


def test_strict_markers_and_strict_config_find_nothing(run: Run, project: Project) -> None:
    (project.folder / "pytest.ini").write_text(
        "[pytest]\naddopts = --strict-markers --strict-config\nautoresearch_hours = 1\n"
        "autoresearch_agent = tune\nautoresearch_require_gain = true\nautoresearch_dir = runs\n"
    )
    assert run(project, "--co").ret == 0


def test_blocked_the_plugin_is_gone(run: Run, project: Project) -> None:
    blocked = run(project, "-p", "no:autoresearch", "--autoresearch")
    assert blocked.ret == pytest.ExitCode.USAGE_ERROR
    assert "unrecognized arguments: --autoresearch" in text(blocked)
    plain = text(run(project, "-p", "no:autoresearch"))
    assert "fixture 'candidate' not found" in plain


@pytest.mark.parametrize(
    "without", [("no:terminal",), ("no:xdist", "no:timeout"), ("no:junitxml", "no:capture")]
)
def test_a_search_does_without_other_plugins(project: Project, without: tuple[str, ...]) -> None:
    blocked = [word for name in without for word in ("-p", name)]
    command = project.command("--autoresearch-experiments", "1", *blocked)
    if "no:junitxml" in without:
        at = command.index("--junitxml")
        del command[at : at + 2]
    result = project.search(command=command)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [record.status.word for record in result.experiments] == ["KEPT"]


def test_quiet_shows_letters_and_the_tier_in_the_summarys_first_line(project: Project) -> None:
    shown = project.search("-q").stdout
    assert "bm+m" in shown
    assert "wins" not in shown
    assert shown.partition("= autoresearch =")[2].splitlines()[1].startswith("isolation none: ")


def test_the_names_of_options_come_from_ini_too(project: Project) -> None:
    (project.folder / "pytest.ini").write_text(
        f"[pytest]\nautoresearch_agent = replay:{project.patches}\nautoresearch_run = from-ini\n"
        "autoresearch_experiments = 1\nautoresearch_dir = runs\nautoresearch_isolation = none\n"
    )
    result = project.search(command=[sys.executable, "-m", "pytest", "--autoresearch", "-v"])
    assert result.returncode == 0, result.stdout
    assert (project.folder / "runs" / "from-ini" / "journal.jsonl").is_file()
    assert (project.folder / "runs" / ".gitignore").read_text() == "*\n"


FAILING = """
@pytest.fixture(autouse=True)
def broken(request):
    if request.node.name.endswith(("[0001]", "[0003]")):
        raise RuntimeError("the data base is away")
"""


@pytest.fixture
def failing(tmp_path: Path) -> Project:
    """A frozen fixture fails for the first and the third of four patches."""
    made = Project(tmp_path / "p", {"conftest.py": CONFTEST + FAILING})
    for offset in range(4):
        made.replace("OFFSET = 0.5", f"OFFSET = -{offset}.0")
    return made


@pytest.mark.parametrize(("option", "last"), [("-x", 1), ("--maxfail=2", 3), ("-v", 4)])
def test_a_harness_fault_counts_for_maxfail_and_a_rejection_does_not(
    failing: Project, option: str, last: int
) -> None:
    result = failing.search(option, "--autoresearch-run", f"run{last}")
    assert result.returncode == 1
    words = [record.status.word for record in result.experiments]
    assert words == ["FAILED", "REJECTED", "FAILED", "REJECTED"][:last]
    assert "the data base is away" in result.stdout
    assert result.testcases["test_line[0001]"].find("error") is not None


def test_durations_and_reasons_are_listed(failing: Project) -> None:
    shown = failing.search("-rx", "--durations=2", "--autoresearch-run", "listed").stdout
    assert "slowest 2 durations" in shown
    assert "REJECTED [0002] discard: rmse" in shown


def test_a_frozen_fixture_that_fails_at_its_end_is_an_error_and_loses_nothing(
    tmp_path: Path,
) -> None:
    ending = CONFTEST.replace("return Line()", "yield Line()\n    raise OSError('cannot close')")
    project = Project(tmp_path / "p", {"conftest.py": ending})
    project.replace("SLOPE = 2.0", "SLOPE = 2.9")
    result = project.search()
    assert result.returncode == 1
    assert "OSError: cannot close" in result.stdout
    assert [record.status.word for record in result.experiments] == ["KEPT"]
    assert result.xml.is_file()


def test_a_collection_error_starts_nothing(project: Project, search: Run) -> None:
    (project.folder / "test_other.py").write_text("import no_such_module_at_all\n")
    result = search(project)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert not (project.folder / ".autoresearch").exists()


@pytest.mark.parametrize(("columns", "shown"), [(60, "(rmse 9.9"), (160, "(rejected: rmse 9.9")])
def test_a_rejection_shows_its_reason_or_where_there_is_no_room_its_score(
    tmp_path: Path, search: Run, monkeypatch: pytest.MonkeyPatch, columns: int, shown: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    made = Project(tmp_path / "p")
    made.replace("OFFSET = 0.5", "OFFSET = -9.0", description="worse")
    lines = search(made).outlines
    assert any(f"[0001] REJECTED {shown}" in line for line in lines), lines
