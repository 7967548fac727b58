"""One search in which all attacks are tried, and what came of each."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_autoresearch.records import Part, Record, Status
from pytest_autoresearch.testing import Result

from .arsenal import ATTACKS
from .attack import MODEL, Attack, Success, text_of
from .world import FOUND, World

HERE = Path(__file__).parent
GATE = "import os, sys; sys.stdin.readline(); os.execv(sys.argv[1], sys.argv[1:])"
HONEST = MODEL.replace("SLOPE = 1.0", "SLOPE = 2.5")
EVERY = 20
"""After so many attacks the untouched model is measured again."""

BETTER = 0.97
"""Below this share of the honest model's error, in every fold, an attack has won."""

MAX_SHOWN = 200_000
"""Characters of a candidate's output that nothing may keep."""

REJECTED = {
    *(Status.DISCARD, Status.STOPPED, Status.CRASH, Status.TIMEOUT, Status.OOM),
    *(Status.REFUSED, Status.AUDIT),
}
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
OFF = ("-o", "autoresearch_min_effect=1000000000")
"""With layers off nothing is kept whatever it scores: each attack meets the same champion."""


@dataclass
class Campaign:
    """What a search left: each attack's records, and how it got through, if it did.

    ``changes`` are files of the host that are not as they were, ``survivors`` processes that still
    ran, ``left_behind`` scratch folders, ``asked`` what services of the host were sent, ``leaked`` where
    secrets stand, ``controls`` the records of the untouched model.
    """

    result: Result
    seconds: float
    records: dict[str, list[Record]]
    through: dict[str, dict[Success, str]] = field(default_factory=lambda: defaultdict(dict))
    changes: list[str] = field(default_factory=list)
    survivors: list[int] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    controls: list[Record] = field(default_factory=list)
    honest: Record | None = None

    @property
    def attacks(self) -> list[str]:
        """The attacks that were run."""
        return [name for name in self.records if name not in ("honest", "control")]

    @property
    def untested(self) -> list[str]:
        """Attacks that were not run, for another one was kept before, and they do not fit onto it."""
        patches = {attack.name for attack in ATTACKS if attack.patch}
        return [
            name
            for name in self.attacks
            if name not in patches
            and any(record.status is Status.REFUSED for record in self.records[name])
        ]

    def describe(self) -> str:
        """The attacks that got through, a line each."""
        lines = [f"{name}: {how}" for name, how in sorted(self.through.items())]
        return "\n".join(lines) or "none"


def wage(
    tier: str,
    *,
    attacks: Sequence[Attack] = ATTACKS,
    launcher: Sequence[str] = (),
    user: int | None = None,
    doors: bool = False,
    options: Sequence[str] = (),
    timeout: float = 420,
) -> Campaign:
    """Run a search in a tier in which all attacks are replayed.

    ``launcher`` comes before the command line, ``user`` owns the project, ``doors`` are open or not.
    """
    world = World(user, doors=doors)
    try:
        names = _Patches(world, attacks)
        began = time.monotonic()
        result = _search(world, names, tier, launcher, options, timeout)
        seconds = time.monotonic() - began
        return _judge(world, names, result, seconds)
    finally:
        world.close()


class _Patches:
    """Writes the patches, once the judge's process is known."""

    def __init__(self, world: World, attacks: Sequence[Attack]) -> None:
        self.world = world
        self.attacks = attacks
        self.names: dict[str, str] = {}

    def write(self, judge: int) -> None:
        facts = self.world.facts(judge)
        for number, attack in enumerate(self.attacks):
            if number % EVERY == EVERY - 1:
                self._replace("control", f"{MODEL}CONTROL = {number}\n")
            if attack.patch:
                self._add(attack.name, attack.patch)
            for stage in range(len(attack.stages)):
                self._replace(attack.name, text_of(attack, stage, facts))
        self._replace("honest", HONEST)

    def _replace(self, name: str, text: str) -> None:
        self._add(name, self.world.project.diff("model.py", MODEL, text))

    def _add(self, name: str, patch: str) -> None:
        file = f"{len(self.names):04d}-{name}.patch"
        self.names[file] = name
        path = self.world.project.patches / file
        path.write_text(f"{name}\n\n{patch}", encoding="utf-8")


def _search(
    world: World,
    patches: _Patches,
    tier: str,
    launcher: Sequence[str],
    options: Sequence[str],
    timeout: float,
) -> Result:
    project = world.project
    command = [*launcher, *project.command("--autoresearch-run", "attacks", *options)]
    command[command.index("--autoresearch-isolation") + 1] = tier
    with subprocess.Popen(
        [sys.executable, "-c", GATE, *command],
        cwd=project.folder,
        env=world.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as judge:
        patches.write(judge.pid)
        try:
            out, err = judge.communicate("go\n", timeout=timeout)
        except subprocess.TimeoutExpired:
            judge.kill()
            out, err = judge.communicate()
            err += f"\nthe search took over {timeout} s"
    return Result(judge.returncode, out, err, project.folder, project.xml)


def _judge(world: World, patches: _Patches, result: Result, seconds: float) -> Campaign:
    time.sleep(0.3)  # What outlived the search may still leave its marks.
    records: dict[str, list[Record]] = {name: [] for name in dict.fromkeys(patches.names.values())}
    for record in result.records:
        if name := patches.names.get(str(record.notes.get("file", ""))):
            records[name].append(record)
    campaign = Campaign(result, seconds, records)
    campaign.controls = records.get("control", [])
    campaign.honest = next(iter(records["honest"]), None)
    campaign.changes = world.changes()
    campaign.survivors = world.survivors()
    campaign.asked = list(world.services.heard)
    campaign.leaked = _leaked(world, result)
    scratch = [str(line["scratch"]) for line in result.lines if line["kind"] == "session"]
    campaign.left_behind = [path for path in scratch if Path(path).exists()]
    _note_words(campaign)
    _note_secrets(campaign, world)
    _note_scores(campaign)
    _note_marks(campaign, world, patches)
    return campaign


def _note_words(campaign: Campaign) -> None:
    for records in campaign.records.values():
        for record in records:
            for found in FOUND.findall(f"{record.output}\n{record.reason}".encode()):
                _note_word(campaign, found.decode(), record)
            if len(record.output) > MAX_SHOWN:
                name = str(record.notes["file"])[5:].removesuffix(".patch")
                campaign.through[name][Success.MARKS] = f"{len(record.output)} characters kept"


def _note_word(campaign: Campaign, name: str, record: Record) -> None:
    taker = Success.TAKES in {one.success for one in ATTACKS if one.name == name}
    if not taker:
        campaign.through[name][Success.SAYS] = record.output[-300:]
    elif record.status in (Status.DISCARD, Status.TIMEOUT):
        campaign.through[name][Success.TAKES] = record.output[-300:]


def _note_secrets(campaign: Campaign, world: World) -> None:
    for name in campaign.attacks:
        for record in campaign.records[name]:
            if any(one in str(record.to_json()) for one in world.secrets.values()):
                campaign.through[name][Success.LEAKS] = record.item


def _note_scores(campaign: Campaign) -> None:
    """A win is a keep, or an error that the honest model reaches in no fold, measured to the end."""
    honest = {p.split: p.scores for p in campaign.honest.passes} if campaign.honest else {}
    for name in campaign.attacks:
        for record in campaign.records[name]:
            if record.status not in REJECTED:
                campaign.through[name][Success.WINS] = record.status.word
            first = record.passes[0] if record.passes else None
            measured = record.status in (Status.DISCARD, Status.STOPPED)
            if measured and first and first.scores and first.split in honest:
                pairs = list(zip(first.scores, honest[first.split], strict=False))
                if all(score < BETTER * best for score, best in pairs):
                    campaign.through[name][Success.WINS] = str(pairs)


def _note_marks(campaign: Campaign, world: World, patches: _Patches) -> None:
    for name, where in world.marks().items():
        campaign.through[name][Success.MARKS] = where
    for said in world.services.heard:
        name = said.decode(errors="replace").strip()
        if name in campaign.records:
            campaign.through[name][Success.MARKS] = "a service was asked"
    items = {
        f"[{record.item}]": name for name in campaign.attacks for record in campaign.records[name]
    }
    for line in (world.base / "signals").read_text().splitlines():
        for item, name in items.items():
            if item in line:
                campaign.through[name][Success.MARKS] = f"a signal: {line}"
    shown = campaign.result.stdout + campaign.result.stderr + _text(campaign.result.xml)
    for kind in ("jsonl", "json", "tsv", "md", "html"):
        shown += "".join(map(_text, campaign.result.folder.glob(f".autoresearch/*/*.{kind}")))
    if found := CONTROL.search(shown):
        where = shown[max(0, found.start() - 50) : found.end() + 50]
        campaign.through["terminal-controlled"][Success.MARKS] = repr(where)
    for attack in patches.attacks:
        traces = [path for path in campaign.changes if path.endswith(attack.traces)]
        if attack.traces and traces:
            campaign.through[attack.name][Success.MARKS] = str(traces)


def _leaked(world: World, result: Result) -> list[str]:
    """Secrets in anything that the search wrote or showed."""
    texts = {"stdout": result.stdout, "stderr": result.stderr, "xml": _text(result.xml)}
    for path in world.project.root.glob(".autoresearch/**/*"):
        texts[str(path)] = _text(path)
    return [
        f"{which} in {where}"
        for where, text in texts.items()
        for which, secret in world.secrets.items()
        if secret in text
    ]


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.is_file() else ""


def baseline(result: Result) -> Record:
    """The record of the untouched project."""
    return next(one for one in result.records if one.part is Part.BASELINE)
