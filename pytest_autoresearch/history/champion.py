"""The champion record: the file beside a test that says what the champion scored, and how."""

from __future__ import annotations

import dataclasses
import json
import posixpath
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..exceptions import UsageProblem
from ..records import Direction, Fingerprint, Json, Objective, Pass
from .paths import CHAMPION_RECORD

SCHEMA = 1
LARGEST = 1 << 20
"""Bytes that are read of a record."""
NUMBERS = re.compile(r"\[\n\s+([^\[\]{}\"]*?)\n\s+\]")


@dataclass(frozen=True)
class Conditions:
    """Under what a score was measured: scores from other conditions cannot be compared with it.

    ``budget`` is seconds a pass, ``files`` git's blob by path of the frozen files, ``arguments`` a
    digest of what the markers say, ``data`` a digest of each of the sandbox marker's data by name.
    """

    budget: float
    isolation: str
    files: Mapping[str, str]
    arguments: str
    data: Mapping[str, str]
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Champion:
    """What the champion of an objective scored.

    ``score`` is what one pass over the first split should score, ``noise`` the standard error of such
    a pass against it, 0 where other seeds change nothing. ``passes`` begin with one over the first
    split; ``seconds`` is the wall time of a pass.
    """

    objective: str
    metric: str
    direction: Direction
    score: float
    noise: float
    passes: tuple[Pass, ...]
    seconds: float
    conditions: Conditions

    def to_json(self) -> dict[str, Json]:
        """The record as the journal and the file have it."""
        made_under = dataclasses.asdict(self.conditions)
        names = ("files", "arguments", "data")
        evaluation = {name: made_under.pop(name) for name in names}
        fields = {k: v for k, v in dataclasses.asdict(self).items() if k != "conditions"}
        return {"schema": SCHEMA, "evaluation": evaluation, **fields, **made_under}

    @classmethod
    def from_json(cls, fields: Any) -> Champion:
        """The inverse of `to_json`.

        Raises LookupError, TypeError or ValueError when it is something else.
        """
        marks = fields["evaluation"]
        return cls(
            objective=_text(fields["objective"]),
            metric=_text(fields["metric"]),
            direction=_direction(fields["direction"]),
            score=_number(fields["score"]),
            noise=abs(_number(fields["noise"])),
            passes=_passes(fields["passes"]),
            seconds=_number(fields["seconds"]),
            conditions=Conditions(
                budget=_number(fields["budget"]),
                isolation=_text(fields["isolation"]),
                files=_texts(marks["files"]),
                arguments=_text(marks["arguments"]),
                data=_texts(marks["data"]),
                fingerprint=_fingerprint(fields["fingerprint"]),
            ),
        )


def path_of(objective: Objective) -> str:
    """The record's place beside the test, from the repository's root."""
    return record_path(objective.path, objective.name)


def record_path(test: str, name: str) -> str:
    """The same from the test file's path and the objective's name."""
    return posixpath.join(posixpath.dirname(test), f"{name}{CHAMPION_RECORD}")


def encode(fields: Mapping[str, Json]) -> bytes:
    """The file's bytes: the same for the same record, a line a value, the scores of a pass in one."""
    text = json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return NUMBERS.sub(_in_one_line, text).encode("utf-8", "replace") + b"\n"


def decode(content: bytes, name: str, remedy: str) -> Champion:
    """The record in a file's bytes; ``name`` and ``remedy`` are for the message.

    Raises `UsageProblem` when it is damaged, or of a later version.
    """
    try:
        fields = json.loads(content[: LARGEST + 1])
        schema = fields["schema"]
        if isinstance(schema, int) and schema > SCHEMA:
            raise UsageProblem(
                f"{name}: schema {schema} is newer than {SCHEMA}: update pytest-autoresearch"
            )
        return Champion.from_json(fields)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UsageProblem(
            f"{name} is no champion record any more ({type(error).__name__}: {error}): restore it "
            f"with `git checkout -- {shlex.quote(name)}`, or delete it and make a new one with `{remedy}`"
        ) from error


def _in_one_line(found: re.Match[str]) -> str:
    return f"[{' '.join(found[1].split())}]"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(value: Mapping[str, object]) -> dict[str, str]:
    return {key: _text(text) for key, text in value.items()}


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _fits(value):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _fits(value: float) -> bool:
    """Whether it is finite, and no whole number that is too large for a float."""
    return -sys.float_info.max <= value <= sys.float_info.max


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise TypeError(f"{value!r} is no whole number")
    return value


def _direction(value: object) -> Direction:
    if value == "maximize":
        return "maximize"
    if value == "minimize":
        return "minimize"
    raise ValueError(f"direction {value!r}")


def _passes(values: list[Any]) -> tuple[Pass, ...]:
    passes = tuple(
        Pass(_whole(one["split"]), _whole(one["seed"]), tuple(_number(s) for s in one["scores"]))
        for one in values
    )
    if not passes or passes[0].split != 0 or not passes[0].scores:
        raise ValueError("passes lack the first split")
    return passes


def _fingerprint(fields: Any) -> Fingerprint:
    return Fingerprint(
        device=_text(fields["device"]),
        gpu=_text(fields["gpu"]),
        threads=_whole(fields["threads"]),
        packages=_texts(fields["packages"]),
    )
