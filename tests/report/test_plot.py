"""`progress.png` shows a run of any size, and one wild score does not flatten it."""

from __future__ import annotations

import builtins
import math
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.records import Effect, Part, Record, Status
from pytest_autoresearch.report.plot import MISSING, _draw, find_points, limits, save_progress

from .builders import gained, look, night, record, summary


def draw(records: list[Record], path: Path, **changes: Any) -> str:
    return save_progress(summary(records, **changes), path)


@pytest.mark.parametrize("size", [1, 10, 400])
def test_a_run_of_any_size_is_drawn(tmp_path: Path, size: int) -> None:
    path = tmp_path / "progress.png"
    assert draw(night(size), path) == ""
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_points_are_the_champions_steps_the_rest_and_who_has_no_score() -> None:
    points = find_points(
        [
            record(0, Status.BASELINE, score=0.25),
            record(0, Status.MEASURED, part=Part.CALIBRATION, score=0.9),
            record(1, Status.KEPT, score=0.2),
            record(2, score=0.3),
            record(3, Status.OOM),
            record(4, score=math.nan),
            record(5, Status.STALE, score=0.19),
        ]
    )
    assert points.champion == [(0, 0.25), (1, 0.2)]
    assert points.others == [(2, 0.3), (5, 0.19)]
    assert points.unscored == [3, 4]
    assert points.last == 5


@pytest.mark.parametrize("outlier", [1e6, -1e6, 1e300])
@pytest.mark.parametrize("keeps", [[0.25], [0.25, 0.24, 0.2]])
def test_an_outlier_does_not_flatten_the_picture(keeps: list[float], outlier: float) -> None:
    low, high = limits(keeps, [0.26, 0.27, 0.28, 0.3, 0.26, outlier])
    assert -1 < low < min(keeps)
    assert 0.3 < high < 1


def test_the_champions_scores_are_always_in_the_picture() -> None:
    low, high = limits([100.0, 1.0], [1.0, 1.01, 1.02, 1.03])
    assert low < 1.0
    assert high > 100.0


def test_a_single_score_has_room_around_it() -> None:
    for score in (0.0, -3.0, 1e9):
        low, high = limits([score], [])
        assert low < score < high


def test_a_crowd_of_bad_scores_leaves_the_champion_visible() -> None:
    low, high = limits([0.25, 0.24], [2.3] * 30 + [0.26] * 10)
    assert high - low < 0.1


def test_odd_names_are_drawn_without_a_warning(tmp_path: Path) -> None:
    records = [
        record(0, Status.BASELINE, score=0.25),
        record(1, Status.KEPT, score=0.2, delta=-0.05, description="$\\frac{ 学习率 \x1b[31m"),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw(records, tmp_path / "a.png", metric="$x_{", objective="$\\bad{") == ""


def test_without_any_score_there_is_no_picture(tmp_path: Path) -> None:
    reason = draw([record(1, Status.CRASH)], tmp_path / "a.png")
    assert reason == "no progress.png: no experiment has a score yet"
    assert list(tmp_path.iterdir()) == []


def test_a_missing_matplotlib_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    reason = draw(night(3), tmp_path / "a.png")
    assert reason == MISSING
    assert "pip install pytest-autoresearch[report]" in reason


def test_matplotlib_is_loaded_only_to_draw_and_never_pyplot(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from pytest_autoresearch.report.plot import save_progress
assert "matplotlib" not in sys.modules
from tests.report.builders import night, summary
assert save_progress(summary(night(10)), Path({str(tmp_path / "a.png")!r})) == ""
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True)


def drawn(records: list[Record], **changes: Any) -> Any:
    """The panels of a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    FigureCanvasAgg(figure)
    _draw(figure, gained(records, **changes), find_points(records))
    return figure.axes


def bars(panel: Any) -> list[tuple[float, float, float]]:
    """Place, lower and upper end of each error bar."""
    return [
        (float(segment[0][0]), float(segment[0][1]), float(segment[1][1]))
        for container in panel.containers
        for lines in container[2]
        for segment in lines.get_segments()
    ]


def legend(panel: Any) -> list[str]:
    return [text.get_text() for box in panel.figure.legends for text in box.get_texts()]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_keep_shows_where_its_confirmed_gain_leads_from_the_level_before(
    direction: str,
) -> None:
    sign = 1 if direction == "maximize" else -1
    records = [
        record(0, Status.BASELINE, score=0.25),
        record(1, Status.KEPT, score=0.25 + sign * 0.06),
        record(2, Status.DISCARD, score=0.24),
        record(3, Status.KEPT, score=0.25 + sign * 0.2),
    ]
    effects = {1: Effect(0.05, 0.01), 3: Effect(0.07, 0.08)}
    (panel,) = drawn(records, effects=effects, direction=direction)
    assert [place for place, _, _ in bars(panel)] == [1, 3]
    first, second = ((low, high) for _, low, high in bars(panel))
    level = 0.25 + sign * 0.05
    assert first == pytest.approx((level - effects[1].half, level + effects[1].half))
    level = 0.25 + sign * (0.06 + 0.07)
    assert second == pytest.approx((level - effects[3].half, level + effects[3].half))
    assert second[0] < 0.25 + sign * 0.06 < second[1], "a gain that may be none reaches the line"
    (said,) = [text for text in legend(panel) if "interval" in text]
    assert said == "a keep's confirmed gain, from the level before (90% interval)"


def test_the_whole_interval_is_in_the_picture() -> None:
    records = [record(0, Status.BASELINE, score=0.25), record(1, Status.KEPT, score=0.2)]
    (panel,) = drawn(records, effects={1: Effect(0.05, 0.1)})
    low, high = panel.get_ylim()
    assert low < 0.2 - 0.1645
    assert high > 0.2 + 0.1645


def test_a_very_wide_interval_does_not_flatten_the_picture() -> None:
    records = [record(0, Status.BASELINE, score=0.25), record(1, Status.KEPT, score=0.24)]
    (panel,) = drawn(records, effects={1: Effect(0.01, 5.0)})
    low, high = panel.get_ylim()
    assert 0.1 < low < 0.2
    assert 0.27 < high < 0.4


def test_without_an_error_there_is_no_bar() -> None:
    records = [record(0, Status.BASELINE, score=0.25), record(1, Status.KEPT, score=0.2)]
    (panel,) = drawn(records, effects={1: Effect(0.05, 0.0)})
    assert bars(panel) == []


@pytest.mark.parametrize("level", ["", "warn", "red"])
def test_looks_into_the_vault_have_a_panel_of_their_own(level: str) -> None:
    _, panel = drawn(night(20), effects={}, looks=[look(), look(2, level=level, words="w")])
    search, vault = bars(panel)[:2], bars(panel)[2:]
    assert [round(place) for place, _, _ in search] == [1, 2]
    assert [(low, high) for _, low, high in search] == [
        pytest.approx((0.02 - 1.645 * 0.002, 0.02 + 1.645 * 0.002))
    ] * 2
    assert [(low, high) for _, low, high in vault] == [
        pytest.approx((0.01 - 1.645 * 0.003, 0.01 + 1.645 * 0.003))
    ] * 2
    words = [text.get_text() for text in panel.texts]
    assert words[:2] == ["vault +0.0100 ± 0.0049", "search +0.0200 ± 0.0033"]
    assert len(words) == (3 if level else 2)


def test_the_names_of_keeps_hide_neither_each_other_nor_the_line() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

    from pytest_autoresearch.report.labels import Label, place_labels

    figure = Figure(figsize=(11, 6))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 20), ylim=(0, 20))
    figure.draw_without_rendering()
    line = [(0, 18.0), (10, 18.0), (10, 8.0), (20, 8.0)]
    labels = [Label(10, 8.0, f"a name of some length {number}") for number in range(30)]
    placed = place_labels(axes, labels, line, "minimize")
    assert 4 <= len(placed) < 30
    texts = [text for text in axes.texts if isinstance(text, Annotation) and text.get_text()]
    assert [text.get_text() for text in texts] == placed
    boxes = [text.get_window_extent() for text in texts]
    corner = axes.transData.transform((10, 8.0))
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])
        assert not box.contains(*corner)
        assert not box.x0 < corner[0] < box.x1 or box.y1 < corner[1]
