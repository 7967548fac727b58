"""What the vault says of searches whose true gain is known: the shipped rule, gains and warning.

    python -m benchmarks.vault [--count N] [--quick] [--out FOLDER]

Simulated worlds, as `benchmarks.worlds` describes them, not anybody's model. After each search the baseline
and the last champion are scored on data of their own, in as many passes as a look makes; there, neither
what a patch gains by luck with the searched data nor what it gains by a leak is worth anything. Gains,
intervals and warnings come from `search.gains` and `search.vault`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean

from benchmarks.worlds import PASSES, Project, World
from pytest_autoresearch.records import Effect, Look, Pass
from pytest_autoresearch.search.evidence import Evidence
from pytest_autoresearch.search.gains import gain_of
from pytest_autoresearch.search.keep import Rule, Step
from pytest_autoresearch.search.noise import Reference
from pytest_autoresearch.search.racing import race
from pytest_autoresearch.search.vault import SEEDS, look

WORLDS = {
    "no lasting luck": World(phi=0.0),
    "a quarter of the luck lasts": World(phi=0.25),
    "half of the luck lasts": World(phi=0.5),
    "a quarter lasts, 5% of patches leak": World(phi=0.25, leaks=0.05),
}
"""Luck that lasts belongs to the data: other seeds do not cure it, and the vault does not have it."""
OTHER = 1_000_000
"""What sets the seeds of the vault's data apart from those of the search's."""


@dataclass(frozen=True)
class Searched:
    """A search: how many patches it kept, what they are truly worth, what it measured of that."""

    kept: int
    true: float
    gain: Effect


@dataclass(frozen=True)
class Row:
    """Means over searches; ``warned``, ``red`` and ``covered`` are shares of those that kept anything.

    ``covered``: the 90% interval of the vault's gain holds the true one.
    """

    search: str
    world: str
    searches: int
    keeps: float
    reported: float
    true: float
    vault: float
    warned: float
    red: float
    covered: float

    @property
    def shrink(self) -> float:
        """What is left on the vault of the gain that was reported."""
        return self.vault / self.reported if self.reported else 1.0


def ours(world: World, seed: int) -> Searched:
    """A search by the shipped keep rule, and the gain as the shipped module measures it."""
    rule, project, evidence, kept = Rule(), Project(world, seed), Evidence(), 0
    before = [project.measured(split) for split in rule.to_measure(world.kind, ())]
    after: list[Pass] = []
    evidence.measured(0, before)
    for patch in range(world.experiments):
        passes, better = _raced(rule, evidence, project, patch)
        evidence.tried(passes[0])
        if better:
            kept += 1
            project.keep(patch)
            evidence.kept(patch + 1, passes, tie=False)
            missing = rule.to_measure(world.kind, passes[1:])
            fresh = [project.measured(split) for split in missing]
            evidence.measured(patch + 1, fresh)
            after = [*passes[1:], *fresh]
    gain = gain_of(before, after, "maximize", evidence.reference(), rule)
    return Searched(kept, project.worth, gain or Effect(0.0, 0.0))


def _raced(
    rule: Rule, evidence: Evidence, project: Project, patch: int
) -> tuple[Sequence[Pass], bool]:
    """A patch's passes, and whether they keep it."""
    plan = race(rule, evidence.reference(), "maximize", range(PASSES))
    while not plan.done:
        turn = plan.turn
        scores = project.scores(turn.split, project.luck.of_seed[patch][turn.seed], patch)
        for fold, score in enumerate(scores, start=1):
            if plan.told(score, last=fold == len(scores)) is not Step.NEXT_FOLD:
                break
    return plan.passes, plan.finding.better


def greedy(world: World, seed: int) -> Searched:
    """A search that keeps what scored better, in one pass, than the last that was kept.

    Its error is that of two passes, with the true variance of a seed's luck.
    """
    project, kept = Project(world, seed), 0
    first = best = project.measured(0)
    for patch in range(world.experiments):
        scores = project.scores(0, project.luck.of_seed[patch][0], patch)
        if fmean(scores) > fmean(best.scores):
            kept, best = kept + 1, Pass(0, patch, tuple(scores))
            project.keep(patch)
    noise = Reference({0: first.scores}, 1, (1 - world.phi) / 2, 0.0)
    gain = gain_of([first], [best], "maximize", noise, Rule())
    return Searched(kept, project.worth, gain or Effect(0.0, 0.0))


def opened(world: World, seed: int, searched: Searched) -> Look:
    """A look into the vault: other data, on which a patch has other luck, and a leak is worth nothing."""
    vault = Project(replace(world, leaks=0.0), seed + OTHER)
    before = [_pass(vault, n) for n in range(SEEDS)]
    for patch in range(searched.kept):
        vault.keep(patch)
    vault.worth = searched.true
    after = [_pass(vault, n) for n in range(SEEDS)]
    about = {"number": 1, "experiment": searched.kept, "commit": "", "time": ""}
    return look(before, after, searched.gain, "maximize", **about)  # type: ignore[arg-type]


def _pass(project: Project, turn: int) -> Pass:
    return Pass(turn, turn, project.measured(turn).scores)


SEARCHES: dict[str, Callable[[World, int], Searched]] = {"greedy": greedy, "ours": ours}


def row(search: str, world: str, seeds: Sequence[int]) -> Row:
    """One way to search in one world, many times."""
    setting = WORLDS[world]
    found = [(seed, SEARCHES[search](setting, seed)) for seed in seeds]
    kept = [(one, opened(setting, seed, one)) for seed, one in found if one.kept]
    looks = [seen for _, seen in kept]
    return Row(
        search=search,
        world=world,
        searches=len(seeds),
        keeps=fmean(one.kept for _, one in found),
        reported=fmean(seen.search.gain for seen in looks),
        true=fmean(one.true for one, _ in kept),
        vault=fmean(seen.vault.gain for seen in looks),
        warned=fmean("overfitting" in seen.words for seen in looks),
        red=fmean(seen.level == "red" for seen in looks),
        covered=fmean(abs(seen.vault.gain - one.true) <= seen.vault.half for one, seen in kept),
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    head = "| search | world | keeps | reported | true | vault | left | warned | red | covered |"
    rule = "|---|---|---|---|---|---|---|---|---|---|"
    body = [
        f"| {one.search} | {one.world} | {one.keeps:.1f} | {one.reported:+.1f} | {one.true:+.1f} | "
        f"{one.vault:+.1f} | {one.shrink:.0%} | {one.warned:.0%} | {one.red:.0%} | {one.covered:.0%} |"
        for one in rows
    ]
    return "\n".join([head, rule, *body])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--count", type=int, default=150, help="searches of each kind in each world"
    )
    parser.add_argument("--quick", action="store_true", help="few searches")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args(arguments)
    seeds = range(8 if asked.quick else asked.count)
    with ProcessPoolExecutor(2) as pool:
        pending = [
            pool.submit(row, search, world, seeds) for world in WORLDS for search in SEARCHES
        ]
        rows = [one.result() for one in pending]
    print(table(rows))
    asked.out.mkdir(parents=True, exist_ok=True)
    found = [asdict(one) | {"shrink": one.shrink} for one in rows]
    (asked.out / "vault.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    from benchmarks.vault_picture import save

    save(rows, asked.out / "vault.png")


if __name__ == "__main__":
    main()
