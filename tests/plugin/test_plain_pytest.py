"""Without --autoresearch an objective is an ordinary test of the work tree."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


CONFIRM = """

@pytest.mark.autoresearch(of="test_line", stage="confirm")
def test_line_confirm(candidate, experiment, line):
    for fold in experiment.race(line.folds):
        model = candidate.fit(fold.train_X, fold.train_y)
        experiment.score(float(np.mean(np.abs(model.predict(fold.test_X) - fold.test_y))))
    assert experiment.improves
"""
RECORD = "line.champion.json"
AGAIN = "`pytest --autoresearch --autoresearch-experiments 0 test_line.py::test_line`"
STEADY = MODEL.replace("rng.normal(scale=0.01)", "0.0")


def recorded_in(folder: Path, files: dict[str, str] | None = None) -> Project:
    """A project with the record of its untouched model."""
    made = Project(folder, files)
    made.replace("SLOPE = 2.0", "SLOPE = 2.9")
    done = made.search("--autoresearch-experiments", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return recorded_in(tmp_path_factory.mktemp("first") / "p")


@pytest.fixture
def recorded(first: Project, tmp_path: Path) -> Project:
    made = copy.copy(first)
    made.root = made.folder = tmp_path / "recorded"
    shutil.copytree(first.root, made.root)
    return made


def edit(project: Project, *keys: str, to: Any) -> None:
    """Change a value in the record."""
    fields = json.loads((project.folder / RECORD).read_text())
    inner = fields
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    write(project, RECORD, json.dumps(fields))


def test_the_champion_passes_for_its_own_scores_come_out_again(
    run: Run, recorded: Project, tmp_path: Path
) -> None:
    xml = tmp_path / "plain.xml"
    result = run(recorded, f"--junitxml={xml}")
    result.assert_outcomes(passed=1)
    assert "no champion record" not in result.stdout.str()
    known = json.loads((recorded.folder / RECORD).read_text())
    scores = known["passes"][0]["scores"]
    text = xml.read_text("utf-8")
    assert f'name="autoresearch.score" value="{sum(scores) / 3:.12f}'[:-2] in text
    assert f'name="autoresearch.champion" value="{known["score"]!r}"' in text
    assert 'name="autoresearch.z"' in text


def test_a_worsened_work_tree_fails_with_one_sentence(run: Run, recorded: Project) -> None:
    write(recorded, "model.py", MODEL.replace("SLOPE = 2.0", "SLOPE = 1.5"))
    result = run(recorded)
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        [
            rf"rmse 1\.\d{{4}} is worse than the 1\.\d{{4}} in {RECORD} by 0\.\d{{4}}, [\d.]+ times "
            r"its noise of 0\.\d+ \(up to 1\.65 times is luck\)$"
        ]
    )
    assert result.stdout.str().count("is worse than") == 2, "once, and cut short in the summary"


def test_other_threads_and_versions_do_not_skip_but_a_failure_names_them(
    run: Run, recorded: Project
) -> None:
    edit(recorded, "fingerprint", "threads", to=1000)
    edit(recorded, "fingerprint", "packages", "numpy", to="0.1")
    run(recorded).assert_outcomes(passed=1)
    write(recorded, "model.py", MODEL.replace("SLOPE = 2.0", "SLOPE = 1.5"))
    result = run(recorded)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*; not as in the record: threads * (was 1000), numpy * (was 0.1)"]
    )


def test_a_better_work_tree_passes(run: Run, recorded: Project) -> None:
    write(recorded, "model.py", MODEL.replace("SLOPE = 2.0", "SLOPE = 2.9"))
    run(recorded).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (("fingerprint", "device"), "Another One", "it was measured on Another One, this is *"),
        (
            ("fingerprint", "gpu"),
            "NVIDIA H1",
            "it was measured on the GPU NVIDIA H1, and there is none here",
        ),
        (("budget",), 60.0, "the budget was 60 s, is 20 s"),
        (
            ("evaluation", "files", "test_line.py"),
            "0" * 40,
            "the evaluation has changed (test_line.py)",
        ),
        (
            ("evaluation", "arguments"),
            "other",
            "the evaluation has changed (the markers' arguments)",
        ),
    ],
)
def test_what_cannot_be_compared_is_skipped_with_reason_and_remedy(
    run: Run, recorded: Project, key: tuple[str, ...], value: Any, reason: str
) -> None:
    edit(recorded, *key, to=value)
    result = run(recorded, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines([f"SKIPPED*: {RECORD}: {reason}; {AGAIN} writes a new record"])


def test_a_changed_test_skips_until_it_is_measured_again(run: Run, recorded: Project) -> None:
    write(recorded, "test_line.py", TEST + "# stricter\n")
    run(recorded).assert_outcomes(skipped=1)
    recorded.commit("a stricter test")
    done = recorded.search("--autoresearch-experiments", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    run(recorded).assert_outcomes(passed=1)


def test_a_damaged_record_fails_naming_the_file_and_the_remedy(run: Run, recorded: Project) -> None:
    write(recorded, RECORD, "<<<<<<< HEAD\n")
    result = run(recorded)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = result.stdout.str()
    assert f"{RECORD} is no champion record any more" in text
    assert f"`git checkout -- {RECORD}`" in text
    assert AGAIN in text


def test_a_record_whose_direction_was_turned_round_by_hand_turns_no_verdict(
    run: Run, recorded: Project
) -> None:
    path = recorded.folder / RECORD
    turned = path.read_text("utf-8").replace('"minimize"', '"maximize"')
    path.write_text(turned, "utf-8")
    write(recorded, "model.py", MODEL.replace("SLOPE = 2.0", "SLOPE = 1.5"))
    run(recorded).assert_outcomes(failed=1)


def test_what_no_seed_changes_may_not_get_worse_at_all(run: Run, tmp_path: Path) -> None:
    project = recorded_in(tmp_path / "p", {"model.py": STEADY})
    assert json.loads((project.folder / RECORD).read_text())["noise"] == 0.0
    run(project).assert_outcomes(passed=1)
    write(project, "model.py", STEADY.replace("SLOPE = 2.0", "SLOPE = 2.0 - 1e-9"))
    run(project).assert_outcomes(passed=1)
    write(project, "model.py", STEADY.replace("SLOPE = 2.0", "SLOPE = 1.999"))
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*, and other seeds never changed it"])


def test_what_a_search_kept_passes_once_it_is_merged_and_its_undoing_fails(
    run: Run, search: Run, project: Project
) -> None:
    search(project, "--autoresearch-run", "night")
    git(project, "merge", "-q", "autoresearch/night")
    run(project).assert_outcomes(passed=1)
    write(project, "model.py", MODEL)
    run(project).assert_outcomes(failed=1)


def test_without_a_record_any_score_passes_and_one_line_says_how_to_make_one(
    run: Run, project: Project, tmp_path: Path
) -> None:
    write(project, "test_two.py", TEST.replace("test_line", "test_two"))
    xml = tmp_path / "plain.xml"
    result = run(project, f"--junitxml={xml}")
    result.assert_outcomes(passed=2)
    line = (
        "no champion record beside test_line.py::test_line, test_two.py::test_two: any score passes; "
        f"to write one, {AGAIN}"
    )
    assert result.stdout.str().count(line) == 1
    assert xml.read_text("utf-8").count('name="autoresearch.champion_record" value="none"') == 2


def test_a_confirm_test_runs_too_and_has_a_record_of_its_own(run: Run, recorded: Project) -> None:
    write(recorded, "test_line.py", TEST + CONFIRM)
    result = run(recorded, "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    assert "no champion record" not in result.stdout.str()
    write(recorded, "line_confirm.champion.json", "{}")
    result = run(recorded, "-k", "confirm")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "line_confirm.champion.json is no champion record any more" in result.stdout.str()


def test_under_xdist(project: Project) -> None:
    write(project, "test_line.py", TEST + VAULT)
    write(project, "test_two.py", TEST.replace("test_line", "test_two"))
    result = project.pytest("-n", "2", "-v")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed, 1 skipped" in result.stdout
    assert result.stdout.count("no champion record beside") == 1


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
