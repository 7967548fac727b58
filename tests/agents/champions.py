"""Champions that nothing improves on, and what the tuner proposes for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_autoresearch.agents.tuning.tune import Tune
from pytest_autoresearch.records import Briefing, Part, Proposal, Record, Status
from pytest_autoresearch.sandbox.grammar import read_literals


def briefing(source: str, **more: Any) -> Briefing:
    return Briefing("t", "loss", "minimize", "c", 1.0, {"model.py": source.encode()}, **more)


def record(number: int, proposal: Proposal, status: Status = Status.DISCARD) -> Record:
    broken = status is Status.CRASH
    return Record(
        item=f"{number:04}",
        part=Part.EXPERIMENT,
        experiment=number,
        status=status,
        score=None if broken else 2.0,
        delta=None if broken else 1.0,
        notes=proposal.notes,
    )


def proposals(source: str, count: int = 60, seed: int = 0) -> Iterator[Proposal]:
    """What is proposed for a champion that nothing improves on."""
    agent = Tune(read_literals, seed)
    for number in range(1, count + 1):
        proposal = agent.propose(briefing(source))
        if proposal is None:
            return
        yield proposal
        agent.told(record(number, proposal))


def sources(source: str, count: int = 60) -> list[str]:
    return [one.files["model.py"] for one in proposals(source, count)]
