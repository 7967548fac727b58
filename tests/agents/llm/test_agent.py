"""A conversation with a model ends in a proposal, an analysis, or a reason why there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.agents.llm import conversation
from pytest_autoresearch.agents.office import Office
from pytest_autoresearch.exceptions import AgentFailed
from pytest_autoresearch.records import Analysis, Briefing, Part, Proposal, Record, Status

from .conftest import PRICES, Made
from .server import Reply, Request, Server, answer, calls, fails, says

MODEL = b"RATE = 0.1\nDEPTH = 3\n\n\ndef fit(X, y, *, seed):\n    return RATE\n"
BRIEFING = Briefing(
    "test_line",
    "loss",
    "minimize",
    "c0ffee",
    1.0,
    {"model.py": MODEL},
    readable={"shapes.py": b"SIDES = 4\n"},
    protocol="Think first.",
)
EDIT = {"path": "model.py", "search": "RATE = 0.1", "replace": "RATE = 0.2"}
CHANGED = MODEL.decode().replace("RATE = 0.1", "RATE = 0.2")


def change(**more: object) -> tuple[str, dict[str, Any]]:
    """A call that proposes something good."""
    return "propose", {
        "description": "double the rate",
        "hypothesis": "too slow",
        "edits": [EDIT],
    } | more


def told(server: Server, request: int = -1) -> str:
    """What the model was told last in a request."""
    return server.requests[request].last


def proposed(agent: Any, briefing: Briefing = BRIEFING) -> Proposal:
    handed = agent.propose(briefing)
    assert isinstance(handed, Proposal)
    return handed


def names(server: Server) -> list[str]:
    return [one["function"]["name"] for one in server.requests[-1].json["tools"]]


def test_an_edit_becomes_the_new_text_of_a_file(make: Made) -> None:
    agent = make([calls(change(theme="rate", expected="0.1"))])
    found = proposed(agent)
    assert dict(found.files) == {"model.py": CHANGED}
    assert (found.description, found.hypothesis) == ("double the rate", "too slow")
    assert (found.theme, found.expected) == ("rate", "0.1")


def test_the_briefing_is_the_first_thing_said(make: Made, server: Server) -> None:
    proposed(make([calls(change())]))
    first, second = server.requests[0].messages
    assert first["role"] == "system"
    assert "Think first." in second["content"]
    assert "RATE = 0.1" in second["content"]


def test_files_are_read_before_a_proposal(make: Made, server: Server) -> None:
    reads: list[tuple[str, dict[str, Any]]] = [
        ("read_file", {"path": "model.py", "first_line": 2}),
        ("read_file", {"path": "./shapes.py"}),
    ]
    proposed(make([calls(*reads), calls(change())]))
    *_, one, two = server.requests[1].messages
    assert one["content"].startswith("DEPTH = 3")
    assert (two["role"], two["content"]) == ("tool", "SIDES = 4\n")


def test_a_long_file_is_shown_in_parts(make: Made, server: Server) -> None:
    text = "".join(f"LINE_{n} = 'x' * 20\n" for n in range(3000))
    briefing = replace(BRIEFING, editable={"model.py": text.encode()})
    whole = {"files": [{"path": "model.py", "content": "X = 1\n"}], "edits": None}
    script = [calls(("read_file", {"path": "model.py"})), calls(change(**whole))]
    proposed(make(script), briefing)
    assert len(told(server)) < 21_000
    assert "goes on in line" in told(server)
    assert "of 3000" in told(server)


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret.py", "test_line.py", ""])
def test_no_other_file_is_read(make: Made, server: Server, path: str) -> None:
    proposed(make([calls(("read_file", {"path": path})), calls(change())]))
    assert "there is no file" in told(server) or "has to be a text" in told(server)


BAD: Mapping[str, tuple[Reply, str]] = {
    "no JSON": (calls(("propose", "{bad")), "no JSON"),
    "no object": (calls(("propose", "[1]")), "not a JSON object"),
    "unknown tool": (calls(("delete_all", {})), "there is no tool 'delete_all'"),
    "no words": (calls(change(description="")), "description has to be"),
    "nothing": (calls(change(edits=[])), "nothing is changed"),
    "wrong type": (calls(change(edits=7)), "edits has to be a list"),
    "missing part": (calls(change(edits=[{"path": "model.py"}])), "each has to have search"),
    "twice": (
        calls(change(edits=[EDIT | {"search": "R"}])),
        "matches 2 times in model.py, at lines 1, 6",
    ),
    "never": (
        calls(change(edits=[EDIT | {"search": "RATE = 0.11"}])),
        "nearest are lines 1 to 3:\nRATE = 0.1",
    ),
    "nowhere": (
        calls(change(edits=[EDIT | {"path": "x.py"}])),
        "no file 'x.py' to edit; editable are: model.py",
    ),
    "readable": (
        calls(change(edits=[EDIT | {"path": "shapes.py"}])),
        "may be read but not changed",
    ),
    "both": (
        calls(change(files=[{"path": "model.py", "content": "x"}])),
        "do the one or the other",
    ),
    "prose": (says("I think that we should double the rate."), "You called no tool"),
    "empty": (says(""), "empty"),
    "cut": (says("Let me th", finish="length"), "cut off"),
    "cut call": (calls(("propose", '{"description": "x'), finish="length"), "cut off"),
    "filtered": (says("x", finish="content_filter"), "refusal"),
    "refused": (answer({"content": "", "refusal": "I cannot"}), "I cannot"),
    "no analysis": (
        calls(("run_analysis", {"code": "x", "question": "?"})),
        "No analysis can be run",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_malformed_answer_goes_back_with_the_reason(
    make: Made, server: Server, case: str
) -> None:
    reply, reason = BAD[case]
    assert proposed(make([reply, calls(change())])).files
    assert reason in told(server)


@pytest.mark.parametrize("case", BAD)
def test_every_call_of_a_tool_is_answered(make: Made, server: Server, case: str) -> None:
    proposed(make([BAD[case][0], calls(change())]))
    asked = [one["id"] for m in server.requests[-1].messages for one in m.get("tool_calls", ())]
    given = [m["tool_call_id"] for m in server.requests[-1].messages if m["role"] == "tool"]
    assert asked == given
    for message in server.requests[-1].messages:
        for one in message.get("tool_calls", ()):
            assert isinstance(json.loads(one["function"]["arguments"]), dict)


def test_of_parallel_calls_the_first_that_hands_in_counts(make: Made) -> None:
    other = change(description="another")
    agent = make([calls(("note_lesson", {"text": "rates matter"}), change(), other)])
    found = proposed(agent)
    assert found.description == "double the rate"
    assert found.lessons == ("rates matter",)


def test_lists_written_as_text_and_lone_objects_are_understood(make: Made) -> None:
    assert proposed(make([calls(change(edits=json.dumps([EDIT])))])).files["model.py"] == CHANGED
    assert proposed(make([calls(change(edits=EDIT))])).files["model.py"] == CHANGED


def test_what_utf8_cannot_hold_never_gets_on(make: Made) -> None:
    broken = '{"description": "\\ud800x", "hypothesis": "", "files": [{"path": "model.py", "content": "\\udfff"}]}'
    found = proposed(make([calls(("propose", broken))]))
    assert (found.description, dict(found.files)) == ("?x", {"model.py": "?"})


def test_a_proposal_is_mended_twice_and_then_goes_on_as_it_is(
    make: Made, server: Server, office: Office
) -> None:
    seen: list[str] = []

    def trial(proposal: Proposal, briefing: Briefing) -> str:
        seen.append(proposal.description)
        return f"undefined name in {proposal.description}"

    office.trial = trial
    script = [calls(change(description=name)) for name in ("one", "two", "three")]
    assert proposed(make(list(script))).description == "three"
    assert seen == ["one", "two"]
    assert "undefined name in two" in told(server)
    assert not server.script


def test_a_model_that_only_reads_is_given_up(make: Made, server: Server) -> None:
    agent = make([calls(("read_file", {"path": "model.py"}))] * 20)
    found = proposed(agent)
    assert (found.patch, dict(found.files)) == (None, {})
    assert found.description == "no proposal: 8 answers read and noted, and none proposed"
    assert len(server.requests) == conversation.MOST_LOOKS + 1


def test_a_model_that_hands_in_nothing_three_times_has_failed(make: Made, server: Server) -> None:
    agent = make([says("no")] * 100)
    for _ in range(2):
        assert "4 answers could not be used" in proposed(agent).description
    with pytest.raises(AgentFailed, match="nothing 3 times in a row"):
        agent.propose(BRIEFING)
    assert len(server.requests) == 3 * conversation.MOST_MALFORMED


def test_lessons_outlive_a_conversation_that_is_given_up(make: Made) -> None:
    agent = make([calls(("note_lesson", {"text": "rates matter"})), *[says("no")] * 4])
    assert proposed(agent).lessons == ("rates matter",)


# Analyses

CAN_ANALYSE = replace(BRIEFING, analysis="rows")
LOOK = calls(("run_analysis", {"code": "def analyse(data): print(1)", "question": "how many?"}))


def analysis_record(asked: Analysis, output: str = "four rows", **more: Any) -> Record:
    return Record(
        item="0001-analysis",
        part=Part.ANALYSIS,
        experiment=None,
        status=Status.ANALYSIS,
        output=output,
        notes=asked.notes,
        agent="llm",
        **more,
    )


def test_an_analysis_comes_back_into_the_same_conversation(make: Made, server: Server) -> None:
    agent = make([LOOK, calls(change())])
    asked = agent.propose(CAN_ANALYSE)
    assert isinstance(asked, Analysis)
    assert (asked.code, asked.question) == ("def analyse(data): print(1)", "how many?")
    agent.told(analysis_record(asked))
    assert proposed(agent, CAN_ANALYSE).files
    assert len(server.requests[1].messages) == 4
    assert server.requests[1].messages[-1]["role"] == "tool"
    assert "four rows" in told(server)


def test_analyses_are_offered_only_where_there_is_a_fixture(make: Made, server: Server) -> None:
    proposed(make([calls(change())]))
    assert "run_analysis" not in names(server)
    proposed(make([calls(change())]), CAN_ANALYSE)
    assert "run_analysis" in names(server)


def test_a_hosted_model_is_not_offered_analyses_below_level_all(
    make: Made, server: Server, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make([calls(change()), calls(change())])
    monkeypatch.setattr(agent, "place", replace(agent.place, home=False))
    proposed(agent, CAN_ANALYSE)
    assert "run_analysis" not in names(server)
    office.disclose = "all"
    proposed(agent, CAN_ANALYSE)
    assert "run_analysis" in names(server)


def test_while_an_analysis_runs_another_proposal_can_be_made(make: Made, server: Server) -> None:
    agent = make([LOOK, calls(change(description="meanwhile")), calls(change())])
    asked = agent.propose(CAN_ANALYSE)
    assert isinstance(asked, Analysis)
    assert proposed(agent, CAN_ANALYSE).description == "meanwhile"
    agent.told(analysis_record(asked))
    assert proposed(agent, CAN_ANALYSE).description == "double the rate"
    assert "four rows" in told(server)


def test_an_analysis_of_another_agent_is_not_taken_for_ones_own(make: Made, server: Server) -> None:
    agent = make([LOOK, calls(change())])
    asked = agent.propose(CAN_ANALYSE)
    assert isinstance(asked, Analysis)
    agent.told(analysis_record(replace(asked, notes={"asked": "other"})))
    proposed(agent, CAN_ANALYSE)
    assert len(server.requests[1].messages) == 2


def test_after_an_analysis_edits_meet_the_champion_of_now(make: Made, server: Server) -> None:
    newer = replace(CAN_ANALYSE, champion="beef", editable={"model.py": MODEL + b"MORE = 1\n"})
    agent = make([LOOK, calls(change())])
    asked = agent.propose(CAN_ANALYSE)
    assert isinstance(asked, Analysis)
    agent.told(analysis_record(asked))
    assert proposed(agent, newer).files["model.py"] == CHANGED + "MORE = 1\n"
    assert "the champion has changed, to commit beef" in told(server)


def test_analyses_are_bounded(make: Made, server: Server) -> None:
    agent = make([LOOK] * 4 + [calls(change())])
    for _ in range(3):
        asked = agent.propose(CAN_ANALYSE)
        assert isinstance(asked, Analysis)
        agent.told(analysis_record(asked))
    assert proposed(agent, CAN_ANALYSE).files
    assert "No more analyses" in told(server)


# Models without tools

DIFF = "Double the rate\n\nTheme: rate\nToo slow.\nLesson: it is slow\n\n```diff\n--- a/model.py\n+++ b/model.py\n@@ -1,9 +1,9 @@\n-RATE = 0.1\n+RATE = 0.2\n DEPTH = 3\n```\n"
PATCH = "--- a/model.py\n+++ b/model.py\n@@ -1,2 +1,2 @@\n-RATE = 0.1\n+RATE = 0.2\n DEPTH = 3\n"


def test_a_model_without_tools_answers_with_a_diff(make: Made, server: Server) -> None:
    found = proposed(make([says(DIFF)], f"tools=off&{PRICES}"))
    assert found.patch == PATCH
    assert (found.description, found.theme) == ("Double the rate", "rate")
    assert (found.hypothesis, found.lessons) == ("Too slow.", ("it is slow",))
    assert "tools" not in server.requests[0].json


def test_a_server_that_takes_no_tools_is_asked_without(make: Made, server: Server) -> None:
    agent = make([fails(400, "tools is not supported by this model"), says(DIFF), says(DIFF)])
    assert proposed(agent).patch == PATCH
    assert ["tools" in one.json for one in server.requests] == [True, False]
    proposed(agent)
    assert "tools" not in server.requests[2].json


def test_a_diff_in_words_is_taken_from_a_model_with_tools_too(make: Made) -> None:
    assert proposed(make([says(DIFF)])).patch == PATCH


def test_an_analysis_can_be_asked_for_in_words(make: Made, server: Server) -> None:
    script = [says("How many?\n```python analysis\ndef analyse(data): ...\n```"), says(DIFF)]
    agent = make(list(script), f"tools=off&{PRICES}")
    asked = agent.propose(CAN_ANALYSE)
    assert isinstance(asked, Analysis)
    assert (asked.code, asked.question) == ("def analyse(data): ...\n", "How many?")
    agent.told(analysis_record(asked))
    assert proposed(agent, CAN_ANALYSE).patch == PATCH
    assert server.requests[1].messages[-1]["role"] == "user"
    assert "four rows" in told(server)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Just words.", "neither a fenced diff nor"),
        ("x\n```diff\n--- a/model.py\n", "its fence is not closed"),
        ("", "empty"),
        ("```python analysis\nx\n```", "No analysis can be run"),
    ],
)
def test_words_that_cannot_be_used_go_back(
    make: Made, server: Server, text: str, reason: str
) -> None:
    assert proposed(make([says(text), says(DIFF)], f"tools=off&{PRICES}")).patch == PATCH
    assert reason in told(server)


# Long briefings

TOO_LONG = fails(
    400, "This model's maximum context length is 8192 tokens", "context_length_exceeded"
)


def test_a_model_with_a_short_memory_is_briefed_again_more_shortly(
    make: Made, server: Server
) -> None:
    briefing = replace(BRIEFING, reading={"notes.md": "word " * 60_000})
    agent = make([TOO_LONG, TOO_LONG, calls(change()), calls(change())], f"context=8000&{PRICES}")
    proposed(agent, briefing)
    proposed(agent, briefing)
    sizes = [len(one.raw) for one in server.requests]
    assert sizes[1] < sizes[0] * 0.7
    assert sizes[2] < sizes[1] * 0.7
    assert sizes[3] == sizes[2]
    answers = [one.json["max_tokens"] for one in server.requests]
    assert answers == [8000, 4000, 2000, 2000]


def test_a_model_that_never_takes_enough_has_failed(make: Made) -> None:
    agent = make([TOO_LONG] * 50, f"context=1000&{PRICES}")
    with pytest.raises(AgentFailed, match="more tokens than the model takes"):
        agent.propose(BRIEFING)


# What is written down


def folder(office: Office) -> Path:
    path = office.transcripts.path
    assert path is not None
    return path


def test_every_byte_sent_and_received_is_kept(make: Made, server: Server, office: Office) -> None:
    script = [fails(500, "oops"), calls(("read_file", {"path": "model.py"})), calls(change())]
    proposed(make(list(script)))
    kept = sorted(folder(office).iterdir())
    sent = [one.read_bytes() for one in kept if one.name.endswith("request.json")]
    came = [one.read_bytes() for one in kept if one.name.endswith("response.json")]
    assert sent == [one.raw for one in server.requests]
    assert came == [one.body for one in server.replies]
    assert "busy" in next(one for one in kept if one.name.endswith("error.txt")).read_text()


def test_no_key_is_written_down(make: Made, server: Server, office: Office) -> None:
    def echo(request: Request) -> Reply:
        assert request.headers["Authorization"] == "Bearer sk-very-secret-key"
        return fails(500, f"odd key {request.headers['Authorization']}")

    proposed(make([echo, calls(change())]))
    written = b"".join(one.read_bytes() for one in folder(office).iterdir())
    assert b"odd key" in written
    assert b"sk-very-secret-key" not in written


# The report


def test_it_writes_a_report_without_tools(make: Made, server: Server) -> None:
    agent = make([says("# Report\n\nTwo were kept.")])
    agent.stop()
    assert agent.write("Write about two experiments.") == "# Report\n\nTwo were kept."
    assert "tools" not in server.requests[0].json
    assert told(server) == "Write about two experiments."


def test_no_report_is_an_error_of_the_agents(make: Made) -> None:
    agent = make([says("")])
    with pytest.raises(AgentFailed, match="its answer is empty"):
        agent.write("x")
    agent = make([fails(400, "no")])
    with pytest.raises(AgentFailed, match="wrote no report"):
        agent.write("x")
