"""The offline agent: changes literals of the champion, led by every result so far."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..records import Briefing, Json, Proposal, Record, Status
from .literals import Grammar, Literal, Value, splice, write
from .sampler import Sampler
from .space import Dimension, dimensions

FIRST_MOVES = 10
SAMPLED_DRAWS = 30
RANDOM_DRAWS = 60
SIZES, SIZE_WEIGHTS = (1, 2, 3), (5, 3, 2)

MEASURED = {Status.KEPT, Status.WON, Status.STALE, Status.DISCARD}
BROKEN = {Status.CRASH, Status.TIMEOUT, Status.OOM, Status.STOPPED, Status.REFUSED, Status.AUDIT}
CONSTRAINT = "constraint "
"""How the reason begins of a candidate that was good enough but broke a constraint."""

WHY_FIRST = "A usual first move: one value changed alone, to see whether it matters."
WHY_SAMPLED = "The sampler (TPE) expects more of these values than of others, after {n} results."
WHY_RANDOM = "Drawn at random among the changes not tried yet."

Changes = Mapping[str, Value]
Text = tuple[str, str]
"""A literal's old and new source text."""


@dataclass(frozen=True)
class Result:
    """What is known of one tree: its values by dimension, and its score (None: it failed)."""

    values: Changes
    score: float | None


class Scene:
    """One champion: its files, what can be tuned in them, and the sampler for that."""

    def __init__(self, briefing: Briefing, tree: str, found: Sequence[Literal]) -> None:
        self.files = briefing.editable
        self.tree = tree
        self.dimensions = {one.key: one for one in dimensions(found)}
        self.values = {key: one.literal.value for key, one in self.dimensions.items()}
        self.sampler = Sampler(list(self.dimensions.values()), briefing.direction)
        self.learnt = 0

    def learn(self, results: Sequence[Result]) -> None:
        """Tells the sampler those of `results`, all of the run's, that it has not heard yet."""
        for result in results[self.learnt :]:
            self.sampler.learn(result.values, result.score)
        self.learnt = len(results)

    def texts(self, changes: Changes) -> dict[str, Text]:
        """The old and new source text of what `changes` really changes."""
        pairs = {}
        for key, value in changes.items():
            one = self.dimensions[key]
            if one.coordinate(value) != one.coordinate(one.literal.value):
                pairs[key] = one.literal.text, write(value, one.literal.text)
        return pairs

    def files_with(self, texts: Mapping[str, Text]) -> dict[str, bytes]:
        """The files that differ from the champion's, by path."""
        spots: dict[str, list[tuple[Literal, str]]] = {}
        for key, (_, new) in texts.items():
            literal = self.dimensions[key].literal
            spots.setdefault(literal.path, []).append((literal, new))
        return {path: splice(self.files[path], found) for path, found in spots.items()}

    def label(self, key: str) -> str:
        """A dimension's name, with what stands around it where the name alone is not unique."""
        literal = self.dimensions[key].literal
        same = [k for k, one in self.dimensions.items() if one.literal.name == literal.name]
        return literal.name if len(same) == 1 else key.partition(":")[2]


class Tune:
    """Searches the literals of the champion's editable Python files, with no network and no key.

    `grammar` finds the literals in files given by path, outside this process. The same `seed` and
    the same results give the same proposals; a resumed run goes on as if it had not stopped. Every
    proposal changes one to three literals of the champion and nothing else, and no tree is proposed
    twice. When `propose` answers None, ``reason`` says why, for people.
    """

    name = "tune"

    def __init__(self, grammar: Grammar, seed: int = 0) -> None:
        self.reason = ""
        self._grammar = grammar
        self._seed = seed
        self._results: list[Result] = []
        self._known: set[str] = set()
        self._proposed: set[str] = set()
        self._moved: set[tuple[str, str]] = set()
        self._scene: Scene | None = None

    def told(self, record: Record) -> None:
        """Learns from a record whose notes say which values it had, this agent's own.

        Scores of a race that was stopped early are means over a part of the folds, and folds differ
        more than candidates do: what counts is the paired difference to the champion.
        """
        notes = _own(record.notes.get("tune"))
        if not notes:
            return
        self._remember(notes)
        reference = notes.get("score")
        if reference is not None:
            self._learn(notes["base"], {**notes["values"], **notes["was"]}, reference)
        if record.status in BROKEN or record.reason.startswith(CONSTRAINT):
            self._learn(notes["tree"], notes["values"], None)
        elif record.status in MEASURED and reference is not None and record.delta is not None:
            self._learn(notes["tree"], notes["values"], reference + record.delta)

    def _remember(self, notes: Mapping[str, Json]) -> None:
        self._proposed.add(notes["tree"])
        self._moved |= {(key, repr(notes["values"].get(key))) for key in notes["was"]}

    def _learn(self, tree: str, values: Changes, score: float | None) -> None:
        if tree in self._known:
            return
        self._known.add(tree)
        usable = score if score is not None and math.isfinite(score) else None
        self._results.append(Result(dict(values), usable))

    def propose(self, briefing: Briefing) -> Proposal | None:
        """A change of one to three literals, or None when there is nothing (more) to try."""
        scene = self._look(briefing)
        if not scene.dimensions:
            self.reason = _nothing(briefing)
            return None
        if briefing.champion_score is not None:
            self._learn(scene.tree, scene.values, briefing.champion_score)
        for changes, why in self._ideas(scene):
            texts = scene.texts(changes)
            files = scene.files_with(texts)
            tree = digest({**scene.files, **files})
            if tree not in self._known and tree not in self._proposed and files:
                notes = _notes(scene, tree, changes, texts, briefing.champion_score)
                self._remember(notes)
                return _proposal(scene, texts, files, why, notes)
        self.reason = (
            f"every change that the tuner knows of {_listed(scene)} has been tried "
            f"({len(self._proposed)} proposals)"
        )
        return None

    def _look(self, briefing: Briefing) -> Scene:
        tree = digest(briefing.editable)
        if self._scene is None or self._scene.tree != tree:
            files = {path: data for path, data in briefing.editable.items() if _is_text(data)}
            found = [Literal(**fields) for fields in self._grammar(files)]
            self._scene = Scene(briefing, tree, found)
        return self._scene

    def _ideas(self, scene: Scene) -> Iterator[tuple[Changes, str]]:
        """Changes to try, the best first: usual moves, then sampled, random and remaining ones."""
        rng = random.Random(f"{self._seed}/{len(self._proposed)}/{len(self._results)}")
        if len(self._proposed) < min(FIRST_MOVES, 2 * len(scene.dimensions)):
            for key, value in _first_moves(scene):
                if (key, repr(value)) not in self._moved:
                    yield {key: value}, WHY_FIRST
        scene.learn(self._results)
        why = WHY_SAMPLED.format(n=len(self._results))
        for _ in range(SAMPLED_DRAWS):
            yield scene.sampler.draw(_subset(scene, rng), rng.getrandbits(32)), why
        for _ in range(RANDOM_DRAWS):
            yield {one.key: one.draw(rng) for one in _subset(scene, rng)}, WHY_RANDOM
        for one in scene.dimensions.values():
            yield from (({one.key: value}, WHY_RANDOM) for value in one.grid())


def digest(files: Mapping[str, bytes]) -> str:
    """A name for the contents of `files`, the same in every process."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path}\0{len(files[path])}\0".encode(errors="surrogateescape"))
        total.update(files[path])
    return total.hexdigest()[:32]


def _first_moves(scene: Scene) -> Iterator[tuple[str, Value]]:
    """The first move of every dimension, then every second one, and so on."""
    moves = {key: one.moves() for key, one in scene.dimensions.items()}
    for turn in range(max(map(len, moves.values()))):
        yield from ((key, some[turn]) for key, some in moves.items() if turn < len(some))


def _subset(scene: Scene, rng: random.Random) -> list[Dimension]:
    """One to three dimensions; those that people change first come up more often."""
    left = list(scene.dimensions.values())
    chosen: list[Dimension] = []
    for _ in range(min(rng.choices(SIZES, SIZE_WEIGHTS)[0], len(left))):
        weights = [1 / (4 + position) for position in range(len(left))]
        chosen.append(left.pop(rng.choices(range(len(left)), weights)[0]))
    return chosen


def _notes(
    scene: Scene, tree: str, changes: Changes, texts: Mapping[str, Text], score: float | None
) -> dict[str, Json]:
    """What a later session needs to know of a proposal; ``score`` is its champion's."""
    return {
        "tree": tree,
        "base": scene.tree,
        "score": score,
        "values": {**scene.values, **changes},
        "was": {key: scene.values[key] for key in texts},
    }


def _proposal(
    scene: Scene,
    texts: Mapping[str, Text],
    files: Mapping[str, bytes],
    why: str,
    notes: dict[str, Json],
) -> Proposal:
    told = [f"{scene.label(key)} {old} -> {new}" for key, (old, new) in texts.items()]
    return Proposal(
        files={path: data.decode("utf-8") for path, data in files.items()},
        description=", ".join(told),
        hypothesis=why,
        theme="hyperparameters",
        notes={"tune": notes},
    )


def _nothing(briefing: Briefing) -> str:
    paths = ", ".join(sorted(briefing.editable)) or "no editable file"
    return (
        f"there is nothing to tune in {paths}: no number, boolean or known choice that has a name; "
        "give values names (a keyword argument C=1.0, a variable, a dict entry, a default)"
    )


def _listed(scene: Scene) -> str:
    names = list(dict.fromkeys(one.literal.name for one in scene.dimensions.values()))
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _own(notes: Json) -> Mapping[str, Json]:
    """Notes as `_notes` writes them; empty for what another agent, or version, wrote."""
    readable = (
        isinstance(notes, Mapping)
        and all(isinstance(notes.get(key), str) for key in ("tree", "base"))
        and all(isinstance(notes.get(key), Mapping) for key in ("values", "was"))
        and isinstance(notes.get("score"), float | int | None)
    )
    return notes if readable else {}
