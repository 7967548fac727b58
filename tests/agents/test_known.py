"""The tables say what the libraries say, and contradict themselves nowhere."""

from __future__ import annotations

import importlib
import inspect
import warnings
from typing import Any

import pytest

from pytest_autoresearch.agents.tuning.group import Group, tabled
from pytest_autoresearch.agents.tuning.known import FAMILIES
from pytest_autoresearch.agents.tuning.known.knobs import Family, Times
from pytest_autoresearch.agents.tuning.known.other import SWAPS
from pytest_autoresearch.agents.tuning.known.trees import DICTS
from pytest_autoresearch.agents.tuning.source import Site

EVERY = {**FAMILIES, **{f"{name} dict": known for name, known in DICTS.items()}}
PASSED_ON = {"extra_trees", "path_smooth", "max_bin", "drop_rate", "skip_drop"}
"""What LightGBM's models take without naming it."""


INSTALLED = sorted(
    name
    for name in FAMILIES
    if name.startswith(("sklearn.", "lightgbm.LGBM")) and "Text" not in name
)


@pytest.fixture(scope="module")
def estimators() -> dict[str, Any]:
    from sklearn.feature_extraction import text
    from sklearn.utils import all_estimators

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = {f"sklearn.{name}": one for name, one in all_estimators()}
    lightgbm = importlib.import_module("lightgbm")
    models |= {f"lightgbm.{name}": getattr(lightgbm, name) for name in dir(lightgbm)}
    for name in ("CountVectorizer", "TfidfVectorizer"):
        models[f"sklearn.{name}"] = getattr(text, name)
    return models


@pytest.mark.parametrize("name", INSTALLED)
def test_defaults_are_the_librarys(name: str, estimators: dict[str, Any]) -> None:
    parameters = inspect.signature(estimators[name].__init__).parameters
    for knob in FAMILIES[name].knobs.values():
        if knob.name not in PASSED_ON and knob.unset:
            assert knob.name in parameters, knob.name
            default = parameters[knob.name].default
            theirs = default[0] if isinstance(default, tuple) else default
            assert theirs in (knob.default, "warn", "deprecated"), knob.name


@pytest.mark.parametrize("name", EVERY)
def test_a_table_speaks_of_its_own_parameters_only(name: str) -> None:
    known = EVERY[name]
    for knob in known.knobs.values():
        assert set(knob.when) <= set(known.knobs)
        assert {need.name for need in knob.needs} <= set(known.knobs)
        for need in knob.needs:
            assert need.holds(need.remedy)
    assert set(known.spelling) | set(known.aliases.values()) <= set(known.knobs)


def group(name: str, known: Family) -> Group:
    site = Site("model.py", 0, -1, "", ", ", "", "", name, "fit", (), 0)
    return Group(site, known)


@pytest.mark.parametrize("name", EVERY)
def test_every_parameter_has_a_dimension_and_every_first_move_leads_somewhere(name: str) -> None:
    here = group(name, EVERY[name])
    for knob in here.family.knobs.values():
        one = here.unset(knob, knob.name, 0)
        assert one is not None, knob.name
        assert tabled(one.literal, knob, knob.name, 0) is not None
        here.dimensions[knob.name] = one
    for move in here.family.moves:
        for parameter, how in move.items():
            if parameter == "alpha" and isinstance(how, Times):
                continue
            assert here.dimensions[parameter].moved(how) is not None, (parameter, how)


def test_classes_that_make_room_for_each_other_take_the_same_arguments() -> None:
    for group in SWAPS:
        assert len(set(group)) == len(group) > 1
        families = [FAMILIES[name] for name in group if name in FAMILIES]
        assert all(one.knobs.keys() == families[0].knobs.keys() for one in families)
