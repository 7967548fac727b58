"""A call that fails is made again when that may help, paid for once, and ended when the search ends."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from pytest_autoresearch.agents.llm import calling, spec, wire
from pytest_autoresearch.agents.llm import make as make_llm
from pytest_autoresearch.agents.llm.agent import LanguageModel
from pytest_autoresearch.agents.llm.exchange import Exchange
from pytest_autoresearch.agents.office import Office
from pytest_autoresearch.agents.tables import Table
from pytest_autoresearch.exceptions import AgentFailed, CapReached, Interrupted, UsageProblem
from pytest_autoresearch.records import Briefing, Json, Proposal

from .conftest import PRICES, Made
from .server import Reply, Server, Step, calls, cut, drops, fails, hangs, says, usage

BRIEFING = Briefing("test_line", "loss", "minimize", "c0ffee", 1.0, {"model.py": b"RATE = 1\n"})
GOOD = calls(
    (
        "propose",
        {
            "description": "x",
            "hypothesis": "y",
            "files": [{"path": "model.py", "content": "RATE = 2\n"}],
        },
    )
)


def proposed(agent: LanguageModel) -> Proposal:
    handed = agent.propose(BRIEFING)
    assert isinstance(handed, Proposal)
    return handed


TRANSIENT: dict[str, Reply] = {
    "429": fails(429, "slow down"),
    "500": fails(500),
    "502": Reply(b"<html>Bad gateway</html>", 502, kind="text/html"),
    "503": fails(503),
    "529": fails(529, "overloaded"),
    "dropped": drops(),
    "cut": cut(says("some words")),
    "not JSON": Reply(b"{bad"),
    "HTML": Reply(b"<html>hello</html>", kind="text/html"),
    "a list": Reply(b"[1, 2]"),
    "nothing": Reply(b""),
    "no choices": Reply(b'{"choices": []}'),
    "an empty object": Reply(b"{}"),
}


@pytest.mark.parametrize("case", TRANSIENT)
def test_what_may_pass_is_tried_again(make: Made, server: Server, case: str) -> None:
    assert proposed(make([TRANSIENT[case], GOOD])).files
    assert len(server.requests) == 2


def test_a_hang_ends_at_the_timeout_and_is_tried_again(make: Made, server: Server) -> None:
    assert proposed(make([hangs(), GOOD], f"timeout=0.3&{PRICES}")).files
    assert len(server.requests) == 2


def test_an_answer_that_never_ends_is_cut_off(
    make: Made, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_BYTES", 10_000)
    assert proposed(make([says("x" * 50_000), GOOD])).files
    assert len(server.requests) == 2


def test_tries_are_bounded(make: Made, server: Server) -> None:
    found = proposed(make([fails(503)] * 100))
    assert found.description.startswith("no proposal: the server is busy")
    assert len(server.requests) == calling.TRIES


def test_an_outage_that_lasts_is_the_agents_end(make: Made, server: Server) -> None:
    agent = make([fails(503)] * 100)
    proposed(agent)
    proposed(agent)
    with pytest.raises(AgentFailed, match="the server is busy"):
        agent.propose(BRIEFING)


PERMANENT: dict[str, tuple[Reply, str]] = {
    "401": (fails(401, "Incorrect API key"), "does not take the key .*OPENAI_API_KEY"),
    "403": (fails(403, "not yours"), "does not take the key"),
    "404": (fails(404, "The model x does not exist"), "no such model"),
    "no money": (fails(429, "You exceeded your current quota", "insufficient_quota"), "quota"),
}
REFUSED: dict[str, tuple[Reply, str]] = {
    "400": (fails(400, "temperature must be 1"), "temperature must be 1"),
    "redirect": (Reply(b"", 307, {"Location": "http://127.0.0.1:9/v1"}), "refused"),
}


@pytest.mark.parametrize("case", PERMANENT)
def test_what_will_not_pass_is_not_tried_again(make: Made, server: Server, case: str) -> None:
    reply, words = PERMANENT[case]
    with pytest.raises(AgentFailed, match=words):
        make([reply]).propose(BRIEFING)
    assert len(server.requests) == 1


@pytest.mark.parametrize("case", REFUSED)
def test_an_odd_request_costs_a_conversation_and_three_the_agent(
    make: Made, server: Server, case: str
) -> None:
    reply, words = REFUSED[case]
    agent = make([reply] * 3)
    for _ in range(2):
        assert words in proposed(agent).description
    with pytest.raises(AgentFailed, match=words):
        agent.propose(BRIEFING)
    assert len(server.requests) == 3


@pytest.mark.parametrize("case", [*PERMANENT, *REFUSED])
def test_the_probe_says_what_a_person_has_to_mend(make: Made, case: str) -> None:
    reply, words = (PERMANENT | REFUSED)[case]
    with pytest.raises(UsageProblem, match=words):
        make([reply]).probe()


def test_the_probe_asks_for_a_word(make: Made, server: Server, office: Office) -> None:
    make([says("ready", usage(20, 1))]).probe()
    assert [one.what for one in office.purse.expenses] == ["probe"]
    assert "tools" in server.requests[0].json


def test_the_probe_finds_out_that_there_are_no_tools(make: Made, server: Server) -> None:
    agent = make([fails(400, "tools are not supported"), says("ready"), GOOD])
    agent.probe()
    agent.propose(BRIEFING)
    assert ["tools" in one.json for one in server.requests[:3]] == [True, False, False]


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("openai/gpt-5", "temperature=0.3", "temperature"),
        (
            "anthropic/claude-sonnet-4-5",
            "",
            "was not asked, for there is no key .*ANTHROPIC_API_KEY$",
        ),
        ("openai/gpt-4o-mini", "", "was not asked, for there is no key .*OPENAI_API_KEY$"),
        (
            "gemini/gemini-2.5-flash",
            "",
            r"there is no key \(Missing Gemini .{,90}\): .*GEMINI_API_KEY$",
        ),
    ],
)
def test_what_litellm_finds_out_itself_is_told_before_anything_is_sent(
    make: Made,
    server: Server,
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    options: str,
    words: str,
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    agent = LanguageModel("llm", spec.read(f"{model}?{options}"), office)
    with pytest.raises(UsageProblem, match=words):
        agent.probe()
    assert not office.purse.expenses


def test_a_server_of_ones_own_needs_no_key(
    make: Made, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert proposed(make([GOOD])).files
    assert server.requests[0].headers["Authorization"] == "Bearer none"


def test_a_network_that_fails_names_proxy_and_authorities(make: Made, server: Server) -> None:
    agent = make([])
    server._http.server_close()
    with pytest.raises(UsageProblem) as error:
        agent.probe()
    for name in ("HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        assert name in str(error.value)


def waits(agent: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it waits between tries, without waiting."""
    seen: list[float] = []
    monkeypatch.setattr(calling, "sleep", lambda seconds, reach: seen.append(seconds))
    proposed(agent)
    return seen


def test_waiting_grows_and_is_bounded(make: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_WAIT", 1.0)
    monkeypatch.setattr(calling, "LONGEST_WAIT", 3.0)
    seen = waits(make([fails(503)] * 5 + [GOOD]), monkeypatch)
    assert len(seen) == 5
    for seconds, least in zip(seen, (1, 2, 3, 3, 3), strict=True):
        assert least <= seconds <= least + 1


@pytest.mark.parametrize("seconds", ["7", "7.5"])
def test_a_server_that_asks_to_wait_is_obeyed(
    make: Made, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    script: list[Step] = [fails(429, "slow", retry_after=seconds), GOOD]
    assert waits(make(script), monkeypatch) == [float(seconds)]


def test_a_date_to_wait_for_is_understood(make: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    then = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    (seconds,) = waits(make([fails(429, "slow", retry_after=then), GOOD]), monkeypatch)
    assert 50 < seconds <= 100


def test_nobody_waits_beyond_the_end(make: Made, server: Server, office: Office) -> None:
    office.seconds_left = lambda: 5.0
    found = proposed(make([fails(429, "slow", retry_after="6"), GOOD]))
    assert found.description.startswith("no proposal: the server is busy")
    assert len(server.requests) == 1


def test_no_call_begins_after_the_end(make: Made, server: Server, office: Office) -> None:
    office.seconds_left = lambda: 0.0
    with pytest.raises(Interrupted):
        make([GOOD]).propose(BRIEFING)
    assert not server.requests


@pytest.mark.parametrize("how", ["stop", "office"])
def test_a_call_under_way_ends_with_the_search(
    make: Made, server: Server, office: Office, how: str
) -> None:
    agent = make([hangs()])
    raised: list[BaseException] = []

    def think() -> None:
        try:
            agent.propose(BRIEFING)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=think)
    thread.start()
    while not server.requests:
        time.sleep(0.01)
    if how == "stop":
        agent.stop()
    else:
        office.stopped = lambda: True
    thread.join(20)
    assert [type(one) for one in raised] == [Interrupted]


def test_waiting_for_another_try_ends_with_the_search(
    make: Made, office: Office, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "FIRST_WAIT", 1000.0)
    monkeypatch.setattr(calling, "LONGEST_WAIT", 1000.0)
    monkeypatch.setattr(calling, "MOST_PATIENCE", 9000.0)
    office.stopped = lambda: len(server.requests) > 0
    with pytest.raises(Interrupted):
        make([fails(503)]).propose(BRIEFING)


# Money


def paid(office: Office) -> list[float]:
    return [one.usd or 0.0 for one in office.purse.expenses]


def test_what_the_server_counts_is_paid(make: Made, office: Office) -> None:
    script: list[Step] = [says("hm", usage(1000, 100)), fails(500), GOOD]
    proposed(make(script))
    assert paid(office) == pytest.approx([0.003, 0.0003])
    assert office.purse.tokens == 1210
    assert [one.agent for one in office.purse.expenses] == ["llm", "llm"]


def test_litellms_prices_are_taken_with_those_of_cached_and_thought_tokens(
    make: Made, office: Office, litellm: Any
) -> None:
    price = litellm.get_model_info("openai/gpt-4o-mini")
    used = usage(1000, 100, cached=400)
    used["completion_tokens_details"] = {"reasoning_tokens": 60}
    proposed(make([says("hm", used), GOOD], "max_tokens=1000", "openai/gpt-4o-mini"))
    expected = (
        600 * price["input_cost_per_token"]
        + 400 * price["cache_read_input_token_cost"]
        + 100 * price["output_cost_per_token"]
    )
    assert paid(office)[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("reply", [hangs(), drops(), cut(says("hm"))], ids=["hang", "drop", "cut"])
def test_what_may_have_been_billed_counts_as_the_most(
    make: Made, office: Office, reply: Reply
) -> None:
    agent = make([reply, GOOD], f"timeout=0.3&max_tokens=1000&{PRICES}")
    proposed(agent)
    assert 0.01 < paid(office)[0] < 0.02
    assert "counted as the most" in office.purse.expenses[0].what
    assert paid(office)[1] == pytest.approx(0.0003)


def test_without_usage_tokens_are_counted(make: Made, office: Office) -> None:
    proposed(make([says("some words " * 100, {}), GOOD]))
    assert office.purse.expenses[0].what == "proposal, tokens estimated"
    assert 200 < office.purse.expenses[0].tokens < 5000
    assert paid(office)[0] > 0.001


NONSENSE: dict[str, dict[str, Json]] = {
    "in": usage(10**30, 10),
    "out": usage(100, 10**30),
    "cached": usage(1000, 10, cached=-(10**30)),
    "a little": usage(100_000, 1),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_what_no_call_can_have_used_is_not_believed(make: Made, office: Office, case: str) -> None:
    used = NONSENSE[case]
    agent = make([says("some words " * 100, used), GOOD], "max_tokens=1000", "openai/gpt-4o-mini")
    proposed(agent)
    first = office.purse.expenses[0]
    assert "the server reports what cannot be" in first.what
    assert 200 < first.tokens < 5000
    assert 0 < (first.usd or 0) < 0.01


def test_what_a_call_may_use_is_believed(make: Made, office: Office) -> None:
    proposed(make([says("hm", usage(9000, 1000)), GOOD], f"max_tokens=1000&{PRICES}"))
    assert office.purse.expenses[0].what == "proposal"
    assert office.purse.expenses[0].tokens == 10_000


def test_the_most_is_on_record_while_a_call_is_made(
    make: Made, server: Server, office: Office
) -> None:
    lines: list[dict[str, Json]] = []
    office.purse.attach(lambda kind, **fields: lines.append(fields))
    agent = make([hangs()], f"max_tokens=1000&{PRICES}")

    def think() -> None:
        with suppress(Interrupted):
            agent.propose(BRIEFING)

    thread = threading.Thread(target=think)
    thread.start()
    while not server.requests:
        time.sleep(0.01)
    (begun,) = list(lines)
    assert 0.01 < begun["usd"] < 0.02
    assert begun["what"] == "proposal: begun, counted as the most until it ends"
    agent.stop()
    thread.join(20)
    assert [(one["call"], one["usd"]) for one in lines] == 2 * [(begun["call"], begun["usd"])]
    assert lines[1]["what"] == "proposal: ended, counted as the most"


def test_a_call_that_an_error_answers_costs_nothing_although_it_was_reserved(
    make: Made, office: Office
) -> None:
    lines: list[dict[str, Json]] = []
    office.purse.attach(lambda kind, **fields: lines.append(fields))
    with pytest.raises(AgentFailed):
        make([fails(401, "no")]).propose(BRIEFING)
    assert [one["usd"] == 0 for one in lines] == [False, True]
    assert (office.purse.usd, office.purse.expenses) == (0.0, [])


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_a_report_that_a_person_ends_is_paid_for_and_on_record(
    make: Made, office: Office, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    agent = make([says("hm")], f"max_tokens=1000&{PRICES}")

    def ctrl_c(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(Exchange, "made", ctrl_c)
    with pytest.raises(error):
        agent.write("Write it.")
    assert [one.what for one in office.purse.expenses] == ["report: ended, counted as the most"]
    assert paid(office)[0] > 0.01
    folder = office.transcripts.path
    assert folder is not None
    names = {path.name.split("-", 1)[1] for path in folder.iterdir()}
    assert names == {"request.json", "error.txt"}
    assert error.__name__ in next(folder.glob("*error.txt")).read_text()


def test_a_cap_is_kept_before_the_call(make: Made, server: Server, office: Office) -> None:
    office.purse.cap = 0.005
    with pytest.raises(CapReached):
        make([GOOD], f"max_tokens=1000&{PRICES}").propose(BRIEFING)
    assert not server.requests


def test_a_declared_price_of_a_call_is_paid_for_each(make: Made, office: Office) -> None:
    proposed(make([says("hm"), GOOD], "cost=0.05"))
    assert paid(office) == [0.05, 0.05]


def test_nobody_knows_what_an_unknown_model_costs(make: Made, office: Office) -> None:
    agent = make([GOOD], "")
    assert agent.most_usd is None
    office.purse.cap = None
    proposed(agent)
    assert [one.usd for one in office.purse.expenses] == [None]
    assert office.purse.tokens == 110


def test_the_most_that_a_call_may_cost_is_known_beforehand(make: Made, office: Office) -> None:
    agent = make([GOOD], f"max_tokens=1000&context=2000&{PRICES}")
    assert agent.most_usd == pytest.approx((2000 * 4 * 1.25 * 2 + 1000 * 10) / 1e6)


def test_a_table_says_what_the_argument_does_not(litellm: Any, office: Office) -> None:
    table = Table("careful", "llm:openai/x", timeout=7.0, cost=0.5)
    agent = make_llm("openai/x?timeout=3", office, table)
    assert (agent.name, agent.options.timeout, agent.options.cost) == ("careful", 3.0, 0.5)
    agent = make_llm("openai/x?input_cost=1&output_cost=1", office, table)
    assert (agent.options.timeout, agent.options.cost) == (7.0, None)
    assert make_llm("openai/x?cost=1", office).name == "llm:openai/x?cost=1"


def test_a_table_for_a_model_has_no_files_and_variables(office: Office) -> None:
    with pytest.raises(UsageProblem, match="env and paths are for command: agents"):
        make_llm("openai/x", office, Table("careful", "llm:openai/x", env={"KEY": None}))
