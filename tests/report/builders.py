"""Synthetic records for the tests of reports."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from typing import Any

from pytest_autoresearch.records import (
    Direction,
    Effect,
    Look,
    Part,
    Pass,
    Record,
    Status,
    Summary,
)

BASE = "b" * 40


def record(number: int, status: Status = Status.DISCARD, **changes: Any) -> Record:
    """An experiment of a made-up run; number 0 is the baseline."""
    scored = status in (Status.BASELINE, Status.KEPT, Status.DISCARD, Status.STALE, Status.WON)
    values: dict[str, Any] = {
        "item": f"{number:04d}",
        "part": Part.EXPERIMENT if number else Part.BASELINE,
        "experiment": number,
        "status": status,
        "objective": "digits",
        "metric": "log_loss",
        "direction": "minimize",
        "score": 0.25 if scored else None,
        "passes": (Pass(0, 1, (0.2, 0.3)),) if scored else (),
        "commit": f"{number:040x}"[::-1],
        "base": BASE,
        "description": f"change {number}" if number else "",
        "isolation": "none",
    }
    return Record(**{**values, **changes})


def summary(records: Sequence[Record], **changes: Any) -> Summary:
    """The summary of a made-up run that holds ``records``."""
    last = {one.experiment: one for one in records if one.part is not Part.REFERENCE}.values()
    keeps = [one for one in last if one.status is Status.KEPT]
    first = next((one for one in records if one.status is Status.BASELINE), None)
    values: dict[str, Any] = {
        "run": "digits-2025-11-20",
        "branch": "autoresearch/digits-2025-11-20",
        "objective": "digits",
        "metric": "log_loss",
        "direction": "minimize",
        "isolation": "none",
        "folder": "/nowhere",
        "ended": "12 experiments reached",
        "finished": True,
        "records": records,
        "baseline": first.score if first else None,
        "champion": keeps[-1].score if keeps else first.score if first else None,
        "kept": len(keeps),
        "tried": sum(1 for one in last if one.part is Part.EXPERIMENT),
    }
    return Summary(**{**values, **changes})


def look(number: int = 1, experiment: int = 1, **changes: Any) -> Look:
    """A look into the vault of a made-up run: half of a gain of 0.02 is left."""
    values: dict[str, Any] = {
        "number": number,
        "experiment": experiment,
        "commit": "c" * 40,
        "time": "2025-11-20T05:00:00Z",
        "baseline": 0.26,
        "champion": 0.25,
        "search": Effect(0.02, 0.002),
        "vault": Effect(0.01, 0.003),
    }
    return Look(**{**values, **changes})


def gained(records: Sequence[Record], **changes: Any) -> Summary:
    """A made-up run that measured its noise, its gain and the effect of experiment 1."""
    values: dict[str, Any] = {
        "noise": 0.00312,
        "gain": Effect(0.0098, 0.0019),
        "effects": {1: Effect(0.0091, 0.0021)},
    }
    return summary(records, **{**values, **changes})


_WORDS = (
    "lower learning rate",
    "wider hidden layer",
    "scale the pixels to unit variance",
    "more trees, shallower",
    "blend with a nearest-neighbour model",
    "label smoothing 0.05",
)


def night(
    size: int, *, seed: int = 0, direction: Direction = "minimize", outlier: float | None = None
) -> list[Record]:
    """A search of ``size`` experiments that improves more and more rarely."""
    draw = random.Random(seed)
    sign = 1 if direction == "minimize" else -1
    best = 0.25 if sign > 0 else 0.80
    common: dict[str, Any] = {"direction": direction, "metric": "log_loss" if sign > 0 else "auc"}
    records = [record(0, Status.BASELINE, score=best, **common)]
    for number in range(1, size + 1):
        if draw.random() < 0.1:
            status = draw.choice([Status.CRASH, Status.TIMEOUT, Status.OOM, Status.REFUSED])
            reason = f"{status.tsv}: NameError: name 'x{number}' is not defined"
            records.append(record(number, status, reason=reason, **common))
        elif draw.random() < 3.0 / (number + 4):
            gain = 0.02 * draw.random() * 10 / (number + 10) + 0.0005
            delta = -sign * gain
            best += delta
            words = draw.choice(_WORDS)
            records.append(
                record(number, Status.KEPT, score=best, delta=delta, description=words, **common)
            )
        else:
            worse = abs(draw.gauss(0, 0.01)) if draw.random() < 0.85 else draw.random() * 0.3
            z = -draw.random() * 3
            reason = (
                f"{common['metric']} {best + worse:.4f} against {best:.4f}: z {z:.1f} (needs 1.65)"
            )
            records.append(record(number, score=best + sign * worse, z=z, reason=reason, **common))
    if outlier is not None:
        records[size // 2] = dataclasses.replace(
            records[size // 2], status=Status.DISCARD, score=outlier, reason="far off"
        )
    return records
