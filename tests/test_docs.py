"""What docs/ says of files, keys, refs and numbers is what a real search leaves behind."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pygit2
import pytest

from pytest_autoresearch.agents.purse import Purse
from pytest_autoresearch.records import Limits, Record, Status
from pytest_autoresearch.report import terminal
from pytest_autoresearch.sandbox.walls.tiers import Tier
from pytest_autoresearch.testing import Project, Result

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGE = ROOT / "pytest_autoresearch"
RUN = "line-demo"
KINDS = ("run", "session", "protocol", "opened", "evaluation", "tables", "finished", "closed")
OTHERS = ("spent", "draft", "writeup")
"""Kinds of line that only a run with an agent that thinks has."""
TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "whole number": (int,),
    "number": (int, float),
    "yes or no": (bool,),
    "object": (dict,),
    "null": (type(None),),
}
Row = list[str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("docs") / "line")
    made.replace("SLOPE = 2.0", "SLOPE = 2.9", description="steeper\n\nA hypothesis.")
    made.replace("OFFSET = 0.5", "OFFSET = -2.0", description="far too low")
    made.replace("assert experiment.improves", "pass", path="test_line.py", description="cheats")
    made.replace("OFFSET = 0.5", "OFFSET = 0.8", description="for the next session")
    return made


@pytest.fixture(scope="module")
def result(project: Project) -> Result:
    found = project.search("--autoresearch-experiments", "3", "--autoresearch-run", RUN)
    assert found.returncode == 0, found.stdout + found.stderr
    return found


# Reading the pages


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    heading = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert heading, f"no heading {title!r}"
    rest = text[heading.end() :]
    end = re.search(rf"^#{{1,{len(heading[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def tables(text: str) -> list[list[Row]]:
    """The rows of each table, without head; code marks are dropped."""
    found = []
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [re.split(r" ?\| ?", line.strip())[1:-1] for line in table.splitlines()]
        found.append([[cell.strip().strip("`") for cell in row] for row in rows[2:]])
    return found


def fences(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def indented(text: str) -> list[str]:
    """Lines that are set as code by their indent."""
    return re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)


def keys(rows: list[Row]) -> set[str]:
    return {row[0] for row in rows}


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of a type as the tables write them: ``list of text``, ``number or null``."""
    if kind == "yes or no":
        return isinstance(value, bool)
    if kind.startswith("list of "):
        return isinstance(value, list) and all(fits(v, kind[len("list of ") :]) for v in value)
    if " or " in kind:
        return any(fits(value, one) for one in kind.split(" or "))
    return isinstance(value, TYPES[kind]) and (kind == "null" or not isinstance(value, bool))


def disagreements(rows: list[Row], value: dict[str, Any], where: str) -> list[str]:
    """How an object differs from a table of keys; empty when it does not."""
    found = [f"{where}: {key} is not documented" for key in sorted(value.keys() - keys(rows))]
    found += [f"{where}: {key} is not written" for key in sorted(keys(rows) - value.keys())]
    for key, kind, _ in rows:
        if key in value and not fits(value[key], kind):
            found.append(f"{where}: {key} is {value[key]!r}, no {kind}")
    return found


def documented(kind: str) -> list[list[Row]]:
    """A kind's tables: its own keys first, those of every line among them."""
    journal = page("journal.md")
    common = tables(section(journal, "Keys of every line"))[0]
    own, *nested = tables(section(journal, f"`{kind}`"))
    return [common + own, *nested]


# The journal


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_keys_are_those_that_a_run_writes(kind: str, result: Result) -> None:
    rows = documented(kind)[0]
    lines = [line for line in result.lines if line["kind"] == kind]
    assert lines, f"the run wrote no line of kind {kind}"
    assert [text for line in lines for text in disagreements(rows, line, kind)] == []


def test_no_kind_is_left_out(result: Result) -> None:
    assert {line["kind"] for line in result.lines} == set(KINDS)
    named = tables(section(page("journal.md"), "Keys of every line"))[0][2][2]
    assert re.findall("`([a-z]+)`", f"`{named}`") == [*KINDS, *OTHERS]


def test_a_payment_is_written_as_it_is_documented() -> None:
    written: list[dict[str, Any]] = []
    purse = Purse()
    purse.attach(lambda kind, **keys: written.append({"kind": kind, "session": 1, **keys}))
    purse.spend("llm:a", 0.25, 100, "propose")
    purse.spend("command:b", None, 0, "propose")
    purse.settle(purse.begin("llm:a", 0.5, 1000, "propose"), 0.25, 100, "propose")
    rows = [row for row in documented("spent")[0] if row[0] not in ("seq", "time")]
    assert [text for line in written for text in disagreements(rows, line, "spent")] == []


@pytest.mark.parametrize(
    ("kind", "key", "table"),
    [("run", "objective", 1), ("run", "rule", 2), ("opened", "proposal", 1)],
)
def test_the_documented_keys_inside_are_those_that_a_run_writes(
    kind: str, key: str, table: int, result: Result
) -> None:
    rows = documented(kind)[table]
    values = [line[key] for line in result.lines if line["kind"] == kind and line[key]]
    assert values
    for value in values:
        assert isinstance(value, dict)
        assert disagreements(rows, value, key) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_have_the_documented_keys(kind: str) -> None:
    (text,) = fences(section(page("journal.md"), f"`{kind}`"), "json")
    assert disagreements(documented(kind)[0], json.loads(text), "the example") == []


def test_the_example_of_a_record_reads_back() -> None:
    (text,) = fences(section(page("journal.md"), "`finished`"), "json")
    line = json.loads(text)
    record = Record.from_json(line)
    assert record.status is Status.KEPT
    assert {**record.to_json(), "kind": "finished"}.keys() == line.keys()


def test_the_status_table_is_the_enum() -> None:
    (rows,) = tables(section(page("journal.md"), "Statuses"))
    found = {name: (word, letter, tsv, outcome) for name, word, letter, tsv, outcome, _ in rows}
    assert found == {one.name: (one.word, one.letter, one.tsv, one.outcome) for one in Status}


# git


def test_the_refs_are_the_documented_ones(project: Project, result: Result) -> None:
    rows = tables(section(page("journal.md"), "Refs and commits"))[0]
    assert result.records
    found = {
        re.sub(r"/\d{4}$", "/0042", name.replace(RUN, "NAME"))
        for name in pygit2.Repository(str(project.root)).references
        if "autoresearch" in name
    }
    assert found == keys(rows) - {f"refs/autoresearch/NAME/{one}" for one in ("held", "vault")}


def test_the_trailers_are_the_documented_ones(project: Project, result: Result) -> None:
    rows = tables(section(page("journal.md"), "Refs and commits"))[1]
    assert result.records
    git = ["git", "-C", str(project.root)]
    for number in ("0000", "0001", "0003"):
        message = output(*git, "log", "-1", "--format=%B", f"refs/autoresearch/{RUN}/{number}")
        trailers = output(*git, "interpret-trailers", "--parse", stdin=message)
        assert [line.partition(":")[0] for line in trailers.splitlines()] == [r[0] for r in rows]


def test_the_documented_commands_carry_a_run_to_another_clone(
    project: Project, result: Result, tmp_path: Path
) -> None:
    rebuilding = section(page("journal.md"), "Rebuilding from git")
    fetching, reading = (text.replace("NAME", RUN) for text in fences(rebuilding, "sh"))
    clone = tmp_path / "line"
    output("git", "clone", "-q", "--depth", "1", project.root.as_uri(), str(clone))
    output("sh", "-ec", fetching.splitlines()[0], cwd=clone)
    shown = output("sh", "-ec", reading, cwd=clone)
    journal = (result.folder / ".autoresearch" / RUN / "journal.jsonl").read_text("utf-8")
    assert shown.startswith(journal)

    there = Project.__new__(Project)
    there.__dict__ |= {**project.__dict__, "root": clone, "folder": clone}
    went_on = there.search("--autoresearch-experiments", "4", "--autoresearch-run", RUN)
    assert went_on.returncode == 0, went_on.stdout + went_on.stderr
    assert went_on.lines[: len(result.lines)] == result.lines
    assert {path.name for path in (clone / ".autoresearch" / RUN).iterdir()} == files()
    kept = next(record for record in result.records if record.status is Status.KEPT)
    branch = output("git", "rev-list", f"autoresearch/{RUN}", cwd=clone)
    assert kept.commit in branch.split()


def test_pushing_the_refs_works_as_documented(
    project: Project, result: Result, tmp_path: Path
) -> None:
    assert result.records
    pushing = fences(section(page("journal.md"), "Rebuilding from git"), "sh")[0].splitlines()[1]
    here, hub = tmp_path / "here", tmp_path / "hub.git"
    shutil.copytree(project.root, here)
    output("git", "init", "-q", "--bare", str(hub))
    output("git", "-C", str(here), "remote", "add", "origin", str(hub))
    output("sh", "-ec", pushing, cwd=here)
    assert f"refs/autoresearch/{RUN}/champion" in pygit2.Repository(str(hub)).references


def output(*command: str, cwd: Path | None = None, stdin: str = "") -> str:
    done = subprocess.run(
        command, cwd=cwd, input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


# The other files


def files() -> set[str]:
    names = keys(tables(section(page("journal.md"), "The other files"))[0])
    try:
        importlib.import_module("matplotlib")
    except ImportError:
        names.discard("progress.png")
    return names


def test_the_folder_holds_the_documented_files(result: Result) -> None:
    assert {path.name for path in (result.folder / ".autoresearch" / RUN).iterdir()} == files()


def test_the_columns_of_the_table_are_the_documented_ones(result: Result) -> None:
    (rows,) = tables(section(page("journal.md"), "`results.tsv`"))
    text = (result.folder / ".autoresearch" / RUN / "results.tsv").read_text("utf-8")
    named = [{"the metric's name": "rmse"}.get(row[0], row[0]) for row in rows]
    assert text.splitlines()[0].split("\t") == named


def test_the_keys_of_the_status_file_are_the_documented_ones(result: Result) -> None:
    (rows,) = tables(section(page("journal.md"), "`status.json`"))
    status = json.loads((result.folder / ".autoresearch" / RUN / "status.json").read_text("utf-8"))
    assert disagreements(rows, status, "status.json") == []


# How it works


def test_the_sentences_are_numbered_without_a_gap() -> None:
    numbers = [int(n) for n in re.findall(r"^(\d+)\. ", page("how-it-works.md"), re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def test_the_numbers_are_those_of_the_code() -> None:
    (rows,) = tables(section(page("how-it-works.md"), "The numbers"))
    for number, place, _ in rows:
        module, _, path = place.partition(":")
        found: Any = importlib.import_module(f"pytest_autoresearch.{module}")
        for name in path.split("."):
            found = found[name] if isinstance(found, dict) else getattr(found, name)
        assert float(number.replace(",", "")) == found, place


def test_every_room_is_described_and_there() -> None:
    (rows,) = tables(section(page("how-it-works.md"), "Where things live"))
    described = {name.strip(" `").rstrip("/") for row in rows for name in row[0].split(", ")}
    rooms = {
        path.name
        for path in PACKAGE.iterdir()
        if (path.suffix == ".py" and path.name != "__init__.py") or (path / "__init__.py").exists()
    }
    assert described == rooms


# Security


def test_the_header_lines_are_those_that_a_search_prints() -> None:
    shown = indented(section(page("security.md"), "What the header line means"))
    tiers = (Tier("sealed", "bubblewrap", 7), Tier("guarded", "", 7), Tier())
    assert shown == [f"autoresearch: {terminal.tier(one.name, one.layers)}" for one in tiers]


def test_every_remedy_of_the_code_stands_on_the_page() -> None:
    said = re.sub(r'"\s+"', "", (PACKAGE / "sandbox" / "walls" / "tiers.py").read_text("utf-8"))
    settings = r"(?:kernel|user)\.\w+=\d+|--security-opt \w+=\w+|apt-get install \w+"
    remedies = re.findall(settings, said)
    assert len(remedies) >= 7
    for remedy in remedies:
        assert remedy.removeprefix("apt-get install ") in page("security.md"), remedy


def test_every_door_of_the_marker_is_described() -> None:
    (rows,) = tables(section(page("security.md"), "Doors"))
    described = {name for row in rows for name in re.findall(r"(\w+)=", row[0])}
    assert described == {field.name for field in fields(Limits)}


def test_every_file_of_the_walls_is_named_and_there() -> None:
    folder = PACKAGE / "sandbox"
    text = section(page("how-it-works.md"), "Where things live")
    text += section(page("security.md"), "Hand-made parts")
    named = {Path(name).name for name in re.findall(r"`([\w/]+\.py)`", text)}
    there = {path.name for path in (*folder.glob("*.py"), *folder.glob("*/*.py"))}
    assert there - {"__init__.py", "__main__.py"} <= named
    (rows,) = tables(section(page("security.md"), "Hand-made parts"))
    for name in re.findall(r"[\w/]+\.py", " ".join(row[0] for row in rows)):
        assert (folder / name).exists() or (folder / "inside" / name).exists(), name


@pytest.mark.parametrize("room", ["handing", "rows", "walls", "watching"])
def test_every_room_of_the_sandbox_is_said_to_have_the_files_that_it_has(room: str) -> None:
    text = section(page("how-it-works.md"), "Where things live")
    (files,) = re.findall(rf"^- `{room}/`(.*?)\n(?=- |\n)", text, re.MULTILINE | re.DOTALL)
    there = {path.name for path in (PACKAGE / "sandbox" / room).glob("*.py")}
    assert set(re.findall(r"`(\w+\.py)`", files)) == there - {"__init__.py"}


@pytest.mark.parametrize("name", ["README.md", "Makefile", "Dockerfile", "docs/platforms.md"])
def test_no_command_takes_the_walls_away(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    commands = [line for line in text.splitlines() if "pytest" in line and "isolation" in line]
    assert commands == []


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.md")))
def test_every_link_leads_somewhere(name: str) -> None:
    text = page(name)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        assert not path or (DOCS / path).exists(), target
        assert path or anchor in anchors, target
