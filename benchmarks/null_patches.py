"""Sixty patches of `experiments/conversion`, fifty of which change nothing that matters."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "experiments" / "conversion"
ORDER = 11
"""The seed of the order in which they are proposed."""


@dataclass(frozen=True)
class Patch:
    """``old`` replaced by ``new`` in a file; ``kind`` is ``real`` or says why nothing changes."""

    kind: str
    path: str
    old: str
    new: str
    description: str

    @property
    def null(self) -> bool:
        return self.kind != "real"


def patches() -> list[Patch]:
    """All of them, in the same mixed order every time."""
    found = [*_comments(), *_constants(), *_literals(), *_orders(), *_seeds(), *_real()]
    random.Random(ORDER).shuffle(found)
    return found


MODEL, FEATURES = "model.py", "features.py"
PLACES = (
    (MODEL, "def classifier(seed):"),
    (MODEL, "def size():"),
    (MODEL, "def predict(state, X):"),
    (FEATURES, "NUMBERS = ["),
    (FEATURES, "def features(X):"),
)
RANDOM = "random_state=seed,"
FITTED = "classifier(seed).fit"
CHANCES = "predict_proba(X)[:, 1]"
MISSING = "MISSING = -1\n"


def _comments() -> Iterator[Patch]:
    """Eight remarks."""
    words = ("tuned by hand", "see the notes", "kept simple", "good enough", "do not touch")
    for (path, place), remark in zip(PLACES, words, strict=True):
        yield Patch("comment", path, place, f"# {remark}\n{place}", f"a comment: {remark}")
    for argument in ("subsample=0.8,", "subsample_freq=1,", "colsample_bytree=0.8,"):
        said = argument.partition("=")[0]
        yield Patch("comment", MODEL, argument, f"{argument}  # {said}", f"a comment on {said}")


def _constants() -> Iterator[Patch]:
    """Twelve constants that nothing uses."""
    names = ("ALPHA", "BETA", "DECAY", "MARGIN", "POWER", "SCALE", "SHIFT", "STEP")
    for number, name in enumerate((*names, "TEMPERATURE", "WARMUP", "WEIGHT", "WIDTH")):
        path, place = PLACES[number % len(PLACES)]
        line = f"{name} = {0.1 * (number + 1):.1f}"
        yield Patch("unused constant", path, place, f"{line}\n\n\n{place}", f"{line}, never used")


def _literals() -> Iterator[Patch]:
    """Eight literals that no tree can tell from what was there, or that only move all chances."""
    for change in ("+ 1e-12", "- 1e-12", "* (1 + 1e-12)", "/ (1 + 1e-12)", "+ 5e-13"):
        yield Patch("literal", MODEL, CHANCES, f"{CHANCES} {change}", f"chances {change}")
    for value in (-2, -5, -10):
        new = f"MISSING = {value}\n"
        yield Patch("literal", FEATURES, MISSING, new, f"missing values become {value}, not -1")


def _orders() -> Iterator[Patch]:
    """Ten other orders of equal things: columns, and arguments given by name."""
    for one, other in (("age", "campaign"), ("pdays", "previous"), ("job", "marital")):
        yield _swapped(FEATURES, f'    "{one}",\n', f'    "{other}",\n')
    for one, other in (("education", "default"), ("housing", "loan")):
        yield _swapped(FEATURES, f'    "{one}",\n', f'    "{other}",\n')
    yield _swapped(FEATURES, '    "emp.var.rate",\n', '    "cons.price.idx",\n')
    yield Patch("order", FEATURES, "[*numbers, *codes]", "[*codes, *numbers]", "categories first")
    for one, other in (
        ("subsample=0.8", "subsample_freq=1"),
        ("subsample_freq=1", "colsample_bytree=0.8"),
        ("random_state=seed", "n_jobs=2"),
    ):
        yield _swapped(MODEL, f"        {one},\n", f"        {other},\n")


def _swapped(path: str, one: str, other: str) -> Patch:
    said = f"{other.strip(' ,' + chr(10))} before {one.strip(' ,' + chr(10))}"
    return Patch("order", path, one + other, other + one, said)


def _seeds() -> Iterator[Patch]:
    """Twelve other seeds, made of the one that was given or instead of it."""
    for seed in ("seed // 2 + 1", "seed // 2 + 42", "seed // 3", "seed ^ 5", "seed ^ 1234"):
        yield Patch("seed", MODEL, RANDOM, f"random_state={seed},", f"random_state={seed}")
    for seed in (7, 42, 1234):
        yield Patch("seed", MODEL, RANDOM, f"random_state={seed},", f"random_state={seed}")
    for seed in ("seed // 2 + 13", "seed ^ 99"):
        yield Patch("seed", MODEL, FITTED, f"classifier({seed}).fit", f"classifier({seed})")
    for name in ("bagging_seed", "feature_fraction_seed"):
        more = f"{RANDOM}\n        {name}=seed // 2,"
        yield Patch("seed", MODEL, RANDOM, more, f"{name}=seed // 2")


def _real() -> Iterator[Patch]:
    """Ten changes that matter, for the better or the worse."""
    for old, new in (
        ("num_leaves=31", "num_leaves=8"),
        ("num_leaves=31", "num_leaves=60"),
        ("verbose=-1,", "verbose=-1,\n        extra_trees=True,"),
    ):
        yield Patch("real", MODEL, old, new, new.split()[-1].rstrip(","))
    # Not where the argument stands: beside another one that was kept it could not be merged.
    for change in ("learning_rate=0.05", "learning_rate=0.5", "n_estimators=5", "n_estimators=400"):
        new = f"classifier(seed).set_params({change}).fit"
        yield Patch("real", MODEL, FITTED, new, change)
    both = 'numbers = [(X["housing"] == "yes") ^ (X["loan"] == "yes")]\n    numbers += [X[name]'
    yield Patch("real", FEATURES, "numbers = [X[name]", both, "housing or loan, not both")
    yield Patch("real", FEATURES, '    "age",\n', "", "without the age")
    yield Patch("real", FEATURES, '    "pdays",\n', "", "without the last contact")
