"""Experiments as journal lines: the inverse pair that `records.Record` has of its own."""

from __future__ import annotations

import dataclasses

from ..records import Experiment, Json, Part, Proposal, Turn
from .journal import Line

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
    proposal = line["proposal"]
    return Experiment(
        item=line["item"],
        part=Part(line["part"]),
        number=line["experiment"],
        base=line["base"],
        tree=line["tree"],
        turns=tuple(Turn(turn["split"], turn["seed"]) for turn in line["turns"]),
        proposal=None if proposal is None else _proposal(proposal),
        agent=line["agent"],
        origin=tuple(line["origin"]),
        refused=line["refused"],
        stage=line.get("stage", ""),
    )


def _proposal(fields: dict[str, Json]) -> Proposal:
    known = {field.name for field in dataclasses.fields(Proposal)}
    return Proposal(**{key: value for key, value in fields.items() if key in known})
