"""Every error of ours, one sentence each."""

from __future__ import annotations

from .records import Status


class AutoresearchError(Exception):
    """The root of all errors of pytest-autoresearch."""


class UsageProblem(AutoresearchError):
    """Something that a person has to change before a search can start or go on (exit 4)."""


class JournalDamaged(UsageProblem):
    """The journal has a line, not its last, that cannot be read."""


class HarnessFault(AutoresearchError):
    """The harness, git or the frozen evaluation is broken, not the candidate (exit 1)."""


class AgentFailed(HarnessFault):
    """An agent can give no more proposals because it is broken, not because it has run out."""


class CapReached(AutoresearchError):
    """What an agent would have to pay next could break the cap; agents that cost nothing go on."""


class Interrupted(AutoresearchError):
    """The evaluation was stopped at the session's deadline; it is evaluated again next time."""


class CandidateFailure(AutoresearchError):
    """Something the candidate did; an experiment in which one happened is never kept."""

    status = Status.CRASH


class CandidateError(CandidateFailure):
    """The candidate's code raised; the message is its cleaned traceback."""


class OverBudget(CandidateFailure):
    """The candidate's processes used up the budget of the pass."""

    status = Status.TIMEOUT


class OutOfMemory(CandidateFailure):
    """The candidate's processes used more memory than the sandbox marker allows."""

    status = Status.OOM


class CandidateExited(CandidateFailure):
    """The candidate's process ended without an answer."""


class ProtocolError(CandidateFailure):
    """The candidate's answer has the wrong length, shape or values that are not finite."""


class Stopped(CandidateFailure):
    """The candidate reported a value during training that ends the run at once."""

    status = Status.STOPPED


class Refused(CandidateFailure):
    """A patch or a request that is not allowed."""

    status = Status.REFUSED


class ChangesNothing(Refused):
    """A proposal that leaves the champion as it is."""


class Outdated(Refused):
    """A proposal made on an earlier champion that cannot be merged onto the present one."""


class AuditFailed(CandidateFailure):
    """An independent re-run did not reproduce what the candidate claimed."""

    status = Status.AUDIT


class Misuse(UsageProblem):
    """The frozen test uses `candidate` or `experiment` in a way that cannot be judged."""
