"""What was patched is what is scored, however the project is laid out and installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch import origins
from pytest_autoresearch.sandbox.walls import launch, view
from pytest_autoresearch.testing import TEST, Project, Result

Run = Callable[..., pytest.RunResult]

ENTRY = """
import sys

import numpy as np

import shop.ranking.slope
from shop.ranking.slope import SLOPE

from .. import slope
from .offset import OFFSET

assert slope is shop.ranking.slope
assert __name__ == "shop.ranking.models.entry"


def fit(X, y, *, seed):
    return np.random.default_rng(seed).normal(scale=0.01)


def predict(state, X):
    return SLOPE * X[:, 0] + OFFSET + state
"""
ENTRY_PATH = "src/shop/ranking/models/entry.py"
PLAIN_ENTRY = """
import numpy as np

from shop.ranking.slope import SLOPE


def fit(X, y, *, seed):
    return np.random.default_rng(seed).normal(scale=0.01)


def predict(state, X):
    return SLOPE * X[:, 0] + 0.5 + state
"""
BUILD = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "shop"
version = "1"
"""
RENAMED = """
[tool.setuptools]
package-dir = { shop = "lib" }
packages = ["shop", "shop.ranking", "shop.ranking.models"]
"""


def shop(
    folder: Path, package: str, *, inits: bool = True, more: dict[str, str] | None = None
) -> Project:
    """A package whose entry imports a module of the folder above, which a patch makes better."""
    test = TEST.replace(
        'editable=["model.py"]',
        f'editable=["/{package}/**/*.py"], entry="/{package}/ranking/models/entry.py"',
    )
    files = {
        "test_line.py": "",
        "tests/test_slope.py": test,
        f"{package}/ranking/slope.py": "SLOPE = 2.0\n",
        f"{package}/ranking/models/offset.py": "OFFSET = 0.5\n",
        f"{package}/ranking/models/entry.py": ENTRY,
    }
    if inits:
        folders = (package, f"{package}/ranking", f"{package}/ranking/models")
        files |= {f"{one}/__init__.py": "" for one in folders}
    project = Project(folder, files | (more or {}))
    project.replace("2.0", "2.9", path=f"{package}/ranking/slope.py", description="steeper")
    return project


def baseline_and_kept(result: Result) -> None:
    """The patch counted: the score has changed, for the better."""
    assert result.returncode == 0, result.stdout + result.stderr
    baseline, kept = result.records[0], result.experiments[0]
    assert kept.status.word == "KEPT"
    assert baseline.score is not None
    assert kept.score is not None
    assert kept.score < baseline.score / 1.5


def is_kept(result: pytest.RunResult) -> None:
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*test_line[[]0001] KEPT*"])


def other_environment(folder: Path, *, eager: bool = False) -> Path:
    """The interpreter of an environment of its own that sees this one's packages.

    An ``eager`` one imports the project when it starts, as a ``.pth`` file can ask for.
    """
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    Path(site.strip(), "outer.pth").write_text(line)
    if eager:
        line = (
            "import importlib.util as u; u.find_spec('shop') and __import__('shop.ranking.slope')\n"
        )
        Path(site.strip(), "zzz.pth").write_text(line)
    return python


def install(python: Path, project: Project, *how: str) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    options = ["--no-build-isolation", "--no-index", "--disable-pip-version-check", "-q"]
    subprocess.run([*command, *options, *how, str(project.folder)], check=True)


@pytest.mark.parametrize(
    ("build", "package"),
    [
        pytest.param(BUILD, "src/shop", id="path-file"),
        pytest.param(BUILD + RENAMED, "lib", id="import-finder"),
    ],
)
def test_a_patch_to_a_sibling_module_of_an_installed_project_changes_the_score(
    tmp_path: Path, build: str, package: str
) -> None:
    project = shop(tmp_path / "p", package, more={"pyproject.toml": build})
    python = other_environment(tmp_path / "environment")
    install(python, project, "-e")
    where = "import shop.ranking.slope as slope; print(slope.__file__)"
    found = subprocess.check_output([python, "-P", "-c", where], text=True, cwd=tmp_path)
    assert found.strip() == str(project.folder / package / "ranking" / "slope.py")
    baseline_and_kept(project.search(command=[str(python), *project.command()[1:]]))


def test_an_environment_that_loads_what_patches_may_change_is_refused(tmp_path: Path) -> None:
    project = shop(tmp_path / "p", "src/shop", more={"pyproject.toml": BUILD})
    python = other_environment(tmp_path / "environment", eager=True)
    install(python, project, "-e")
    result = project.search(command=[str(python), *project.command()[1:]])
    assert result.returncode == 4
    assert "src/shop/__init__.py may be changed by patches, and is loaded as" in result.stderr


def test_an_installed_copy_that_is_not_editable_is_not_what_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, search: Run
) -> None:
    project = shop(tmp_path / "p", "src/shop")
    monkeypatch.syspath_prepend(copied(project, tmp_path / "site"))
    is_kept(search(project))


def copied(project: Project, folder: Path) -> Path:
    """A copy of the sources outside of the repository, as `pip install .` makes one."""
    shutil.copytree(project.folder / "src", folder)
    return folder


def test_with_the_remapping_switched_off_the_baseline_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, search: Run
) -> None:
    project = shop(tmp_path / "p", "src/shop", more={ENTRY_PATH: PLAIN_ENTRY})
    # As `pip install -e .` does it.
    monkeypatch.syspath_prepend(project.folder / "src")
    monkeypatch.setattr(launch, "INSIDE", without_remapping(tmp_path / "inside"))
    result = search(project)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*FAILED*",
            f"*module shop comes from {project.folder}/src/shop/__init__.py, not from "
            "src/shop/__init__.py among the candidate's files (and 2 more)*",
        ]
    )
    search_again = search(project)
    assert search_again.ret == pytest.ExitCode.TESTS_FAILED


def without_remapping(folder: Path) -> Path:
    """What runs inside the sandbox, but for the candidate's own import path."""
    shutil.copytree(view.INSIDE, folder)
    with open(folder / "imports.py", "a", encoding="utf-8") as file:
        file.write("def leave(*given): pass\ndef enter(*given): pass\n")
    return folder


def test_a_file_that_is_not_shown_and_comes_from_an_installed_copy_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, search: Run, run: Run
) -> None:
    more = {ENTRY_PATH: f"import toolkit.start\n{PLAIN_ENTRY}", "src/toolkit/start.py": ""}
    project = shop(tmp_path / "p", "src/shop", more=more)
    copy = copied(project, tmp_path / "site")
    monkeypatch.syspath_prepend(copy)
    result = search(project)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            f"*module toolkit.start comes from {copy}/toolkit/start.py, not from "
            "src/toolkit/start.py among*name src/toolkit/start.py in readable= or editable="
        ]
    )
    plain = run(project)
    plain.assert_outcomes(errors=1)
    plain.stdout.fnmatch_lines(
        ["*tests/test_slope.py::test_line: module toolkit.start comes from*"]
    )
    test = project.files["tests/test_slope.py"]
    shown = test.replace("entry=", 'readable=["/src/toolkit/*"], entry=')
    (project.folder / "tests" / "test_slope.py").write_text(shown, encoding="utf-8")
    project.commit("shown")
    is_kept(search(project))


def test_a_run_that_goes_on_is_refused_before_it_takes_a_proposal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, search: Run
) -> None:
    project = shop(tmp_path / "p", "src/shop", more={ENTRY_PATH: PLAIN_ENTRY})
    assert search(project, "--autoresearch-experiments", "0").ret == 0
    monkeypatch.syspath_prepend(project.folder / "src")
    monkeypatch.setattr(launch, "INSIDE", without_remapping(tmp_path / "inside"))
    result = search(project)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["exit 1: *module shop comes from *"])
    result.stdout.no_fnmatch_line("*test_line[[]0001*")


def test_names_are_those_that_the_import_roots_give() -> None:
    files = ["src/shop/__init__.py", "src/shop/rank.py", "src/json.py", "tests/utils.py"]
    others = ["my-tools/run.py", "src/shop/data.csv", "numpy/linalg.py"]
    found = origins.names([*files, *others], ["src", "."])
    assert found["shop"] == "src/shop/__init__.py"
    assert found["shop.rank"] == "src/shop/rank.py"
    assert found["tests.utils"] == "tests/utils.py"
    assert {"utils", "rank", "json", "my-tools.run", "shop.data"}.isdisjoint(found)


def test_a_folder_that_has_a_librarys_name_is_no_false_alarm(tmp_path: Path, search: Run) -> None:
    more = {"numpy/linalg.py": "", "tests/statistics.py": "", "src/shop/numpy.py": ""}
    project = shop(tmp_path / "p", "src/shop", more=more)
    is_kept(search(project))


def test_a_script_is_not_run_to_see_what_it_imports(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    script = f"open({str(runs)!r}, 'a').write('x')\nprint('loss: 0.5')\n"
    test = (
        "import pytest\n\n\n"
        '@pytest.mark.autoresearch(metric="loss", direction="minimize", editable=["train.py"])\n'
        "def test_script(candidate, experiment):\n"
        "    for _ in experiment.race():\n"
        "        experiment.score(candidate.run('train.py', key='loss'))\n"
        "    assert experiment.improves\n"
    )
    project = Project(tmp_path / "p", {"test_script.py": test, "train.py": script})
    project.replace("loss: 0.5", "loss: 0.4", path="train.py")
    result = project.search("--autoresearch-experiments", "0", "test_script.py")
    passes = sum(len(record.passes) for record in result.records)
    assert passes > 1, result.stdout + result.stderr
    assert runs.read_text() == "x" * passes
