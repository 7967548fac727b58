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
    Spending,
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


def themed(*more: Record, **changes: Any) -> Summary:
    """A made-up run by two agents, of which everything is known that a report tells of; and ``more`` records."""
    own: dict[str, Any] = {"direction": "maximize", "metric": "auc", "seconds": 60.0}
    size: dict[str, Any] = {**own, "theme": "Size", "agent": "llm:x", "protocol": "1" * 12}
    age: dict[str, Any] = {**own, "theme": "age", "agent": "tune", "protocol": "2" * 12}
    rows = [
        record(0, Status.BASELINE, score=0.7, **own),
        record(1, Status.KEPT, score=0.71, delta=0.01, z=3.0, expected="+0.002",
               hypothesis="fewer leaves fit less noise", cost_usd=0.25, tokens=1000, **size),
        record(2, z=-3.5, delta=-0.02, hypothesis="more is more", expected="+0.004", reason="r", **size),
        record(3, z=1.4, delta=0.004, reason="auc 0.714 against 0.71: z 1.4; not enough after 3 passes",
               lessons=("Leaves matter.",), **{**size, "theme": "size "}),
        record(4, z=0.3, delta=0.001, reason="r", **age),
        record(5, z=0.2, delta=0.001, reason="r", **age),
        record(6, Status.CRASH, reason="KeyError: 'a secret'", **age),
        record(7, Status.KEPT, score=0.709, delta=-0.001, z=-0.2, simpler="3 fewer lines of code",
               expected="+0.003", **{**size, "theme": "less code"}),
        record(8, z=1.2, delta=0.003, reason="r", **{**size, "theme": "rate"}),
        record(9, z=2.1, delta=0.006, reason="constraint ece <= 0.1 broken: 0.2", **{**size, "theme": ""}),
        record(10, Status.KEPT, score=0.72, delta=0.01, z=2.0, expected="no change", **size),
    ]  # fmt: skip
    values: dict[str, Any] = {
        "direction": "maximize",
        "metric": "auc",
        "noise": 0.003,
        "gain": Effect(0.02, 0.004),
        "effects": {
            1: Effect(0.01, 0.002),
            7: Effect(-0.001, 0.002),
            10: Effect(0.002, 0.003),
        },
        "spending": Spending(0.5, 2000, 10.0, {"llm:x": 0.5}, (), 120.0, 30.0),
    }
    return summary([*rows, *more], **{**values, **changes})
