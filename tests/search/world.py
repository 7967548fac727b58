"""A world without pytest and git in which a search can be driven."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_autoresearch.exceptions import ChangesNothing, Refused
from pytest_autoresearch.records import (
    Briefing,
    Direction,
    Experiment,
    Objective,
    Outcome,
    Part,
    Pass,
    Proposal,
    Record,
    Status,
    Turn,
)
from pytest_autoresearch.search.keep import Plan, Rule, Step
from pytest_autoresearch.search.loop import Search
from pytest_autoresearch.search.noise import Reference, reference


@dataclass
class Memory:
    """A history in a list. A commit is its experiment's item, a tree is a number as text."""

    records: list[Record] = field(default_factory=list)
    open: list[Experiment] = field(default_factory=list)
    base: str = "base"

    @property
    def pending(self) -> Sequence[Experiment]:
        done = {r.item for r in self.records if r.status is not Status.INTERRUPTED}
        return [e for e in {e.item: e for e in self.open}.values() if e.item not in done]

    @property
    def under_way(self) -> Sequence[Experiment]:
        opened = {e.item: n for n, e in enumerate(self.open)}
        last = {r.item: r.notes.get("seen", -1) for r in self.records}
        return [self.open[n] for item, n in opened.items() if last.get(item, -1) < n]

    @property
    def champion(self) -> str:
        kept = [r.commit for r in self.records if r.status is Status.KEPT]
        return kept[-1] if kept else self.base

    @property
    def champion_number(self) -> int:
        kept = [r.experiment or 0 for r in self.records if r.status is Status.KEPT]
        return kept[-1] if kept else 0

    @property
    def next_number(self) -> int:
        return max([e.number or 0 for e in self.open], default=0) + 1

    @property
    def next_skip(self) -> int:
        return sum(e.part is Part.SKIPPED for e in self.open) + 1

    def opened(self, experiment: Experiment) -> None:
        self.open.append(experiment)

    def finished(self, experiment: Experiment, record: Record) -> Record:
        notes = {**record.notes, "seen": len(self.open) - 1}
        kept = replace(record, commit=record.item, seq=len(self.records), notes=notes)
        self.records = [r for r in self.records if r.item != record.item] + [kept]
        return kept


@dataclass
class Numbers:
    """A project whose trees are numbers; a proposal's description is the new one."""

    memory: Memory

    def tree_of(self, commit: str) -> str:
        if commit == "base":
            return "0"
        return next(r.tree for r in self.memory.records if r.commit == commit)

    def build(self, proposal: Proposal, champion: str, base: str) -> str:
        if proposal.description == self.tree_of(champion):
            raise ChangesNothing("the proposal changes nothing")
        if proposal.description == "refuse":
            raise Refused("touches the test file")
        if not proposal.files:
            raise ChangesNothing("the proposal changes nothing")
        return proposal.description

    def rebased(self, proposal: Proposal, made_on: str, champion: str, base: str) -> str:
        return self.build(proposal, champion, base)

    def briefing(self, search: Search) -> Briefing:
        return Briefing("toy", "auc", "maximize", search.history.champion, None, {})


@dataclass
class Script:
    """An agent that proposes the given trees, then has run out."""

    trees: list[str]
    heard: list[Record] = field(default_factory=list)

    def propose(self, briefing: Briefing) -> Proposal | None:
        if not self.trees:
            return None
        tree = self.trees.pop(0)
        return Proposal(files={"model.py": tree}, description=tree) if tree else Proposal()

    def told(self, record: Record) -> None:
        self.heard.append(record)


def objective(direction: Direction = "maximize", **constraints: str) -> Objective:
    return Objective(
        "toy", "test_toy.py::test_toy", "test_toy.py", "auc", direction, ("model.py",),
        constraints=constraints,
    )  # fmt: skip


def search(
    trees: Iterable[str] = (),
    memory: Memory | None = None,
    limit: int | None = None,
    **kwargs: object,
) -> Search:
    history = memory or Memory()
    values: dict[str, object] = {"agent_name": "script", "isolation": "none", "seed": 1} | kwargs
    return Search(
        values.pop("objective", None) or objective(),  # type: ignore[arg-type]
        Rule(),
        history,
        Numbers(history),
        Script(list(trees)),
        limit=limit,
        **values,  # type: ignore[arg-type]
    )


def noisy(value: float, turn: Turn, fold: int, sd: float = 0.1) -> float:
    """A fold's score: the tree's value, what the split adds for everybody, and the seed's luck."""
    common = random.Random(f"{turn.split}:{fold}").gauss(0, 0.3)
    return value + common + random.Random(f"{turn.seed}:{turn.split}:{fold}").gauss(0, sd)


def walk(plan: Plan, value: float, folds: int = 5, sd: float = 0.1) -> None:
    """Drive a plan as the `experiment` fixture does."""
    step = Step.NEXT_SPLIT
    while step is Step.NEXT_SPLIT:
        turn = plan.turn
        for fold in range(folds):
            step = plan.told(noisy(value, turn, fold, sd), last=fold + 1 == folds)
            if step is not Step.NEXT_FOLD:
                break


def evaluate(searching: Search, experiment: Experiment, sd: float = 0.1) -> Outcome:
    """The outcome of an honest evaluation of a tree that is a number."""
    plan = searching.plan(experiment)
    walk(plan, float(experiment.tree), sd=sd)
    return Outcome(passes=plan.passes, complete=plan.done, asked=True, folds="callable")


def run(searching: Search, sd: float = 0.1) -> list[Record]:
    """Ask and tell until there is nothing more."""
    records = []
    while (experiment := searching.ask()) is not None:
        outcome = Outcome() if experiment.refused else evaluate(searching, experiment, sd)
        if experiment.refused and experiment.part is Part.EXPERIMENT:
            outcome = Outcome(status=Status.REFUSED, reason=experiment.refused)
        records.append(searching.tell(experiment, outcome))
    return records


def champion(
    value: float = 0.0, splits: int = 3, runs: int = 2, folds: int = 5, sd: float = 0.1
) -> Reference:
    """The reference of a champion that was measured with fresh seeds."""
    passes = [
        Pass(
            s,
            1000 + r * 10 + s,
            tuple(noisy(value, Turn(s, 1000 + r * 10 + s), f, sd) for f in range(folds)),
        )
        for s in range(splits)
        for r in range(runs)
    ]
    return reference(passes, [passes])


def constant(scores: Mapping[int, Sequence[float]]) -> Reference:
    """The reference of a champion whose scores do not depend on the seed."""
    passes = [Pass(s, seed, tuple(v)) for s, v in scores.items() for seed in (1, 2)]
    return reference(passes, [passes])
