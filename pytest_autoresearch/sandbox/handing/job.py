"""What the judge asks of one candidate process, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from ...exceptions import CandidateFailure
from ...records import Json
from .answer import Answer
from .payload import Payload


@dataclass(frozen=True)
class Job:
    """One process's work.

    ``order`` is what `inside.entry` obeys; `Sandbox.run` adds what is the same for all jobs. ``name``
    is the candidate's function or script, for messages. ``files`` are laid out in the scratch folder,
    ``yields`` names a file there whose bytes are the answer, in place of a returned value. ``heard`` is
    told of reported values, all finite: the seconds of the budget that the job has taken, and the last
    value that came by then; what it answers, if anything, is why the job is stopped. ``shown`` are the bytes
    of what is printed that are kept, of its beginning and of its end; ``None`` keeps the end alone.
    """

    name: str
    order: Mapping[str, Json]
    payload: Payload
    answer: Answer | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    yields: str = ""
    heard: Callable[[float, float], str] | None = None
    shown: tuple[int, int] | None = None


@dataclass(frozen=True)
class Result:
    """What one process did, measured from outside.

    ``seconds`` is wall time from the job's start to the death of its last process, ``peak_mb`` the
    largest memory of its process tree in MiB. ``output`` is the cleaned tail of what was printed, or
    as much of it as the job's ``shown`` says.
    """

    seconds: float
    peak_mb: float
    output: str = ""
    array: npt.NDArray[Any] | None = None
    failure: CandidateFailure | None = None
