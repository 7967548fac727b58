"""The `candidate` fixture's object: the only door to untrusted code."""

from __future__ import annotations

import math
import re
import secrets
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .exceptions import AuditFailed, CandidateFailure, ProtocolError, UsageProblem
from .records import Json, Limits
from .sandbox import Answer, Job, Meter, Result, Sandbox, discard, pack
from .sandbox.handing.answer import announced, require_finite
from .sandbox.handing.arguments import admit, row_count
from .sandbox.handing.columns import taken_apart
from .sandbox.handing.payload import Payload
from .sandbox.handing.script import contents, pattern_of
from .sandbox.rows.agreement import EXACT, HALF, require_agreement
from .sandbox.rows.prediction import Prediction

MAX_ROWS = 10_000_000
MAX_COLUMNS = 1024
SHARE = 0.8
"""How much of the budget that is left a fit is told that it has."""

PREDICT_SECONDS = 30.0
"""What any predict process may take of the budget, in seconds."""
PREDICT_SHARE = 0.25
"""What any predict process may take of the budget, as a share of it."""

RANDOM = secrets.SystemRandom()
SUPPLIED = ("seed", "seconds", "report")
OUTPUT = "output.bin"


class Evaluation(Protocol):
    """What a candidate tells the evaluation that it belongs to, and asks of it."""

    @property
    def seed(self) -> int:
        """This pass's seed."""

    @property
    def folds_left(self) -> int:
        """Folds of this pass not finished yet, the present one included."""

    @property
    def scrutiny(self) -> float:
        """The share of predictions that are looked at more closely, from 0 to 1."""

    def listener(self) -> Callable[[float, float], str] | None:
        """Who hears the reports of the fit that begins: the share of its seconds, and a finite value.

        Answers why the fit is to be stopped, or nothing; ``None`` when nobody listens.
        """

    def failed(self, failure: CandidateFailure) -> None:
        """Told once of the first failure, which sticks."""

    def used(self, phase: str, seconds: float, peak_mb: float) -> None:
        """Told for each process: ``fit``, ``predict``, ``call`` or ``run``."""

    def printed(self, text: str) -> None:
        """Told what a process printed, cleaned."""

    def trust(self, word: str) -> None:
        """Told ``joint`` or ``self-reported`` when a score deserves less trust."""

    def unprobed(self) -> None:
        """Told when rows are predicted without a look at whether they depend on each other."""


class Candidate:
    """One candidate's code, run in sandboxed processes.

    ``tree`` holds its files as they lie in the repository; ``entry`` and ``roots`` (import roots, ``.``
    is the tree itself) are POSIX paths in it. ``limits`` are the sandbox's unless given;
    their ``data`` are absolute paths. ``handed`` is told of the arguments of every fit, predict and call
    before it begins.

    Every method raises a `CandidateFailure` for what the candidate does wrong. The first one sticks:
    it is told to the evaluation, and every later call raises it again.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        tree: Path,
        entry: str,
        *,
        roots: Sequence[str],
        meter: Meter,
        evaluation: Evaluation,
        limits: Limits | None = None,
        handed: Callable[[str, Payload], None] | None = None,
    ) -> None:
        self._handed = handed
        self._sandbox = sandbox
        self._tree = tree.resolve()
        self._entry = entry
        self._roots = tuple(roots)
        self._meter = meter
        self._evaluation = evaluation
        self._limits = limits or sandbox.limits
        self._failure: CandidateFailure | None = None
        self._predicted = False

    def fit(self, *args: Any, **kwargs: Any) -> Model:
        """Run the entry's ``fit`` in a process of its own; the model is an opaque handle.

        Arguments are NumPy arrays, pandas or polars frames and series, SciPy sparse matrices, lists of
        str or bytes, numbers, and dicts of these; anything else raises `UsageProblem`. ``seed`` is
        supplied, and, where declared, ``seconds``, ``report`` and the names of ``data``.
        """
        __tracebackhide__ = True
        self._go_on()
        payload, admitted = self._payload("fit", args, kwargs)
        artifact = Path(tempfile.mkdtemp(dir=self._sandbox.folder, prefix="model-"))
        model = Model(self, artifact, admitted[0] if admitted else None)
        seconds = self._seconds()
        order = self._order("fit", artifact=str(artifact), seconds=seconds)
        job = Job("fit", order, payload, heard=self._heard(seconds))
        try:
            model.fit_seconds = self._do("fit", job).seconds
        except BaseException:
            model.discard()
            raise
        return model

    def call(
        self,
        target: str,
        *args: Any,
        shape: Sequence[int | None],
        dtype: str = "float64",
        max_columns: int = MAX_COLUMNS,
        **kwargs: Any,
    ) -> npt.NDArray[Any]:
        """Call ``function`` of ``"file.py:function"`` and return its finite numbers.

        ``seed`` and the names of ``data`` are supplied where declared.

        The file lies beside the entry, or anywhere in the repository when it begins with ``/``. A
        dimension that is ``None`` is the candidate's to choose: the first up to the rows of the first
        argument (10 million when it has none), the others up to ``max_columns``.
        """
        __tracebackhide__ = True
        self._go_on()
        file, colon, function = target.rpartition(":")
        if not colon or not function.isidentifier():
            raise UsageProblem(f"candidate.call({target!r}): write it as 'file.py:function'")
        payload, _ = self._payload(function, args, kwargs)
        answer = announced("candidate.call()", shape, dtype, _most_rows(args), max_columns)
        order = self._order("call", entry=self._path(file), function=function, answer=answer)
        result = self._do("call", Job(function, order, payload, answer))
        return self._finite(result, function)

    def run(
        self,
        script: str,
        *args: str | int | float,
        pattern: str | None = None,
        key: str | None = None,
        files: Mapping[str, bytes | npt.NDArray[Any]] | None = None,
        shape: Sequence[int] | None = None,
        dtype: str = "float64",
    ) -> Any:
        """Run an existing script as ``python train.py`` would, in an empty writable folder.

        ``files`` are put there first (arrays as ``.npy``). The environment variables
        ``AUTORESEARCH_SEED``, ``_SECONDS``, ``_DATA_NAME`` (for each name of ``data``) and, with
        ``shape``, ``_OUTPUT`` say the rest. One of three things comes back:

        * ``pattern``: the number in the first group of the last match in what was printed;
        * ``key``: the number after the last ``key:`` or ``key =`` at the beginning of a line;
        * ``shape``: the array that the script wrote with ``array.tofile(os.environ["AUTORESEARCH_OUTPUT"])``,
          which the frozen test then scores.

        A printed number is stamped ``self-reported``, an array ``joint``.
        """
        __tracebackhide__ = True
        self._go_on()
        if sum(one is not None for one in (pattern, key, shape)) != 1:
            raise UsageProblem("candidate.run() needs exactly one of pattern=, key= and shape=")
        if shape is not None and None in tuple(shape):
            raise UsageProblem(f"candidate.run(shape={shape!r}): all dimensions must be numbers")
        answer = None
        if shape is not None:
            answer = announced("candidate.run()", shape, dtype, MAX_ROWS, MAX_COLUMNS)
        self._evaluation.trust("self-reported" if answer is None else "joint")
        order = self._order("run", entry=self._path(script), argv=[str(one) for one in args])
        order |= {"env": self._variables(), "output": OUTPUT if answer else ""}
        named = contents(files or {})
        job = Job(script, order, pack(script, (), {}), answer, named, OUTPUT if answer else "")
        result = self._do("run", job)
        if answer is not None:
            return self._finite(result, script)
        return self._printed_number(result, script, pattern or pattern_of(str(key)))

    def _predict(self, model: Model, asked: Prediction, *, probed: bool) -> npt.NDArray[np.float64]:
        """All chunks, each in a fresh process; rows in the order that they came in."""
        if self._handed is not None:
            self._handed("predict", asked.whole())
        gpu = self._limits.gpu > 0
        found = np.empty((row_count(asked.X, "X"), asked.columns))
        twice: list[npt.NDArray[np.intp]] = []
        again: list[npt.NDArray[np.float64]] = []
        for chunk in asked.chunks(probed=probed, apart=gpu):
            part = asked.part(chunk.rows), len(chunk.rows)
            predicted = self._predict_part(model, asked.columns, *part)
            found[chunk.rows[chunk.own]] = predicted[chunk.own]
            twice.append(chunk.rows[~chunk.own])
            again.append(predicted[~chunk.own])
        for company in asked.among_strangers(model.known) if probed and self._drawn() else ():
            job = company.payload, company.count
            twice.append(company.rows)
            again.append(self._predict_part(model, asked.columns, *job)[company.places])
        shaped = found[:, 0] if asked.columns == 1 else found
        self._check(shaped, "predict")
        for rows, second in zip(twice, again, strict=True):
            self._agree(found, rows, second, HALF if gpu else EXACT)
        return shaped + 0.0

    def _drawn(self) -> bool:
        """Whether this prediction has two more processes: the first, and some that nobody can foresee."""
        first, self._predicted = not self._predicted, True
        return first or RANDOM.random() < self._evaluation.scrutiny

    def _predict_part(
        self, model: Model, columns: int, payload: Payload, count: int
    ) -> npt.NDArray[np.float64]:
        """One process's predictions, a row of ``columns`` numbers for each of ``count`` rows."""
        shape = (count,) if columns == 1 else (count, columns)
        answer = Answer(shape, shape)
        order = self._order("predict", artifact=str(model.artifact), answer=answer)
        budget, fitted = self._meter.budget, model.fit_seconds
        seconds = max(PREDICT_SECONDS, PREDICT_SHARE * budget, fitted)
        why = (
            f"over budget: a predict process was stopped after {seconds:.3g} s; it may take "
            f"{PREDICT_SECONDS:g} s, {PREDICT_SHARE:.0%} of the budget, or as long as fit took "
            f"({fitted:.3g} s), whichever is most"
        )
        with self._meter.at_most(seconds, why):
            result = self._do("predict", Job("predict", order, payload, answer))
        assert result.array is not None
        return result.array.reshape(count, columns)

    def _agree(
        self,
        found: npt.NDArray[np.float64],
        twice: npt.NDArray[np.intp],
        again: npt.NDArray[np.float64],
        tolerance: float,
    ) -> None:
        try:
            require_agreement(found, found[twice], again, tolerance)
        except AuditFailed as error:
            raise self._stick(error) from None

    def _payload(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Payload, tuple[Any, ...]]:
        """The arguments packed, and the positional ones as candidate code gets them."""
        reserved = [one for one in kwargs if one in SUPPLIED or one in self._limits.data]
        if reserved:
            raise UsageProblem(
                f"{name}({reserved[0]}=…): the harness itself supplies `{reserved[0]}`"
            )
        positional = tuple(
            admit(one, f"{name}(): argument {place}") for place, one in enumerate(args, start=1)
        )
        named = {key: admit(one, f"{name}({key}=…)") for key, one in kwargs.items()}
        payload = pack(name, positional, named)
        if self._handed is not None:
            self._handed(name, taken_apart(name, positional, named) or payload)
        return payload, positional

    def _order(
        self, op: str, *, answer: Answer | None = None, entry: str | None = None, **more: Json
    ) -> dict[str, Json]:
        """What `inside.entry` is told."""
        order: dict[str, Json] = {
            "op": op,
            "tree": str(self._tree),
            "roots": list(self._roots),
            "entry": entry or self._entry,
            "seed": self._evaluation.seed,
            "data": dict(self._limits.data),
            "env": {},
            "argv": [],
        }
        if answer is not None:
            order |= {"shape": answer.shape, "most": answer.most, "dtype": answer.dtype}
        return order | more

    def _path(self, name: str) -> str:
        """A path in the tree: beside the entry, or from the repository's root after a ``/``."""
        base = PurePosixPath(self._entry).parent
        path = PurePosixPath(name[1:]) if name.startswith("/") else base / name
        if ".." in path.parts or not path.name:
            raise UsageProblem(f"{name!r} is not a path inside the candidate's files")
        return str(path)

    def _seconds(self) -> float:
        """What a fit, or a script, is told that it may take."""
        return SHARE * self._meter.left / max(1, self._evaluation.folds_left)

    def _heard(self, seconds: float) -> Callable[[float, float], str] | None:
        """What hears the reports of a fit that has ``seconds``, by the seconds that it has taken."""
        listener = self._evaluation.listener()
        if listener is None:
            return None
        return lambda spent, value: listener(spent / seconds, value)

    def _variables(self) -> dict[str, str]:
        """The environment of a script."""
        found = {
            "AUTORESEARCH_SEED": str(self._evaluation.seed),
            "AUTORESEARCH_SECONDS": f"{self._seconds():.3f}",
        }
        found |= {f"AUTORESEARCH_DATA_{k.upper()}": path for k, path in self._limits.data.items()}
        return found

    def _go_on(self) -> None:
        """After a failure nothing is run any more."""
        __tracebackhide__ = True
        if self._failure is not None:
            raise self._failure

    def _do(self, phase: str, job: Job) -> Result:
        """Run a job; whatever the candidate did wrong is raised, and sticks."""
        __tracebackhide__ = True
        self._go_on()
        try:
            result = self._sandbox.run(job, self._meter)
        except CandidateFailure as failure:
            raise self._stick(failure) from None
        self._evaluation.used(phase, result.seconds, result.peak_mb)
        if result.output:
            self._evaluation.printed(result.output)
        if result.failure is not None:
            raise self._stick(result.failure)
        return result

    def _stick(self, failure: CandidateFailure) -> CandidateFailure:
        self._failure = failure
        self._evaluation.failed(failure)
        return failure

    def _finite(self, result: Result, name: str) -> npt.NDArray[Any]:
        assert result.array is not None
        self._check(result.array, name)
        return result.array

    def _check(self, array: npt.NDArray[Any], name: str) -> None:
        try:
            require_finite(array, name)
        except ProtocolError as error:
            raise self._stick(error) from None

    def _printed_number(self, result: Result, script: str, pattern: str) -> float:
        matches = list(re.finditer(pattern, result.output, re.MULTILINE))
        if not matches:
            last = " ".join(result.output[-300:].split()) or "nothing"
            raise self._stick(
                ProtocolError(
                    f"{script} printed nothing that matches {pattern!r}; at its end: {last}"
                )
            )
        text = matches[-1][1] if matches[-1].re.groups else matches[-1][0]
        try:
            value = float(text)
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise self._stick(ProtocolError(f"{script} printed {text!r}, not a finite number"))
        return value


class Model:
    """What ``candidate.fit`` returned: a handle. The state itself never reaches the judge.

    ``known`` is the first thing that it was fitted on.
    """

    def __init__(self, candidate: Candidate, artifact: Path, known: Any) -> None:
        self.artifact = artifact
        self.known = known
        self.fit_seconds = 0.0
        self._candidate = candidate
        self.discard = weakref.finalize(self, discard, artifact)

    def predict(
        self,
        X: Any,
        columns: int = 1,
        *,
        groups: Any = None,
        context: Any = None,
        chunks: int | None = None,
        row_independent: bool = True,
    ) -> npt.NDArray[np.float64]:
        """Predict in fresh processes, on shuffled chunks; rows come back in their own order.

        Returns float64 of shape (n,), or (n, columns) when ``columns`` is above 1, all finite.
        ``groups`` (one id a row) keeps a group's rows in one chunk and next to each other, and is passed
        on; ``context`` goes whole to each process. ``chunks`` is 2 unless given, 1 with a GPU.

        Some rows are predicted twice, among other rows: when that changes their predictions,
        `AuditFailed` is raised. ``row_independent=False`` declares that a row's prediction may depend
        on the other rows: nothing is predicted twice, which goes on record.
        """
        __tracebackhide__ = True
        if type(columns) is not int or columns < 1:
            raise UsageProblem(f"predict(columns={columns!r}): a number of columns, at least 1")
        candidate = self._candidate
        candidate._go_on()
        if chunks is None:
            chunks = 1 if candidate._limits.gpu > 0 else 2
        asked = Prediction(X, columns, groups, context, chunks, candidate._evaluation.seed)
        if not row_independent:
            candidate._evaluation.unprobed()
        return candidate._predict(self, asked, probed=bool(row_independent))


def _most_rows(args: Sequence[Any]) -> int:
    """Rows of the first argument, which bound the rows of an answer."""
    try:
        return row_count(args[0], "argument 1") if args else MAX_ROWS
    except UsageProblem:
        return MAX_ROWS
