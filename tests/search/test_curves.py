"""A fit is stopped where it will end far behind, and what others reported cannot make that happen."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from pytest_autoresearch.records import Curve, Direction, Experiment, Part, Pass, Record, Status
from pytest_autoresearch.search.curves import (
    BEGIN,
    FAR,
    LARGEST,
    MOST_POINTS,
    Follower,
    Pace,
    Trace,
    at,
    pace,
    spread,
)
from pytest_autoresearch.search.noise import student

TRIED = Experiment("0007", Part.EXPERIMENT, 7, "base", "tree")
SHARES = [n / 100 for n in range(1, 101)]
Shape = Callable[[float], float]


def drawn(shape: Shape) -> Curve:
    return tuple((share, shape(share)) for share in SHARES[::4])


def rising(share: float) -> float:
    """As usual: fast first, slow later; ends at 1."""
    return 1 - math.exp(-5 * share) + math.exp(-5)


def stopped(held: Pace | None, values: Iterable[tuple[float, float]]) -> tuple[float, str]:
    """The share at which a fit is stopped, and why; 1 and nothing when it is not."""
    follower = Follower(held, 0)
    for share, value in values:
        if why := follower.heard(share, value):
            return share, why
    return 1.0, ""


def walked(shape: Shape) -> list[tuple[float, float]]:
    return [(share, shape(share)) for share in SHARES]


PACE = Pace((((drawn(rising),),),), 0.01, 1.0)


# The rule


def test_a_fit_that_diverges_is_stopped_at_three_tenths() -> None:
    share, why = stopped(PACE, walked(lambda s: -s))
    assert share == BEGIN
    assert why.startswith("stopped at 30% of its seconds: ")
    assert why.endswith(" sd behind the champion's curve and not catching up")


def test_a_slow_starter_that_catches_up_is_not_stopped() -> None:
    assert stopped(PACE, walked(lambda s: rising(s) - 3 * (1 - s))) == (1.0, "")


def test_who_falls_behind_late_is_stopped_late() -> None:
    share, _ = stopped(PACE, walked(lambda s: rising(s) - max(0.0, s - 0.6)))
    assert 0.6 < share < 0.75


@pytest.mark.parametrize(("lag", "ends"), [(2.9, False), (3.1, True)])
def test_what_counts_is_three_standard_deviations(lag: float, ends: bool) -> None:
    held = replace(PACE, unit=0.1)
    assert bool(stopped(held, walked(lambda s: rising(s) - 0.1 * lag))[1]) is ends


def test_a_lag_that_grows_is_not_drawn_on() -> None:
    assert stopped(replace(PACE, unit=0.2), walked(lambda s: rising(s) - 0.5 * s)) == (1.0, "")


def test_one_odd_value_stops_nothing() -> None:
    values = walked(rising)
    values[50] = (values[50][0], values[50][1] - 0.1)
    assert stopped(PACE, values) == (1.0, "")


def test_few_reports_stop_nothing() -> None:
    assert stopped(PACE, [(0.05, 0.0), (0.4, -9.0), (0.6, -9.0), (0.9, -9.0)]) == (1.0, "")


def test_nothing_is_stopped_where_the_champion_has_not_reported_yet() -> None:
    late = tuple(point for point in drawn(rising) if point[0] > 0.7)
    share, _ = stopped(replace(PACE, trees=(((late,),),)), walked(lambda s: -1.0))
    assert share > 0.9


def test_a_fold_that_the_champion_did_not_report_is_not_stopped() -> None:
    assert Follower(PACE, 3).heard(0.9, -9.0) == ""
    assert stopped(replace(PACE, trees=((((),),),)), walked(lambda s: -9.0)) == (1.0, "")


def test_without_a_champion_nothing_is_stopped() -> None:
    assert stopped(None, walked(lambda s: -1e9)) == (1.0, "")


def test_smaller_is_better_is_the_mirror_image() -> None:
    mirrored = Pace((((drawn(lambda s: -rising(s)),),),), 0.01, -1.0)
    for shape in (rising, lambda s: -s, lambda s: rising(s) - 3 * (1 - s)):
        values = walked(shape)
        negative = [(share, -value) for share, value in values]
        assert stopped(mirrored, negative) == stopped(PACE, values)


def test_values_beyond_all_bounds_break_nothing() -> None:
    for big in (1.7e308, -1.7e308):
        follower = Follower(PACE, 0)
        for share in SHARES:
            follower.heard(share, big * (-1) ** int(100 * share))
        assert all(abs(value) <= LARGEST for _, value in follower.curve)
        assert math.isfinite(spread([((follower.curve,), (drawn(rising),))]))


# Curves


@pytest.mark.parametrize("count", [1, 64, 65, 1000, 20_000])
def test_a_curve_is_thinned_evenly_and_keeps_its_ends(count: int) -> None:
    trace = Trace()
    for n in range(count):
        trace.add(n / count, float(n))
    points = trace.points
    assert min(count, MOST_POINTS // 3) <= len(points) <= MOST_POINTS
    assert (points[0][1], points[-1][1]) == (0.0, count - 1.0)
    gaps = [b[0] - a[0] for a, b in pairwise(points)][:-1]
    assert all(gap <= 5 / MOST_POINTS for gap in gaps) or count < MOST_POINTS


def test_a_flood_in_one_moment_is_a_few_points() -> None:
    trace = Trace()
    for n in range(10_000):
        trace.add(0.5, float(n))
    trace.add(0.6, 7.0)
    assert len(trace.points) <= 4
    assert trace.points[-1] == (0.6, 7.0)


def test_beyond_its_seconds_a_fit_is_at_its_end() -> None:
    follower = Follower(None, 0)
    for share in (0.5, 1.5, 2.5):
        follower.heard(share, share)
    assert follower.curve[-1] == (1.0, 2.5)
    assert all(share <= 1 for share, _ in follower.curve)


def test_between_points_a_curve_is_a_line() -> None:
    curve = ((0.2, 1.0), (0.4, 3.0))
    assert [at(curve, share) for share in (0.0, 0.2, 0.3, 0.4, 0.9)] == pytest.approx(
        [1, 1, 2, 3, 3]
    )


# The unit


def test_the_unit_is_the_spread_between_runs_of_a_fold() -> None:
    rng = random.Random(1)
    runs = tuple(tuple(((1.0, fold + rng.gauss(0, 0.3)),) for fold in range(400)) for _ in range(2))
    assert spread([runs]) == pytest.approx(math.sqrt(2) * 0.3, rel=0.1)


def test_few_pairs_make_the_unit_wider() -> None:
    # Student's quantiles for the one-sided 0.99865 of three standard deviations.
    for freedom, quantile in ((3, 9.22), (5, 5.51), (10, 3.96), (30, 3.27)):
        assert FAR * student(FAR, freedom) == pytest.approx(quantile, rel=0.1)
    assert student(FAR, 1) > 10
    runs = tuple(tuple(((1.0, value),) for value in one) for one in ((1, 2, 3), (1.1, 2.1, 2.9)))
    assert spread([runs]) == pytest.approx(0.1 * student(FAR, 3))


@pytest.mark.parametrize(
    "runs", [(), (((((1.0, 2.0)),),),), ((((1.0, 2.0),),), (((0.9, 2.0),),)), (((),), ((),))]
)
def test_without_a_spread_there_is_no_unit(runs: tuple[tuple[Curve, ...], ...]) -> None:
    assert spread([runs]) == 0.0


# What is handed over


def record(
    number: int,
    status: Status,
    *curves: Curve,
    splits: Sequence[int] = (0,),
    part: Part = Part.EXPERIMENT,
) -> Record:
    return Record(
        item=f"{number:04d}",
        part=part,
        experiment=number,
        status=status,
        passes=tuple(Pass(split, number, (0.5, 0.5, 0.5)) for split in splits),
        curves=curves,
    )


def shifted(*ends: float) -> tuple[Curve, ...]:
    return tuple(drawn(lambda s, end=end: rising(s) + end) for end in ends)  # type: ignore[misc]


def baseline() -> list[Record]:
    return [
        record(0, Status.BASELINE, *shifted(0.0, 0.01, -0.02), part=Part.BASELINE),
        record(0, Status.MEASURED, *shifted(0.01, -0.01, 0.01), part=Part.CALIBRATION),
    ]


def crowned(first: Sequence[Curve], second: Sequence[Curve]) -> list[Record]:
    """A kept experiment with what it reported when it won and when it was measured."""
    won = record(3, Status.KEPT, *first)
    return [*baseline(), won, record(3, Status.MEASURED, *second, part=Part.REFERENCE)]


def held(records: Sequence[Record], champion: int, direction: Direction = "maximize") -> Pace:
    found = pace(TRIED, records, champion, direction)
    assert found is not None
    return found


def test_candidates_are_held_against_measurements_of_champion_and_baseline() -> None:
    first, second = shifted(0.5, 0.5, 0.5), shifted(0.2, 0.21, 0.19)
    found = held(crowned(first, second), 3)
    assert found.trees == ((second,), tuple(one.curves for one in baseline()))
    assert held(baseline(), 0).trees == (tuple(one.curves for one in baseline()),)


@pytest.mark.parametrize(
    "other",
    [
        replace(TRIED, part=Part.REFERENCE),
        replace(TRIED, part=Part.VAULT),
        replace(TRIED, stage="confirm"),
    ],
)
def test_measurements_and_stages_are_never_stopped(other: Experiment) -> None:
    assert pace(other, baseline(), 0, "maximize") is None


def test_nothing_is_stopped_without_two_runs_that_differ() -> None:
    one, two = baseline()
    silent = replace(one, curves=()), replace(two, curves=())
    kept = [record(3, Status.KEPT, *one.curves), record(3, Status.MEASURED, *two.curves)]
    assert pace(TRIED, [one], 0, "maximize") is None
    assert pace(TRIED, [one, replace(two, curves=one.curves)], 0, "maximize") is None
    assert pace(TRIED, [one, replace(two, passes=(Pass(1, 0, (0.5,)),))], 0, "maximize") is None
    assert pace(TRIED, [*silent, *kept], 3, "maximize") is None
    assert pace(TRIED, [one, two, kept[1]], 3, "maximize") is None
    assert pace(TRIED, [one, two, *kept], 3, "maximize") is not None


def test_values_that_get_worse_run_in_the_wrong_direction_and_stop_nothing() -> None:
    loss = tuple(tuple((s, -v) for s, v in curve) for curve in shifted(0.0, 0.1, 0.2))
    kept = crowned(loss, loss[::-1])
    assert pace(TRIED, baseline(), 0, "maximize") is not None
    assert pace(TRIED, baseline(), 0, "minimize") is None
    assert pace(TRIED, kept, 3, "maximize") is None


def test_every_pass_of_a_measurement_is_another_run_of_its_split() -> None:
    ends = (0.01, -0.01, 0.01), (0.02, 0.0, 0.0), (0.5, 0.53, 0.5), (0.52, 0.5, 0.5)
    curves = [shifted(*three) for three in ends]
    flat = [curve for three in curves for curve in three]
    first = baseline()[0]
    calibration = record(0, Status.MEASURED, *flat, splits=(0, 0, 1, 1), part=Part.CALIBRATION)
    found = held([first, calibration], 0)
    assert found.trees == ((first.curves, curves[0], curves[1]),)
    assert found.unit == spread([(first.curves, *curves[:2]), (curves[2], curves[3])])
    assert (
        found.unit
        < held(
            [first, replace(calibration, curves=tuple(flat[:3]), passes=calibration.passes[:1])], 0
        ).unit
    )


def test_curves_that_fit_no_passes_are_left_out() -> None:
    first, second = baseline()
    assert (
        pace(
            TRIED,
            [first, replace(second, curves=second.curves[:2] * 2, passes=second.passes * 3)],
            0,
            "maximize",
        )
        is None
    )


def test_who_keeps_up_with_the_baseline_is_never_stopped_whatever_a_champion_reported() -> None:
    """A kept patch that lies, of any height and shape, in any direction, stops nobody."""
    rng = random.Random(0)
    tried = 0
    for direction, sign in (("maximize", 1.0), ("minimize", -1.0)):
        own = [
            replace(one, curves=tuple(tuple((s, sign * v) for s, v in c) for c in one.curves))
            for one in baseline()
        ]
        for _ in range(60):
            lies = [lie(rng) for _ in range(3)]
            again = [tuple((s, v + 1e-4) for s, v in one) for one in lies]
            records = [
                *own,
                record(3, Status.KEPT, *lies),
                record(3, Status.MEASURED, *again),
            ]
            found = pace(TRIED, records, 3, direction)  # type: ignore[arg-type]
            if found is None:
                continue
            tried += 1
            honest = [(s, sign * (rising(s) + rng.gauss(0, 0.005))) for s in SHARES]
            assert stopped(found, honest) == (1.0, "")
    assert tried > 20


def lie(rng: random.Random) -> Curve:
    height, knee = 10 ** rng.uniform(-3, 9), rng.random()
    values = [rng.choice((-1, 1)) * height * (1 + rng.random()) for _ in range(3)]
    return ((0.0, values[0]), (knee / 2, values[1]), (1.0, values[2]))


def test_a_champion_that_reports_in_smaller_units_does_not_stop_its_heirs() -> None:
    """It reports a negative loss where the baseline reported an accuracy."""

    def loss(share: float) -> float:
        return -3 * math.exp(-5 * share) - 2

    ends = (0.0, 0.3, -0.3), (0.2, 0.1, -0.2)
    first, second = ([drawn(lambda s, n=n: loss(s) + n) for n in three] for three in ends)  # type: ignore[misc]
    found = held(crowned(first, second), 3)
    assert stopped(found, walked(lambda s: loss(s) - 0.3)) == (1.0, "")
    assert stopped(found, walked(lambda s: -9.0))[0] == BEGIN
