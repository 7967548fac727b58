"""What an agent is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

from ..records import Analysis, Briefing, Proposal, Record


@runtime_checkable
class Agent(Protocol):
    """Whoever proposes changes: any object with these two methods.

    Both are called from one thread, never at the same time. More than one proposal may be asked for
    before the first has been told, so an agent remembers what it has handed out.
    """

    def propose(self, briefing: Briefing) -> Proposal | Analysis | None:
        """The next change to try on the champion that `briefing` describes, or None.

        An `Analysis` asks for a look at the training data first, where the briefing names a fixture for
        that: `told` brings its record, whose ``output`` is what was printed, then `propose` is called
        again. None means that this agent has run out for good; it is not asked again. Raise `AgentFailed`
        when it is broken instead, and `UsageProblem` when a person has to mend something.
        """

    def told(self, record: Record) -> None:
        """Hears how an evaluation ended.

        The record is a copy, without what could hold labels or secrets: seeds are 0, and of an exception
        in the frozen test only the type is told.

        Called for every finished evaluation of the run, whoever proposed it, in the journal's
        order. When a run is resumed every record of the journal comes first, so an agent that
        rebuilds its knowledge from records (and the ``notes`` it put into its own proposals) needs
        no file.
        """


class Prepares(ABC):
    """An agent of ours that says, before anything is paid for, what it is going to do."""

    @abstractmethod
    def prepare(self, briefing: Briefing, *, full: bool = False) -> list[str]:
        """Lines for the plan that a search shows, all there is to say when ``full``.

        Raises `UsageProblem` where it can do nothing.
        """


class Thinks(ABC):
    """An agent of ours that takes its time: it thinks while an experiment runs, in a thread of its own.

    Both methods are called from that thread, `probe` before it.
    """

    overlaps = True
    """Whether `propose` may be called while an experiment runs; any agent may have such an attribute."""
    name: str
    """What records and the purse call it."""
    reports_cost = False
    """Whether it may tell what a call cost where nobody knows that before."""

    @property
    @abstractmethod
    def destination(self) -> str:
        """Where what it is told goes, for the plan that a search shows: a host, or a program."""

    @property
    @abstractmethod
    def hosted(self) -> bool:
        """Whether what it is told leaves this machine."""

    @property
    @abstractmethod
    def most_usd(self) -> float | None:
        """Dollars that a call may cost at most, 0 for an agent that costs nothing, ``None``: nobody knows."""

    @abstractmethod
    def probe(self) -> None:
        """Find out whether it can be had; raises `UsageProblem` saying what a person has to mend."""

    @abstractmethod
    def stop(self) -> None:
        """End what runs for it, from another thread; a call under way may raise `Interrupted`."""


class Writes(ABC):
    """An agent of ours that can write a report."""

    @abstractmethod
    def write(self, request: str) -> str:
        """Markdown in answer to a request in words; raises `AgentFailed` or `CapReached`."""
