"""What patches may change is nothing that the judge loads, and frozen fixtures are not shadowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.records import Record, Status
from pytest_autoresearch.testing import CONFTEST, MODEL, TEST, Project

Run = Callable[..., pytest.RunResult]
N = "--autoresearch-experiments"
GLOB = TEST.replace('editable=["model.py"]', 'editable=["*.py", "lib/**"], entry="model.py"')
IMPORTS = GLOB.replace("import pytest\n", "import pytest\n\nfrom lib import metric\n", 1).replace(
    "experiment.score(float(np.sqrt(np.mean(error**2))))", "experiment.score(metric.rmse(error))"
)
METRIC = "import numpy as np\n\n\ndef rmse(error):\n    return float(np.sqrt(np.mean(error**2)))\n"


def shown(result: pytest.RunResult, code: int = 4) -> str:
    text = str(result.stdout.str() + result.stderr.str())
    assert result.ret == code, text
    return text


# Files that the evaluation imports


@pytest.mark.parametrize(
    "line",
    [
        "from model import SLOPE",
        "import model",
        "def late():\n    from model import SLOPE",
        "from parts import steps",
        "from parts.steps import SLOPE",
    ],
)
def test_an_editable_file_that_the_test_imports_is_a_usage_error(
    tmp_path: Path, run: Run, line: str
) -> None:
    files = {
        "test_line.py": TEST.replace("import pytest\n", f"import pytest\n\n{line}\n", 1),
        "parts/steps.py": "from model import SLOPE\n",
    }
    project = Project(tmp_path / "p", files)
    who = "parts/steps.py" if "parts" in line else "test_line.py"
    words = f"test_line.py::test_line: model.py may be changed by patches, and {who} imports it"
    assert words in shown(run(project, *project.command()[3:]))
    assert not (project.folder / ".autoresearch").exists()


def test_it_is_one_too_where_a_fixture_module_or_a_plugin_imports_it(
    tmp_path: Path, run: Run
) -> None:
    fixtures = "import pytest\n\n\n@pytest.fixture\ndef seven():\n    import model\n    return 7\n"
    files = {
        "conftest.py": f'pytest_plugins = ["more_fixtures"]\n{CONFTEST}',
        "more_fixtures.py": fixtures,
        "pytest.ini": "[pytest]\npythonpath = .\n",
    }
    project = Project(tmp_path / "p", files)
    project.replace("OFFSET = 0.5", "OFFSET = -9.0")
    text = shown(run(project, *project.command()[3:]))
    assert "model.py may be changed by patches, and more_fixtures.py imports it" in text


def test_an_import_that_no_pattern_finds_is_seen_among_the_loaded_modules(
    tmp_path: Path, run: Run
) -> None:
    hidden = "import importlib\nimportlib.import_module('mod' + 'el')\n"
    project = Project(tmp_path / "p", {"test_line.py": TEST.replace("import pytest\n", f"import pytest\n{hidden}", 1)})  # fmt: skip
    project.replace("OFFSET = 0.5", "OFFSET = -9.0")
    text = shown(run(project, *project.command()[3:]))
    assert "model.py may be changed by patches, and is loaded as module model in the" in text


def test_an_import_while_the_baseline_runs_ends_the_search(tmp_path: Path) -> None:
    late = TEST.replace(
        "    for fold", "    __import__('importlib').import_module('mod' + 'el')\n    for fold", 1
    )
    project = Project(tmp_path / "p", {"test_line.py": late})
    project.replace("OFFSET = 0.5", "OFFSET = -9.0")
    result = project.search()
    assert result.returncode == 1, result.stdout + result.stderr
    assert "exit 1: test_line.py::test_line: model.py may be changed by patches" in result.stdout
    assert result.experiments == []


def test_another_test_that_imports_it_is_no_obstacle_once_the_objective_is_named(
    tmp_path: Path, run: Run
) -> None:
    unit = "import model\n\n\ndef test_slope():\n    assert model.SLOPE == 2.0\n"
    project = Project(tmp_path / "p", {"test_model.py": unit})
    project.replace("OFFSET = 0.5", "OFFSET = -9.0")
    command = project.command(N, "0")[3:]
    assert "`pytest --autoresearch test_line.py::test_line`" in shown(run(project, *command))
    assert project.search(N, "0", "test_line.py::test_line").returncode == 0


def test_plain_pytest_says_the_same_of_a_test_that_imports_it(tmp_path: Path, run: Run) -> None:
    importing = TEST.replace("import pytest\n", "import pytest\nimport model\n", 1)
    project = Project(tmp_path / "p", {"test_line.py": importing})
    assert "model.py may be changed by patches, and test_line.py imports" in shown(run(project), 1)


def test_an_ordinary_unit_test_beside_it_does_not_disturb_plain_pytest(
    tmp_path: Path, run: Run
) -> None:
    unit = "import model\n\n\ndef test_slope():\n    assert model.SLOPE == 2.0\n"
    project = Project(tmp_path / "p", {"test_model.py": unit})
    run(project).assert_outcomes(passed=2)


# Patches under a wide glob


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """The records of patches that make or change files which a wide glob matches, by path."""
    files = {"test_line.py": IMPORTS, "lib/__init__.py": "", "lib/metric.py": METRIC, "test_other.py": "X = 1\n", "pkg/part.py": "X = 1\n"}  # fmt: skip
    made = Project(tmp_path_factory.mktemp("wide") / "p", files)
    for path in PATCHES:
        before = made.files.get(path, "")
        made.add_patch(made.diff(path, before, before + "Y = 2\n"), path)
    result = made.search("test_line.py")
    assert result.returncode == 0, result.stdout + result.stderr
    return {record.description: record for record in result.experiments}


PATCHES = {
    "lib/metric.py": "frozen",
    "lib/__init__.py": "frozen",
    "lib/metric/__init__.py": "the evaluation would be imported through it",
    "numpy.py": "it would be imported in place of the module numpy",
    "statistics.py": "it would be imported in place of the module statistics",
    "test_more.py": "pytest collects files of this name",
    "more_test.py": "pytest collects files of this name",
    "test_other.py": "pytest collects files of this name",
    "sitecustomize.py": "the configuration of pytest, Python and builds",
    "conftest.py": "frozen",
    "lib/conftest.py": "conftest.py and the configuration",
    "lib/paths.pth": "the configuration of pytest, Python and builds",
    "lib/evil.egg-info/entry_points.txt": "the configuration of pytest, Python and builds",
    "lib/evil-1.0.dist-info/METADATA": "the configuration of pytest, Python and builds",
    "lib/__pycache__/metric.py": "the configuration of pytest, Python and builds",
    "features.py": "",
    "lib/helpers.py": "",
}


@pytest.mark.parametrize("path", PATCHES)
def test_a_patch_makes_no_file_that_the_judge_would_load(
    wide: dict[str, Record], path: str
) -> None:
    record = wide[path]
    if not PATCHES[path]:
        assert record.status is not Status.REFUSED, record.reason
        return
    assert record.status is Status.REFUSED, record.reason
    assert PATCHES[path] in record.reason


# Fixtures


@pytest.mark.parametrize("name", ["candidate", "experiment"])
@pytest.mark.parametrize("where", ["conftest.py", "test_line.py", "a_plugin.py"])
def test_a_fixture_that_stands_before_ours_is_a_usage_error_that_says_where(
    tmp_path: Path, run: Run, name: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture = f"import pytest\n\n\n@pytest.fixture\ndef {name}():\n    return 1\n"
    files = {"test_line.py": TEST, "conftest.py": CONFTEST, "a_plugin.py": "", "model.py": MODEL}
    files[where] = f"{fixture}\n\n{files[where]}"
    project = Project(tmp_path / "p", files)
    monkeypatch.syspath_prepend(project.folder)
    project.replace("OFFSET = 0.5", "OFFSET = -9.0")
    for arguments, code in ((project.command()[3:], 4), ((), 1)):
        text = shown(run(project, "-p", "a_plugin", *arguments), code)
        if where == "a_plugin.py":
            # pytest itself lets the plugin that was loaded first go first.
            assert f"the fixture {name} is overridden in" in text
            continue
        place = f"{project.folder / where}:4: give that fixture another name"
        assert f"test_line.py::test_line: the fixture {name} is overridden in {place}" in text
