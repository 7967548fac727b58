"""What a person asks for on the command line, in the ini and in tables arrives as it was meant."""

from __future__ import annotations

import pytest

from pytest_autoresearch.agents.tables import Table
from pytest_autoresearch.exceptions import UsageProblem
from pytest_autoresearch.options import Settings, settings


def asked(pytester: pytest.Pytester, *arguments: str) -> Settings:
    return settings(pytester.parseconfig("--autoresearch", *arguments))


@pytest.mark.parametrize(
    ("arguments", "cost", "capped"),
    [
        ((), None, ""),
        (("--autoresearch-max-cost", "2.50"), 2.5, "given"),
        (("--autoresearch-max-cost", "0"), 0.0, "given"),
        (("--autoresearch-max-cost", "none"), None, "none"),
        (("--autoresearch-max-cost", " None "), None, "none"),
        (("-o", "autoresearch_max_cost=7"), 7.0, "given"),
        (("-o", "autoresearch_max_cost=7", "--autoresearch-max-cost", "none"), None, "none"),
    ],
)
def test_the_cost_cap_is_given_lifted_or_left_open(
    pytester: pytest.Pytester, arguments: tuple[str, ...], cost: float | None, capped: str
) -> None:
    found = asked(pytester, *arguments)
    assert (found.max_cost, found.cost_capped) == (cost, capped)


def test_several_agents_keep_their_order(pytester: pytest.Pytester) -> None:
    found = asked(
        pytester, "--autoresearch-agent", "llm:a?x=1", "--autoresearch-agent", "tune"
    )  # fmt: skip
    assert found.agents == ("llm:a?x=1", "tune")
    assert asked(pytester).agents == ("tune",)


def test_what_stands_in_the_ini_arrives(pytester: pytest.Pytester) -> None:
    pytester.makeini(
        """
        [pytest]
        autoresearch_agent = llm:a "command:my tool --fast"
        autoresearch_trust_agent = true
        autoresearch_notify = tell 'two words'
        autoresearch_disclose = all
        autoresearch_reading = notes/*.md "my plan.txt"
        """
    )
    found = asked(pytester)
    assert found.agents == ("llm:a", "command:my tool --fast")
    assert found.trust_agent is True
    assert found.notify == "tell 'two words'"
    assert found.disclose == "all"
    assert found.reading == ("notes/*.md", "my plan.txt")


def test_without_any_of_it_nothing_is_disclosed_trusted_or_told(pytester: pytest.Pytester) -> None:
    found = asked(pytester)
    assert (found.trust_agent, found.notify, found.disclose) == (False, "", "errors")
    assert (found.reading, found.tables) == ((), {})


def test_tables_and_lists_of_pyproject_arrive(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        autoresearch_reading = ["notes/*.md"]

        [tool.pytest-autoresearch.agents.careful]
        spec = "command:claude"
        """
    )
    found = asked(pytester, "--autoresearch-trust-agent")
    assert found.reading == ("notes/*.md",)
    assert found.tables == {"careful": Table("careful", "command:claude")}
    assert found.trust_agent is True


def test_a_broken_table_stops_the_search(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml("[tool.pytest-autoresearch.agents.tune]\nspec = 'x'\n")
    with pytest.raises(UsageProblem, match="cannot be an agent's name"):
        asked(pytester)
