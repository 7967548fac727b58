"""How a coding agent's program is called: its environment, its price, and what is wrong with it at once."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from pytest_autoresearch.agents.command import make
from pytest_autoresearch.agents.command.command import Command
from pytest_autoresearch.agents.command.line import Line
from pytest_autoresearch.agents.command.profiles import PROFILES
from pytest_autoresearch.agents.office import Office
from pytest_autoresearch.agents.protocol import Thinks
from pytest_autoresearch.agents.purse import Purse
from pytest_autoresearch.agents.tables import Table
from pytest_autoresearch.exceptions import CapReached, UsageProblem
from pytest_autoresearch.records import Json, Proposal

from .conftest import FIRST, MODEL, Desk, Direct, Furnish

TELL = """
import json
(here / "src/model.py").write_text(json.dumps([sys.argv[1:], dict(os.environ)]))
"""


def told(desk: Desk, more: str = "", **table: Any) -> tuple[list[str], dict[str, str]]:
    """The words and the variables that a program was called with."""
    found = desk.agent(TELL, more=more, **table).propose(desk.briefing())
    assert isinstance(found, Proposal)
    words, variables = json.loads(found.files[MODEL])
    return words, variables


# The environment


def test_its_environment_is_built_from_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    monkeypatch.setenv("no_proxy", "here")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    monkeypatch.setenv("LISTED", "mine")
    _, variables = told(desk, env={"LISTED": None, "GIVEN": "a = b"})
    assert "AWS_SECRET_ACCESS_KEY" not in variables
    assert variables["HTTPS_PROXY"] == "http://proxy"
    assert variables["no_proxy"] == "here"
    assert variables["SSL_CERT_FILE"] == "/etc/ssl/certs/ca-certificates.crt"
    assert (variables["LISTED"], variables["GIVEN"]) == ("mine", "a = b")
    assert variables["TERM"] == "dumb"
    assert Path(variables["HOME"]) == Path(os.path.realpath(desk.work)).with_name("home")


def test_the_command_is_split_as_by_a_shell_and_run_without_one(desk: Desk) -> None:
    words, _ = told(desk, "'two words' $HOME ';' {briefing} --file={briefing}")
    briefing = os.path.realpath(desk.work / "BRIEFING.md")
    assert words == ["two words", "$HOME", ";", briefing, f"--file={briefing}"]


def test_a_file_that_the_command_names_is_shown_alone(furnish: Furnish) -> None:
    desk = furnish()
    (desk.folder / "repository" / "settings.json").write_text("settings")
    (desk.folder / "repository" / "test_line.py").write_text("the labels")
    settings = shlex.quote(str(desk.folder / "repository" / "settings.json"))
    body = """
    there = pathlib.Path(sys.argv[1])
    (here / "src/model.py").write_text(repr((there.read_text(), sorted(p.name for p in there.parent.iterdir()))))
    """
    found = desk.agent(body, more=settings).propose(desk.briefing())
    assert isinstance(found, Proposal)
    assert found.files[MODEL] == repr(("settings", ["settings.json"]))


def test_confined_it_reads_neither_repository_nor_data_nor_the_run(furnish: Furnish) -> None:
    desk = furnish()
    secret = desk.folder / "repository" / "labels.csv"
    secret.write_text("the labels")
    journal = desk.folder / "agents" / "journal"
    journal.parent.mkdir(exist_ok=True)
    journal.write_text("the vault")
    body = f"""
    said = []
    for path in ({str(secret)!r}, {str(journal)!r}):
        try:
            said.append(open(path).read())
        except OSError as error:
            said.append(error.strerror)
    (here / "src/model.py").write_text(repr(said))
    """
    found = desk.agent(body).propose(desk.briefing())
    assert isinstance(found, Proposal)
    assert found.files[MODEL] == repr(["No such file or directory"] * 2)


# What is wrong with it at once


def problem(agent: Command) -> str:
    with pytest.raises(UsageProblem) as raised:
        agent.probe()
    return str(raised.value)


def made(text: str, desk: Desk, table: Table | None = None) -> Command:
    return make(text, desk.office, table, desk.runner)


def test_a_missing_program_is_a_usage_problem(desk: Desk, tmp_path: Path) -> None:
    said = problem(made("no-such-agent --fast", desk))
    assert said.startswith(
        "agent command:no-such-agent --fast: there is no program 'no-such-agent'"
    )
    assert "there is no program" in problem(made(f"{tmp_path}/", desk))


def test_a_script_that_nobody_may_run_needs_its_x_bit(desk: Desk, tmp_path: Path) -> None:
    script = tmp_path / "my agent.sh"
    script.touch(mode=0o644)
    said = problem(made(shlex.quote(str(script)), desk))
    assert said.endswith(f"is there, but nobody may run it: chmod +x '{script}'")
    script.chmod(0o755)
    made(shlex.quote(str(script)), desk).probe()


@pytest.mark.parametrize("text", ["python3 agent.py", "python3 -u agent.py --fast", "agent.py"])
def test_a_file_here_that_is_named_without_a_slash_is_not_there_for_the_tool(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "agent.py").write_text(FIRST)
    (tmp_path / "agent.py").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    said = problem(made(text, desk))
    assert "'agent.py' is a file here" in said
    assert said.endswith("write ./agent.py")
    made(text.replace("agent.py", "./agent.py"), desk).probe()


def test_a_file_that_the_tool_may_change_is_its_own_copy(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.py").touch()
    monkeypatch.chdir(tmp_path)
    desk.office.closed = lambda path: "" if path == "model.py" else "it matches no glob"
    made("python3 model.py", desk).probe()


@pytest.mark.parametrize("text", ["claude 'open", "''", "  "])
def test_a_command_that_is_none_is_a_usage_problem(desk: Desk, text: str) -> None:
    with pytest.raises(UsageProblem, match="The agent 'command:"):
        made(text, desk)


def test_a_program_below_the_home_has_to_be_listed(
    furnish: Furnish, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = furnish()
    home = desk.folder / "person"
    program = home / ".local" / "bin" / "my-agent"
    program.parent.mkdir(parents=True)
    program.write_text(FIRST)
    program.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    said = problem(made("my-agent", desk))
    assert "lies outside of what it may see" in said
    assert f"paths = ['{program.parent}']" in said
    made("my-agent", desk, Table(paths=("~/.local/bin",))).probe()


def test_a_variable_or_a_path_that_is_listed_has_to_be_there(desk: Desk) -> None:
    script = shlex.quote(str(desk.script("")))
    assert "env lists NOT_SET" in problem(made(script, desk, Table(env={"NOT_SET": None})))
    assert "paths lists '/nowhere'" in problem(made(script, desk, Table(paths=("/nowhere",))))
    made(script, desk, Table(env={"SET": "x"}, paths=("/usr",))).probe()


def test_one_that_we_know_needs_a_key_and_has_to_run(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, monkeypatch, "sys.exit('no such library')")
    for key in PROFILES["claude"].keys:
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "set ANTHROPIC_API_KEY or" in problem(made("claude", desk))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    assert "--version does not run where it would work: no such library" in problem(
        made("claude", desk)
    )


# Tools that we know


def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, name: str = "claude") -> None:
    """Put a program of this name first on PATH."""
    path = tmp_path / "tools" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(FIRST + body)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


CLAUDE = """
import json
if "--version" in sys.argv: sys.exit()
calls = pathlib.Path.home() / "calls"
with calls.open("a") as file: file.write(json.dumps(sys.argv[1:]) + "\\n")
(here / "src/model.py").write_text(f"# {len(calls.read_text())}")
print('{"type": "system"}')
print(json.dumps({"type": "result", "total_cost_usd": 0.125, "result": "I am done.",
    "usage": {"input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 1000}}))
"""


def test_claude_is_called_with_what_is_left_and_its_conversation_goes_on(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, monkeypatch, CLAUDE)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    purse = desk.office.purse = Purse(0.25)
    agent = made("claude --model opus", desk, Table(name="c", cost=0.2))
    agent.probe()
    desk.problems = ["mend it"]
    agent.propose(desk.briefing())
    assert purse.usd == 0.25
    assert purse.tokens == 2 * 1110
    home = desk.folder / "agents" / "home-c" / "home"
    first, second = map(json.loads, (home / "calls").read_text().splitlines())
    assert first[0] == "-p"
    assert second[:2] == ["--continue", "-p"]
    assert "PROBLEM.md" in second[2]
    assert [words[words.index("--max-budget-usd") + 1] for words in (first, second)] == [
        "0.2000",
        "0.1250",
    ]
    assert first[-2:] == ["--model", "opus"]
    with pytest.raises(CapReached):
        agent.propose(desk.briefing())


def test_a_login_is_copied_into_its_own_home_where_there_is_no_key(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, monkeypatch, CLAUDE)
    login = tmp_path / ".claude" / ".credentials.json"
    login.parent.mkdir()
    login.write_text("login")
    monkeypatch.setenv("HOME", str(tmp_path))
    home = desk.folder / "agents" / "home-c" / "home"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    made("claude", desk, Table(name="c")).propose(desk.briefing())
    assert not (home / ".claude").exists()
    for key in PROFILES["claude"].keys:
        monkeypatch.delenv(key, raising=False)
    made("claude", desk, Table(name="c")).propose(desk.briefing())
    copy = home / ".claude" / ".credentials.json"
    assert copy.read_text() == "login"
    assert copy.stat().st_mode & 0o077 == 0


def logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    """A person who has logged in with codex, and has no key."""
    person = tmp_path / "person"
    (person / ".codex").mkdir(parents=True)
    (person / ".codex" / "auth.json").write_text(login)
    monkeypatch.setenv("HOME", str(person))
    for key in PROFILES["codex"].keys:
        monkeypatch.delenv(key, raising=False)


def test_a_login_is_not_copied_through_a_link_that_the_tool_has_left(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = tmp_path / "public"
    public.mkdir()
    (public / "auth.json").write_text("another file")
    tool(
        tmp_path,
        monkeypatch,
        f"""
there = pathlib.Path.home() / ".codex"
(here / "src/model.py").write_text(str(there.is_dir()))
if not os.path.lexists(there): os.symlink({str(public)!r}, there)
""",
        "codex",
    )
    for key in PROFILES["codex"].keys:
        monkeypatch.setenv(key, "key")
    made("codex", desk, Table(name="c")).propose(desk.briefing())
    logged_in(tmp_path, monkeypatch, "the login")
    found = made("codex", desk, Table(name="c")).propose(desk.briefing())
    assert isinstance(found, Proposal)
    assert found.files == {MODEL: "True"}
    assert (public / "auth.json").read_text() == "another file"
    copy = desk.folder / "agents" / "home-c" / "home" / ".codex" / "auth.json"
    assert copy.read_text() == "the login"
    assert copy.stat().st_mode & 0o077 == 0


def test_its_login_is_not_written_down_nor_the_one_that_it_renews(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = "the-old-token-0123456789", "the-new-token-9876543210"
    tool(
        tmp_path,
        monkeypatch,
        f"""
login = pathlib.Path.home() / ".codex/auth.json"
print(login.read_text(), flush=True)
login.write_text(login.read_text().replace({old!r}, {new!r}))
(here / "PROPOSAL.md").write_text("with " + login.read_text())
(here / "src/model.py").write_text("x")
sys.exit(login.read_text())
""",
        "codex",
    )
    logged_in(tmp_path, monkeypatch, json.dumps({"tokens": {"access_token": old}}))
    found = made("codex", desk, Table(name="c")).propose(desk.briefing())
    assert isinstance(found, Proposal)
    assert "$LOGIN" in found.description
    folder = desk.office.transcripts.path
    assert folder is not None
    texts = [path.read_text() for path in folder.iterdir()]
    assert any("$LOGIN" in text for text in texts)
    assert not any(token in text for text in [*texts, repr(found)] for token in (old, new))


def test_half_of_a_key_is_not_told_where_what_its_model_says_is_cut(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = """
import json
text = "x" * 1990 + os.environ["ANTHROPIC_API_KEY"]
print(json.dumps({"type": "result", "total_cost_usd": 0.5, "result": text}))
"""
    tool(tmp_path, monkeypatch, body)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-secret-0123456789")
    found = made("claude", desk, Table(name="c")).propose(desk.briefing())
    assert isinstance(found, Proposal)
    assert found.description.endswith("xxx")
    agent = made("claude", desk, Table(name="c"))
    agent.propose(desk.briefing())
    assert "a-secret" not in repr(agent._notes)
    assert "x$ANTHROPI" in repr(agent._notes)
    assert desk.office.purse.usd == 1.0


CODEX = """
import json
count = pathlib.Path.home() / "count"
n = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(n))
(here / "src/model.py").write_text(json.dumps(sys.argv[1:]))
print(json.dumps({"type": "thread.started", "thread_id": "t"}))
print(json.dumps({"type": "turn.completed", "usage": {"input_tokens": 100 * n, "output_tokens": 10 * n,
    "cached_input_tokens": 50}}))
"""


def test_tokens_that_codex_counts_for_a_whole_conversation_are_paid_once(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, monkeypatch, CODEX, "codex")
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    for session in range(3):
        found = made("codex", desk, Table(name="c", cost=0.0)).propose(desk.briefing())
        assert isinstance(found, Proposal)
        assert ("resume" in json.loads(found.files[MODEL])) is (session > 0)
    assert [one.tokens for one in desk.office.purse.expenses] == [110, 110, 110]


@pytest.mark.parametrize("ends", [True, False])
def test_the_most_is_on_record_while_it_works(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    lines: list[dict[str, Json]] = []
    seen: list[dict[str, Json]] = []
    desk.office.purse.attach(lambda kind, **fields: lines.append(fields))
    run = desk.runner.run

    def watched(*arguments: Any, **named: Any) -> Any:
        seen.extend(lines)
        if not ends:
            raise KeyboardInterrupt
        return run(*arguments, **named)

    monkeypatch.setattr(desk.runner, "run", watched)
    agent = desk.agent("""
    (here / "src/model.py").write_text("RATE = 2\\n")
    print('{"cost_usd": 0.125, "tokens": 30}')
    """, cost=0.5)  # fmt: skip
    if ends:
        agent.propose(desk.briefing())
    else:
        with pytest.raises(KeyboardInterrupt):
            agent.propose(desk.briefing())
    assert [(one["usd"], one["what"]) for one in seen] == [
        (0.5, "call: begun, counted as the most until it ends")
    ]
    paid = (0.125, 30) if ends else (0.5, 0)
    assert [(one.usd, one.tokens) for one in desk.office.purse.expenses] == [paid]
    assert {one["call"] for one in lines} == {seen[0]["call"]}
    assert len(lines) == 2


def test_after_a_call_that_failed_a_new_conversation_begins(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(
        tmp_path,
        monkeypatch,
        CLAUDE.replace(
            'print(\'{"type"',
            'len(calls.read_text().split("\\n")) == 3 and sys.exit(1)\nprint(\'{"type"',
        ),
    )
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    agent = made("claude", desk, Table(name="c"))
    for _ in range(3):
        agent.propose(desk.briefing())
    home = desk.folder / "agents" / "home-c" / "home"
    calls = [json.loads(line) for line in (home / "calls").read_text().splitlines()]
    assert ["--continue" in words for words in calls] == [False, True, False]


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_is_called_with_its_prompt_and_nothing_unfilled(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    tool(tmp_path, monkeypatch, TELL, name)
    for key in PROFILES[name].keys:
        monkeypatch.delenv(key, raising=False)
    for _ in range(2):
        agent = made(f"{name} --extra", desk, Table(name="c", env={"X": "y"}))
        found = agent.propose(desk.briefing(editable={MODEL: b""}))
        assert isinstance(found, Proposal)
        words, _ = json.loads(found.files[MODEL])
        assert "--extra" in words
        assert any("BRIEFING.md" in word for word in words)
        assert not any(word.startswith("{") for word in words)


# Money


def test_an_agent_that_nobody_has_priced_may_cost_anything(desk: Desk) -> None:
    agent = desk.agent(TELL)
    assert agent.most_usd is None
    agent.propose(desk.briefing())
    assert [one.usd for one in desk.office.purse.expenses] == [None]


def test_a_declared_cost_is_paid_for_every_call_also_for_one_that_dies(furnish: Furnish) -> None:
    desk = furnish()
    desk.office.purse = Purse(0.25)
    agent = desk.agent("time.sleep(1000)", cost=0.1, timeout=0.3)
    assert agent.most_usd == 0.1
    for _ in range(2):
        agent.propose(desk.briefing())
    assert desk.office.purse.usd == 0.2
    with pytest.raises(CapReached, match=r"may cost 0\.1 USD, 0\.05 of 0\.25"):
        agent.propose(desk.briefing())


def test_a_script_may_say_what_it_has_cost_and_that_counts(desk: Desk) -> None:
    body = TELL + 'print(\'{"cost_usd": 0.3, "tokens": 70}\')'
    agent = desk.agent(body, cost=0.1)
    agent.propose(desk.briefing())
    assert desk.office.purse.expenses[0].usd == 0.3
    assert desk.office.purse.tokens == 70
    assert agent.most_usd == 0.3


def test_where_the_cap_forbids_to_mend_the_proposal_goes_on_as_it_is(desk: Desk) -> None:
    desk.office.purse = Purse(0.15)
    desk.problems = ["wrong", "wrong", "wrong"]
    found = desk.agent(TELL, cost=0.1).propose(desk.briefing())
    assert isinstance(found, Proposal)
    assert found.files
    assert len(desk.trials) == 1


# What a search asks of it


def test_it_says_where_what_it_is_told_goes() -> None:
    agent = make("claude --model opus", Office(), None, Direct())
    assert isinstance(agent, Thinks)
    assert agent.destination == "the program claude"
    assert agent.hosted
    assert (
        make("/opt/own/agent.sh x", Office(), None, Direct()).destination == "the program agent.sh"
    )
    assert agent.name == "command:claude --model opus"
    assert Line.parse("claude").known == "claude"
    assert not Line.parse("/usr/bin/claude").known


def test_what_makes_a_runner_is_asked_only_for_an_agent_that_can_be() -> None:
    asked: list[int] = []

    def place() -> Direct:
        asked.append(1)
        return Direct()

    with pytest.raises(UsageProblem):
        make("'", Office(), None, place)
    assert not asked
    make("x", Office(), None, place)
    assert asked
