"""Kept means that the whole test passed: its parts, its soft assertions, and what it logs."""

from __future__ import annotations

from pathlib import Path

from pytest_autoresearch.records import Status
from pytest_autoresearch.testing import CONFTEST, TEST, Project

SANE = "    assert experiment.improves\n"
SOFT = """
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call" and getattr(item, "soft", False):
        report.outcome, report.longrepr = "failed", "a soft assertion failed"
    return report


@pytest.fixture
def soft(request):
    def check(holds):
        request.node.soft = not holds
    return check
"""


def project(tmp_path: Path, test: str, conftest: str = CONFTEST) -> Project:
    made = Project(tmp_path / "p", {"test_line.py": test, "conftest.py": conftest})
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    return made


def test_a_part_that_fails_fails_the_experiment_and_colours_nothing_red(tmp_path: Path) -> None:
    parts = (
        "    with subtests.test('fine'):\n        pass\n"
        "    with subtests.test('rough'):\n        assert experiment.split or error.mean() < -9\n"
    )
    test = TEST.replace("line):", "line, subtests):").replace(
        SANE, parts.replace("experiment.split", "np.abs(error).max() > 1.5") + SANE
    )
    result = project(tmp_path, test).search()
    assert result.returncode == 0, result.stdout
    [record] = result.experiments
    assert record.status is Status.CRASH
    assert record.reason.startswith("AssertionError")


def test_parts_that_pass_are_in_nobodys_way(tmp_path: Path) -> None:
    test = TEST.replace("line):", "line, subtests):").replace(
        SANE, "    with subtests.test('fine'):\n        pass\n" + SANE
    )
    result = project(tmp_path, test).search()
    assert result.returncode == 0, result.stdout
    assert [record.status for record in result.experiments] == [Status.KEPT]


def test_what_another_plugin_fails_is_not_kept(tmp_path: Path) -> None:
    test = TEST.replace("line):", "line, soft):").replace(
        SANE, "    soft(np.abs(error).max() > 1.5)\n" + SANE
    )
    result = project(tmp_path, test, CONFTEST + SOFT).search()
    [record] = result.experiments
    assert record.status is Status.CRASH
    assert record.reason == "failed by another plugin: a soft assertion failed"
    assert result.returncode == 0


def test_a_logged_value_that_is_no_number_rejects_the_patch_and_the_search_goes_on(
    tmp_path: Path,
) -> None:
    test = TEST.replace(
        "        experiment.score(",
        "        spread = np.std(model.predict(fold.test_X))\n"
        "        experiment.log(corr=float('nan') if spread < 0.1 else 1.0)\n        experiment.score(",
    )
    made = Project(tmp_path / "p", {"test_line.py": test})
    made.replace("return SLOPE * X[:, 0]", "return 0 * X[:, 0]", description="constant")
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    result = made.search()
    odd, good = result.experiments
    assert (odd.status, good.status) == (Status.CRASH, Status.KEPT)
    assert "log(corr=…) was given nan" in odd.reason


def test_an_absurd_score_rejects_the_patch_and_not_those_after_it(tmp_path: Path) -> None:
    made = Project(tmp_path / "p")
    made.replace("return SLOPE * X[:, 0]", "return 1e200 * X[:, 0]", description="absurd")
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="better")
    odd, good = made.search().experiments
    assert (odd.status, good.status) == (Status.CRASH, Status.KEPT)


def test_a_winner_may_take_as_long_to_fit_as_the_baseline(tmp_path: Path) -> None:
    test = TEST.replace(
        'editable=["model.py"]',
        'editable=["model.py"], constraints={"fit_seconds": "<= 1.4 * baseline"}',
    )
    made = Project(tmp_path / "p", {"test_line.py": test, "model.py": SLOW})
    made.add_patch(made.diff("model.py", SLOW, SLOW.replace("SLOPE = 2.0", "SLOPE = 2.9")))
    assert [record.status for record in made.search().experiments] == [Status.KEPT]


SLOW = """
import time

SLOPE = 2.0


def fit(X, y, *, seed):
    time.sleep(0.3)
    return seed % 97 / 10_000


def predict(state, X):
    return SLOPE * X[:, 0] + 0.5 + state
"""
