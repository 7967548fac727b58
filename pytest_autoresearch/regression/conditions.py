"""Under what a score is measured, and whether two scores can be compared."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b, sha1
from pathlib import Path

from ..history.champion import Conditions
from ..records import Objective
from ..sandbox.libraries import imports
from .fingerprint import measure

ARGUMENTS = ("metric", "direction", "editable", "readable", "entry", "constraints")
DOORS = ("memory", "gpu", "processes", "exec", "scratch", "artifact", "env")
"""What the markers say that can change a score; not where on this machine files lie."""


def conditions(
    objective: Objective,
    root: Path,
    frozen: Iterable[str],
    visible: Mapping[str, bytes],
    *,
    isolation: str,
    data: Mapping[str, str],
) -> Conditions:
    """The present conditions: the evaluation's files in the work tree at ``root``, this machine.

    ``visible`` are the candidate's files by path, ``data`` digests by name.
    """
    limits = objective.limits
    return Conditions(
        budget=objective.budget,
        isolation=isolation,
        files={path: blob((root / path).read_bytes()) for path in sorted(frozen)},
        arguments=_digest(objective),
        data=dict(data),
        fingerprint=measure(imports(visible), limits.gpu, limits.env),
    )


def incomparable(then: Conditions, now: Conditions) -> str:
    """Why a score made ``then`` says nothing about one made ``now``; empty when it does."""
    return "; ".join(_reasons(then, now))


def _reasons(then: Conditions, now: Conditions) -> Iterable[str]:
    changed = [*_differing(then.files, now.files), *_differing(then.data, now.data)]
    if then.arguments != now.arguments:
        changed.append("the markers' arguments")
    if changed:
        yield f"the evaluation has changed ({', '.join(changed)})"
    if then.budget != now.budget:
        yield f"the budget was {then.budget:g} s, is {now.budget:g} s"
    was, here = then.fingerprint, now.fingerprint
    if was.device != here.device:
        yield f"it was measured on {was.device}, this is {here.device}"
    if was.gpu and not here.gpu:
        yield f"it was measured on the GPU {was.gpu}, and there is none here"
    elif was.gpu != here.gpu:
        yield f"it was measured on {was.gpu or 'no GPU'}, this is {here.gpu}"


def differences(then: Conditions, now: Conditions) -> list[str]:
    """What may move a score although it can be compared: threads, and versions of packages."""
    was, here = then.fingerprint, now.fingerprint
    pairs = [("threads", str(was.threads), str(here.threads))]
    pairs += [
        (name, version, here.packages[name])
        for name, version in was.packages.items()
        if name in here.packages
    ]
    return [f"{name} {new} (was {old})" for name, old, new in pairs if old != new]


def _differing(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*then, *now} if then.get(name) != now.get(name))


def blob(content: bytes) -> str:
    """git's name of a file's content, also where there is no git."""
    return sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def _digest(objective: Objective) -> str:
    """A digest of what the markers say that can change a score."""
    fields, limits = dataclasses.asdict(objective), dataclasses.asdict(objective.limits)
    said = {name: fields[name] for name in ARGUMENTS} | {name: limits[name] for name in DOORS}
    text = json.dumps(said, sort_keys=True, ensure_ascii=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()
