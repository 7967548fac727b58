"""What the house gives to agents that think: money, paper, and somebody who looks a proposal over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..records import Briefing, Proposal
from .purse import Purse
from .transcripts import Transcripts

MOST_MENDS = 2
"""So often an agent may mend a proposal before it goes on as it is."""


@dataclass
class Office:
    """One for all agents of a session, used by one thread at a time.

    ``trial`` says what is wrong with a proposal before anything is computed, empty when nothing is: a path
    that may not change, a patch that does not apply, an experiment that it repeats, what the preflight
    finds. ``seconds_left`` is how long an agent may still think, ``None`` without an end. ``disclose`` is
    the level of ini ``autoresearch_disclose``. ``closed`` says why no patch may change or make a path, empty
    where one may. ``stopped`` says that the session ends: who waits gives up.
    """

    purse: Purse = field(default_factory=Purse)
    transcripts: Transcripts = field(default_factory=Transcripts)
    trial: Callable[[Proposal, Briefing], str] = lambda proposal, briefing: ""
    seconds_left: Callable[[], float | None] = lambda: None
    stopped: Callable[[], bool] = lambda: False
    disclose: str = "errors"
    closed: Callable[[str], str] = lambda path: ""
