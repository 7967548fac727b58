"""All agents of a search as one: who is asked next, who takes over, and what is thought out ahead."""

from __future__ import annotations

import hashlib
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from ..exceptions import AgentFailed, CapReached, Interrupted
from ..records import Analysis, Briefing, Draft, Effort, Part, Proposal, Record, Status
from .allocation import chosen, tally
from .member import FAILED, OUT, RESTING, Member
from .office import Office
from .protocol import Prepares, Thinks

MOST_REPEATS = 50
"""So many proposals of one agent in a row that take no number: it is stuck."""
GOODBYE = 5.0
"""Seconds that a thinking thread gets to end with its session."""


def _as_it_is(what: object, agent: str) -> Proposal | Analysis:
    assert isinstance(what, Proposal | Analysis), agent
    return what


class Team(Prepares):
    """Hands in drafts, for a search; used from the main thread.

    Members that take their time think in one thread of the team's own, at most `Member.ahead` drafts ahead of
    the search. One that has run out, failed for good or may spend no more hands over to the others.
    ``warn`` is told who failed and why; ``admitted`` checks what is handed in and raises `AgentFailed`.

    ``room`` says whether one more draft could still be tried, beside so many that wait; ``noted`` is told of
    each draft that was thought out in the thread, before anybody takes it.
    """

    def __init__(
        self,
        members: Sequence[Member],
        office: Office,
        *,
        seed: int = 0,
        warn: Callable[[str], None] = lambda line: None,
        admitted: Callable[[object, str], Proposal | Analysis] = _as_it_is,
    ) -> None:
        self.members = list(members)
        self.office = office
        self.avoided = ""
        self.room: Callable[[int], bool] = lambda waiting: True
        self.noted: Callable[[Draft], None] = lambda draft: None
        self.warn = warn
        self._admitted = admitted
        self._draw = random.Random(seed)
        self._records: list[Record] = []
        self._ready: deque[Draft] = deque()
        self._turn: Member | None = None
        self._asked: Briefing | None = None
        self._thinking = False
        self._raised: BaseException | None = None
        self._stopped = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        office.stopped = lambda: self._stopped

    # What a search calls

    def prepare(self, briefing: Briefing, *, full: bool = False) -> list[str]:
        """See `Prepares`: what those members say that know beforehand."""
        able = [one.agent for one in self.members if isinstance(one.agent, Prepares)]
        return [line for agent in able for line in agent.prepare(briefing, full=full)]

    def propose(self, briefing: Briefing) -> Draft | None:
        """The next draft; ``None`` when every member has run out.

        Waits for one that is being thought about. Raises `AgentFailed` when nobody is left and one has
        failed, `CapReached` when those that are left may spend no more.
        """
        began = time.monotonic()
        while True:
            with self._changed:
                draft = self._next_ready(briefing)
                turn = self._turn
            if draft is not None:
                waited = min(time.monotonic() - began, draft.effort.seconds)
                return replace(draft, effort=replace(draft.effort, waited=waited))
            if turn is None:
                self._nobody()
                return None
            began = time.monotonic()
            self._turn = None
            draft = self._made_by(turn, briefing)
            if draft is not None:
                return replace(draft, effort=replace(draft.effort, waited=draft.effort.seconds))

    def look_ahead(self, briefing: Callable[[], Briefing]) -> None:
        """Have the next draft thought about while something else runs, if there is room for it."""
        with self._changed:
            if self._thinking or self._asked or self._stopped:
                return
            turn = self._next_turn()
            waiting = len(self._ready)
            if turn is not None and turn.overlaps and waiting < turn.ahead and self.room(waiting):
                self._begin(briefing())

    def told(self, record: Record) -> None:
        """Every member hears of it."""
        with self._changed:
            self._records.append(record)
        for member in self.members:
            try:
                member.told(record)
            except AgentFailed as failure:
                self._dismiss(member, FAILED, str(failure))
                if not self._left():
                    raise
        self._dismiss_stuck(record.agent)

    def _dismiss_stuck(self, name: str) -> None:
        """Give up an agent that only repeats what was tried, where another one can take over."""
        own = [
            one for one in self._records[-MOST_REPEATS * len(self.members) :] if one.agent == name
        ]
        last = own[-MOST_REPEATS:]
        if len(last) < MOST_REPEATS or any(one.part is not Part.SKIPPED for one in last):
            return
        for member in self._left():
            if member.name == name and len(self._left()) > 1:
                self._dismiss(member, FAILED, f"it repeated itself {MOST_REPEATS} times in a row")

    def resume(self, drafts: Iterable[Draft]) -> None:
        """Drafts of an earlier session that nobody has evaluated yet: they come first."""
        self._ready.extend(drafts)

    @property
    def waiting(self) -> int:
        """How many drafts are ready, or being thought about."""
        with self._changed:
            return len(self._ready) + (self._thinking or self._asked is not None)

    @property
    def reason(self) -> str:
        """Why there is nothing more, in the words of those who have run out."""
        said = [str(getattr(one.agent, "reason", "")) for one in self.members if one.state == OUT]
        return "; ".join(filter(None, said))

    def close(self) -> None:
        """End the thinking; drafts that nobody took were noted when they came."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for member in self.members:
            with suppress(Exception):
                member.stop()
        if self._thread is not None:
            self._thread.join(GOODBYE)
            self.office.purse.abandon()

    # Whose turn it is

    def _left(self) -> list[Member]:
        return [one for one in self.members if not one.state]

    def _next_turn(self) -> Member | None:
        """The member whose turn it is, as long as it can be asked."""
        if self._turn is None or self._turn.state:
            self._turn = self._pick()
        return self._turn

    def _pick(self) -> Member | None:
        """The member to ask next; one that is to be avoided only when there is no other."""
        left = {one.name: one for one in self._left()}
        if len(left) > 1:
            left.pop(self.avoided, None)
        if len(left) < 2:
            return next(iter(left.values()), None)
        handed_in = [*self._records, *map(_as_tried, self._ready)]
        return left[chosen({name: tally(handed_in, name) for name in left}, self._draw)]

    def _nobody(self) -> None:
        """Say what it means that nobody is left: nothing, where all have run out."""
        for state, error in ((RESTING, CapReached), (FAILED, AgentFailed)):
            reasons = [one.reason for one in self.members if one.state == state]
            if reasons:
                raise error("; ".join(reasons))

    def _dismiss(self, member: Member, state: str, reason: str) -> None:
        member.state, member.reason = state, reason
        if state == FAILED and len(self.members) > 1:
            self.warn(f"agent {member.name} is given up: {reason}")
        if state == RESTING and self._left():
            self.warn(f"{reason}; others go on")
        if state == RESTING and not any(map(_costs, self._left())):
            self.office.purse.exhausted()

    # Thinking

    def _next_ready(self, briefing: Briefing) -> Draft | None:
        """A draft that is ready, or will be; ``None``, with `_turn` set, when the main thread has to ask."""
        while True:
            if self._raised is not None:
                error, self._raised = self._raised, None
                raise error
            if self._ready:
                return self._ready.popleft()
            if not self._thinking and not self._asked:
                turn = self._next_turn()
                if turn is None or not turn.threaded:
                    return None
                self._begin(briefing)
            self._changed.wait()

    def _begin(self, briefing: Briefing) -> None:
        self._asked = briefing
        if self._thread is None:
            self._thread = threading.Thread(target=self._think, name="agents", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _think(self) -> None:
        """The thread: think as long as there is a briefing and room for one more draft."""
        while (asked := self._awaited()) is not None:
            member, briefing = asked
            draft: Draft | None = None
            error: BaseException | None = None
            try:
                draft = self._made_by(member, briefing)
                if draft is not None:
                    self.noted(draft)
            except BaseException as raised:
                error = raised
            with self._changed:
                self._thinking = False
                if draft is not None:
                    self._ready.append(draft)
                if error is not None and not (self._stopped and isinstance(error, Interrupted)):
                    self._raised = error
                try:
                    self._go_on(briefing, draft)
                except Exception as raised:
                    self._raised = raised
                self._changed.notify_all()

    def _awaited(self) -> tuple[Member, Briefing] | None:
        """The next member to think and what about; ``None`` at the end."""
        with self._changed:
            while not self._stopped and self._asked is None:
                self._changed.wait()
            if self._stopped or self._asked is None or self._turn is None:
                return None
            turn, briefing = self._turn, self._asked
            self._turn = self._asked = None
            self._thinking = True
            return turn, briefing

    def _go_on(self, briefing: Briefing, draft: Draft | None) -> None:
        """Whether there is more to think about the same briefing: a further draft, or another member's."""
        if self._stopped or self._raised is not None:
            return
        if draft is not None and isinstance(draft.what, Analysis):
            return
        turn, waiting = self._next_turn(), len(self._ready)
        if turn is None or not turn.overlaps or waiting >= turn.ahead or not self.room(waiting):
            return
        more = [draft.what] if draft is not None and isinstance(draft.what, Proposal) else []
        self._asked = replace(briefing, under_way=(*briefing.under_way, *more))

    def _made_by(self, member: Member, briefing: Briefing) -> Draft | None:
        """A member's draft; ``None`` when it is out, has failed or may spend no more."""
        office, began = self.office, time.monotonic()
        before = len(office.purse.expenses)
        try:
            office.purse.require(member.name, member.most_usd)
            name = office.transcripts.begin()
            found = member.propose(briefing)
            what = None if found is None else self._admitted(found, member.name)
        except CapReached as cap:
            self._dismiss(member, RESTING, str(cap))
            return None
        except AgentFailed as failure:
            self._dismiss(member, FAILED, str(failure))
            return None
        if what is None:
            self._dismiss(member, OUT, "")
            return None
        self._pay(member, what)
        paid = [one for one in office.purse.expenses[before:] if one.agent == member.name]
        known = [one.usd for one in paid if one.usd is not None]
        effort = Effort(
            cost_usd=math.fsum(known) if known else None,
            tokens=sum(one.tokens for one in paid),
            seconds=time.monotonic() - began,
        )
        protocol = version_of(briefing.protocol)
        return Draft(what, member.name, briefing.champion, effort, member.vetted, name, protocol)

    def _pay(self, member: Member, what: Proposal | Analysis) -> None:
        """What an agent says that its proposal cost, or what a person says; ours pay call by call."""
        if isinstance(member.agent, Thinks):
            return
        usd = member.cost if what.cost_usd is None else what.cost_usd
        if usd is not None:
            member.most_usd = max(member.most_usd, usd)
            self.office.purse.spend(member.name, usd, 0, "proposal")


def _costs(member: Member) -> bool:
    """Whether asking an agent may cost something."""
    agent = member.agent
    return agent.most_usd != 0 if isinstance(agent, Thinks) else member.most_usd > 0


def version_of(protocol: str) -> str:
    """A name for a text of instructions: equal texts have equal names."""
    return hashlib.sha256(protocol.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _as_tried(draft: Draft) -> Record:
    """A draft that waits counts as one try, so that turns are taken."""
    return Record(
        item="", part=Part.EXPERIMENT, experiment=None, status=Status.DISCARD, agent=draft.agent
    )
