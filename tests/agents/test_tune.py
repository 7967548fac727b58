"""The offline agent: small readable changes, none twice, better than chance, nothing forgotten."""

from __future__ import annotations

import dataclasses
import math
import random
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import optuna
import pytest

from pytest_autoresearch.agents.protocol import Agent
from pytest_autoresearch.agents.tuning.source import Grammar
from pytest_autoresearch.agents.tuning.tune import Tune
from pytest_autoresearch.records import Briefing, Json, Part, Proposal, Record, Status
from pytest_autoresearch.sandbox.grammar import read_literals

PAIR = re.compile(rb"(\w+) = (-?[\d.]+(?:e-?\d+)?)")


def lines(files: Mapping[str, bytes]) -> list[dict[str, Json]]:
    """A grammar for files that hold nothing but lines ``name = number``."""
    return [
        {"path": path, "start": hit.start(2), "end": hit.end(2), "text": hit[2].decode()}
        | {"name": hit[1].decode(), "where": "", "role": "variable"}
        | number(hit[2].decode())
        for path, data in files.items()
        for hit in PAIR.finditer(data)
    ]


def number(text: str) -> dict[str, Json]:
    whole = text.lstrip("-").isdecimal()
    return {"kind": "int" if whole else "float", "value": int(text) if whole else float(text)}


def values(data: bytes) -> dict[str, float]:
    return {hit[1].decode(): float(hit[2]) for hit in PAIR.finditer(data)}


class Tunes(Protocol):
    """An agent that asks for no analysis."""

    def propose(self, briefing: Briefing) -> Proposal | None: ...
    def told(self, record: Record) -> None: ...


class Search:
    """A search reduced to its bones: asks, scores, keeps what is better, tells."""

    def __init__(
        self,
        agent: Tunes,
        start: bytes,
        loss: Callable[[bytes], float | Status],
        path: str = "model.py",
        edit: Callable[[Record], Record] = lambda record: record,
    ) -> None:
        self.edit = edit
        self.agent, self.loss, self.path = agent, loss, path
        self.champion = start
        score = loss(start)
        assert isinstance(score, float)
        self.score = score
        self.records: list[Record] = []
        self.tried: list[bytes] = []
        self.proposals: list[Proposal] = []

    def briefing(self) -> Briefing:
        return Briefing(
            "toy", "loss", "minimize", "c", self.score, {self.path: self.champion, "notes.txt": b""}
        )

    def step(self) -> bool:
        proposal = self.agent.propose(self.briefing())
        if proposal is None:
            return False
        self.proposals.append(proposal)
        self.evaluate(proposal)
        return True

    def evaluate(self, proposal: Proposal) -> None:
        data = proposal.files[self.path].encode()
        self.tried.append(data)
        result = self.loss(data)
        score = result if isinstance(result, float) else None
        status = result if isinstance(result, Status) else Status.DISCARD
        if score is not None and score < self.score:
            status = Status.KEPT
        record = Record(
            item=f"{len(self.tried):04}",
            part=Part.EXPERIMENT,
            experiment=len(self.tried),
            status=status,
            direction="minimize",
            score=score,
            champion=self.score,
            delta=None if score is None else score - self.score,
            notes=proposal.notes,
        )
        record = Record.from_json(self.edit(record).to_json())
        self.records.append(record)
        self.agent.told(record)
        if status is Status.KEPT and score is not None:
            self.champion, self.score = data, score

    def run(self, asks: int) -> Search:
        while len(self.tried) < asks and self.step():
            pass
        return self


class Deaf:
    """An agent that does not hear of evaluations with one status."""

    def __init__(self, agent: Tunes, status: Status) -> None:
        self.agent, self.status = agent, status

    def propose(self, briefing: Briefing) -> Proposal | None:
        return self.agent.propose(briefing)

    def told(self, record: Record) -> None:
        if record.status is not self.status:
            self.agent.told(record)


NAMES = ("alpha", "gamma", "scale", "width")
START = "".join(f"{name} = 1.0\n" for name in NAMES).encode()


def bowl(seed: int) -> Callable[[bytes], float]:
    """A quadratic in the logarithms, its lowest point (0) up to a factor of 6 from 1."""
    rng = random.Random(seed)
    best = {name: rng.uniform(-0.8, 0.8) for name in NAMES}
    return lambda data: float(
        sum((math.log10(value) - best[name]) ** 2 for name, value in values(data).items())
    )


def chance(seed: int, asks: int) -> float:
    """The best of random points in the box that tune starts with."""
    rng, loss = random.Random(f"chance {seed}"), bowl(seed)

    def point() -> bytes:
        return "".join(f"{name} = {10 ** rng.uniform(-1, 1)}\n" for name in NAMES).encode()

    return min(loss(point()) for _ in range(asks))


def test_tune_is_an_agent() -> None:
    assert isinstance(Tune(lines), Agent)


def test_tune_beats_the_median_of_random_search() -> None:
    found = [Search(Tune(lines, seed), START, bowl(seed)).run(60).score for seed in range(5)]
    by_chance = [chance(seed, 60) for seed in range(25)]
    assert statistics.median(found) < statistics.median(by_chance) / 3
    assert max(found) < statistics.median(by_chance)


def test_results_lead_the_sampler() -> None:
    def late_losses(loss: Callable[[bytes], float]) -> float:
        search = Search(Tune(lines), START, loss)
        search.score = 0.0  # nothing is ever kept: what is left to learn from are the results
        search.run(50)
        return statistics.mean(bowl(0)(data) for data in search.tried[25:])

    assert late_losses(bowl(0)) < late_losses(lambda data: 1.0) * 0.8


@pytest.mark.parametrize(
    "status", [Status.CRASH, Status.TIMEOUT, Status.OOM, Status.STOPPED, Status.REFUSED]
)
def test_failures_are_avoided(status: Status) -> None:
    def loss(data: bytes) -> float | Status:
        return status if values(data)["alpha"] > 1 else 1.0

    def failures(seed: int, *, told: bool) -> int:
        agent = Tune(lines, seed)
        search = Search(agent if told else Deaf(agent, status), b"alpha = 1.0\n", loss)
        search.score = 0.0
        search.run(40)
        return sum(values(data)["alpha"] > 1 for data in search.tried[10:])

    told, untold = (sum(failures(seed, told=told) for seed in range(2)) for told in (True, False))
    assert told < untold / 2


def first_fold(record: Record) -> Record:
    """The record of a race that was stopped after its first, easy fold; the folds all differ."""
    score, champion, easier = record.score, record.champion, 100 / int(record.item)
    assert score is not None
    assert champion is not None
    return dataclasses.replace(record, score=score - easier, champion=champion - easier)


def test_a_race_that_was_stopped_early_teaches_what_a_whole_one_does() -> None:
    whole = Search(Tune(lines), START, bowl(1)).run(45)
    stopped = Search(Tune(lines), START, bowl(1), edit=first_fold).run(45)
    assert stopped.tried == whole.tried


def test_a_measurement_without_its_champion_teaches_nothing() -> None:
    def unpaired(record: Record) -> Record:
        return dataclasses.replace(record, delta=None, status=Status.DISCARD)

    tried = [Search(Tune(lines), START, bowl(1), edit=unpaired)]
    tried += [Search(Tune(lines), START, lambda data: bowl(1)(START), edit=unpaired)]
    for search in tried:
        search.score = 0.0
    first, second = (search.run(40).tried for search in tried)
    assert first == second


def test_what_breaks_a_constraint_is_avoided_however_good_it_is() -> None:
    def broken(record: Record) -> Record:
        too_large = values(search.tried[-1])["alpha"] > 1
        reason = "constraint size <= 1 broken: 2" if too_large else "not better"
        return dataclasses.replace(record, reason=reason)

    large = []
    for edit in (broken, lambda record: record):
        search = Search(
            Tune(lines), b"alpha = 1.0\n", lambda data: 1 / values(data)["alpha"], edit=edit
        )
        search.score = 0.0
        search.run(40)
        large.append(sum(values(data)["alpha"] > 1 for data in search.tried[10:]))
    assert large[0] < large[1] * 0.75


def test_higher_is_better_when_the_metric_is_maximised() -> None:
    def late(direction: Any) -> float:
        sampled: list[float] = []
        agent = Tune(lines)
        search = Search(agent, b"alpha = 1.0\n", lambda data: values(data)["alpha"])
        search.score = 0.0
        briefing = dataclasses.replace(search.briefing(), direction=direction, champion_score=1.0)
        for _ in range(30):
            proposal = agent.propose(briefing)
            assert proposal is not None
            search.evaluate(proposal)
            if "TPE" in proposal.hypothesis:
                sampled.append(values(search.tried[-1])["alpha"])
        return statistics.median(sampled)

    assert late("maximize") > 2 > 1 / 2 > late("minimize")


def test_never_the_same_tree_twice_in_200_asks() -> None:
    search = Search(Tune(lines), START, bowl(3)).run(200)
    assert len(search.tried) == 200
    assert len({START, *search.tried}) == 201


def test_unanswered_proposals_are_not_repeated_either() -> None:
    search = Search(Tune(lines), START, bowl(0))
    files = [search.agent.propose(search.briefing()) for _ in range(50)]
    assert len({one.files["model.py"] for one in files if one}) == 50


def test_the_same_seed_gives_the_same_proposals_and_another_others() -> None:
    runs = [Search(Tune(lines, seed), START, bowl(0)).run(25).tried for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("edit", [lambda record: record, first_fold])
@pytest.mark.parametrize("stop", [1, 7, 10, 30])
def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(
    stop: int, edit: Callable[[Record], Record]
) -> None:
    whole = Search(Tune(lines), START, bowl(1), edit=edit).run(45)
    first = Search(Tune(lines), START, bowl(1), edit=edit).run(stop)
    resumed = Search(Tune(lines), START, bowl(1), edit=edit)
    for record in first.records:
        resumed.agent.told(record)
    resumed.champion, resumed.score = first.champion, first.score
    resumed.tried = list(first.tried)
    assert resumed.run(45).tried == whole.tried


def test_the_baseline_is_not_proposed_after_a_resume_on_a_later_champion() -> None:
    first = Search(Tune(lines), b"lag = 2\n", lambda data: -values(data)["lag"]).run(1)
    assert first.champion != b"lag = 2\n"
    resumed = Search(Tune(lines), first.champion, lambda data: 0.0)
    resumed.agent.told(first.records[0])
    assert b"lag = 2\n" not in resumed.run(50).tried


def test_an_interrupted_proposal_is_not_made_again_and_teaches_nothing() -> None:
    first = Search(Tune(lines), START, lambda data: 1.0).run(1)
    agent = Tune(lines)
    agent.told(dataclasses.replace(first.records[0], status=Status.INTERRUPTED))
    assert first.tried[0] not in Search(agent, START, bowl(0)).run(20).tried


def test_records_of_others_and_odd_notes_are_ignored() -> None:
    agent = Tune(lines)
    odd: list[Json] = [None, 3, {}, {"tree": 1}, {"tree": "t", "base": "b", "values": []}]
    for notes in odd:
        agent.told(
            Record(
                item="0001",
                part=Part.EXPERIMENT,
                experiment=1,
                status=Status.KEPT,
                score=math.nan,
                notes={"tune": notes, "file": "a.patch"},
            )
        )
    weird = {"tree": "t", "base": "b", "values": {"model.py:alpha": [1], "x": 2}, "was": {}}
    agent.told(
        Record(
            item="0002",
            part=Part.EXPERIMENT,
            experiment=2,
            status=Status.KEPT,
            score=math.nan,
            champion=math.inf,
            notes={"tune": weird},
        )
    )
    assert len(Search(agent, START, bowl(0)).run(20).tried) == 20


MODEL = '''"""A model: größer als 0.5."""
from sklearn.linear_model import LogisticRegression


def fit(X, y, *, seed):
    return LogisticRegression(
        C = 1.0,       # ü: the usual
        penalty='l2',  max_iter=1_000,
        fit_intercept=True, random_state=seed,
    ).fit(X, y)
'''


def without(data: bytes, proposal: Proposal) -> bytes:
    """The file with what the proposal says it changed cut out: values, and arguments added."""
    for part in proposal.description.split(", "):
        how, _, argument = part.partition(" ")
        if how == "add":
            data = data.replace(b", " + argument.encode(), b"").replace(argument.encode(), b"")
        else:
            data = re.sub(how.encode() + rb"\s*=\s*[^\s,]+", how.encode(), data)
    return data


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_formatting_and_comments_stay_byte_for_byte(newline: str, mark: bytes) -> None:
    source = mark + MODEL.replace("\n", newline).encode()
    search = Search(Tune(read_literals), source, lambda data: 1.0).run(30)
    assert len(search.tried) == 30
    for proposal, data in zip(search.proposals, search.tried, strict=True):
        assert data != source
        assert set(proposal.files) == {"model.py"}
        compile(data.decode("utf-8-sig"), "model.py", "exec")
        if proposal.theme == "hyperparameters":
            assert without(data, proposal) == without(source, proposal)


def test_proposals_say_what_they_change_and_why() -> None:
    search = Search(Tune(read_literals), MODEL.encode(), lambda data: 1.0).run(20)
    first = search.proposals[0]
    assert first.description == "C 1.0 -> 0.3"
    assert "usually try first" in first.hypothesis
    part = r"(\w+ \S+ -> \S+|add \w+=\S+)"
    for one in search.proposals:
        if one.theme == "hyperparameters":
            assert re.fullmatch(rf"{part}(, {part})*", one.description)
        else:
            assert one.description.startswith("drop ")
    sampled = [one.hypothesis for one in search.proposals if "TPE" in one.hypothesis]
    assert "results" in sampled[-1]


def test_names_that_occur_twice_are_told_apart() -> None:
    source = b"a = Ridge(alpha=1.0)\nb = Lasso(alpha=1.0)\n"
    search = Search(Tune(read_literals), source, lambda data: 1.0).run(2)
    assert [one.description for one in search.proposals] == [
        "Ridge.alpha 1.0 -> 2.0",
        "Lasso.alpha 1.0 -> 2.0",
    ]


def test_first_moves_change_one_value_and_are_not_repeated_on_the_next_champion() -> None:
    search = Search(Tune(lines), START, bowl(2)).run(8)
    assert all(", " not in one.description for one in search.proposals)
    assert len({one.description for one in search.proposals}) == 8


def test_a_small_space_is_searched_to_its_end_and_says_so() -> None:
    agent = Tune(read_literals)
    search = Search(agent, b"net = MLP(bias=True, activation='relu')\n", lambda data: 1.0)
    search.run(1000)
    assert len(search.tried) == 2 * 3 - 1
    assert "bias" in agent.reason
    assert "5 proposals" in agent.reason


@pytest.mark.parametrize(
    "source", [b"def f(x):\n    return x\n", b"x = (", b"\xff\xfe", b"seed = 3\n", b""]
)
def test_nothing_to_tune_is_said_for_people(source: bytes) -> None:
    agent = Tune(read_literals)
    assert Search(agent, source, lambda data: 1.0).run(5).tried == []
    assert "nothing to tune in model.py" in agent.reason


@pytest.mark.parametrize("grammar", [read_literals, lines])
def test_a_file_that_cannot_be_read_leaves_the_others_to_tune(grammar: Grammar) -> None:
    agent = Tune(grammar)
    files = {"bad.py": b"x = (", "latin.py": b"x = '\xe9'; lr = 0.5", "good.py": b"rate = 0.5\n"}
    proposal = agent.propose(Briefing("t", "m", "minimize", "c", None, files))
    assert proposal is not None
    assert set(proposal.files) == {"good.py"}


def test_the_grammar_is_asked_once_for_each_champion() -> None:
    asked: list[Mapping[str, bytes]] = []

    def grammar(files: Mapping[str, bytes]) -> list[dict[str, Json]]:
        asked.append(dict(files))
        return lines(files)

    search = Search(Tune(grammar), START, bowl(0)).run(30)
    kept = sum(record.status is Status.KEPT for record in search.records)
    assert len(asked) <= 1 + kept


def test_optuna_is_loaded_late_and_stays_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    loudness = optuna.logging.get_verbosity()
    Search(Tune(lines), START, bowl(0)).run(15)
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == loudness
    script = (
        "import sys\nfrom pytest_autoresearch.agents import specs\n"
        "specs.make('tune', rootdir=None, grammar=None)\n"
        "sys.exit('optuna' in sys.modules or 'libcst' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
