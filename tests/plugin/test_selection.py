"""A run searches one objective: a node id or -k, else ini, else the only one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.testing import CONFTEST, MODEL, TEST, Project

Run = Callable[..., pytest.RunResult]
VAULT = """

@pytest.mark.autoresearch(of="test_line", stage="vault")
def test_line_vault(candidate, experiment, line):
    raise AssertionError("a vault is opened only by a search")


def test_ordinary():
    raise AssertionError("searching runs no other test")
"""
PLAIN = "def test_plain():\n    assert True\n"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two objectives in `a` and `b`, one of them with a vault, and ordinary tests."""
    files = {
        "a/test_straight.py": TEST + VAULT,
        "a/model.py": MODEL,
        "b/test_curve.py": TEST.replace("test_line", "test_curve"),
        "b/model.py": MODEL,
        "unit/test_unit.py": PLAIN,
        "conftest.py": CONFTEST,
        "test_line.py": PLAIN,
    }
    return Project(tmp_path_factory.mktemp("selection") / "p", files)


def planned(result: pytest.RunResult) -> list[str]:
    """The objectives that `--co` plans a search of."""
    assert result.ret == 0, result.stdout.str() + result.stderr.str()
    lines = (line.removeprefix("autoresearch: ") for line in result.outlines)
    return [line.partition(": ")[0] for line in lines if "a pass" in line and "rmse" in line]


@pytest.mark.parametrize(
    ("arguments", "nodeid"),
    [
        (("a/test_straight.py::test_line",), "a/test_straight.py::test_line"),
        (("a/test_straight.py",), "a/test_straight.py::test_line"),
        (("b",), "b/test_curve.py::test_curve"),
        (("-k", "curve"), "b/test_curve.py::test_curve"),
        (("-k", "test_line and not vault"), "a/test_straight.py::test_line"),
        (("a/test_straight.py::test_line_vault",), "a/test_straight.py::test_line"),
        (("-k", "vault"), "a/test_straight.py::test_line"),
        (("--rootdir=.", "a/../b/test_curve.py::test_curve"), "b/test_curve.py::test_curve"),
        (("-o", "autoresearch_objective=b/test_curve.py::test_curve"), "b/test_curve.py::test_curve"),
        (("-o", "autoresearch_objective=b/test_curve.py"), "b/test_curve.py::test_curve"),
        (("-o", "autoresearch_objective=b/test_curve.py", "-k", "test_line"), "a/test_straight.py::test_line"),
        (("-o", "autoresearch_objective=b/test_curve.py", "a"), "a/test_straight.py::test_line"),
        (
            ("-o", "autoresearch_objective=b/test_curve.py", "-o", "testpaths=unit", "-m", "not slow"),
            "b/test_curve.py::test_curve",
        ),
    ],
)  # fmt: skip
def test_one_objective_is_selected(
    shared: Project, run: Run, arguments: tuple[str, ...], nodeid: str
) -> None:
    result = run(shared, "--autoresearch", "--co", "-W", "ignore", *arguments)
    assert planned(result) == [nodeid]


def test_ini_is_relative_to_rootdir_wherever_one_stands(
    shared: Project, run: Run, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    monkeypatch.chdir(shared.folder / "unit")
    ini = ("-o", "autoresearch_objective=b/test_curve.py::test_curve")
    result = pytester.runpytest_inprocess(
        "--autoresearch", "--co", "-p", "no:cacheprovider", f"--rootdir={shared.folder}", *ini
    )
    assert planned(result) == ["b/test_curve.py::test_curve"]


def test_several_are_a_usage_error_that_lists_them(shared: Project, run: Run) -> None:
    result = run(shared, "--autoresearch")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    shown = result.stderr.str()
    assert "2 objectives are selected, a run searches one" in shown
    assert "a/test_straight.py::test_line" in shown
    assert "b/test_curve.py::test_curve" in shown
    assert not (shared.folder / ".autoresearch").exists()


def test_none_is_exit_5_with_the_files_that_hold_the_marker(shared: Project, run: Run) -> None:
    for arguments in (("unit",), ("-k", "plain"), ("-m", "not autoresearch")):
        result = run(shared, "--autoresearch", *arguments)
        assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
        assert (
            "files that hold the marker: a/test_straight.py, b/test_curve.py" in result.stdout.str()
        )


def test_a_function_that_is_not_there_is_named(shared: Project, run: Run) -> None:
    for arguments in (
        ("a/test_straight.py::test_lime",),
        ("-o", "autoresearch_objective=a/test_straight.py::test_lime"),
    ):
        result = run(shared, "--autoresearch", *arguments)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "a/test_straight.py::test_lime" in result.stderr.str()


def test_other_tests_are_deselected_and_counted(shared: Project) -> None:
    result = shared.pytest("--autoresearch", "a", "unit", "--autoresearch-experiments", "0")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "collected 4 items / 3 deselected / 1 selected" in result.stdout
    assert "3 deselected" in result.stdout.splitlines()[-1]


def test_a_path_through_a_symbolic_link_selects_too(tmp_path: Path, run: Run) -> None:
    project = Project(tmp_path / "p")
    (tmp_path / "link").symlink_to(project.folder)
    result = run(project, "--autoresearch", "--co", f"{tmp_path}/link/test_line.py::test_line")
    assert len(planned(result)) == 1
