"""Beyond what was clearly worse alone the sampler is not followed."""

from __future__ import annotations

from pytest_autoresearch.agents.tuning.fences import Fences
from pytest_autoresearch.agents.tuning.known.knobs import Value


def fences(*learnt: tuple[Value, Value, float | None]) -> Fences:
    found = Fences()
    for was, value, z in learnt:
        found.learn("rate", was, value, z)
    return found


def test_what_lies_further_out_than_a_clear_loss_is_not_allowed() -> None:
    both = fences((0.1, 0.3, -2.0), (0.1, 0.02, -1.5))
    allowed = {rate: both.allow({"rate": rate}, {"rate": 0.1}) for rate in (0.01, 0.05, 0.2, 0.4)}
    assert allowed == {0.01: False, 0.05: True, 0.2: True, 0.4: False}
    assert not both.allow({"other": 1, "rate": 0.5}, {"rate": 0.1, "other": 0})


def test_the_nearest_loss_counts() -> None:
    near = fences((0.1, 0.4, -2.0), (0.1, 0.2, -2.0), (0.1, 0.3, -2.0))
    assert not near.allow({"rate": 0.25}, {"rate": 0.1})


def test_a_loss_within_the_noise_fences_nothing() -> None:
    assert fences((0.1, 0.3, -0.5), (0.1, 0.2, None), (0.1, 0.2, 1.0)).allow(
        {"rate": 0.5}, {"rate": 0.1}
    )


def test_a_fence_that_the_champion_has_passed_means_nothing() -> None:
    assert fences((0.1, 0.3, -2.0)).allow({"rate": 0.5}, {"rate": 0.4})


def test_choices_have_no_beyond() -> None:
    odd = fences(("rbf", "poly", -2.0), (True, False, -2.0), (None, 3, -2.0))
    assert odd.allow({"rate": "poly"}, {"rate": "rbf"})
    assert odd.allow({"rate": 7}, {"rate": None})
