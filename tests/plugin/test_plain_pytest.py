"""Without --autoresearch an objective is an ordinary test of the work tree."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.testing import MODEL, TEST, Project

Run = Callable[..., pytest.RunResult]
VAULT = """

@pytest.mark.autoresearch(of="test_line", stage="vault")
def test_line_vault(candidate, experiment, line):
    raise AssertionError("opened")
"""


def write(project: Project, path: str, text: str) -> None:
    (project.folder / path).write_text(text, encoding="utf-8")


def test_it_passes_and_its_score_is_a_property(run: Run, project: Project, tmp_path: Path) -> None:
    xml = tmp_path / "plain.xml"
    result = run(project, f"--junitxml={xml}")
    result.assert_outcomes(passed=1)
    assert 'name="autoresearch.score" value="1.' in xml.read_text("utf-8")
    assert not (project.folder / ".autoresearch").exists()


def test_the_work_tree_counts_committed_or_not(run: Run, project: Project) -> None:
    write(project, "model.py", MODEL.replace("return SLOPE", "return SLOPPY"))
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*NameError: name 'SLOPPY' is not defined*"])


PARTS = TEST.replace('["model.py"]', '["model.py", "parts/*.py"], entry="model.py"')


def test_an_experiment_that_is_not_committed_yet_works(run: Run, tmp_path: Path) -> None:
    project = Project(tmp_path / "p", {"unrelated.txt": ""})
    for name in ("test_line.py", "model.py"):
        git(project, "rm", "-q", "--cached", name)
    git(project, "commit", "-q", "-m", "before the experiment")
    run(project).assert_outcomes(passed=1)
    git(project, "add", "model.py")
    run(project).assert_outcomes(passed=1)


def test_a_new_file_that_the_globs_name_is_there_unless_git_ignores_it(
    run: Run, tmp_path: Path
) -> None:
    model = MODEL.replace("import numpy as np", "import numpy as np\nfrom parts import new", 1)
    project = Project(
        tmp_path / "p",
        {"model.py": model, "test_line.py": PARTS, "parts/__init__.py": "", "parts/old.py": ""},
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*cannot import name 'new'*"])
    write(project, "parts/new.py", "")
    run(project).assert_outcomes(passed=1)
    write(project, ".gitignore", "new.py\n")
    run(project).assert_outcomes(failed=1)
    (project.folder / "parts/new.py").unlink()
    (project.folder / "parts/new.py").symlink_to(project.folder / "parts/old.py")
    (project.folder / ".gitignore").unlink()
    run(project).assert_outcomes(failed=1)


def test_a_problem_is_shown_once(run: Run, tmp_path: Path) -> None:
    text = TEST.replace('["model.py"]', '["model.py", "nowhere/*.py"], entry="model.py"')
    result = run(Project(tmp_path / "p", {"test_line.py": text}), "-rN")
    report = result.stdout.str()
    assert report.count("'nowhere/*.py' matches no file") == 1


def git(project: Project, *words: str) -> None:
    command = ["git", "-c", "user.name=A person", "-c", "user.email=a@example.org", *words]
    subprocess.run(command, cwd=project.folder, check=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("    rng =", "    raise ValueError('no idea')\n    rng ="), "no idea"),
        (("    rng =", "    import os; os._exit(3)\n    rng ="), "CandidateExited"),
        (("return SLOPE", "return np.nan * SLOPE"), "not finite"),
        (("def fit(X, y, *, seed)", "def fit(X, y)"), "seed"),
        (("    rng =", "    while True: pass\n    rng ="), "over budget: stopped after 1 s"),
    ],
)
def test_what_the_candidate_does_wrong_fails_it(
    run: Run, tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    text = TEST.replace("timeout(20)", "timeout(1)")
    project = Project(tmp_path / "p", {"model.py": MODEL.replace(*change), "test_line.py": text})
    result = run(project)
    result.assert_outcomes(failed=1)
    assert words in result.stdout.str()


def test_a_failure_that_the_test_swallows_fails_it_all_the_same(run: Run, tmp_path: Path) -> None:
    text = TEST.replace(
        "        model = candidate.fit(fold.train_X, fold.train_y)\n"
        "        error = model.predict(fold.test_X) - fold.test_y\n",
        "        error = np.zeros(1)\n"
        "        try:\n            candidate.fit(fold.train_X, fold.train_y)\n"
        "        except Exception:\n            pass\n",
    )
    broken = MODEL.replace("    rng =", "    raise ValueError('no idea')\n    rng =")
    result = run(Project(tmp_path / "p", {"test_line.py": text, "model.py": broken}))
    result.assert_outcomes(failed=1)
    assert "no idea" in result.stdout.str()


def test_it_needs_no_git(run: Run, project: Project) -> None:
    shutil.rmtree(project.root / ".git")
    run(project).assert_outcomes(passed=1)


def test_it_needs_no_commit(run: Run, project: Project) -> None:
    shutil.rmtree(project.root / ".git" / "refs" / "heads")
    (project.root / ".git" / "refs" / "heads").mkdir()
    run(project).assert_outcomes(passed=1)


def test_ini_and_m_leave_it_out(run: Run, project: Project) -> None:
    write(project, "test_unit.py", "def test_unit(): pass\n")
    run(project, "-o", "autoresearch_check=false").assert_outcomes(passed=1, deselected=1)
    run(project, "-m", "not autoresearch").assert_outcomes(passed=1, deselected=1)


def test_a_vault_stays_shut(run: Run, project: Project) -> None:
    write(project, "test_line.py", TEST + VAULT)
    result = run(project, "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    assert "a vault is opened only by a search" in result.stdout.str()


def test_a_fixture_outside_an_objective_says_what_is_missing(run: Run, project: Project) -> None:
    write(project, "test_line.py", "def test_plain(candidate):\n    pass\n")
    result = run(project)
    assert result.ret != 0
    assert "belong to a test marked" in result.stdout.str() + result.stderr.str()


def test_under_xdist(project: Project) -> None:
    write(project, "test_line.py", TEST + VAULT)
    write(project, "test_two.py", TEST.replace("test_line", "test_two"))
    result = project.pytest("-n", "2", "-v")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed, 1 skipped" in result.stdout


def test_under_xdist_a_failure_and_a_wrong_marker_are_as_plain(project: Project) -> None:
    write(project, "model.py", MODEL.replace("return SLOPE", "return SLOPPY"))
    failed = project.pytest("-n", "2")
    assert failed.returncode == 1
    assert "NameError: name 'SLOPPY' is not defined" in failed.stdout
    write(project, "test_line.py", TEST.replace("minimize", "downwards"))
    wrong = project.pytest("-n", "2")
    assert wrong.returncode == pytest.ExitCode.TESTS_FAILED
    assert "direction='downwards' is neither" in wrong.stdout + wrong.stderr


def test_no_scratch_and_no_process_is_left(
    run: Run, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    run(project).assert_outcomes(passed=1)
    assert list(scratch.iterdir()) == []
