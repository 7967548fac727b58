"""What an agent is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

from ..records import Briefing, Proposal, Record


@runtime_checkable
class Agent(Protocol):
    """Whoever proposes changes: any object with these two methods.

    Both are called from one thread, never at the same time. More than one proposal may be asked for
    before the first has been told, so an agent remembers what it has handed out.
    """

    def propose(self, briefing: Briefing) -> Proposal | None:
        """The next change to try on the champion that `briefing` describes, or None.

        None means that this agent has run out for good; it is not asked again. Raise `AgentFailed`
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
