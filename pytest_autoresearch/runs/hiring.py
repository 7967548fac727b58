"""Makes the agents that a person has named, has each probed, and puts them into one team."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..agents.disclosure import shows_analyses
from ..agents.member import RESTING, Member
from ..agents.office import Office
from ..agents.protocol import Agent, Thinks
from ..agents.specs import hint
from ..agents.tables import Table, resolved
from ..agents.team import Team
from ..exceptions import AutoresearchError, CapReached, UsageProblem
from ..options import Settings
from ..records import Json, Objective
from ..sandbox.inside.confine import NONE
from ..sandbox.outdoors import Outdoors, choose
from ..search.proposals import admitted

DEFAULT_CAP = 10.0
"""Dollars that agents may cost where a person has named one that costs something and no cap."""
UNCONFINED = "agent unconfined: coding tools run with your rights: labels, files and other processes are open to them"


@dataclass
class Hiring:
    """What makes agents, for the hook's own implementation.

    ``office`` is for all of them, ``table`` that of the agent that is being made; ``paid`` are the journal's
    lines of what the run has cost so far. ``repository`` is the root of the user's repository, ``hidden`` are paths that no coding tool may see.
    """

    settings: Settings
    objective: Objective
    repository: Path
    office: Office
    table: Table = field(default_factory=Table)
    paid: Sequence[Mapping[str, Json]] = ()
    unconfined: str = ""
    _place: Outdoors | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What the house's own agents are given."""
        return {"office": self.office, "table": self.table, "runner": self.place}

    def place(self) -> Outdoors:
        """Where coding tools run, one for all of them; raises `UsageProblem` where it cannot be had."""
        if self._place is None:
            trusted = self.settings.trust_agent
            self._place = choose(trusted=trusted, private=[self.repository], hidden=self.hidden)
            self.unconfined = "" if self._place.confined else UNCONFINED
        return self._place

    def hide(self, paths: Iterable[Path]) -> None:
        """Hide what the evaluation was seen to read from coding tools, from their next call on."""
        if self._place is not None:
            known = set(self._place.hidden)
            self._place.hide([path for path in map(str, paths) if path not in known])

    @property
    def hidden(self) -> tuple[str, ...]:
        """What no coding tool may see, beside the repository and the home."""
        limits = self.objective.limits
        return (*limits.hidden, *limits.data.values(), str(self.settings.dir))


HIRING: pytest.StashKey[Hiring] = pytest.StashKey()


def hired(config: pytest.Config, hiring: Hiring, warn: Callable[[str], None]) -> Team:
    """The team of the agents that were named; raises `UsageProblem` for one that is not to be had."""
    settings, office = hiring.settings, hiring.office
    config.stash[HIRING] = hiring
    most = {name: table.tokens for name, table in settings.tables.items() if table.tokens}
    office.purse.most_tokens.update(most)
    members = [_member(config, hiring, name) for name in settings.agents]
    _cap(hiring, members)
    office.purse.remember(hiring.paid)
    _refuse_analysis(hiring, members)
    for member in members:
        _probe(member, hiring, warn)
    if not office.purse.expenses and all(one.state for one in members):
        raise UsageProblem(
            f"{members[0].reason}: raise --autoresearch-max-cost, let answers be shorter "
            "(llm:MODEL?max_tokens=2000), or name an agent that costs nothing, too"
        )
    return Team(members, office, warn=warn, admitted=admitted)


def _probe(member: Member, hiring: Hiring, warn: Callable[[str], None]) -> None:
    """Try an agent out; one that may not spend what a call can cost rests from the start."""
    if not isinstance(member.agent, Thinks):
        return
    try:
        member.agent.probe()
    except CapReached as cap:
        member.state, member.reason = RESTING, str(cap)
        warn(f"{cap}: it rests")


def said_of(team: Team, hiring: Hiring) -> list[str]:
    """Who is told what, and what it may cost: lines of the plan."""
    lines, office = [], team.office
    for member in team.members:
        agent = member.agent
        if isinstance(agent, Thinks):
            where = f"{agent.destination}{'' if agent.hosted else ', on this machine'}"
            lines.append(f"agent {member.name} is told at level {office.disclose}: {where}")
    if any(_cost_of(one) != 0 for one in team.members):
        cap = office.purse.cap
        limit = "without a limit" if cap is None else f"at most {cap:g} USD a run"
        unpriced = ", ".join(one.name for one in team.members if _cost_of(one) is None)
        unknown = f"; what {unpriced} costs is not known" if unpriced else ""
        spent = f"; {office.purse.usd:.2f} USD are spent" if office.purse.usd else ""
        lines.append(f"agents may cost {limit}{spent}{unknown}")
    if hiring.unconfined:
        lines.append(hiring.unconfined)
    return lines


def trusted(name: str, settings: Settings) -> bool:
    """Whether an agent writes only what a person's own files hold."""
    spec, _ = resolved(name, settings.tables)
    return spec == "tune" or spec.startswith("replay:")


def _member(config: pytest.Config, hiring: Hiring, name: str) -> Member:
    settings = hiring.settings
    spec, hiring.table = resolved(name, settings.tables)
    agent = _made(config, name, spec)
    if agent is None:
        from_table = f", spec = {spec!r} of its table" if hiring.table.spec else ""
        meant = f" ({hint(spec)})" if hint(spec) else ""
        raise UsageProblem(
            f"--autoresearch-agent {name}{from_table}: nobody offers it{meant}; there are tune, llm:MODEL, command:CLI and "
            "replay:DIR, tables [tool.pytest-autoresearch.agents.NAME] in pyproject.toml, and what a "
            "plugin or conftest.py adds by the hook pytest_autoresearch_make_agent"
        )
    if settings.isolation == NONE and not settings.allow_untrusted and not trusted(name, settings):
        raise UsageProblem(
            f"--autoresearch-agent {name}: in isolation none only tune and replay may commit; type "
            "--autoresearch-allow-untrusted if you trust what this agent writes"
        )
    own = agent.name if isinstance(agent, Thinks) else name
    cost = None if isinstance(agent, Thinks) else hiring.table.cost
    return Member(own, agent, ahead=hiring.table.ahead, most_usd=cost or 0.0, cost=cost)


def _made(config: pytest.Config, name: str, spec: str) -> Agent | None:
    """What the hook answers; an agent that cannot be made is for a person to mend."""
    try:
        agent: Agent | None = config.hook.pytest_autoresearch_make_agent(config=config, spec=spec)
    except AutoresearchError:
        raise
    except Exception as error:
        raise UsageProblem(
            f"--autoresearch-agent {name}: it could not be made: {type(error).__name__}: {error}"
        ) from error
    return agent


def _cost_of(member: Member) -> float | None:
    """What a call of an agent may cost, in dollars; an agent of somebody else's says so afterwards."""
    agent = member.agent
    return agent.most_usd if isinstance(agent, Thinks) else member.most_usd


def _is_paid(member: Member, usd: float | None) -> bool:
    """Whether an agent costs something, as far as can be told: who is elsewhere and names no price does."""
    return (
        bool(usd) if usd is not None else isinstance(member.agent, Thinks) and member.agent.hosted
    )


def _reports(member: Member) -> bool:
    """Whether what an agent without a price costs is known at least afterwards."""
    return isinstance(member.agent, Thinks) and member.agent.reports_cost


def _cap(hiring: Hiring, members: Sequence[Member]) -> None:
    """The cap in force; raises `UsageProblem` when nobody knows what an agent under it costs."""
    settings, purse = hiring.settings, hiring.office.purse
    costs = {one.name: _cost_of(one) for one in members}
    purse.cap = settings.max_cost
    if not settings.cost_capped and any(map(_is_paid, members, costs.values())):
        purse.cap = DEFAULT_CAP
    unpriced = [
        one.name
        for one in members
        if costs[one.name] is None and (settings.cost_capped or not _reports(one))
    ]
    if purse.cap is not None and unpriced:
        raise UsageProblem(
            f"--autoresearch-agent {unpriced[0]}: nobody knows what it costs, and agents may cost at most "
            f"{purse.cap:g} USD: declare it (cost = 0.05, dollars a call, in its table "
            "[tool.pytest-autoresearch.agents.NAME]; llm:MODEL?cost=0 for a model of your own), or lift the "
            "cap with --autoresearch-max-cost none"
        )


def _refuse_analysis(hiring: Hiring, members: Sequence[Member]) -> None:
    """Raise `UsageProblem` when analyses of the training data would go to somebody else's machine."""
    fixture, level = hiring.objective.analysis, hiring.office.disclose
    for member in members:
        agent = member.agent
        if not fixture or not isinstance(agent, Thinks):
            continue
        if not shows_analyses(level, hosted=agent.hosted):
            raise UsageProblem(
                f"--autoresearch-agent {member.name}: {hiring.objective.nodeid} lets agents look at the "
                f"training data (analysis={fixture!r}), and what they print would go to "
                f"{agent.destination}: set ini autoresearch_disclose = all to allow that, or take "
                "analysis= out of the marker"
            )


def isolation_text(settings: Settings, hiring: Hiring) -> str:
    """What every record says of the tier, and of a person's leave to do without walls."""
    words = [settings.isolation]
    leave = settings.allow_untrusted and settings.isolation == NONE
    if leave and not all(trusted(name, settings) for name in settings.agents):
        words.append("untrusted agent")
    if hiring.unconfined:
        words.append("agent unconfined")
    return ", ".join(words)
