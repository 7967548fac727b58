"""Agents described in pyproject.toml are read as written, and mistakes are named with file, table and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_autoresearch.agents.tables import Table, read_tables, resolved
from pytest_autoresearch.exceptions import UsageProblem


def written(folder: Path, text: str) -> dict[str, Table]:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return read_tables(folder)


def one(folder: Path, keys: str, name: str = "mine") -> Table:
    return written(folder, f"[tool.pytest-autoresearch.agents.{name}]\n{keys}")[name.strip('"')]


def test_every_key_is_read(tmp_path: Path) -> None:
    assert one(
        tmp_path,
        "spec = 'command:claude'\ntimeout = 900\ncost = 0.25\nenv = ['MY_KEY']\npaths = ['~/.claude']\n"
        "tokens = 2_000_000",
    ) == Table("mine", "command:claude", 900.0, 0.25, {"MY_KEY": None}, ("~/.claude",), 2_000_000)


def test_only_spec_is_needed(tmp_path: Path) -> None:
    assert one(tmp_path, "spec = 'llm:gpt-5'") == Table("mine", "llm:gpt-5")


def test_variables_may_be_given_with_their_values(tmp_path: Path) -> None:
    table = one(tmp_path, "spec = 'command:x'\nenv = {MODEL = 'big', EMPTY = ''}")
    assert table.env == {"MODEL": "big", "EMPTY": ""}


def test_a_ready_profile_may_be_customised_under_its_own_name(tmp_path: Path) -> None:
    tables = written(tmp_path, "[tool.pytest-autoresearch.agents.claude]\nspec = 'command:claude'")
    assert resolved("claude", tables) == ("command:claude", tables["claude"])


@pytest.mark.parametrize("text", ["", "[project]\nname = 'p'", "[tool.pytest-autoresearch]"])
def test_without_tables_there_are_none(tmp_path: Path, text: str) -> None:
    assert written(tmp_path, text) == {}


def test_without_the_file_there_are_none(tmp_path: Path) -> None:
    assert read_tables(tmp_path) == {}


def test_a_spec_that_names_no_table_stays_what_it_is(tmp_path: Path) -> None:
    assert resolved("llm:gpt-5", {}) == ("llm:gpt-5", Table())


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("timeout = 5", "lacks spec"),
        ("spec = ''", "spec = '' has to be a text"),
        ("spec = 5", "spec = 5 has to be a text"),
        ("spec = 'x'\ntimeout = 0", "timeout = 0 has to be a number of seconds, more than 0"),
        ("spec = 'x'\ntimeout = true", "timeout = True has to be"),
        ("spec = 'x'\ntimeout = 'long'", "timeout = 'long' has to be"),
        ("spec = 'x'\ncost = -1", "cost = -1 has to be a number of dollars a call, 0 or more"),
        ("spec = 'x'\ncost = nan", "cost = nan has to be"),
        ("spec = 'x'\ncost = inf", "cost = inf has to be"),
        ("spec = 'x'\ntokens = 1.5", "tokens = 1.5 has to be a whole number, 1 or more"),
        ("spec = 'x'\ntokens = 0", "tokens = 0 has to be"),
        ("spec = 'x'\nenv = 'KEY'", "env = 'KEY' has to be a list of names"),
        ("spec = 'x'\nenv = ['A=b']", "env = ['A=b'] has to be"),
        ("spec = 'x'\nenv = {A = 5}", "env = {'A': '...'} has to be"),
        ("spec = 'x'\nenv = {'A B' = 'c'}", "has to be a list of names"),
        ('spec = "x"\nenv = {A = "\\u0000"}', "has to be a list of names"),
        ("spec = 'x'\npaths = '~/.claude'", "paths = '~/.claude' has to be a list of paths"),
        ("spec = 'x'\npaths = ['', 'a']", "paths = ['', 'a'] has to be"),
        ("spec = 'x'\ntimeuot = 5", "there is no key 'timeuot'; there are spec, timeout, cost"),
    ],
)
def test_a_wrong_key_is_named_with_file_and_table(tmp_path: Path, keys: str, words: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        one(tmp_path, keys)
    said = str(caught.value)
    assert said.startswith(
        f"{tmp_path / 'pyproject.toml'}: [tool.pytest-autoresearch.agents.mine]: "
    )
    assert words in said


@pytest.mark.parametrize("name", ["tune", "replay", "llm", "command", '"a:b"', '""', '"ä ö"'])
def test_a_table_has_no_name_of_an_agent_of_ours_and_none_that_reads_as_a_spec(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageProblem, match="cannot be an agent's name"):
        one(tmp_path, "spec = 'llm:gpt-5'", name)


@pytest.mark.parametrize("spec", ["mine", "other"])
def test_a_table_does_not_name_a_table(tmp_path: Path, spec: str) -> None:
    with pytest.raises(UsageProblem, match=f"spec = '{spec}' names a table"):
        written(
            tmp_path,
            f"[tool.pytest-autoresearch.agents.mine]\nspec = '{spec}'\n"
            "[tool.pytest-autoresearch.agents.other]\nspec = 'tune'\n",
        )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.pytest-autoresearch]\nagents = 5", r"\.agents\] has to be a table, not 5"),
        ("[tool.pytest-autoresearch.agents]\nx = 'llm:m'", r"\.agents\.x\] has to be a table"),
        (
            "[tool.pytest-autoresearch.agent.claude]\nspec = 'command:claude'",
            r"pyproject.toml: \[tool.pytest-autoresearch\]: there is no key 'agent'; there are agents",
        ),
        ("[tool]\npytest-autoresearch = 1", r"\[tool.pytest-autoresearch\] has to be a table"),
        ("[tool.pytest-autoresearch\n", "cannot be read: "),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        written(tmp_path, text)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageProblem, match="cannot be read"):
        read_tables(tmp_path)
