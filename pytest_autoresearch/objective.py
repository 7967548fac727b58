"""The `experiment` fixture's object: the record of one evaluation, and its verdict."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Any

from .exceptions import CandidateFailure, Misuse
from .records import Curve, Outcome, Status, Usage
from .search.curves import Follower, Pace
from .search.keep import Finding, Measurement, Plan, Step, explained

SOME = 0.25
"""Share of the predictions of a first pass that are looked at more closely, beside the first one."""

LARGEST = 1e100
"""The largest score or logged value, either side of 0: squares of it are still numbers."""
MOST_OUTPUT = 4000
"""Characters of what the candidate printed that a record keeps: the last ones."""


class Verdict:
    """What ``experiment.improves`` is: true or false, and its repr says why."""

    def __init__(self, finding: Finding, text: str) -> None:
        self._finding = finding
        self._text = text

    def __bool__(self) -> bool:
        return self._finding.better

    def __repr__(self) -> str:
        return self._text


class Evaluation:
    """One evaluation under way: driven by a plan, filled by the frozen test and the candidate.

    ``restart`` is called when a pass begins, for the budget's meter. ``compared`` says in what the
    candidate is simpler than the champion, by the candidate's peak memory in MiB. ``pace`` is what fits
    of the first pass are held against while they report.
    """

    def __init__(
        self,
        plan: Plan,
        metric: str,
        needs: float,
        restart: Callable[[], None] = lambda: None,
        *,
        compared: Callable[[float], str] = lambda peak: "",
        pace: Pace | None = None,
    ) -> None:
        self.plan = plan
        self.metric = metric
        self.needs = needs
        self.restart = restart
        self.compared = compared
        self.pace = pace
        self.failure: CandidateFailure | None = None
        self.misuse: Misuse | None = None
        self.asked = False
        self.seeded = False
        self.kind = ""
        self.trusts: set[str] = set()
        self.joint_rows = False
        self.logged: dict[str, list[float]] = {}
        self.output = ""
        self.phases: dict[str, float] = {}
        self.peak = 0.0
        self.said_simpler = ""
        self._turn: list[float] | None = None
        self._width: int | None = None
        self._left = 0
        self._step = Step.NEXT_FOLD
        self._pass = 0
        self._fold = self._folds_a_pass = 0
        self._followed: dict[tuple[int, int], Follower] = {}

    # The frozen test's side: `experiment`

    def race(self, folds: Callable[[int], Any] | Sequence[Any] | None = None) -> Iterator[Any]:
        """Walk the folds, as many passes as the verdict needs.

        ``folds`` is a callable ``split -> list`` (preferred: a split shifts the cut points), a list or
        tuple (only the seed changes between passes), or nothing (one fold a pass). Raises `Misuse`
        when it is an iterator, empty, or changes its length from pass to pass.
        """
        if self.kind:
            raise self._misused("experiment.race() is called twice: one race holds all passes")
        self.kind = _kind(folds, self)
        return self._passes(folds)

    def _passes(self, folds: Any) -> Iterator[Any]:
        length: int | None = None
        while True:
            self.restart()
            self._pass += 1
            fold_list = self._folds(folds)
            if length is not None and len(fold_list) != length:
                raise self._misused(
                    f"race(): {len(fold_list)} folds in this pass, {length} in the one before; "
                    "the number of folds is the same in every pass"
                )
            length = len(fold_list)
            yield from self._one_pass(fold_list)
            if self._step in (Step.STOP, Step.KEEP):
                return

    def _folds(self, folds: Any) -> Sequence[Any]:
        if self.kind == "none":
            return (None,)
        found = folds(self.split) if self.kind == "callable" else folds
        if not isinstance(found, list | tuple):
            raise self._misused(
                f"race(): the folds are a {type(found).__name__}; give a list, or a callable "
                "split -> list"
            )
        if not found:
            raise self._misused("race(): there are no folds; give at least one")
        return found

    def _one_pass(self, folds: Sequence[Any]) -> Iterator[Any]:
        self._folds_a_pass = len(folds)
        for index, fold in enumerate(folds):
            self._left = len(folds) - index
            self._fold = index
            self._turn = []
            yield fold
            scores, self._turn = self._turn, None
            if not scores:
                raise self._misused(
                    f"fold {index + 1} was not scored: call experiment.score() once in every turn"
                )
            self._tell(scores, last=index + 1 == len(folds))
            if self._step is not Step.NEXT_FOLD:
                return

    def _tell(self, scores: Sequence[float], *, last: bool) -> None:
        for position, score in enumerate(scores, start=1):
            try:
                self._step = self.plan.told(score, last=last and position == len(scores))
            except ValueError as error:
                raise self._misused(f"race(): {error}") from None
            if self._step is not Step.NEXT_FOLD:
                return

    def score(self, value: Any) -> None:
        """Score this turn's fold: a finite real number, or a sequence of fixed length (shards).

        Exactly once a turn. Raises `Misuse` when called outside a turn, twice, or with a bool, a
        complex number, NaN or infinity.
        """
        if self._turn is None:
            raise self._misused("experiment.score() is called outside the loop over race()")
        if self._turn:
            raise self._misused("experiment.score() is called twice in one turn")
        scores = _scores(value, self)
        if self._width not in (None, len(scores)):
            raise self._misused(
                f"experiment.score(): {len(scores)} values, {self._width} in the turn before; "
                "the number of shards is fixed"
            )
        self._width = len(scores)
        self._turn.extend(scores)

    def log(self, **values: Any) -> None:
        """Record secondary values of this turn, finite real numbers, by name."""
        for name, value in values.items():
            number = _number(f"log({name}=…)", value, self)
            self.logged.setdefault(name, []).append(number)

    @property
    def improves(self) -> Verdict:
        """The verdict. Raises `Misuse` when the race was left before its end."""
        self.asked = True
        if self.failure is not None:
            return Verdict(Finding(better=False), f"{type(self.failure).__name__}: {self.failure}")
        if self.misuse is not None:
            return Verdict(Finding(better=False), str(self.misuse))
        if not self.kind:
            raise self._misused("experiment.improves is read before any experiment.race()")
        if not self.plan.done:
            raise self._misused(
                "the loop over experiment.race() was left early (by break or return): let it run "
                "to its end, it stops by itself"
            )
        finding = self.plan.finding
        return Verdict(finding, explained(finding, self.metric, self.needs))

    @property
    def seed(self) -> int:
        """This pass's seed; the candidate's `fit` gets it too."""
        if not self.kind:
            raise self._misused("candidate and seed belong inside the loop over experiment.race()")
        return self.plan.turn.seed

    @property
    def split(self) -> int:
        """This pass's split of the data."""
        return self.plan.turn.split

    def _misused(self, text: str) -> Misuse:
        """A misuse sticks: whatever the test does with the exception, nothing is kept."""
        self.misuse = self.misuse or Misuse(text)
        return self.misuse

    # The candidate's side

    @property
    def folds_left(self) -> int:
        """Folds of this pass not finished yet, the present one included."""
        return max(1, self._left)

    @property
    def scrutiny(self) -> float:
        """The share of predictions that are looked at more closely.

        All, in a further pass of a race: only what leads comes to one, and is kept for it. None where a
        champion is measured.
        """
        if isinstance(self.plan, Measurement):
            return 0.0
        return 1.0 if self._pass > 1 else SOME

    def listener(self) -> Callable[[float, float], str] | None:
        """See `candidate.Evaluation`. The first fit of a turn is followed; of a race, in the first pass."""
        place = self._pass, self._fold
        measured = isinstance(self.plan, Measurement)
        if place in self._followed or not (measured or self._pass == 1):
            return None
        self._followed[place] = Follower(None if measured else self.pace, self._fold)
        return self._followed[place].heard

    def failed(self, failure: CandidateFailure) -> None:
        """Remember the first failure: an experiment in which one happened is never kept.

        Its text, a traceback perhaps, stands in the output behind what was printed.
        """
        if self.failure is None:
            self.failure = failure
            self.printed(f"{failure}\n")

    def used(self, phase: str, seconds: float, peak_mb: float) -> None:
        """Add a process's wall seconds and peak memory (MiB); seconds of the first pass count.

        A script that is run, or a function that is called, counts as fitting.
        """
        if self._pass == 1:
            counted = "predict" if phase == "predict" else "fit"
            self.phases[counted] = self.phases.get(counted, 0.0) + seconds
        self.peak = max(self.peak, peak_mb)

    def printed(self, text: str) -> None:
        """Keep the tail of what the candidate printed."""
        self.output = (self.output + text)[-MOST_OUTPUT:]

    def simpler(self) -> str | None:
        """In what the candidate is simpler than the champion; the race asks. ``None``: not known yet.

        How much memory it needs is known when its first pass has been walked: early folds may need less.
        """
        if self._pass > 1 or self._left == 1:
            self.said_simpler = self.compared(self.peak)
            return self.said_simpler
        found = self.compared(0.0)
        if not found and self.compared(self.peak):
            return None
        self.said_simpler = found
        return found

    def trust(self, word: str) -> None:
        """Lower the trust that the score deserves: ``joint`` or ``self-reported``."""
        self.trusts.add(word)

    def unprobed(self) -> None:
        """Remember that the frozen test let the rows of a prediction depend on each other."""
        self.joint_rows = True

    # The judge's side

    def outcome(
        self, status: Status | None, reason: str, *, seconds: float, in_test: bool
    ) -> Outcome:
        """Everything measured, with how the test body ended."""
        return Outcome(
            passes=self.plan.passes,
            status=status,
            reason=reason,
            complete=self.plan.done,
            asked=self.asked,
            folds=self.kind,
            log={name: fmean(values) for name, values in self.logged.items()},
            usage=self._usage(),
            seconds=seconds,
            trust=self._lowest_trust(),
            unprobed=self.joint_rows,
            # By the peak of all passes: more memory in a later one is no less memory.
            simpler=(self.simpler() or "") if self.said_simpler else "",
            curves=self._curves(),
            output=self.output,
            in_test=in_test,
        )

    def _curves(self) -> tuple[Curve, ...]:
        """One a fold, pass by pass, empty where nothing was reported; none when nothing was at all."""
        curves = {place: follower.curve for place, follower in self._followed.items()}
        if not any(curves.values()):
            return ()
        passes, folds = range(1, max(curves)[0] + 1), range(self._folds_a_pass)
        return tuple(curves.get((one, fold), ()) for one in passes for fold in folds)

    def _usage(self) -> Usage:
        return Usage(
            fit_seconds=_rounded(self.phases.get("fit")),
            predict_seconds=_rounded(self.phases.get("predict")),
            peak_memory_mb=round(self.peak, 1) if self.peak else None,
        )

    def _lowest_trust(self) -> str:
        return next((word for word in ("self-reported", "joint") if word in self.trusts), "")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)


def _kind(folds: object, evaluation: Evaluation) -> str:
    if folds is None:
        return "none"
    if callable(folds):
        return "callable"
    if isinstance(folds, list | tuple):
        return "list"
    raise evaluation._misused(
        f"race() was given a {type(folds).__name__}, which can be walked only once: give a list, or "
        "better a callable split -> list"
    )


def _scores(value: object, evaluation: Evaluation) -> list[float]:
    """One number, or the numbers of a sequence or one-dimensional array."""
    tolist = getattr(value, "tolist", None)
    plain = tolist() if callable(tolist) else value
    if isinstance(plain, list | tuple):
        if not plain:
            raise evaluation._misused("experiment.score() was given an empty sequence")
        return [_number("score()", one, evaluation) for one in plain]
    return [_number("score()", plain, evaluation)]


def _number(where: str, value: object, evaluation: Evaluation) -> float:
    """A finite float; ``numpy`` scalars come through their ``item()``."""
    item = getattr(value, "item", None)
    plain = item() if callable(item) and getattr(value, "ndim", None) == 0 else value
    if isinstance(plain, bool) or not isinstance(plain, numbers.Real):
        raise evaluation._misused(f"experiment.{where} was given {value!r}, not a real number")
    try:
        number = float(plain)
    except OverflowError:
        number = math.inf
    if not abs(number) <= LARGEST:
        raise evaluation._misused(
            f"experiment.{where} was given {number}, which is not finite or beyond {LARGEST:g}"
        )
    return number


class Recorder:
    """The `experiment` fixture: what a frozen test may say and ask."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation

    def race(self, folds: Callable[[int], Any] | Sequence[Any] | None = None) -> Iterator[Any]:
        """See `Evaluation.race`."""
        return self._evaluation.race(folds)

    def score(self, value: Any) -> None:
        """See `Evaluation.score`."""
        self._evaluation.score(value)

    def log(self, **values: Any) -> None:
        """See `Evaluation.log`."""
        self._evaluation.log(**values)

    @property
    def improves(self) -> Verdict:
        """See `Evaluation.improves`."""
        return self._evaluation.improves

    @property
    def seed(self) -> int:
        """This pass's seed."""
        self._evaluation.seeded = True
        return self._evaluation.seed

    @property
    def split(self) -> int:
        """This pass's split."""
        return self._evaluation.split


def measuring(turns: Sequence[Any], metric: str) -> Evaluation:
    """An evaluation that judges nothing, for a plain run of the test."""
    return Evaluation(Measurement(turns), metric, 0.0)
