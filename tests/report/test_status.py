"""The terminal speaks of experiments in their own words."""

from __future__ import annotations

import pytest

from pytest_autoresearch.records import Status
from pytest_autoresearch.report.status import teststatus as status_of

NIGHT = """
import pytest

@pytest.mark.ends("BASELINE")
def test_0(): pass

@pytest.mark.ends("KEPT")
def test_1(): pass

@pytest.mark.ends("DISCARD", "not better")
def test_2(): pass

@pytest.mark.ends("CRASH", "NameError")
def test_3(): pass

@pytest.mark.ends("SKIPPED", "repeats 2", when="setup")
def test_4(): pass

def test_own(): pass
"""


@pytest.fixture
def night(project: pytest.Pytester) -> pytest.Pytester:
    project.makeconftest(
        project.path.joinpath("conftest.py").read_text()
        + "\n    from pytest_autoresearch.report.status import Words"
        + "\n    config.pluginmanager.register(Words())\n"
    )
    project.makepyfile(test_night=NIGHT)  # pytest drops reasons behind long names
    return project


@pytest.mark.parametrize("status", Status, ids=lambda status: status.name)
def test_category_letter_and_word_come_from_the_status(status: Status) -> None:
    category, letter, (word, _) = status_of(status)
    assert (category, letter, word) == (status.word.lower(), status.letter, status.word)


def test_the_totals_line_counts_by_word(night: pytest.Pytester) -> None:
    counts = night.runpytest().parseoutcomes()
    assert counts == {"baseline": 1, "kept": 1, "rejected": 2, "skipped": 1, "passed": 1}


def test_letters_show_under_quiet_and_words_with_reasons_under_verbose(
    night: pytest.Pytester,
) -> None:
    night.runpytest("-q").stdout.fnmatch_lines(["b+--s.*"])
    night.runpytest("-vv").stdout.fnmatch_lines(
        [
            "*test_1 KEPT *",
            "*test_2 REJECTED (rejected: not better)*",
            "*test_4 SKIPPED (repeats 2)*",
        ]
    )


def test_other_tests_and_broken_experiments_keep_pytests_words(night: pytest.Pytester) -> None:
    night.makepyfile(
        test_night="""
        import pytest

        @pytest.fixture
        def broken(): raise RuntimeError("no data")

        @pytest.mark.ends("FAILED")
        def test_harness(): assert False

        @pytest.mark.ends("FAILED", when="setup")
        def test_setup(broken): pass

        @pytest.mark.ends("KEPT")
        def test_teardown(request): request.addfinalizer(lambda: 1 / 0)
        """
    )
    counts = night.runpytest().parseoutcomes()
    assert counts == {"failed": 1, "errors": 2, "kept": 1}


FIGURES = "auc 0.8312 against 0.8330: -0.0018, z -1.1"


@pytest.mark.parametrize(
    ("room", "whole"),
    [(len(FIGURES) + 2, False), (len(FIGURES) + 3, True), (len(FIGURES) + 9, True)],
)
def test_a_race_is_cut_behind_score_difference_and_z_only(
    night: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, room: int, whole: bool
) -> None:
    conftest = night.path / "conftest.py"
    said = conftest.read_text().replace(
        "    return report\n\ndef",
        '    report.autoresearch_note = "figures"\n    return report\n\ndef',
    )
    conftest.write_text(said)
    night.makepyfile(
        test_n=f"""
        import pytest

        @pytest.mark.ends("DISCARD", "{FIGURES} (needs +1.65); stopped after 2 of 5 folds")
        def test_2(): pass
        """
    )
    node = "test_n.py::test_2"
    columns = len(node) + len(" REJECTED (rejected: )") + len("  [100%]") + room
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = night.runpytest("-v", "-rN", "test_n.py").stdout.str()
    assert (FIGURES in shown) == whole
    assert ("REJECTED (figures)" in shown) != whole
