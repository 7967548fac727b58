"""The offline agent: changes values of the champion, led by every result so far."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...exceptions import UsageProblem
from ...records import Briefing, Json, Proposal, Record, Status
from ..protocol import Prepares
from . import searched
from .cuts import Drop, Tries
from .dimension import Dimension
from .fences import Fences
from .group import Changes
from .known.knobs import Value
from .notes import own
from .scene import Result, Scene, digest
from .source import Findings, Grammar

FIRST_MOVES = 12
CUT_EVERY = 6
"""One proposal of so many leaves something out, after the first moves."""
SAMPLED_DRAWS = 30
RANDOM_DRAWS = 60
NEAR = 0.4
"""The share of steps from the champion's values; the sampler, free to go anywhere, has the rest."""
SIZES, SIZE_WEIGHTS = (1, 2, 3), (5, 3, 2)

MEASURED = {Status.KEPT, Status.WON, Status.STALE, Status.DISCARD, Status.STOPPED}
BROKEN = {Status.CRASH, Status.TIMEOUT, Status.OOM, Status.STOPPED, Status.REFUSED, Status.AUDIT}
CONSTRAINT = "constraint "
"""How the reason begins of a candidate that was good enough but broke a constraint."""

WHY_FIRST = "A usual first move: one value changed alone, to see whether it matters."
WHY_USUAL = "What people usually try first with this model."
WHY_DROPPED = "What does not help can go: the same without it."
WHY_SAMPLED = "The sampler (TPE) expects more of these values than of others, after {n} results."
WHY_NEAR = "A moderate step from the champion's values."
WHY_RANDOM = "Drawn at random among the changes not tried yet."


@dataclass(frozen=True)
class Idea:
    """A change to try: new values, or something to leave out; ``move`` names a usual first move."""

    changes: Changes
    why: str
    move: str = ""
    drop: Drop | None = None


class Tune(Prepares):
    """Searches the champion's editable Python files, with no network and no key.

    It changes literals, writes known parameters that are not written yet, and leaves out what may
    not be needed. `grammar` finds all this in files given by path, outside this process. The same
    `seed` and the same results give the same proposals; a resumed run goes on as if it had not
    stopped. No tree is proposed twice. When `propose` answers None, ``reason`` says why, for
    people.
    """

    name = "tune"
    vetted = True
    """What it writes parses, and names nothing new."""

    def __init__(self, grammar: Grammar, seed: int = 0) -> None:
        self.reason = ""
        self._grammar = grammar
        self._seed = seed
        self._heard: list[Record] = []
        self._started = False
        self._read: dict[str, list[Mapping[str, Json]]] = {}
        self._results: list[Result] = []
        self._known: set[str] = set()
        self._proposed: set[str] = set()
        self._moved: set[tuple[str, str]] = set()
        self._moves: set[str] = set()
        self._tries = Tries()
        self._fences = Fences()
        self._scene: Scene | None = None

    def prepare(self, briefing: Briefing, *, full: bool = False) -> list[str]:
        """What will be searched and what is left alone, in a few lines; before anything is paid.

        ``full`` adds a line for each parameter, simplification and value left alone. Raises `UsageProblem` when there is nothing to change.
        """
        scene = self._look(briefing)
        if not scene.dimensions and not scene.drops:
            raise UsageProblem(_nothing(briefing, scene))
        details = [f"tune: {line}" for line in searched.details(scene)] if full else []
        return [*searched.header(scene), *details]

    def told(self, record: Record) -> None:
        """Learns from a record whose notes say which values it had, this agent's own."""
        if self._started:
            self._hear(record)
        else:
            self._heard.append(record)

    def _start(self, briefing: Briefing) -> None:
        """What earlier runs of the same evaluation found comes first, then this run's records."""
        if not self._started:
            self._started = True
            for record in (*briefing.earlier, *self._heard):
                self._hear(record)

    def _hear(self, record: Record) -> None:
        """Takes one record in.

        Scores of a race that was stopped early are means over a part of the folds, and folds differ
        more than candidates do: what counts is the paired difference to the champion.
        """
        notes = own(record.notes.get("tune"))
        if not notes:
            return
        self._remember(notes)
        reference, delta = notes.get("score"), record.delta
        if reference is not None:
            self._learn(notes["base"], {**notes["values"], **notes["was"]}, reference)
        measured = record.status in MEASURED and reference is not None and delta is not None
        broken = not measured and record.status in BROKEN
        broken |= record.reason.startswith(CONSTRAINT)
        if notes.get("cut"):
            if broken:
                self._tries.failed(notes["cut"])
        elif broken:
            self._learn(notes["tree"], notes["values"], None)
        elif measured and reference is not None and delta is not None:
            self._learn(notes["tree"], notes["values"], reference + delta)
        if len(notes["was"]) == 1:
            (key,) = notes["was"]
            z = -math.inf if broken else record.z
            self._fences.learn(key, notes["was"][key], notes["values"].get(key), z)
        if record.status is Status.KEPT:
            self._moves.discard(notes.get("move", ""))

    def _remember(self, notes: Mapping[str, Json]) -> None:
        self._proposed.add(notes["tree"])
        self._moved |= {(key, repr(notes["values"].get(key))) for key in notes["was"]}
        if notes.get("move"):
            self._moves.add(notes["move"])
        if notes.get("cut"):
            self._tries.tried(notes["cut"], notes["base"])

    def _learn(self, tree: str, values: Changes, score: float | None) -> None:
        if tree in self._known:
            return
        self._known.add(tree)
        usable = score if score is not None and math.isfinite(score) else None
        self._results.append(Result(dict(values), usable))

    def propose(self, briefing: Briefing) -> Proposal | None:
        """A small change, or None when there is nothing (more) to try."""
        self._start(briefing)
        scene = self._look(briefing)
        if not scene.dimensions and not scene.drops:
            self.reason = _nothing(briefing, scene)
            return None
        if briefing.champion_score is not None:
            self._learn(scene.tree, scene.values, briefing.champion_score)
        for idea in self._ideas(scene):
            proposal = self._proposal(scene, idea, briefing.champion_score)
            if proposal:
                return proposal
        self.reason = (
            f"every change that the tuner knows of {searched.listed(scene)} has been tried "
            f"({len(self._proposed)} proposals)"
        )
        return None

    def _look(self, briefing: Briefing) -> Scene:
        tree = digest(briefing.editable)
        if self._scene is None or self._scene.tree != tree:
            self._scene = Scene(briefing, tree, self._findings(briefing.editable))
        return self._scene

    def _findings(self, files: Mapping[str, bytes]) -> Findings:
        """What the grammar says of `files`, which is asked once for every version of a file."""
        names = {path: digest({path: data}) for path, data in files.items()}
        new = {path: files[path] for path, name in names.items() if name not in self._read}
        text = {path: data for path, data in new.items() if _is_text(data)}
        for path in new:
            unread = path.endswith(".py") and path not in text
            self._read[names[path]] = [{"sort": "unread", "path": path}] if unread else []
        for one in self._grammar(text) if text else ():
            self._read[names[one["path"]]].append(one)
        return Findings.of([one for path in sorted(files) for one in self._read[names[path]]])

    def _ideas(self, scene: Scene) -> Iterator[Idea]:
        """Changes to try, the best first: usual moves, then sampled, random and remaining ones."""
        turn = len(self._proposed)
        rng = random.Random(f"{self._seed}/{turn}/{len(self._results)}")
        if turn < min(FIRST_MOVES, 2 * len(scene.dimensions)):
            yield from self._first_moves(scene)
        drops = [
            Idea({}, WHY_DROPPED, drop=drop) for drop in self._tries.left(scene.drops, scene.tree)
        ]
        if turn % CUT_EVERY == CUT_EVERY - 1:
            yield from drops
        if scene.dimensions:
            yield from self._draws(scene, rng)
        yield from drops

    def _first_moves(self, scene: Scene) -> Iterator[Idea]:
        for move, changes in scene.space.recipes():
            if move not in self._moves:
                yield Idea(changes, WHY_USUAL, move)
        for key, value in _single_moves(scene):
            if (key, repr(value)) not in self._moved:
                yield Idea({key: value}, WHY_FIRST)

    def _draws(self, scene: Scene, rng: random.Random) -> Iterator[Idea]:
        why = WHY_SAMPLED.format(n=len(self._results))
        for _ in range(SAMPLED_DRAWS):
            subset = _subset(scene, rng)
            if rng.random() < NEAR:
                idea = Idea({one.key: one.near(rng) for one in subset}, WHY_NEAR)
            else:
                idea = Idea(scene.draw(self._results, subset, rng.getrandbits(32)), why)
            if self._fences.allow(idea.changes, scene.values):
                yield idea
        for _ in range(RANDOM_DRAWS):
            yield Idea({one.key: one.draw(rng) for one in _subset(scene, rng)}, WHY_RANDOM)
        for one in scene.dimensions.values():
            yield from (Idea({one.key: value}, WHY_RANDOM) for value in one.grid())

    def _proposal(self, scene: Scene, idea: Idea, score: float | None) -> Proposal | None:
        """The proposal of an idea; None when it is impossible, changes nothing, or was tried."""
        real = scene.space.complete(scene.real(idea.changes))
        if real is None:
            return None
        edits = [idea.drop.edit] if idea.drop else scene.edits(real)
        files = scene.files_with(edits)
        tree = digest({**scene.files, **files})
        if not files or tree in self._known or tree in self._proposed or tree == scene.tree:
            return None
        notes: dict[str, Json] = {
            "tree": tree,
            "base": scene.tree,
            "score": score,
            "values": {**scene.values, **real},
            "was": {key: scene.values[key] for key in real},
        }
        notes |= {"move": idea.move} if idea.move else {}
        notes |= {"cut": idea.drop.key} if idea.drop else {}
        self._remember(notes)
        return Proposal(
            files={path: data.decode("utf-8") for path, data in files.items()},
            description=idea.drop.description if idea.drop else scene.described(real),
            hypothesis=idea.why,
            theme="simplification" if idea.drop else "hyperparameters",
            notes={"tune": notes},
        )


def _single_moves(scene: Scene) -> Iterator[tuple[str, Value]]:
    """The first move of every dimension, then every second one, and so on."""
    moves = {key: one.moves() for key, one in scene.dimensions.items()}
    for turn in range(max(map(len, moves.values()), default=0)):
        yield from ((key, some[turn]) for key, some in moves.items() if turn < len(some))


def _subset(scene: Scene, rng: random.Random) -> list[Dimension]:
    """One to three dimensions; those that people change first come up more often."""
    left = [one for key, one in scene.dimensions.items() if scene.space.matters(key, {})]
    chosen: list[Dimension] = []
    for _ in range(min(rng.choices(SIZES, SIZE_WEIGHTS)[0], len(left))):
        weights = [1 / (4 + position) for position in range(len(left))]
        chosen.append(left.pop(rng.choices(range(len(left)), weights)[0]))
    return chosen


def _nothing(briefing: Briefing, scene: Scene) -> str:
    paths = ", ".join(sorted(briefing.editable)) or "no editable file"
    alone = searched.header(scene)
    return (
        f"there is nothing to tune in {paths}: no number, boolean or known choice that has a name, no "
        "call of scikit-learn, LightGBM, XGBoost or torch whose parameters are known, nothing to drop; "
        "give values names (a keyword argument C=1.0, a variable, a dict entry, a default)"
        f"{'; ' + alone[0] if alone else ''}"
    )


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
