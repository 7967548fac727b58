"""Plain data that every room shares; imports nothing of ours."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal

Direction = Literal["maximize", "minimize"]
Z90 = 1.645
"""Standard errors on either side of a 90% interval."""
MOST_LOOKS = 3
"""Looks into the vault that a run has."""

Json = Any
"""A value that ``json`` can write: None, bool, int, float, str, list or dict of these."""


class Status(Enum):
    """How an evaluation ended: one member for each row of the status table.

    ``word`` and ``letter`` are what the terminal shows, ``tsv`` the word in ``results.tsv``
    (empty: not listed), ``outcome`` what pytest is told.
    """

    BASELINE = ("BASELINE", "b", "baseline", "passed")
    MEASURED = ("MEASURED", "m", "", "passed")
    KEPT = ("KEPT", "+", "keep", "passed")
    WON = ("WON", "^", "won", "xfailed")
    DISCARD = ("REJECTED", "-", "discard", "xfailed")
    STOPPED = ("REJECTED", "-", "stopped", "xfailed")
    CRASH = ("REJECTED", "-", "crash", "xfailed")
    TIMEOUT = ("REJECTED", "-", "timeout", "xfailed")
    OOM = ("REJECTED", "-", "oom", "xfailed")
    REFUSED = ("REJECTED", "-", "refused", "xfailed")
    AUDIT = ("REJECTED", "-", "audit", "xfailed")
    STALE = ("STALE", "~", "stale", "xfailed")
    ANALYSIS = ("ANALYSIS", "a", "", "skipped")
    SKIPPED = ("SKIPPED", "s", "", "skipped")
    INTERRUPTED = ("INTERRUPTED", "i", "interrupted", "skipped")
    FAILED = ("FAILED", "F", "failed", "failed")

    def __init__(self, word: str, letter: str, tsv: str, outcome: str) -> None:
        self.word = word
        self.letter = letter
        self.tsv = tsv
        self.outcome = outcome


class Part(Enum):
    """What an item measures."""

    BASELINE = "baseline"
    CALIBRATION = "calibration"
    EXPERIMENT = "experiment"
    REFERENCE = "reference"
    SKIPPED = "skipped"
    VAULT = "vault"
    ANALYSIS = "analysis"


SETTLED = frozenset(Status) - {Status.WON, Status.INTERRUPTED}
"""Ends that nothing follows."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One pass to make: which split of the data, which seed for the candidate."""

    split: int
    seed: int


@dataclass(frozen=True, slots=True)
class Pass:
    """One walk over the folds of one split: the scores in fold order, as many as were measured."""

    split: int
    seed: int
    scores: tuple[float, ...]


Curve = tuple[tuple[float, float], ...]
"""What a fit reported of itself: the share of its seconds that was spent, and the value then."""


@dataclass(frozen=True)
class Proposal:
    """A change that an agent proposes.

    ``patch`` is a unified diff relative to the repository's root; ``files`` maps paths relative to
    the repository's root to whole new texts. ``notes`` are the agent's own, kept in the journal and
    handed back with the record. ``lessons`` are what the agent learnt and wants to be told again in
    every briefing. ``cost_usd`` is what making the proposal cost, where the agent knows.
    """

    patch: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    hypothesis: str = ""
    theme: str = ""
    expected: str = ""
    description: str = ""
    notes: Mapping[str, Json] = field(default_factory=dict)
    lessons: tuple[str, ...] = ()
    cost_usd: float | None = None


@dataclass(frozen=True)
class Analysis:
    """Code that an agent wants run on the training data, instead of an experiment.

    ``code`` is the text of a Python module that defines ``analyse(data)``; ``data`` is what the fixture
    named by the marker's ``analysis=`` returns. What it prints comes back as the record's ``output``.
    ``question`` says in a line what the agent wants to know; the other fields are as in `Proposal`.
    """

    code: str
    question: str = ""
    notes: Mapping[str, Json] = field(default_factory=dict)
    lessons: tuple[str, ...] = ()
    cost_usd: float | None = None


@dataclass(frozen=True)
class Effort:
    """What it took to make a proposal or to ask for an analysis.

    ``seconds`` are those in which the agent thought, ``waited`` those of them in which nothing else ran.
    """

    cost_usd: float | None = None
    tokens: int = 0
    seconds: float = 0.0
    waited: float = 0.0


@dataclass(frozen=True)
class Draft:
    """What an agent handed in, before it has a number.

    ``made_on`` is the champion's commit that the agent was shown. ``vetted`` says that it needs no
    preflight: a text that parses, and names nothing new. ``name`` is that of its transcript.
    """

    what: Proposal | Analysis
    agent: str
    made_on: str = ""
    effort: Effort = Effort()
    vetted: bool = False
    name: str = ""
    protocol: str = ""


@dataclass(frozen=True)
class Experiment:
    """What the search asks to be evaluated next: one item.

    ``item`` is what stands in the node id's brackets. ``base`` is the commit that ``tree`` was built
    on, ``tree`` the git tree to evaluate. ``turns`` are the passes to make; empty for an experiment
    proper, whose passes the keep rule decides one at a time. ``refused`` says why a patch cannot be
    evaluated at all, ``broken`` what its preflight found. ``made_on`` is the commit that the proposal was
    made on, where that is not ``base``, ``draft`` the name of its draft. ``shape`` and ``protocol`` are as in `Record`, as is ``stage``.
    """

    item: str
    part: Part
    number: int | None
    base: str
    tree: str
    turns: tuple[Turn, ...] = ()
    proposal: Proposal | None = None
    agent: str = ""
    origin: tuple[int, ...] = ()
    refused: str = ""
    stage: str = ""
    analysis: Analysis | None = None
    broken: str = ""
    made_on: str = ""
    shape: str = ""
    protocol: str = ""
    effort: Effort = Effort()
    draft: str = ""


@dataclass(frozen=True)
class Usage:
    """What the candidate's processes used, measured from outside.

    Seconds are wall time of the first pass's processes summed; the peak is the largest memory of a
    whole process tree, in MiB.
    """

    fit_seconds: float | None = None
    predict_seconds: float | None = None
    peak_memory_mb: float | None = None
    peak_gpu_memory_mb: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What one evaluation yielded, before it is judged.

    ``status`` is ``None`` when the test body ran to its end and passed; otherwise the row of the
    status table that the failure belongs to, with ``reason``. ``complete`` means that every pass which
    the rule asked for was scored, ``asked`` that ``experiment.improves`` was evaluated, ``in_test``
    that the frozen test itself raised, not the candidate. ``unprobed``, ``simpler`` and ``curves`` are
    as in `Record`.
    """

    passes: tuple[Pass, ...] = ()
    status: Status | None = None
    reason: str = ""
    complete: bool = False
    asked: bool = False
    folds: str = ""
    log: Mapping[str, float] = field(default_factory=dict)
    usage: Usage = Usage()
    seconds: float = 0.0
    trust: str = ""
    unprobed: bool = False
    simpler: str = ""
    curves: tuple[Curve, ...] = ()
    output: str = ""
    in_test: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the search concluded from an outcome; the only source of an item's reason.

    ``score`` is the mean over the folds of the first pass, ``champion`` the score compared with,
    ``delta`` their raw difference, ``z`` positive when better.
    """

    status: Status
    reason: str = ""
    score: float | None = None
    champion: float | None = None
    delta: float | None = None
    z: float | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One finished evaluation, equal to its line in the journal (kind ``finished``).

    ``base`` is the champion's commit that it was compared with, ``commit`` its own. ``folds`` says what
    ``race`` was given: ``callable``, ``list`` or ``none``. ``unprobed`` says that the frozen test let
    predictions of rows depend on each other. ``simpler`` says in what a candidate is simpler than the
    champion, where the race had to know. ``curves`` are what the fits of the first pass reported, one a
    fold; where a champion is measured, those of every pass, one pass after the other. ``output`` is the cleaned tail of what the candidate printed. ``champion_record`` is the champion
    record in a kept experiment's commit. ``stage`` is empty for the objective's own evaluations, else the
    name of the test that a win had to pass, too. ``shape`` names the candidate's code up to formatting and
    comments, where it is known; ``protocol`` the version of the instructions that it was made under.
    ``lessons`` are as in `Proposal`. ``cost_usd``, ``tokens``, ``thinking_seconds`` and
    ``waited_seconds`` are what the proposal took, see `Effort`.
    """

    item: str
    part: Part
    experiment: int | None
    status: Status
    reason: str = ""
    objective: str = ""
    metric: str = ""
    direction: Direction = "maximize"
    score: float | None = None
    champion: float | None = None
    delta: float | None = None
    z: float | None = None
    passes: tuple[Pass, ...] = ()
    folds: str = ""
    commit: str = ""
    tree: str = ""
    base: str = ""
    origin: tuple[int, ...] = ()
    agent: str = ""
    description: str = ""
    hypothesis: str = ""
    theme: str = ""
    expected: str = ""
    notes: Mapping[str, Json] = field(default_factory=dict)
    log: Mapping[str, float] = field(default_factory=dict)
    fit_seconds: float | None = None
    predict_seconds: float | None = None
    seconds: float = 0.0
    peak_memory_mb: float | None = None
    peak_gpu_memory_mb: float | None = None
    cost_usd: float | None = None
    isolation: str = ""
    trust: str = ""
    unprobed: bool = False
    simpler: str = ""
    curves: tuple[Curve, ...] = ()
    output: str = ""
    champion_record: Mapping[str, Json] | None = None
    stage: str = ""
    shape: str = ""
    protocol: str = ""
    lessons: tuple[str, ...] = ()
    tokens: int = 0
    thinking_seconds: float | None = None
    waited_seconds: float | None = None
    session: int = 0
    seq: int = 0
    time: str = ""

    def to_json(self) -> dict[str, Json]:
        """The record as the journal writes it, enums by name."""
        line = dataclasses.asdict(self)
        line["status"] = self.status.name
        line["part"] = self.part.value
        line["passes"] = [dataclasses.asdict(one) for one in self.passes]
        return line

    @classmethod
    def from_json(cls, line: Mapping[str, Json]) -> Record:
        """The inverse of `to_json`; keys that this version does not know are ignored."""
        known = {f.name for f in dataclasses.fields(cls)}
        values = {key: value for key, value in line.items() if key in known}
        values["status"] = Status[values["status"]]
        values["part"] = Part(values["part"])
        values["passes"] = tuple(
            Pass(p["split"], p["seed"], tuple(p["scores"])) for p in values.get("passes", ())
        )
        values["origin"] = tuple(values.get("origin", ()))
        values["lessons"] = tuple(values.get("lessons", ()))
        values["curves"] = tuple(
            tuple((share, value) for share, value in curve) for curve in values.get("curves", ())
        )
        return cls(**values)


def concluded(records: Iterable[Record]) -> list[Record]:
    """The records of the objective itself; a win ends as its confirmations ended, once they did."""
    everything = list(records)
    ends = {
        record.experiment: record
        for record in everything
        if is_confirmation(record) and record.status in SETTLED - {Status.FAILED}
    }
    return [_ended(record, ends) for record in everything if not record.stage]


def is_confirmation(record: Record) -> bool:
    """Whether a record is a win's in a further stage; one that failed, by no fault of its own, is repeated."""
    return bool(record.stage) and record.part is Part.EXPERIMENT


def _ended(record: Record, ends: Mapping[int | None, Record]) -> Record:
    end = ends.get(record.experiment) if record.status is Status.WON else None
    if end is None:
        return record
    own = end.champion_record
    return replace(
        record, status=end.status, reason=end.reason, commit=end.commit, champion_record=own
    )


@dataclass(frozen=True)
class Limits:
    """The limits and doors of the candidate's world, from the `sandbox` marker. Sizes are bytes."""

    memory: int = 8 << 30
    gpu: int = 0
    processes: bool = False
    exec: bool = False
    scratch: int = 256 << 20
    artifact: int = 2 << 30
    hidden: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Objective:
    """The frozen test that scores candidates, as its markers describe it.

    Paths and globs are POSIX, relative to the repository's root. ``budget`` is seconds a pass.
    """

    name: str
    nodeid: str
    path: str
    metric: str
    direction: Direction
    editable: tuple[str, ...]
    readable: tuple[str, ...] = ()
    entry: str = ""
    constraints: Mapping[str, str] = field(default_factory=dict)
    analysis: str | None = None
    budget: float = 300.0
    limits: Limits = Limits()


@dataclass(frozen=True)
class Fingerprint:
    """What a score depends on besides the code: where and with what it was measured.

    ``device`` is the processor's model, ``gpu`` the GPUs' or empty, ``threads`` how many a numerical
    library takes, ``packages`` version by distribution of what the code imports, and of ``python``.
    """

    device: str
    gpu: str
    threads: int
    packages: Mapping[str, str]


@dataclass(frozen=True)
class Briefing:
    """What an agent is told before it proposes.

    ``editable`` and ``readable`` are the champion's files by path from the repository's root.
    ``records`` are all finished evaluations of the run, oldest first; ``earlier`` finished experiments
    of earlier runs of the same evaluation, whose scores are comparable, oldest first. ``None`` means
    no limit. ``reading`` is further reading that a person has named, by path. ``analysis`` is the name of
    the fixture that analyses look at, empty where there is none. ``noise`` is the standard error of one whole pass's lead in
    the metric's units. ``advice`` says how the search is stuck and what to do about it, empty where it is
    not. ``budget`` is seconds a pass, ``memory`` bytes. ``under_way`` are proposals that were handed in and
    have no record yet. ``crashed`` are the visible files of candidates that failed lately, by git tree, so
    that an error can be told with its line of source.
    """

    objective: str
    metric: str
    direction: Direction
    champion: str
    champion_score: float | None
    editable: Mapping[str, bytes]
    readable: Mapping[str, bytes] = field(default_factory=dict)
    records: Sequence[Record] = ()
    earlier: Sequence[Record] = ()
    experiments_left: int | None = None
    seconds_left: float | None = None
    protocol: str = ""
    entry: str = ""
    budget: float = 300.0
    memory: int = 8 << 30
    constraints: Mapping[str, str] = field(default_factory=dict)
    reading: Mapping[str, str] = field(default_factory=dict)
    analysis: str = ""
    noise: float | None = None
    advice: str = ""
    usd_left: float | None = None
    under_way: Sequence[Proposal] = ()
    crashed: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)


@dataclass(frozen=True)
class Effect:
    """A gain in the metric's own units, positive when better, and its standard error."""

    gain: float
    error: float

    @property
    def half(self) -> float:
        """Half of the 90% interval."""
        return Z90 * self.error


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look into the vault: the baseline and a champion, scored on data that nobody searched on.

    ``number`` counts from 1. ``baseline`` and ``champion`` are mean scores on the vault, ``search`` and
    ``vault`` the champion's gain over the baseline by either's data. ``level`` is empty, ``warn`` or
    ``red``, ``words`` why.
    """

    number: int
    experiment: int
    commit: str
    time: str
    baseline: float
    champion: float
    search: Effect
    vault: Effect
    level: str = ""
    words: str = ""

    @property
    def gap(self) -> Effect:
        """The optimism of the search: how much larger its gain is than the vault's."""
        return Effect(
            self.search.gain - self.vault.gain, math.hypot(self.search.error, self.vault.error)
        )


@dataclass(frozen=True)
class Spending:
    """What a run's agents cost: ``agents`` maps an agent to its dollars, ``tokens`` are all of theirs.

    ``used`` maps an agent to its tokens. ``cap_usd`` is the most that may be spent, ``None`` without a limit. ``unpriced`` are the agents whose
    cost nobody knows. ``thinking_seconds`` and ``waited_seconds`` are summed over all proposals, see
    `Effort`.
    """

    usd: float = 0.0
    tokens: int = 0
    cap_usd: float | None = None
    agents: Mapping[str, float] = field(default_factory=dict)
    unpriced: tuple[str, ...] = ()
    thinking_seconds: float = 0.0
    waited_seconds: float = 0.0
    used: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """How a search session ended, for hooks, reports and the exit code.

    ``records`` are those of the objective itself, a win with the end that its confirmations gave it;
    ``confirmations`` what those measured. ``gain`` is the champion's over the baseline, ``effects`` each
    kept experiment's over the champion of its time, both without the passes that selected them;
    ``noise`` is the standard error of one whole pass's lead. ``looks`` are those into the vault.
    ``attention`` says why a person has to look, empty where nobody has to.
    """

    run: str
    branch: str
    objective: str
    metric: str
    direction: Direction
    isolation: str
    folder: str
    ended: str
    finished: bool
    records: Sequence[Record]
    baseline: float | None = None
    champion: float | None = None
    champion_commit: str = ""
    kept: int = 0
    tried: int = 0
    cost_usd: float = 0.0
    spending: Spending = Spending()
    confirmations: Sequence[Record] = ()
    noise: float | None = None
    gain: Effect | None = None
    effects: Mapping[int, Effect] = field(default_factory=dict)
    looks: Sequence[Look] = ()
    attention: str = ""
