"""What the tuner says of itself: what it searches, and what it leaves alone and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .dimension import Dimension
from .scene import Scene
from .source import line_of
from .writing import write

MOST_NAMES = 8
UNREAD = "no Python in UTF-8, or too long to parse"


def header(scene: Scene) -> list[str]:
    """A few lines for the plan that a search shows."""
    found = scene.dimensions.values()
    written = [one for one in found if not one.site]
    unset = [one for one in found if one.site]
    lines = [f"tune: changes {_settings(written)}: {_places(scene, written)}"] if written else []
    if unset:
        lines.append(f"tune: may add {_settings(unset)} now at their defaults: {_names(unset)}")
    if scene.drops:
        sorts = Counter(drop.cut.what for drop in scene.drops)
        lines.append(f"tune: may drop {_counted(sorts)}")
    if alone := _alone(scene):
        lines.append(f"tune: leaves alone {alone}")
    return lines


def _settings(found: list[Dimension]) -> str:
    return f"{len(found)} setting{'s' * (len(found) > 1)}"


def details(scene: Scene) -> list[str]:
    """A line for every parameter that is searched, and for every value that is left alone."""
    lines = [
        f"{_place(scene, one)} {one.literal.name} {_now(one)}: {_range(one)}"
        for one in scene.dimensions.values()
    ]
    for drop in scene.drops:
        place = f"{drop.cut.path}:{line_of(scene.files[drop.cut.path], drop.cut.shown_start)}"
        lines.append(f"{place} {drop.description}")
    for left in scene.space.alone:
        literal = left.literal
        place = f"{literal.path}:{line_of(scene.files[literal.path], literal.start)}"
        lines.append(f"{place} {literal.name} {literal.text}: left alone ({left.why})")
    lines += [f"{path}: left alone ({UNREAD})" for path in scene.found.unread]
    return lines


def listed(scene: Scene) -> str:
    """The names of what is searched."""
    return _names(list(scene.dimensions.values())) or "what may be dropped"


def _place(scene: Scene, one: Dimension) -> str:
    literal = one.literal
    return f"{literal.path}:{line_of(scene.files[literal.path], literal.start)}"


def _places(scene: Scene, found: list[Dimension]) -> str:
    by_path: dict[str, list[str]] = {}
    for one in found[: 2 * MOST_NAMES]:
        path, _, line = _place(scene, one).rpartition(":")
        by_path.setdefault(path, []).append(f"{one.literal.name} (line {line})")
    words = "; ".join(f"{path}: {', '.join(names)}" for path, names in by_path.items())
    more = len(found) - 2 * MOST_NAMES
    return f"{words} and {more} more" if more > 0 else words


def _names(found: list[Dimension]) -> str:
    names = list(dict.fromkeys(one.literal.name for one in found))
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _counted(sorts: Mapping[str, int]) -> str:
    return ", ".join(f"{many} {what}{'s' * (many > 1)}" for what, many in sorts.items())


def _alone(scene: Scene) -> str:
    """The names that are left alone by reason: ``random_state (seed), n_jobs (plumbing)``."""
    whys: dict[str, dict[str, None]] = {}
    for left in scene.space.alone:
        whys.setdefault(left.why, {})[left.literal.name] = None
    parts = [f"{_few(list(names))} ({why})" for why, names in whys.items()]
    parts += [f"{path} ({UNREAD})" for path in scene.found.unread]
    return ", ".join(parts)


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _now(one: Dimension) -> str:
    if one.site:
        return f"not written, by default {write(one.literal.value, '')}"
    return one.literal.text


def _range(one: Dimension) -> str:
    if one.kind == "choice":
        return " or ".join(repr(choice) for choice in one.choices)
    scale = ", by factors" if one.log else ""
    return f"{one.kind}, {one.low * one.sign:g} to {one.high * one.sign:g}{scale}"
