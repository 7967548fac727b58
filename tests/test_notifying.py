"""A person's command is told every event, in order, and can neither hold a search up nor break it."""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch import notifying
from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.notifying import Events, Notifier
from pytest_autoresearch.records import Json, Part, Record, Status, Summary

APPEND = "sh -c 'cat >> told.jsonl'"


def told(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "SECONDS", 0.5)


def test_each_event_is_one_json_line_on_standard_input_in_order(tmp_path: Path) -> None:
    notifier = Notifier(APPEND, tmp_path)
    events: list[dict[str, Json]] = [{"event": "kept", "experiment": n} for n in range(5)]
    for event in events:
        notifier.tell(event)
    notifier.close()
    assert told(tmp_path) == events
    assert notifier.complaint == ""


def test_odd_text_and_numbers_arrive_as_json(tmp_path: Path) -> None:
    notifier = Notifier(APPEND, tmp_path)
    notifier.tell({"a": 'é " \n \ud800', "b": math.nan, "c": {"d": math.inf}})
    notifier.close()
    assert told(tmp_path) == [{"a": 'é " \n \ud800', "b": None, "c": {"d": None}}]


def test_a_relative_path_lies_under_the_folder_and_spaces_are_quoted(tmp_path: Path) -> None:
    script = tmp_path / "my tools" / "tell.sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nprintf '%s' \"$1\" > told\n")
    script.chmod(0o755)
    notifier = Notifier("'my tools/tell.sh' 'two words'", tmp_path)
    notifier.tell({})
    notifier.close()
    assert (tmp_path / "told").read_text() == "two words"


def test_there_is_no_shell_between(tmp_path: Path) -> None:
    notifier = Notifier("touch a;b $HOME", tmp_path)
    notifier.tell({})
    notifier.close()
    assert sorted(os.listdir(tmp_path)) == ["$HOME", "a;b"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program-here --now", "there is no program 'no-such-program-here'"),
        ("./lost.sh", "there is no program './lost.sh'"),
        ("sh -c 'cat", "cannot be read: No closing quotation"),
        ("''", "there is no program ''"),
    ],
)
def test_a_command_that_cannot_be_is_known_at_once(
    tmp_path: Path, command: str, words: str
) -> None:
    with pytest.raises(UsageProblem) as caught:
        Notifier(command, tmp_path)
    assert f"ini autoresearch_notify = {command!r}" in str(caught.value)
    assert words in str(caught.value)


def test_telling_returns_at_once(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    notifier = Notifier(
        f"sh -c 'while [ ! -e {gate} ]; do sleep 0.02; done; cat >> told.jsonl'", tmp_path
    )
    notifier.tell({"n": 1})
    notifier.tell({"n": 2})
    assert not (tmp_path / "told.jsonl").exists()
    gate.touch()
    notifier.close()
    assert told(tmp_path) == [{"n": 1}, {"n": 2}]


def test_a_failing_command_costs_one_line(tmp_path: Path) -> None:
    notifier = Notifier("sh -c 'exit 3'", tmp_path)
    for _ in range(3):
        notifier.tell({})
    notifier.close()
    assert notifier.complaint == (
        "autoresearch_notify: 3 of 3 events were not told: the command ended with 3"
    )


def test_a_command_that_goes_away_costs_one_line(tmp_path: Path) -> None:
    script = tmp_path / "tell"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    notifier = Notifier("./tell", tmp_path)
    script.unlink()
    notifier.tell({})
    notifier.close()
    assert "cannot be started: No such file or directory" in notifier.complaint


@pytest.mark.usefixtures("hurried")
def test_a_hanging_command_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    notifier = Notifier("sh -c 'sleep 60 & echo $! > child; sleep 60'", tmp_path)
    notifier.tell({})
    notifier.close()
    assert "took more than" in notifier.complaint
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not is_alive(child):
            break
        time.sleep(0.02)
    assert not is_alive(child)


def test_at_the_end_a_hanging_event_leaves_time_for_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "SECONDS", 2.0)
    text = "grep -q '\"hang\"' && sleep 60 || touch done"
    notifier = Notifier(f"sh -c {shlex.quote(text)}", tmp_path)
    notifier.tell({"event": "hang"})
    notifier.tell({"event": "ended"})
    notifier.close()
    assert (tmp_path / "done").exists()
    assert notifier.complaint.startswith("autoresearch_notify: 1 of 2 events were not told")


@pytest.mark.usefixtures("hurried")
def test_when_nothing_gets_through_events_are_dropped_and_counted(tmp_path: Path) -> None:
    notifier = Notifier("sleep 60", tmp_path)
    for _ in range(200):
        notifier.tell({})
    notifier.close()
    found = notifier.complaint
    assert "of 200 events were not told" in found
    assert int(found.split()[1]) >= 99


def test_what_the_command_prints_is_seen_by_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    notifier = Notifier(
        f"{sys.executable} -c 'print(1); import sys; print(2, file=sys.stderr)'", tmp_path
    )
    notifier.tell({})
    notifier.close()
    assert capfd.readouterr() == ("", "")


# What is told


class Ear:
    """Hears the events of a session."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Json]] = []
        self.events = Events(lambda event: self.heard.append(dict(event)), lambda: {"run": "night"})

    @property
    def names(self) -> list[Json]:
        return [event["event"] for event in self.heard]


def tried(number: int, status: Status, **changes: Any) -> Record:
    values = {"item": f"{number:04d}", "part": Part.EXPERIMENT, "experiment": number}
    return Record(**{**values, "status": status, **changes})


def test_the_first_experiment_brings_the_first_results_and_every_keep_is_told() -> None:
    ear = Ear()
    ear.events.started()
    ear.events.finished(tried(0, Status.BASELINE, part=Part.BASELINE))
    ear.events.finished(tried(1, Status.INTERRUPTED))
    ear.events.finished(tried(1, Status.DISCARD, score=0.5, reason="auc 0.5\x1b[31m"))
    ear.events.finished(tried(2, Status.WON))
    ear.events.finished(tried(2, Status.KEPT, stage="test_confirm", description="x" * 999))
    ear.events.finished(tried(3, Status.CRASH))
    ear.events.finished(tried(3, Status.MEASURED, part=Part.VAULT))
    assert ear.names == ["started", "first_results", "kept"]
    first, kept = ear.heard[1:]
    assert (first["run"], first["score"], first["reason"]) == ("night", 0.5, "auc 0.5[31m")
    assert kept["experiment"] == 2
    assert len(str(kept["description"])) == 300


def test_a_person_is_called_once_for_each_thing() -> None:
    ear = Ear()
    for since in (4, 4, 9):
        ear.events.needs_person("all crashed", since, {"kind": "failures", "level": 3})
    ear.events.needs_person("nothing kept", 4, {"kind": "gain"})
    assert [event["since"] for event in ear.heard] == [4, 9, 4]
    assert ear.heard[0]["reason"] == "all crashed"
    assert ear.heard[0]["about"] == {"kind": "failures", "level": 3}


def test_the_end_says_why_and_where_the_result_is() -> None:
    ear = Ear()
    ear.events.cost(0.9)
    ear.events.ended(
        Summary(
            run="night", branch="autoresearch/night", objective="o", metric="m", direction="maximize",
            isolation="none", folder=".", ended="the cost cap is reached", finished=False, records=[],
        )
    )  # fmt: skip
    cost, ended = ear.heard
    assert (cost["event"], cost["share"]) == ("cost", 0.9)
    assert (ended["event"], ended["reason"], ended["branch"]) == (
        "ended", "the cost cap is reached", "autoresearch/night",
    )  # fmt: skip
    assert ended["vault_gain"] is None


def test_an_event_is_told_although_nobody_knows_how_the_search_stands() -> None:
    def facts() -> dict[str, Json]:
        raise RuntimeError("dictionary changed size during iteration")

    heard: list[dict[str, Json]] = []
    Events(lambda event: heard.append(dict(event)), facts).cost(0.5)
    assert [(event["event"], event["share"]) for event in heard] == [("cost", 0.5)]
