"""The versions of Python and of the packages that an evaluation and its candidates are built on."""

from __future__ import annotations

import platform
import re
import shlex
from collections.abc import Iterable, Mapping
from importlib import metadata

from ..exceptions import UsageProblem
from ..regression.fingerprint import distributions

MOST = 300
VERSION = re.compile(r"^Version:[ \t]*(\S+)", re.MULTILINE)
REQUIRED = re.compile(r"^Requires-Dist:[ \t]*([A-Za-z0-9][A-Za-z0-9._-]*)(.*)$", re.MULTILINE)
NEVER = re.compile(r"extra\s*==")


def versions(imports: Iterable[str]) -> dict[str, str]:
    """Version by name of the distributions behind imports, of those that they require, and of Python."""
    found: dict[str, str] = {"python": platform.python_version()}
    waiting = list(dict.fromkeys(distributions(imports)))
    while waiting and len(found) < MOST:
        name = waiting.pop()
        if name not in found and (facts := _facts(name)):
            found[name] = _version_in(facts)
            waiting += _required_in(facts)
    return dict(sorted(found.items()))


def _facts(name: str) -> str:
    """The head of a distribution's metadata; empty for what is not installed.

    Read as text: Python's own reader takes milliseconds for each.
    """
    try:
        found = metadata.distribution(name)
        text = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    except (metadata.PackageNotFoundError, ValueError, OSError):
        return ""
    return text.replace("\r\n", "\n").partition("\n\n")[0]


def _version_in(facts: str) -> str:
    found = VERSION.search(facts)
    return found[1] if found else ""


def _required_in(facts: str) -> list[str]:
    """The distributions that one needs whatever extras are asked for."""
    return [
        re.sub(r"[-_.]+", "-", match[1]).lower()
        for match in REQUIRED.finditer(facts)
        if not NEVER.search(match[2])
    ]


def _version(name: str) -> str:
    """The installed version, empty for what is not installed."""
    return platform.python_version() if name == "python" else _version_in(_facts(name))


def require_same_versions(run: str, then: Mapping[str, str], ways: str) -> None:
    """Raise `UsageProblem` when a package has another version than when the run began, or is gone."""
    here = {name: _version(name) for name in then}
    changed = [name for name in then if here[name] != then[name]]
    if not changed:
        return
    told = ", ".join(f"{name} {here[name] or 'is gone'} (was {then[name]})" for name in changed)
    wanted = shlex.join(f"{name}=={then[name]}" for name in changed if name != "python")
    remedy = f"restore with `pip install {wanted}`" if wanted else "use that version of Python"
    raise UsageProblem(
        f"run {run}: versions of packages have changed since it started: {told}; {remedy}, {ways}"
    )
