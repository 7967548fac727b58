"""One agent of a team: its name, whether it still has something to give, and what it has to hear."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..exceptions import AgentFailed, AutoresearchError
from ..records import Analysis, Briefing, Proposal, Record
from .protocol import Agent, Thinks

OUT, FAILED, RESTING = "out", "failed", "resting"


@dataclass
class Member:
    """``name`` is what records call it; ``state`` is empty while it can be asked, else why not.

    ``most_usd`` is the most that a proposal of it may cost as far as is known, in dollars, ``cost`` what a
    person says that each costs, where it does not say so itself.
    """

    name: str
    agent: Agent
    ahead: int = 1
    state: str = ""
    reason: str = ""
    most_usd: float = 0.0
    cost: float | None = None
    _unheard: list[Record] = field(default_factory=list)

    @property
    def overlaps(self) -> bool:
        """Whether it may think while an experiment runs."""
        return bool(getattr(self.agent, "overlaps", False)) and self.ahead > 0

    @property
    def threaded(self) -> bool:
        """Whether it lives in the thinking thread, where both of its methods are called."""
        return bool(getattr(self.agent, "overlaps", False))

    @property
    def vetted(self) -> bool:
        """Whether what it writes needs no preflight."""
        return bool(getattr(self.agent, "vetted", False))

    def told(self, record: Record) -> None:
        """Let it hear of a record: at once, or before it thinks again."""
        if self.state in (OUT, FAILED):
            return
        if self.threaded:
            self._unheard.append(record)
        else:
            self._hear(record)

    def propose(self, briefing: Briefing) -> Proposal | Analysis | None:
        """What it hands in, after it has heard everything; raises `AgentFailed` for what it raises."""
        while self._unheard:
            self._hear(self._unheard.pop(0))
        try:
            return self.agent.propose(briefing)
        except (AutoresearchError, KeyboardInterrupt):
            raise
        except BaseException as error:
            # sys.exit() and what test frameworks raise to leave a test are an agent's failure, too.
            raise AgentFailed(
                f"agent {self.name} raised {type(error).__name__}: {error}"
            ) from error

    def stop(self) -> None:
        """End what runs for it."""
        if isinstance(self.agent, Thinks):
            self.agent.stop()

    def _hear(self, record: Record) -> None:
        try:
            self.agent.told(record)
        except AutoresearchError:
            raise
        except Exception as error:
            raise AgentFailed(
                f"agent {self.name} raised {type(error).__name__} when it was told of "
                f"[{record.item}]: {error}"
            ) from error
