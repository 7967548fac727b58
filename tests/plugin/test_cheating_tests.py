"""A frozen test that is written wrongly, or that a candidate leads astray, keeps nothing and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_autoresearch.records import Part, Status
from pytest_autoresearch.testing import TEST, Project, Result

FIT = "    rng = np.random.default_rng(seed)\n"
BODY = TEST.index("    for fold in")


def search(tmp_path: Path, body: str, *, better: bool = True, extra: str = "") -> Result:
    head = TEST[:BODY].replace("timeout(20)", "timeout(3)")
    project = Project(tmp_path / "p", {"test_line.py": head + body})
    if extra:
        project.replace(FIT, FIT + extra, description="odd")
    if better:
        project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    return project.search()


LOOP = """    for fold in experiment.race(line.folds):
        model = candidate.fit(fold.train_X, fold.train_y)
        error = model.predict(fold.test_X) - fold.test_y
        experiment.score(float(np.sqrt(np.mean(error**2))))
"""


def test_swallowing_over_budget_and_scoring_a_constant_keeps_nothing(tmp_path: Path) -> None:
    body = """    for fold in experiment.race(line.folds):
        try:
            model = candidate.fit(fold.train_X, fold.train_y)
            error = model.predict(fold.test_X) - fold.test_y
            score = float(np.sqrt(np.mean(error**2)))
        except Exception:
            score = 0.0
        experiment.score(score)
    assert experiment.improves
"""
    result = search(tmp_path, body, better=False, extra="    import time\n    time.sleep(60)\n")
    [record] = result.experiments
    assert record.status is Status.TIMEOUT
    assert "over budget: stopped after 3 s" in record.reason
    assert result.returncode == 0


def test_leaving_the_race_by_break_fails_the_baseline_with_the_reason(tmp_path: Path) -> None:
    result = search(tmp_path, LOOP + "        break\n    assert experiment.improves\n")
    assert result.returncode == 1
    assert "left early (by break or return)" in result.stdout
    assert [r.status for r in result.records] == [Status.FAILED]


def test_leaving_the_race_for_a_good_score_is_never_a_keep(tmp_path: Path) -> None:
    body = LOOP + (
        "        if np.sqrt(np.mean(error**2)) < 1:\n            break\n"
        "    assert experiment.improves\n"
    )
    result = search(tmp_path, body)
    [record] = result.experiments
    assert record.status is Status.CRASH
    assert "left early" in record.reason


def test_never_reading_improves_fails_the_baseline_with_the_remedy(tmp_path: Path) -> None:
    result = search(tmp_path, LOOP)
    assert result.returncode == 1
    assert "never reads experiment.improves" in result.stdout
    assert not result.experiments


def test_reading_improves_for_the_baseline_only_is_never_a_keep(tmp_path: Path) -> None:
    result = search(tmp_path, LOOP + "    assert experiment.split or experiment.improves\n")
    assert all(record.status is not Status.KEPT for record in result.experiments)


def test_not_asserting_the_verdict_does_not_keep_a_loser(tmp_path: Path) -> None:
    project = Project(
        tmp_path / "p", {"test_line.py": TEST[:BODY] + LOOP + "    experiment.improves\n"}
    )
    project.replace("SLOPE = 2.0", "SLOPE = 1.0", description="worse")
    [record] = project.search().experiments
    assert record.status is Status.DISCARD


def test_a_metric_that_raises_on_odd_predictions_rejects_the_patch(tmp_path: Path) -> None:
    body = LOOP.replace(
        "        experiment.score",
        "        if np.abs(error).max() > 50:\n"
        "            raise ValueError('a prediction is absurd')\n        experiment.score",
    )
    project = Project(
        tmp_path / "p", {"test_line.py": TEST[:BODY] + body + "    assert experiment.improves\n"}
    )
    project.replace("OFFSET = 0.5", "OFFSET = 500.0", description="absurd")
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    result = project.search()
    odd, good = result.experiments
    assert odd.status is Status.CRASH
    assert odd.reason == "ValueError: a prediction is absurd"
    assert good.status is Status.KEPT


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (LOOP.replace("experiment.score(", "(lambda s: None)("), "fold 1 was not scored"),
        (LOOP + "    experiment.score(1.0)\n", "outside the loop"),
        (LOOP.replace("float(np.sqrt", "float('nan') * float(np.sqrt"), "not finite"),
        (LOOP.replace("race(line.folds)", "race(iter([1]))"), "walked only once"),
        (LOOP.replace("race(line.folds)", "race([])"), "there are no folds"),
        (LOOP.replace("candidate.fit(fold.train_X, fold.train_y)", "candidate.fit(object(), 1)"), "object"),
        ("    candidate.fit(line.X, line.y)\n" + LOOP, "inside the loop"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_test_fails_the_baseline_and_is_named(
    tmp_path: Path, body: str, words: str
) -> None:
    result = search(tmp_path, body + "    assert experiment.improves\n")
    assert result.returncode == 1
    assert words in result.stdout
    assert [r.part for r in result.records] == [Part.BASELINE]
