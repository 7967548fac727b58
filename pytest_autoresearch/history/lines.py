"""Experiments as journal lines: the inverse pair that `records.Record` has of its own."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from ..records import Analysis, Draft, Effort, Experiment, Json, Part, Proposal, Turn
from .journal import Line

T = TypeVar("T", Proposal, Analysis, Effort, Draft)

NUMBERED = (Part.BASELINE.value, Part.EXPERIMENT.value)
"""The parts whose evaluations have a number, a commit and a ref of their own."""


def number_of(line: Line) -> int | None:
    """The number that a line of kind ``opened`` or ``finished`` is about, if it has a commit."""
    if line["kind"] not in ("opened", "finished") or line["part"] not in NUMBERED:
        return None
    number: int | None = line["experiment"]
    return number


def experiment_fields(experiment: Experiment) -> dict[str, Json]:
    """The fields of an ``opened`` line; the number is called ``experiment``, as in a record."""
    fields = dataclasses.asdict(experiment)
    fields["part"] = experiment.part.value
    fields["experiment"] = fields.pop("number")
    return fields


def experiment_of(line: Line) -> Experiment:
    """The experiment of an ``opened`` line."""
    return Experiment(
        item=line["item"],
        part=Part(line["part"]),
        number=line["experiment"],
        base=line["base"],
        tree=line["tree"],
        turns=tuple(Turn(turn["split"], turn["seed"]) for turn in line["turns"]),
        proposal=made(Proposal, line["proposal"]),
        agent=line["agent"],
        origin=tuple(line["origin"]),
        refused=line["refused"],
        stage=line.get("stage", ""),
        analysis=made(Analysis, line.get("analysis")),
        broken=line.get("broken", ""),
        made_on=line.get("made_on", ""),
        shape=line.get("shape", ""),
        protocol=line.get("protocol", ""),
        effort=made(Effort, line.get("effort")) or Effort(),
        draft=line.get("draft", ""),
    )


def made(kind: type[T], fields: dict[str, Json] | None) -> T | None:
    """A plain dataclass of what a line holds of it; keys that this version does not know are ignored."""
    if fields is None:
        return None
    known = {field.name for field in dataclasses.fields(kind)}
    values = {key: value for key, value in fields.items() if key in known}
    if "lessons" in values:
        values["lessons"] = tuple(values["lessons"])
    return kind(**values)
